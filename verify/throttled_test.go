//go:build verify

package verify

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wabawatch/wabawatch/shared/config"
	"github.com/wabawatch/wabawatch/shared/whatsapptest"
	"github.com/wabawatch/wabawatch/verify/proxy"
	"github.com/wabawatch/wabawatch/verify/stack"
)

// table are the calls of webhooks to the table, and commits those that store what they say.
var (
	table   = proxy.Match{From: stack.Webhook, Service: proxy.DynamoDB}
	commits = proxy.Match{From: stack.Webhook, Service: proxy.DynamoDB, Operation: "TransactWriteItems"}
)

// TestAThrottledTable: while it lasts Meta is told to come again, nothing is half written and nothing
// asked without end. Once it is over everything is stored and told.
func TestAThrottledTable(t *testing.T) {
	t.Parallel()
	l := deployed(t, stack.Options{})
	tell(t, l, "1", "APPROVED")
	templates := manyTemplates(60)
	changes := allPaused(templates, 6000, time.Now())
	before := l.s.Items()

	l.s.Proxy.Always(table, proxy.Throttle)
	calls := l.s.Proxy.Calls(table)
	if code := l.s.Send(changes...); code < 500 {
		t.Errorf("status %d of a table that takes nothing", code)
	}
	if n := l.s.Proxy.Calls(table) - calls; n > 10 {
		t.Errorf("%d calls by one webhook to a table that takes nothing", n)
	}
	if d := cmp.Diff(before, l.s.Items()); d != "" {
		t.Errorf("written all the same (-before +after):\n%s", d)
	}

	l.s.Proxy.Clear()
	l.s.Proxy.Rate(commits, 0.4, proxy.Throttle, proxy.OverCapacity, proxy.Cancel("None", "ThrottlingError"), proxy.InConflict)
	l.s.Proxy.Rate(table, 0.3, proxy.Throttle, proxy.OverCapacity)
	calls = l.s.Proxy.Calls(table)
	const rounds = 6
	for i := range rounds {
		first, end := i*len(templates)/rounds, (i+1)*len(templates)/rounds
		code := l.s.Send(changes[first:end]...)
		if code != http.StatusOK && code < 500 {
			t.Errorf("status %d of a table that takes a part", code)
		}
		stored := checkWhole(t, l.s)
		for _, x := range templates[first:end] {
			if code == http.StatusOK && !slices.Contains(stored, x.ID) {
				t.Errorf("answered 200, and %s is not stored", x.Name)
			}
		}
	}
	if n := l.s.Proxy.Calls(table) - calls; n > rounds*40 {
		t.Errorf("%d calls by %d webhooks", n, rounds)
	}

	l.s.Proxy.Clear()
	if code := l.s.Send(changes...); code != http.StatusOK {
		t.Fatalf("status %d when it was over", code)
	}
	checkComplete(t, l, templates)
}

// TestADeadlineInTheMiddleOfABody: the table takes so long that time is up when a part is stored. That is
// no 200, and the body again stores the rest.
func TestADeadlineInTheMiddleOfABody(t *testing.T) {
	t.Parallel()
	l := deployed(t, stack.Options{})
	templates := manyTemplates(300)
	body := whatsapptest.Body(allPaused(templates, 30_000, time.Now())...)
	signature := whatsapptest.Sign(l.s.Secrets[config.AppSecrets], body)
	l.s.Proxy.Next(commits, 3, proxy.Delay(100*time.Millisecond, proxy.Fault{}))
	l.s.Proxy.Always(commits, proxy.Hang)
	if code, err := l.s.Deliver(t.Context(), body, signature); err == nil && code < 500 {
		t.Errorf("answered %d when time was up", code)
	}
	if stored := checkWhole(t, l.s); len(stored) == 0 || len(stored) == len(templates) {
		t.Fatalf("%d of %d templates were stored when time was up", len(stored), len(templates))
	}
	l.s.Proxy.Clear()
	deliver(t, l.s.Deliver, body, signature)
	checkComplete(t, l, templates)
}

// checkComplete checks that the change of every template is stored and was told once.
func checkComplete(t *testing.T, l *ledger, templates []whatsapptest.Template) {
	t.Helper()
	var want []string
	for _, x := range templates {
		want = append(want, x.ID)
	}
	if d := cmp.Diff(want, checkWhole(t, l.s)); d != "" {
		t.Errorf("stored templates (-want +got):\n%s", d)
	}
	l.pump()
	l.sound()
	checkAllPausedAreTold(t, l, templates)
}

var (
	stateOf = regexp.MustCompile(`STATE#template#(7\d+)$`)
	pointOf = regexp.MustCompile(`#template#(7\d+) \| H#status#`)
	alertOf = regexp.MustCompile(`\\"subject_id\\":\\"(7\d+)\\"`)
)

// checkWhole checks that of each of many templates either everything is stored, or nothing, and returns
// those of which it is.
func checkWhole(t *testing.T, s *stack.Stack) []string {
	t.Helper()
	var states, points, alerts []string
	for key, item := range s.Items() {
		if m := stateOf.FindStringSubmatch(key); m != nil {
			states = append(states, m[1])
		}
		if m := pointOf.FindStringSubmatch(key); m != nil {
			points = append(points, m[1])
		}
		if m := alertOf.FindStringSubmatch(item); m != nil && strings.Contains(key, "ALERT#") {
			alerts = append(alerts, m[1])
		}
	}
	for _, ids := range [][]string{states, points, alerts} {
		slices.Sort(ids)
	}
	for what, ids := range map[string][]string{"points": points, "alerts": alerts} {
		if d := cmp.Diff(states, ids); d != "" {
			t.Errorf("half written (-states +%s):\n%s", what, d)
		}
	}
	return states
}
