//go:build verify

package verify

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/watch"
	"github.com/wabawatch/wabawatch/verify/proxy"
	"github.com/wabawatch/wabawatch/verify/stack"
)

var graph = proxy.Match{Service: proxy.Graph}

// TestATokenThatDies is one incident, of the token and not of what it read. Webhooks need none.
func TestATokenThatDies(t *testing.T) {
	t.Parallel()
	l := watched(t, stack.Options{})
	l.s.Proxy.Always(graph, proxy.Refuse(http.StatusUnauthorized, "190"))
	l.poll(quality.Numbers)
	l.untilTold(1) // the poll that asks about the token comes after
	for range 3 {
		failed := l.s.Proxy.Faults(graph)
		if told := l.poll(quality.Numbers); len(told) > 0 || l.s.Proxy.Faults(graph) == failed {
			t.Errorf("after another %d refusals was told %v", l.s.Proxy.Faults(graph)-failed, told)
		}
	}
	tell(t, l, "1", "PAUSED")
	l.pump()
	l.s.Proxy.Clear()
	l.poll(quality.Numbers)
	l.untilTold(3)
	want := []string{"firing watch_token deployment", "firing template_status 1", "resolved watch_token deployment"}
	if got := l.lines(); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	l.sound()
	if a := l.alerts[0]; a.Severity != "critical" || a.WABA != "" || !strings.Contains(l.messages[0].Texts["email"], "token") {
		t.Errorf("told as %+v:\n%s", a, l.messages[0].Texts["email"])
	}
	if sms := texted(l.s); len(sms) != 2 {
		t.Errorf("by SMS came %q, want the beginning and the end", sms)
	}
}

// TestAMetaThatFailsIsBlindness, once that has lasted for three intervals, and it ends with the first
// poll that succeeds.
func TestAMetaThatFailsIsBlindness(t *testing.T) {
	t.Parallel()
	l := watched(t, stack.Options{})
	l.s.Proxy.Always(graph, proxy.Fail(http.StatusServiceUnavailable))
	fail := func() {
		t.Helper()
		failed := l.s.Proxy.Faults(graph)
		if l.poll(quality.Numbers); l.s.Proxy.Faults(graph) == failed {
			t.Fatal("Meta was not asked")
		}
	}
	l.s.AgePolls(waba, 2*watch.DefaultInterval)
	for range 2 {
		fail()
	}
	if len(l.alerts) > 0 {
		t.Errorf("within three intervals was told %q", l.lines())
	}
	l.s.AgePolls(waba, watch.DefaultInterval)
	for range 3 {
		fail()
	}
	l.s.Proxy.Clear()
	l.poll(quality.Numbers)
	want := []string{"firing watch_blind " + waba, "resolved watch_blind " + waba}
	if got := l.lines(); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	l.sound()
	if a := l.alerts[0]; a.Severity != "critical" {
		t.Errorf("told as %+v", a)
	}
}
