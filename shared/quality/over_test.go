package quality

import (
	"testing"
	"time"
)

// TestWhatEndsWithoutANewValueEndsWhenItEnded: a restriction that was lifted, a template that
// recovered and a token that was renewed keep their value. Their end is not their beginning.
func TestWhatEndsWithoutANewValueEndsWhenItEnded(t *testing.T) {
	acct, tpl, home := AccountSubject("1"), Subject{Template, "1", "7"}, DeploymentSubject()
	seen := func(p Point) Point {
		p.Track = Seen
		return p
	}
	poll := func(l *ledger, p Point) {
		l.apply(p.At, map[Class]LogEntry{ClassOf(p.Subject.Kind, p.Signal): {At: p.At}}, func(State) []Point { return []Point{seen(p)} })
	}
	expiry := at(10 * 24 * 3600)
	for _, tc := range []struct {
		name string
		s    Subject
		do   func(l *ledger)
		at   time.Time
		src  string
	}{
		{"lifted", acct, func(l *ledger) {
			l.told(t0, fact(acct, Restriction("X"), RestrictionActive, t0))
			l.told(at(7300), fact(acct, RestrictionLifted, "UNBAN", at(7200)))
		}, at(7200), "webhook"},
		{"cured", tpl, func(l *ledger) {
			l.told(t0, fact(tpl, Flagged, Yes, t0))
			poll(l, fact(tpl, QualityScore, Green, at(7200)))
		}, at(7200), "clock"},
		{"renewed for good", home, func(l *ledger) {
			poll(l, fact(home, Token, "VALID", t0, AttrUntil, expiry.Format(time.RFC3339)))
			poll(l, fact(home, Token, "VALID", at(7200), AttrUntil, "none"))
		}, at(7200), "clock"},
	} {
		l := newLedger(t, tc.s)
		tc.do(l)
		if n := len(l.alerts); n != 2 || l.alerts[1].Event != Resolved {
			t.Errorf("%s: told %q", tc.name, l.said())
			continue
		}
		if a := l.alerts[1]; !a.At.Equal(tc.at) || a.To != nil || a.Source != tc.src {
			t.Errorf("%s: at %s, to %v, source %s; want %s, nil, %s", tc.name, a.At, a.To, a.Source, tc.at, tc.src)
		}
	}
}

// TestTheWorseWordOfASecondHoldsInWhicheverOrder: what took an incident back and what says it again may be of one
// second. Then the worse counts, also if it comes when the incident is closed or was told as passed.
func TestTheWorseWordOfASecondHoldsInWhicheverOrder(t *testing.T) {
	acct, tpl := AccountSubject("1"), Subject{Template, "1", "7"}
	for _, tc := range []struct {
		rule      string
		s         Subject
		sig       Signal
		bad, good string
	}{
		{RuleTemplateFlagged, tpl, Flagged, Yes, No},
		{RuleAccountOffboarded, acct, Offboarded, "PARTNER_REMOVED", "PARTNER_ADDED"},
		{RuleAccountDisabled, acct, BanState, "DISABLE", "REINSTATE"},
	} {
		first := fact(tc.s, tc.sig, tc.bad, t0, AttrDate, "November 20, 2026")
		good := fact(tc.s, tc.sig, tc.good, at(60), AttrDate, "November 20, 2026")
		again := fact(tc.s, tc.sig, tc.bad, at(60), AttrDate, "November 27, 2026")
		for name, batches := range map[string][][]Point{
			"the worse first": {{first}, {again}, {good}},
			"the worse last":  {{first}, {good}, {again}},
			"passed before":   {{first, good}, {again}},
			"all at once":     {{good, again, first}},
		} {
			l := newLedger(t, tc.s)
			for i, points := range batches {
				l.told(at(120+i), points...)
			}
			if len(l.state.Open) != 1 || l.state.Open[0].Rule != tc.rule {
				t.Errorf("%s, %s: told %q, open %v", tc.rule, name, l.said(), l.state.Open)
			}
		}
	}
}

