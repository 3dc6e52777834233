//go:build verify

package verify

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/wabawatch/wabawatch/shared/config"
	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/whatsapptest"
	"github.com/wabawatch/wabawatch/verify/proxy"
	"github.com/wabawatch/wabawatch/verify/stack"
)

// deliver sends a body until it is answered 200, as Meta does, who goes on for days. It may be called from
// any goroutine.
func deliver(t *testing.T, send func(context.Context, []byte, string) (int, error), body []byte, signature string) {
	t.Helper()
	var last error
	for range 5 {
		code, err := send(t.Context(), body, signature)
		if err == nil && code == http.StatusOK {
			return
		}
		last = cmp.Or(err, fmt.Errorf("status %d", code))
	}
	t.Errorf("none of five deliveries was answered 200: %v", last)
}

// both delivers two bodies at the same time to two environments.
func both(t *testing.T, s *stack.Stack, a, b []whatsapptest.Change) {
	t.Helper()
	var wg sync.WaitGroup
	for _, changes := range [][]whatsapptest.Change{a, b} {
		body := whatsapptest.Body(changes...)
		signature := whatsapptest.Sign(s.Secrets[config.AppSecrets], body)
		wg.Go(func() { deliver(t, s.Deliver, body, signature) })
	}
	wg.Wait()
}

// TestTwoWebhooksForOneSubjectAtOnce: whichever is first, what is stored is what the two say in the
// order of their times, and each incident is told once. One template is in all bodies, and another is
// new to each pair.
func TestTwoWebhooksForOneSubjectAtOnce(t *testing.T) {
	t.Parallel()
	const rounds = 30
	l := deployed(t, stack.Options{})
	if err := l.s.Functions[stack.Webhook].Start(2); err != nil {
		t.Fatal(err)
	}
	base := time.Now().Add(-time.Hour)
	busy := whatsapptest.Template{ID: "1", Name: "busy", Language: "en_US"}
	pairs := [][2]string{{"PAUSED", "APPROVED"}, {"PAUSED", "DISABLED"}, {"APPROVED", "PAUSED"}}
	var all []step
	for i := range rounds {
		pair, fresh := pairs[i%len(pairs)], whatsapptest.Template{ID: fmt.Sprint(100 + i), Name: fmt.Sprint("fresh_", i), Language: "en_US"}
		at := base.Add(time.Duration(i) * 10 * time.Second)
		change := func(n int) []whatsapptest.Change {
			when := at.Add(time.Duration(n) * time.Second)
			return []whatsapptest.Change{whatsapptest.TemplateStatus(waba, busy, pair[n], when), whatsapptest.TemplateStatus(waba, fresh, pair[n], when)}
		}
		both(t, l.s, change(i%2), change(1-i%2))
		for _, v := range pair {
			if n := len(all); n == 0 || all[n-1].Value != v {
				all = append(all, step{v, "webhook"})
			}
		}
		if d := gocmp.Diff([]step{{pair[0], "webhook"}, {pair[1], "webhook"}}, history(t, l.s, "templates/"+fresh.ID, "status")); d != "" {
			t.Errorf("round %d: history (-want +got):\n%s", i, d)
		}
	}
	if d := gocmp.Diff(all, history(t, l.s, "templates/"+busy.ID, "status")); d != "" {
		t.Errorf("history of what was in all (-want +got):\n%s", d)
	}
	if n := len(l.s.Functions[stack.Webhook].Environments()); n != 2 {
		t.Errorf("%d environments took the webhooks", n)
	}
	l.pump()
	l.sound()
	last := map[string]stack.Alert{}
	incidents := map[string]map[string]bool{}
	for _, a := range l.alerts {
		if incidents[a.Subject] == nil {
			incidents[a.Subject] = map[string]bool{}
		}
		last[a.Subject], incidents[a.Subject][a.Incident] = a, true
	}
	for i := range rounds {
		pair, id := pairs[i%len(pairs)], fmt.Sprint(100+i)
		a := last[id]
		var right bool
		switch pair[1] {
		case "APPROVED":
			right = a.Event == "resolved" || a.Event == "passed"
		case "DISABLED":
			right = (a.Event == "escalated" || a.Event == "firing") && a.To == "DISABLED" && a.Severity == "critical"
		case "PAUSED":
			right = a.Event == "firing" && a.To == "PAUSED"
		}
		if !right || len(incidents[id]) != 1 {
			t.Errorf("%s then %s: told as %d incidents, last %+v", pair[0], pair[1], len(incidents[id]), a)
		}
	}
	checkLastWord(t, l, busy.ID)
}

// checkLastWord compares what was told last of a template with whether an incident is open.
func checkLastWord(t *testing.T, l *ledger, id string) {
	t.Helper()
	_, body := l.s.Get("/v1/accounts/"+waba+"/templates/"+id, "")
	open := map[string]bool{}
	for _, inc := range body["incidents"].([]any) {
		open[fmt.Sprint(inc.(map[string]any)["id"])] = true
	}
	last := map[string]string{}
	for _, a := range l.alerts {
		if a.Subject == id {
			last[a.Incident] = a.Event
		}
	}
	for incident, event := range last {
		if ended := event == "resolved" || event == "passed"; ended == open[incident] {
			t.Errorf("incident %s: told last %s, open %t", incident, event, open[incident])
		}
	}
	if len(last) == 0 {
		t.Errorf("nothing was told of %s", id)
	}
}

