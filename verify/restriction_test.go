//go:build verify

package verify

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wabawatch/wabawatch/shared/whatsapptest"
	"github.com/wabawatch/wabawatch/verify/stack"
)

// TestRestrictionsEndByTheClockOrAreLifted: the end of one that has a date is told by nobody, and
// comes with a tick of the poller.
func TestRestrictionsEndByTheClockOrAreLifted(t *testing.T) {
	t.Parallel()
	l := watched(t, stack.Options{})
	send := func(c whatsapptest.Change) {
		t.Helper()
		if code := l.s.Send(c); code != http.StatusOK {
			t.Fatalf("status %d", code)
		}
		l.pump()
	}
	until := time.Now().Add(15 * time.Second).Truncate(time.Second) // later than it is told, on any machine
	send(whatsapptest.Restricted(waba, until, time.Now(), "RESTRICTED_BIZ_INITIATED_MESSAGING"))
	if got := l.lines(); !slices.Equal(got, []string{"firing account_restricted " + waba}) || l.alerts[0].Severity != "critical" {
		t.Fatalf("told %q", got)
	}
	l.untilTold(2)
	expired := l.alerts[1]
	if expired.Event != "resolved" || expired.Source != "clock" || expired.Reason != "expired" || expired.Incident != l.alerts[0].Incident || time.Now().Before(until) {
		t.Errorf("when its date had come: %+v", expired)
	}
	send(whatsapptest.Restricted(waba, time.Time{}, time.Now(), "RESTRICTED_ADD_PHONE_NUMBER_ACTION"))
	nextSecond()
	lifting := whatsapptest.AccountUpdate(waba, "ACCOUNT_RESTRICTION", time.Now())
	send(lifting.With("violation_info", map[string]any{"violation_type": "DIRECT_SEND_UTILITY_CATEGORY_ABUSE_UNBAN"}))
	var got []string
	for _, a := range l.alerts[2:] {
		got = append(got, a.Event+" "+a.Rule+" "+a.Source)
	}
	if d := cmp.Diff([]string{"firing account_restricted webhook", "resolved account_restricted webhook"}, got); d != "" {
		t.Errorf("told of the second (-want +got):\n%s", d)
	}
	l.sound()
	if sms := texted(l.s); len(sms) != 4 {
		t.Errorf("by SMS came %q, want beginning and end of both", sms)
	}
}