func TestDay7OfFlaggedKeepsTheLimitThatCameWithIt(t *testing.T) {
	number := Subject{PhoneNumber, "1", "12025550101"}
	l := newLedger(t, number)
	l.told(t0, fact(number, Flagged, Yes, t0, AttrLimit, "TIER_10K"))
	l.tick(t0.Add(endAfter))
	last := l.alerts[len(l.alerts)-1]
	if last.Reason == nil || *last.Reason != ReasonDay7 || last.Details[AttrLimit] != "TIER_10K" {
		t.Errorf("last alert = %+v", last)
	}
}

// TestWhatBeganAfterAnIncidentEndedIsNotHiddenByIt: that an incident was over is often known late. What
// began and ended after its end, and is known later still, was told by nobody.
func TestWhatBeganAfterAnIncidentEndedIsNotHiddenByIt(t *testing.T) {
	acct := AccountSubject("1")
	restricted := func(from, until time.Time) Point {
		return fact(acct, Restriction("X"), RestrictionActive, from, AttrUntil, until.Format(time.RFC3339))
	}
	end := at(8 * 3600)
	for _, tc := range []struct {
		name string
		ends func(l *ledger)
	}{
		{"lifted", func(l *ledger) { l.told(end, fact(acct, RestrictionLifted, "UNBAN", at(3600))) }},
		{"expired while nobody looked", func(l *ledger) { l.tick(end) }},
	} {
		l := newLedger(t, acct)
		l.told(t0, restricted(t0, at(2*3600)))
		tc.ends(l)
		l.told(end.Add(time.Minute), restricted(at(3*3600), at(4*3600)))
		if n := len(l.alerts); n != 3 || l.alerts[1].Event != Resolved || l.alerts[2].Event != Passed {
			t.Errorf("%s: told %q, want firing, resolved, passed", tc.name, l.said())
		}
	}
}

// TestALateRestrictionEndsWithTheFirstLiftingAfterIt, not with the last one of all.
func TestALateRestrictionEndsWithTheFirstLiftingAfterIt(t *testing.T) {
	acct := AccountSubject("1")
	restricted := func(from time.Time) Point { return fact(acct, Restriction("X"), RestrictionActive, from) }
	l := newLedger(t, acct)
	l.told(at(5*3600), restricted(at(5*3600)))
	l.told(at(7*3600), fact(acct, RestrictionLifted, "B_UNBAN", at(7*3600)))
	l.told(at(8*3600), fact(acct, RestrictionLifted, "A_UNBAN", at(3*3600)))
	l.told(at(9*3600), fact(acct, Restriction("X"), RestrictionActive, t0, AttrUntil, at(90*3600).Format(time.RFC3339)))
	if n := len(l.alerts); n != 3 || l.alerts[2].Event != Passed || l.alerts[2].Details[DetailEnded] != at(3*3600).Format(time.RFC3339) {
		t.Errorf("told %q; want firing, resolved, passed that ended after 3 hours", l.said())
	}
}

// TestALiftingDoesNotJoinRestrictions of which the one had expired before the other came.
func TestALiftingDoesNotJoinRestrictions(t *testing.T) {
	acct := AccountSubject("1")
	l := newLedger(t, acct)
	l.told(t0, fact(acct, RestrictionLifted, "A_UNBAN", t0))
	for _, hour := range []int{2, 5} {
		from := at(hour * 3600)
		l.told(from, fact(acct, Restriction("X"), RestrictionActive, from, AttrUntil, from.Add(2*time.Hour).Format(time.RFC3339)))
		if hour == 2 {
			l.tick(from.Add(2 * time.Hour))
		}
	}
	l.told(at(6*3600), fact(acct, RestrictionLifted, "A_UNBAN", at(3600)))
	if n := len(l.state.Open); n != 1 || !l.state.Open[0].Since.Equal(at(5*3600)) {
		t.Errorf("open: %+v; told %q; want one incident since hour 5", l.state.Open, l.said())
	}
}

