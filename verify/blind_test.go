//go:build verify

package verify

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/wabawatch/wabawatch/verify/proxy"
)

var graph = proxy.Match{Service: proxy.Graph}

// TestATokenThatDies is one incident, of the token and not of what it read. Webhooks need none.
func TestATokenThatDies(t *testing.T) {
	t.Parallel()
	l := watched(t, often("3s", ""))
	l.s.Proxy.Always(graph, proxy.Refuse(http.StatusUnauthorized, "190"))
	l.untilTold(1)
	failed := l.s.Proxy.Faults(graph)
	l.until("more refusals", func() bool { return l.s.Proxy.Faults(graph) > failed+2 })
	tell(t, l, "1", "PAUSED")
	l.pump()
	l.s.Proxy.Clear()
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
	l := watched(t, often("2s", ""))
	l.s.Proxy.Always(graph, proxy.Fail(http.StatusServiceUnavailable))
	l.untilTold(1)
	if n := l.s.Proxy.Faults(graph); n < 2 {
		t.Errorf("blind after %d failures", n)
	}
	failed := l.s.Proxy.Faults(graph)
	l.until("more failures", func() bool { return l.s.Proxy.Faults(graph) > failed+2 })
	l.s.Proxy.Clear()
	l.untilTold(2)
	want := []string{"firing watch_blind " + waba, "resolved watch_blind " + waba}
	if got := l.lines(); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	l.sound()
	if a := l.alerts[0]; a.Severity != "critical" {
		t.Errorf("told as %+v", a)
	}
}
