//go:build verify

package verify

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wabawatch/wabawatch/shared/whatsapptest"
	"github.com/wabawatch/wabawatch/verify/proxy"
	"github.com/wabawatch/wabawatch/verify/stack"
)

// tell sends a template's events, each in a body and a second of its own, the last of them now.
func tell(t *testing.T, l *ledger, id string, events ...string) {
	t.Helper()
	x := whatsapptest.Template{ID: id, Name: "template_" + id, Language: "en_US"}
	for i, event := range events {
		at := time.Now().Add(time.Duration(i+1-len(events)) * time.Second)
		if code := l.s.Send(whatsapptest.TemplateStatus(waba, x, event, at)); code != http.StatusOK {
			t.Fatalf("%s of %s: status %d", event, id, code)
		}
	}
}

// of are the events that were told of a subject, in order.
func (l *ledger) of(subject string) []string {
	var out []string
	for _, a := range l.alerts {
		if a.Subject == subject {
			out = append(out, a.Event)
		}
	}
	return out
}

// TestANotifierThatFailsInTheMiddleOfABatch: whichever of its calls fails and however, what was told
// before is not told again, the rest is told, and each incident in order.
func TestANotifierThatFailsInTheMiddleOfABatch(t *testing.T) {
	t.Parallel()
	l := deployed(t, stack.Options{})
	notifier := proxy.Match{From: stack.Notifier}
	publish := proxy.Match{From: stack.Notifier, Service: proxy.SNS, Operation: "Publish"}
	batch := 0
	// deliver has five alerts of four incidents delivered in one batch, and returns how often each was told.
	deliver := func() map[string]int {
		batch++
		began := len(l.alerts)
		var changes []whatsapptest.Change
		for n, event := range []string{"PAUSED", "PAUSED", "DISABLED", "REJECTED"} {
			id := fmt.Sprint(1000*batch + n)
			changes = append(changes, whatsapptest.TemplateStatus(waba, whatsapptest.Template{ID: id, Name: "template_" + id, Language: "en_US"}, event, time.Now().Add(-time.Second)))
		}
		if code := l.s.Send(changes...); code != http.StatusOK {
			t.Fatalf("status %d", code)
		}
		worse := fmt.Sprint(1000*batch + 1)
		tell(t, l, worse, "DISABLED")
		steps := l.s.Pump()
		if len(steps) == 0 || len(steps[0].Delivered) != 5 {
			t.Fatalf("delivered as %+v, want five records at once", steps)
		}
		l.read()
		told := map[string]int{}
		last := map[string]string{}
		for _, a := range l.alerts[began:] {
			told[a.ID]++
			last[a.Subject] = a.Event
		}
		if len(told) != 5 || last[worse] != "escalated" {
			t.Errorf("told %d of five alerts, last of the second incident %s: %q", len(told), last[worse], l.lines()[began:])
		}
		return told
	}
	deliver() // which asks whether anybody listens, too
	before := l.s.Proxy.Calls(notifier)
	deliver()
	n := l.s.Proxy.Calls(notifier) - before
	third := 0
	for c := range proxy.Exhaustive(n, proxy.Throttle, proxy.Fail(http.StatusServiceUnavailable), proxy.DropAfter) {
		l.s.Proxy.Clear()
		faults, lost := l.s.Proxy.Faults(notifier), l.s.Proxy.Ambiguous(publish)
		l.s.Proxy.Nth(notifier, c.N, c.Fault)
		twice := 0
		for id, times := range deliver() {
			if twice += times - 1; times > 2 {
				t.Errorf("%s: %s was told %d times", c, id, times)
			}
		}
		if lost = l.s.Proxy.Ambiguous(publish) - lost; twice > lost {
			t.Errorf("%s: %d alerts were told twice, and %d answers of SNS were lost", c, twice, lost)
		}
		if l.s.Proxy.Faults(notifier) == faults+1 {
			third++
		}
	}
	if third < 3*n {
		t.Errorf("%d of %d faults met a call", third, 3*n)
	}
	if left := l.s.FailureMessages(); len(left) > 0 {
		t.Errorf("given up: %q", left)
	}
}

