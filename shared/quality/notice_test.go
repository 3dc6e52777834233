package quality

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestNoticesOfChanges(t *testing.T) {
	tpl, home := Subject{Template, "1", "7"}, Subject{Portfolio, "1", "9"}
	due := t0.Add(30 * time.Hour).Format(time.RFC3339)
	for _, tc := range []struct {
		name string
		s    Subject
		do   func(l *ledger)
		want string
	}{
		{"a late limit does not get the last word", home, func(l *ledger) {
			l.told(t0, fact(home, MessagingLimit, "TIER_10K", t0))
			l.told(at(1000), fact(home, MessagingLimit, "TIER_2K", at(1000)))
			l.told(at(2000), fact(home, MessagingLimit, "TIER_250", at(500)))
		}, "limit_lowered TIER_2K at 1000"},
		{"limits of one batch are told in order", home, func(l *ledger) {
			l.told(at(2000), fact(home, MessagingLimit, "TIER_10K", t0), fact(home, MessagingLimit, "TIER_2K", at(1000)), fact(home, MessagingLimit, "TIER_250", at(500)))
		}, "limit_lowered TIER_250 at 500, limit_raised TIER_2K at 1000"},
		{"a fall that polls see again is another fall", home, func(l *ledger) {
			for i, limit := range []string{"TIER_10K", "TIER_2K", "TIER_10K", "TIER_2K"} {
				l.see(at(3600*i), AccountOf, MessagingLimit, limit)
			}
		}, "limit_lowered TIER_2K at 3600, limit_raised TIER_10K at 7200, limit_lowered TIER_2K at 10800"},
		{"a webhook that says it again may be a copy", home, func(l *ledger) {
			for i, limit := range []string{"TIER_10K", "TIER_2K", "TIER_10K", "TIER_2K"} {
				l.told(at(3600*i), fact(home, MessagingLimit, limit, at(3600*i)))
			}
		}, "limit_lowered TIER_2K at 3600, limit_raised TIER_10K at 7200, limit_lowered TIER_2K at 10800 again"},
		{"a category that polls suspected is announced", tpl, func(l *ledger) {
			l.see(t0.Add(-3*day), Templates, CorrectCategory, "MARKETING")
			l.told(at(60), fact(tpl, CorrectCategory, "MARKETING", at(60), AttrPrevious, "UTILITY", AttrDate, due))
			l.told(at(120), fact(tpl, CorrectCategory, "MARKETING", at(60), AttrPrevious, "UTILITY", AttrDate, due))
			l.see(at(180), Templates, CorrectCategory, "MARKETING")
		}, "template_category MARKETING at -259200, template_category MARKETING at 60 on " + due},
		{"a category that was announced is suspected by polls", tpl, func(l *ledger) {
			l.told(at(60), fact(tpl, CorrectCategory, "MARKETING", at(60), AttrPrevious, "UTILITY", AttrDate, due))
			l.see(at(180), Templates, CorrectCategory, "MARKETING")
		}, "template_category MARKETING at 60 on " + due},
	} {
		l := newLedger(t, tc.s)
		tc.do(l)
		var said []string
		for _, a := range l.alerts {
			text := fmt.Sprintf("%s %s at %d", a.Rule, *a.To, a.At.Unix()-t0.Unix())
			if date := a.Details[AttrDate]; date != "" {
				text += " on " + date
			}
			if a.Repeated {
				text += " again"
			}
			said = append(said, text)
		}
		if got := strings.Join(said, ", "); got != tc.want {
			t.Errorf("%s: told %q, want %q", tc.name, got, tc.want)
		}
	}
}

// TestNoticesOfAFirstLookAreItsParts: what a first poll finds may be old, and is told together.
func TestNoticesOfAFirstLookAreItsParts(t *testing.T) {
	tpl := Subject{Template, "1", "7"}
	l := newLedger(t, tpl)
	seen := Point{Subject: tpl, Signal: CorrectCategory, Value: "MARKETING", At: t0, Track: Seen}
	ch, need := l.rules.Apply(Input{State: l.state, Points: []Point{seen}, Polled: map[Class]LogEntry{Templates: {At: t0}}, Now: t0, FirstLook: map[Class]bool{Templates: true}})
	if need != nil || len(ch.Alerts) != 1 || !ch.Alerts[0].FirstLook {
		t.Errorf("alerts = %+v, need %v; want one that is part of the first look", ch.Alerts, need)
	}
}
