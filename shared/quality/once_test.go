package quality

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestLateNewsOfWhatHasEndedFiresNothing: a ban that polls have found healed stays over when something else goes
// wrong later, and so it is when news of the ban comes late.
func TestLateNewsOfWhatHasEndedFiresNothing(t *testing.T) {
	tpl, acct := Subject{Template, "1", "7"}, AccountSubject("1")
	for _, tc := range []struct {
		name string
		s    Subject
		do   func(l *ledger)
		late Point
		want string
	}{
		{"green came and went", tpl, func(l *ledger) {
			l.see(t0, Templates, QualityScore, Green)
			l.see(at(3600), Templates, QualityScore, Green)
			l.see(at(7200), Templates, QualityScore, Yellow)
		}, fact(tpl, Flagged, Yes, at(1800)), "passed template_flagged warning"},
		{"green came and went after red", tpl, func(l *ledger) {
			l.see(t0, Templates, QualityScore, Red)
			l.see(at(3600), Templates, QualityScore, Green)
			l.see(at(7200), Templates, QualityScore, Yellow)
		}, fact(tpl, Flagged, Yes, at(1800)), "passed template_flagged warning"},
		{"healthy, then blocked", acct, func(l *ledger) {
			for hour := range 3 {
				healthy(l, at(3600*hour))
			}
			l.see(at(3*3600), Health, CanSendMessage, "BLOCKED")
		}, fact(acct, BanState, "DISABLE", at(60)), "passed account_disabled critical"},
		{"healthy, then rejected", acct, func(l *ledger) {
			for hour := range 3 {
				healthy(l, at(3600*hour))
			}
			l.see(at(3*3600), AccountOf, ReviewStatus, "REJECTED")
		}, fact(acct, BanState, "DISABLE", at(60)), "passed account_disabled critical"},
		{"too long ago to be told", acct, func(l *ledger) {
			for hour := range 3 {
				healthy(l, at(3600*hour).Add(-3*day))
			}
			l.see(t0, Health, CanSendMessage, "BLOCKED")
		}, fact(acct, BanState, "DISABLE", at(60).Add(-3*day)), ""},
	} {
		l := newLedger(t, tc.s)
		tc.do(l)
		before := len(l.alerts)
		l.told(at(4*3600), tc.late)
		for hour := range 3 { // what is over stays so
			l.see(at(3600*(5+hour)), Health, CanSendMessage, "BLOCKED")
			l.tick(at(3600*(5+hour) + 60))
		}
		var said []string
		for _, a := range l.alerts[before:] {
			if a.Rule == RuleTemplateFlagged || a.Rule == RuleAccountDisabled {
				said = append(said, string(a.Event)+" "+a.Rule+" "+string(a.Severity))
			}
		}
		if got := strings.Join(said, ", "); got != tc.want {
			t.Errorf("%s: told %q, want %q", tc.name, got, tc.want)
		}
	}
}

// TestManyOtherEndsDoNotBringABanBack: how it ended is remembered however much else has ended since.
func TestManyOtherEndsDoNotBringABanBack(t *testing.T) {
	acct := AccountSubject("1")
	l := newLedger(t, acct)
	l.told(t0, fact(acct, BanState, "DISABLE", t0))
	for hour := range 3 {
		healthy(l, at(3600*(hour+1)))
	}
	l.see(at(5*3600), Health, CanSendMessage, "BLOCKED") // for something else
	now := t0.Add(day)
	for i := range maxPast + 5 {
		sig := AlertOf("PHONE_NUMBER", fmt.Sprint(i), "PROFILE_PICTURE_LOST")
		for _, value := range []string{"ACTIVE", "NONE"} {
			now = now.Add(time.Hour)
			l.told(now, fact(acct, sig, value, now, AttrSeverity, "WARNING"))
		}
	}
	for _, inc := range l.state.Open {
		if inc.Rule == RuleAccountDisabled {
			t.Errorf("the ban is open again: %+v", inc)
		}
	}
	if n := len(l.state.Past); n > maxPast+2 {
		t.Errorf("%d stretches are remembered", n)
	}
}