// TestWhatIsOverSaysWhy: an end by the clock, or because the subject is out of use, is no recovery; an alert
// that tells only of the end must not read like one.
func TestWhatIsOverSaysWhy(t *testing.T) {
	acct, tpl, number := AccountSubject("1"), Subject{Template, "1", "7"}, Subject{PhoneNumber, "1", "12025550101"}
	off := func(l *ledger, text string) {
		rules, err := DefaultRules.Override(text)
		if err != nil {
			t.Fatal(err)
		}
		l.rules = rules
		l.tick(at(60))
	}
	for _, tc := range []struct {
		name   string
		s      Subject
		do     func(l *ledger)
		event  Event
		reason string
	}{
		{"nobody repeated it", acct, func(l *ledger) {
			l.told(t0.Add(7*day+time.Hour), fact(acct, Restriction("X"), RestrictionActive, t0))
		}, Passed, ReasonNotRepeated},
		{"its date had come", acct, func(l *ledger) {
			l.told(t0.Add(day+time.Hour), fact(acct, Restriction("X"), RestrictionActive, t0, AttrUntil, t0.Add(day).Format(time.RFC3339)))
		}, Passed, ReasonExpired},
		{"day 7 had come", number, func(l *ledger) {
			l.told(t0.Add(7*day+time.Hour), fact(number, Flagged, Yes, t0))
		}, Passed, ReasonDay7},
		{"unknown for 7 days", tpl, func(l *ledger) {
			l.told(at(60).Add(7*day), fact(tpl, QualityScore, Red, t0), fact(tpl, QualityScore, Unknown, at(60)))
		}, Passed, ReasonNoRating},
		{"deleted", tpl, func(l *ledger) {
			l.told(at(120), fact(tpl, QualityScore, Red, t0), fact(tpl, Status, "DELETED", at(60)))
		}, Passed, ReasonRetired},
		{"found healthy", acct, func(l *ledger) {
			l.told(t0, fact(acct, ReviewStatus, "APPROVED", t0)) // there was an account before
			healthy(l, at(3600))
			healthy(l, at(7200))
			l.told(at(7300), fact(acct, BanState, "DISABLE", at(60)))
		}, Passed, ReasonHealthy},
		{"better", tpl, func(l *ledger) {
			l.told(at(120), fact(tpl, Status, "PAUSED", t0), fact(tpl, Status, "APPROVED", at(60)))
		}, Passed, ""},
		{"its rule was switched off", tpl, func(l *ledger) {
			l.told(t0, fact(tpl, QualityScore, Red, t0))
			off(l, `{"template_quality":{"off":true}}`)
		}, Resolved, ReasonUnwatched},
		{"its value is none to be told", tpl, func(l *ledger) {
			l.told(t0, fact(tpl, QualityScore, Red, t0))
			off(l, `{"template_quality":{"severity":{"RED":"none"}}}`)
		}, Resolved, ReasonUnwatched},
		{"its severity is none to be told", acct, func(l *ledger) {
			l.told(t0, fact(acct, AlertOf("BUSINESS", "5", "X"), "ACTIVE", t0, AttrSeverity, "WARNING"))
			off(l, `{"account_alert":{"severity":{"WARNING":"none"}}}`)
		}, Resolved, ReasonUnwatched},
		{"its type is none to be told", acct, func(l *ledger) {
			l.told(t0, fact(acct, Restriction("X"), RestrictionActive, t0))
			off(l, `{"account_restricted":{"severity":{"X":"none"}}}`)
		}, Resolved, ReasonUnwatched},
	} {
		l := newLedger(t, tc.s)
		tc.do(l)
		if len(l.alerts) == 0 {
			t.Errorf("%s: told nothing", tc.name)
			continue
		}
		last, reason := l.alerts[len(l.alerts)-1], ""
		if last.Reason != nil {
			reason = *last.Reason
		}
		if last.Event != tc.event || reason != tc.reason || tc.reason == ReasonRetired && last.Details[DetailRetired] != "DELETED" {
			t.Errorf("%s: told %q, the last because %q %v; want %s because %q", tc.name, l.said(), reason, last.Details, tc.event, tc.reason)
		}
	}
}