// TestTheThirdRecordOfABatchIsRefused: the notifier says so, and Lambda begins again there.
func TestTheThirdRecordOfABatchIsRefused(t *testing.T) {
	t.Parallel()
	l := deployed(t, stack.Options{})
	for n, event := range []string{"PAUSED", "REJECTED", "PAUSED", "DISABLED", "DISABLED"} {
		tell(t, l, fmt.Sprint(n+1), event)
	}
	publish := proxy.Match{From: stack.Notifier, Service: proxy.SNS, Operation: "Publish"}
	l.s.Proxy.Nth(publish, 3, proxy.Refuse(http.StatusBadRequest, "InvalidParameter"))
	steps := l.s.Pump()
	if len(steps) != 2 || len(steps[0].Delivered) != 5 || !slices.Equal(steps[0].Failed, steps[0].Delivered[2:]) || len(steps[1].Failed) > 0 {
		t.Errorf("steps: %+v, want the third record and what follows a second time", steps)
	}
	l.read()
	l.sound()
	if got, want := len(l.alerts), 5; got != want || l.s.Proxy.Calls(publish) != want+1 {
		t.Errorf("told %q in %d calls", l.lines(), l.s.Proxy.Calls(publish))
	}
}

// TestSNSIsDownForAWhile: what came due meanwhile is told when it is back, in order, and an incident
// that is over by then as such.
func TestSNSIsDownForAWhile(t *testing.T) {
	t.Parallel()
	l := deployed(t, stack.Options{})
	tell(t, l, "1", "PAUSED")
	l.pump()
	down := proxy.Match{From: stack.Notifier, Service: proxy.SNS}
	l.s.Proxy.Always(down, proxy.Fail(http.StatusServiceUnavailable))
	try := func() { // a batch, which may have yet to become due
		t.Helper()
		for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
			step, any, err := l.s.Stream.Step(t.Context())
			if err != nil || any && len(step.Failed) == 0 || time.Now().After(end) {
				t.Fatalf("while SNS is down: %+v, %v", step, err)
			}
			if any {
				return
			}
		}
	}
	nextSecond()
	tell(t, l, "1", "DISABLED")
	tell(t, l, "2", "PAUSED")
	try()
	nextSecond()
	tell(t, l, "1", "APPROVED")
	tell(t, l, "2", "DISABLED")
	tell(t, l, "3", "PAUSED", "APPROVED")
	try()
	try()
	if l.s.Proxy.Faults(down) == 0 {
		t.Error("SNS was not asked while it was down")
	}
	l.s.Proxy.Clear()
	l.pump()
	l.sound()
	for subject, want := range map[string][]string{"1": {"firing", "escalated", "resolved"}, "2": {"firing", "escalated"}, "3": {"passed"}} {
		if got := l.of(subject); !slices.Equal(got, want) {
			t.Errorf("of %s was told %q, want %q", subject, got, want)
		}
	}
	if left := l.s.FailureMessages(); len(left) > 0 {
		t.Errorf("given up: %q", left)
	}
}

// TestADeadStreamIsRepairedByTheSweep, which takes what is older than 10 minutes and leaves the rest to
// the stream. What the stream brings after all is not told again.
func TestADeadStreamIsRepairedByTheSweep(t *testing.T) {
	t.Parallel()
	l := deployed(t, stack.Options{})
	l.s.Stream.Stop()
	tell(t, l, "1", "PAUSED")
	nextSecond()
	tell(t, l, "1", "DISABLED")
	tell(t, l, "2", "REJECTED")
	sweep := func() []stack.Alert {
		t.Helper()
		if tried := l.s.Fire(stack.Notifier); len(tried) != 1 {
			t.Fatalf("the sweep failed: %v", tried[0].Err())
		}
		return l.read()
	}
	if told := append(l.pump(), sweep()...); len(told) > 0 {
		t.Errorf("told %v by a dead stream and a sweep that is too early", told)
	}
	l.s.AgeAlerts(5 * time.Minute)
	if told := sweep(); len(told) > 0 {
		t.Errorf("told %v after 5 minutes", told)
	}
	l.s.AgeAlerts(6 * time.Minute)
	sweep()
	if first, second := l.of("1"), l.of("2"); len(l.alerts) != 3 || !slices.Equal(first, []string{"firing", "escalated"}) || !slices.Equal(second, []string{"firing"}) {
		t.Errorf("after 11 minutes was told %q", l.lines())
	}
	tell(t, l, "3", "PAUSED")
	l.s.Stream.Resume()
	if told := append(l.pump(), sweep()...); len(told) != 1 || told[0].Subject != "3" {
		t.Errorf("when the stream was back was told %v", told)
	}
	l.sound()
	if _, alerts := l.s.Get("/v1/alerts", ""); strings.Contains(fmt.Sprint(alerts), "published_at:<nil>") || len(alerts["items"].([]any)) != 4 {
		t.Errorf("alerts: %v", alerts)
	}
}