// pollAtOnce invokes so many pollers at the same time.
func pollAtOnce(t *testing.T, s *stack.Stack, pollers int) {
	t.Helper()
	var wg sync.WaitGroup
	for range pollers {
		wg.Go(func() {
			r, err := s.Functions[stack.Poller].Invoke(t.Context(), []byte("{}"))
			if err = cmp.Or(err, r.Err()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// gate is where one waits for another, but not for ever.
type gate struct {
	open func()
	done <-chan struct{}
}

func newGate() gate {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	return gate{cancel, ctx.Done()}
}

// TestTheLeaseGoesToOneOfTwoPollers that find the same account due: neither writes before both have
// read that it is, and Meta answers the one that has it when the other has gone.
func TestTheLeaseGoesToOneOfTwoPollers(t *testing.T) {
	t.Parallel()
	l := deployed(t, stack.Options{})
	stage(l.s)
	if err := l.s.Functions[stack.Poller].Start(2); err != nil {
		t.Fatal(err)
	}
	pollAtOnce(t, l.s, 2)
	write := proxy.Match{From: stack.Poller, Service: proxy.DynamoDB, Operation: "PutItem"}
	var writing atomic.Int32
	met, left := newGate(), newGate()
	l.s.Proxy.Next(write, 2, proxy.Before("when both write", func() {
		if writing.Add(1) == 2 {
			met.open()
		}
		<-met.done
	}, proxy.Fault{}))
	l.s.Proxy.Always(graph, proxy.Before("when one has gone", func() { <-left.done }, proxy.Fault{}))
	l.s.Due([]string{waba}, quality.Numbers)
	polls := l.s.Meta.Calls("GET " + waba + "/phone_numbers")
	logged := len(l.s.Proxy.Log())
	var polling sync.WaitGroup
	for range 2 {
		polling.Go(func() {
			defer left.open()
			pollAtOnce(t, l.s, 1)
		})
	}
	polling.Wait()
	if n := l.s.Meta.Calls("GET "+waba+"/phone_numbers") - polls; n != 1 {
		t.Errorf("two pollers asked for the numbers %d times", n)
	}
	if !slices.ContainsFunc(l.s.Proxy.Log()[logged:], func(e proxy.Entry) bool { return e.Call == write && e.Status == http.StatusBadRequest }) {
		t.Error("the two did not want the account at once")
	}
}

// TestTwoPollersAtOnce make the calls of one, and leave the table of one.
func TestTwoPollersAtOnce(t *testing.T) {
	t.Parallel()
	asked := func(s *stack.Stack) []string {
		var out []string
		for _, e := range s.Proxy.Log() {
			if e.Call.Service == proxy.Graph {
				out = append(out, e.Call.Operation)
			}
		}
		slices.Sort(out)
		return out
	}
	poll := func(pollers int) *ledger {
		l := deployed(t, stack.Options{})
		stage(l.s)
		l.s.Proxy.Always(graph, proxy.Delay(50*time.Millisecond, proxy.Fault{})) // so that they meet
		if err := l.s.Functions[stack.Poller].Start(pollers); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			pollAtOnce(t, l.s, pollers)
		}
		return l
	}
	one, two := poll(1), poll(2)
	if n := len(two.s.Functions[stack.Poller].Environments()); n != 2 {
		t.Fatalf("%d environments polled", n)
	}
	if d := gocmp.Diff(asked(one.s), asked(two.s)); d != "" || len(asked(one.s)) == 0 {
		t.Errorf("Meta was asked (-by one +by two):\n%s", d)
	}
	kinds := func(s *stack.Stack) map[string]int {
		out := map[string]int{}
		for key := range s.Items() {
			kind, _, _ := strings.Cut(created.ReplaceAllString(key, "then"), "then") // the rest is a digest of the time
			out[kind]++
		}
		return out
	}
	if d := gocmp.Diff(kinds(one.s), kinds(two.s)); d != "" {
		t.Errorf("items (-of one +of two):\n%s", d)
	}
	logs := 0
	for key, item := range two.s.Items() {
		if !strings.HasPrefix(key, "L#") {
			continue
		}
		if logs++; !strings.Contains(item, `"rev":1,`) {
			t.Errorf("the log of one poll was written more than once: %s", item)
		}
	}
	if logs < 5 {
		t.Errorf("%d polls are logged, want one of each class", logs)
	}
	if told := two.pump(); len(told) > 0 {
		t.Errorf("told %v", told)
	}
	if d := gocmp.Diff([]step{{"GREEN", "poll"}}, history(t, two.s, "numbers/12025550101", "quality_rating")); d != "" {
		t.Errorf("history (-want +got):\n%s", d)
	}
}
