package quality

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// until lets every clock run that is due by end.
func (l *ledger) until(end time.Time) {
	l.t.Helper()
	for !l.state.Due.IsZero() && !l.state.Due.After(end) {
		l.tick(l.state.Due)
	}
}

const day = 24 * time.Hour

// TestAgainIsAnotherIncident says again what was over by itself: it is told again, as of then.
func TestAgainIsAnotherIncident(t *testing.T) {
	number, tpl, acct := Subject{PhoneNumber, "1", "12025550101"}, Subject{Template, "1", "7"}, AccountSubject("1")
	see := func(l *ledger, at time.Time, rating string) {
		l.poll(at, Numbers, &Seeing{Subject: number, Values: map[Signal]Observed{QualityRating: {Value: rating}}}, nil, nil)
	}
	healthy := func(l *ledger, polls int) {
		for i := range polls {
			l.poll(t0.Add(time.Duration(i+1)*time.Hour), Health, &Seeing{Subject: acct, Values: map[Signal]Observed{CanSendMessage: {Value: "AVAILABLE"}}}, nil, nil)
		}
	}
	for _, tc := range []struct {
		name  string
		s     Subject
		first func(l *ledger)
		again func(l *ledger, at time.Time)
	}{
		{"red after it was no longer rated", number, func(l *ledger) {
			see(l, t0, Red)
			see(l, at(300), Unknown)
			see(l, t0.Add(8*day), Unknown)
		}, func(l *ledger, at time.Time) {
			see(l, at, Red)
		}},
		{"red after it was gone", number, func(l *ledger) {
			see(l, t0, Red)
			for i := range 3 {
				l.poll(at(300*(i+1)), Numbers, nil, nil, nil)
			}
		}, func(l *ledger, at time.Time) {
			see(l, at, Red)
		}},
		{"flagged after day 7", number, func(l *ledger) {
			l.told(t0, fact(number, Flagged, Yes, t0))
		}, func(l *ledger, at time.Time) {
			l.told(at, fact(number, Flagged, Yes, at))
		}},
		{"banned after being found healthy", acct, func(l *ledger) {
			l.told(t0, fact(acct, BanState, "DISABLE", t0, AttrDate, "one"))
			healthy(l, 3)
		}, func(l *ledger, at time.Time) {
			l.told(at, fact(acct, BanState, "DISABLE", at, AttrDate, "another"))
		}},
		{"offboarded after being found healthy", acct, func(l *ledger) {
			l.told(t0, fact(acct, Offboarded, "ACCOUNT_OFFBOARDED", t0))
			healthy(l, 3)
		}, func(l *ledger, at time.Time) {
			l.told(at, fact(acct, Offboarded, "ACCOUNT_OFFBOARDED", at))
		}},
		{"restricted without an end after a restriction that expired", acct, func(l *ledger) {
			l.told(t0, fact(acct, Restriction("X"), RestrictionActive, t0, AttrUntil, t0.Add(day).Format(time.RFC3339)))
		}, func(l *ledger, at time.Time) {
			l.told(at, fact(acct, Restriction("X"), RestrictionActive, at))
		}},
		{"restricted after a lifting", acct, func(l *ledger) {
			l.told(t0, fact(acct, Restriction("X"), RestrictionActive, t0, AttrUntil, t0.Add(19*day).Format(time.RFC3339)))
			l.told(at(60), fact(acct, RestrictionLifted, "A_UNBAN", at(60)))
		}, func(l *ledger, at time.Time) {
			l.told(at, fact(acct, Restriction("X"), RestrictionActive, at, AttrUntil, t0.Add(30*day).Format(time.RFC3339)))
		}},
		{"an account alert after nobody repeated it", acct, func(l *ledger) {
			l.told(t0, fact(acct, AlertOf("BUSINESS", "5", "X"), "ACTIVE", t0, AttrSeverity, "WARNING"))
		}, func(l *ledger, at time.Time) {
			l.told(at, fact(acct, AlertOf("BUSINESS", "5", "X"), "ACTIVE", at, AttrSeverity, "WARNING"))
		}},
		{"a template flagged after it was green", tpl, func(l *ledger) {
			l.told(t0, fact(tpl, Flagged, Yes, t0))
			l.poll(t0.Add(time.Hour), Templates, &Seeing{Subject: tpl, Values: map[Signal]Observed{QualityScore: {Value: Green}}}, nil, nil)
		}, func(l *ledger, at time.Time) {
			l.told(at, fact(tpl, Flagged, Yes, at))
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := newLedger(t, tc.s)
			tc.first(l)
			l.until(t0.Add(20 * day))
			if len(l.state.Open) > 0 {
				t.Fatalf("still open: %v", l.state.Open)
			}
			l.alerts = nil
			again := t0.Add(20 * day)
			tc.again(l, again)
			if got := strings.Join(l.said(), ", "); !strings.HasPrefix(got, "firing ") || strings.Contains(got, ",") {
				t.Fatalf("told %q, want one firing", got)
			}
			if a := l.alerts[0]; !a.At.Equal(again) || !a.IncidentSince.Equal(again) {
				t.Errorf("at %v since %v, want %v", a.At, a.IncidentSince, again)
			}
			l.tick(again.Add(time.Minute))
			if inc := l.state.Open[0]; !inc.Since.Equal(again) {
				t.Errorf("a minute later it is since %v", inc.Since)
			}
		})
	}
}

// TestWhatEndedStaysSo lets go what ended an incident: the same reading does not fire twice.
func TestWhatEndedStaysSo(t *testing.T) {
	tpl, acct := Subject{Template, "1", "7"}, AccountSubject("1")
	score := func(l *ledger, hour int, value string) {
		l.poll(t0.Add(time.Duration(hour)*time.Hour), Templates, &Seeing{Subject: tpl, Values: map[Signal]Observed{QualityScore: {Value: value}}}, nil, nil)
	}
	l := newLedger(t, tpl)
	l.told(t0, fact(tpl, Flagged, Yes, t0))
	score(l, 1, Green)
	score(l, 2, Yellow)
	want := "firing template_flagged warning, resolved template_flagged warning, firing template_quality warning"
	if got := strings.Join(l.said(), ", "); got != want {
		t.Errorf("a template flagged, green and yellow: told %q, want %q", got, want)
	}

	l = newLedger(t, acct)
	l.told(t0, fact(acct, BanState, "DISABLE", t0))
	for i, v := range []string{"AVAILABLE", "AVAILABLE", "BLOCKED"} {
		l.poll(t0.Add(time.Duration(i+1)*time.Hour), Health, &Seeing{Subject: acct, Values: map[Signal]Observed{CanSendMessage: {Value: v}}}, nil, nil)
	}
	want = "firing account_disabled critical, resolved account_disabled critical, firing account_health critical"
	if got := strings.Join(l.said(), ", "); got != want {
		t.Errorf("an account banned, healthy and blocked: told %q, want %q", got, want)
	}
}

// TestToldAgain has incidents that are told again at times of their own.
func TestToldAgain(t *testing.T) {
	number, tpl := Subject{PhoneNumber, "1", "12025550101"}, Subject{Template, "1", "7"}
	remindedAt := func(l *ledger, when time.Time) bool {
		return slices.ContainsFunc(l.alerts, func(a Alert) bool { return a.Event == Reminder && a.CreatedAt.Equal(when) })
	}
	l := newLedger(t, number)
	l.told(at(3600), fact(number, Flagged, Yes, t0)) // learnt late: reminders do not fall on the days
	l.until(t0.Add(8 * day))
	for _, d := range []time.Duration{3 * day, 6 * day} {
		if !remindedAt(l, t0.Add(d)) {
			t.Errorf("flagged: not told again after %s", d)
		}
	}
	if last := l.alerts[len(l.alerts)-1]; last.Event != Resolved || !last.CreatedAt.Equal(t0.Add(7*day)) {
		t.Errorf("flagged: last was %s at %v", last.Event, last.CreatedAt)
	}

	l = newLedger(t, tpl)
	l.told(t0, fact(tpl, Status, "PAUSED", t0, AttrTitle, "SECOND_PAUSE", AttrUntil, t0.Add(6*time.Hour).Format(time.RFC3339)))
	l.until(t0.Add(23 * time.Hour))
	if want := t0.Add(6*time.Hour + pauseSlack); len(l.alerts) != 2 || !remindedAt(l, want) {
		t.Errorf("a pause that did not end: told %v, want a reminder at %v", l.said(), want)
	}

	l = newLedger(t, tpl)
	l.told(t0, fact(tpl, Status, "PAUSED", t0, AttrTitle, "RATE_LIMITING_PAUSE"))
	l.until(t0.Add(23 * time.Hour))
	if len(l.alerts) != 1 {
		t.Errorf("a pause without an end: told %v", l.said())
	}
}

// TestResolvedWithoutAnotherValue ends incidents whose own signal says what it said.
func TestResolvedWithoutAnotherValue(t *testing.T) {
	tpl, acct := Subject{Template, "1", "7"}, AccountSubject("1")
	l := newLedger(t, acct)
	l.told(t0, fact(acct, Restriction("X"), RestrictionActive, t0))
	l.told(at(90), fact(acct, RestrictionLifted, "A_UNBAN", at(60)))
	if a := l.alerts[1]; a.Event != Resolved || a.To != nil || !a.At.Equal(at(60)) || a.Source != "webhook" {
		t.Errorf("a lifted restriction: %s to %v at %v by %s", a.Event, a.To, a.At, a.Source)
	}
	l = newLedger(t, tpl)
	l.told(t0, fact(tpl, Flagged, Yes, t0))
	l.poll(at(3600), Templates, &Seeing{Subject: tpl, Values: map[Signal]Observed{QualityScore: {Value: Green}}}, nil, nil)
	if a := l.alerts[1]; a.Event != Resolved || a.To != nil || !a.At.Equal(at(3600)) {
		t.Errorf("a flag that green ended: %s to %v at %v", a.Event, a.To, a.At)
	}
}

// TestPassedIsNotToldAgain has more stretches in 2 days than a state remembers.
func TestPassedIsNotToldAgain(t *testing.T) {
	tpl := Subject{Template, "1", "7"}
	l := newLedger(t, tpl)
	const many = maxPast + 10
	for i := range many {
		l.told(at(100*i+50), fact(tpl, Status, "PAUSED", at(100*i)), fact(tpl, Status, "APPROVED", at(100*i+20)))
	}
	l.told(at(100*many), fact(tpl, Status, "PAUSED", at(30)), fact(tpl, Status, "APPROVED", at(40)))
	passed := map[time.Time]int{}
	for _, a := range l.alerts {
		passed[a.At]++
	}
	for at, n := range passed {
		if n > 1 {
			t.Errorf("passed at %v was told %d times", at, n)
		}
	}
	if len(passed) != many+1 || passed[at(30)] != 1 {
		t.Errorf("%d stretches were told, want %d", len(passed), many+1)
	}
}

// TestARestrictionLastsWhileItIsRepeated: one without an end is over when nothing was heard of it for 7
// days, and every repeat is heard, also those that are the same reading.
func TestARestrictionLastsWhileItIsRepeated(t *testing.T) {
	acct := AccountSubject("1")
	l := newLedger(t, acct)
	var last time.Time
	for n := range 8 {
		last = t0.Add(time.Duration(n) * 4 * day)
		l.until(last)
		l.told(last, fact(acct, Restriction("X"), RestrictionActive, last))
	}
	last = last.Add(12 * time.Hour) // so soon it is the same reading, and heard all the same
	l.told(last, fact(acct, Restriction("X"), RestrictionActive, last))
	l.until(last.Add(30 * day))
	var events []string
	for _, a := range l.alerts {
		if a.Event != Reminder { // of which there are many
			events = append(events, string(a.Event)+" "+a.CreatedAt.Sub(t0).String())
		}
	}
	want := []string{"firing 0s", "resolved " + last.Add(7*day).Sub(t0).String()}
	if d := cmp.Diff(want, events); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}
}

// TestAReadingIsItsOwnAfterEightDays: what lifted the first reading does not lift that of the eighth day,
// although there was a repeat between them.
func TestAReadingIsItsOwnAfterEightDays(t *testing.T) {
	acct := AccountSubject("1")
	active := func(after time.Duration) Point {
		return fact(acct, Restriction("X"), RestrictionActive, t0.Add(after), AttrUntil, t0.Add(90*day).Format(time.RFC3339))
	}
	lifted := fact(acct, RestrictionLifted, "UNBAN", t0.Add(6*day))
	for name, batches := range map[string][][]Point{
		"in order":    {{active(0)}, {active(4 * day)}, {lifted}, {active(8 * day)}},
		"at once":     {{active(8 * day), lifted, active(0), active(4 * day)}},
		"middle last": {{active(0)}, {active(8 * day)}, {lifted}, {active(4 * day)}},
		"first last":  {{lifted}, {active(8 * day)}, {active(4 * day)}, {active(0)}},
	} {
		l := newLedger(t, acct)
		for i, points := range batches {
			l.told(t0.Add(8*day+time.Duration(i)*time.Second), points...)
		}
		if len(l.state.Open) != 1 {
			t.Errorf("%s: told %q, open %v", name, l.said(), l.state.Open)
		}
	}
}

// TestAnIncidentBeginsAfterTheOneBefore: its value may have held all along, but what was told as over is not
// told again as part of what comes after.
func TestAnIncidentBeginsAfterTheOneBefore(t *testing.T) {
	acct, number, tpl := AccountSubject("1"), Subject{PhoneNumber, "1", "12025550101"}, Subject{Template, "1", "7"}
	hour := func(n float64) time.Time { return t0.Add(time.Duration(n * float64(time.Hour))) }
	until := func(n float64) (string, string) { return AttrUntil, hour(n).Format(time.RFC3339) }
	for _, tc := range []struct {
		name string
		s    Subject
		do   func(l *ledger)
		want time.Time
	}{
		{"offboarded again after being found healthy", acct, func(l *ledger) {
			l.told(hour(0), fact(acct, Offboarded, "PARTNER_REMOVED", hour(0)))
			l.see(hour(1), Health, CanSendMessage, "LIMITED")
			l.see(hour(2), Health, CanSendMessage, "LIMITED")
			l.told(hour(3), fact(acct, Offboarded, "PARTNER_REMOVED", hour(3)))
			l.see(hour(3.5), Health, CanSendMessage, "AVAILABLE")
			l.until(hour(8))
		}, hour(3)},
		{"restricted for longer after the first date had come", number, func(l *ledger) {
			key, date := until(24)
			l.told(hour(0), fact(number, Restriction("X"), RestrictionActive, hour(0), key, date))
			l.see(hour(10), Numbers, QualityRating, Green)
			l.until(hour(24))
			key, date = until(72)
			l.told(hour(30), fact(number, Restriction("X"), RestrictionActive, hour(20), key, date))
		}, hour(24)},
		{"paused again after it was deleted and came back, all told late", tpl, func(l *ledger) {
			for i, status := range []string{"PAUSED", "PENDING_DELETION", "APPROVED", "PAUSED"} {
				l.told(hour(8+float64(i)), fact(tpl, Status, status, hour(float64(i))))
			}
		}, hour(3)},
		{"red when it was migrated and came back", number, func(l *ledger) {
			l.see(hour(0), Numbers, QualityRating, Red)
			l.told(hour(1), fact(number, Status, "MIGRATED", hour(1)))
			l.told(hour(2), fact(number, Status, "CONNECTED", hour(2)))
		}, hour(2)},
	} {
		l := newLedger(t, tc.s)
		tc.do(l)
		var last Alert
		for _, a := range l.alerts {
			if a.Event == Firing || a.Event == Reminder {
				last = a
			}
		}
		if last.IncidentSince == nil || !last.IncidentSince.Equal(tc.want) || last.At.Before(tc.want) {
			t.Errorf("%s: told %q, the last with since %v at %s; want %s", tc.name, l.said(), last.IncidentSince, last.At, tc.want)
		}
	}
}

// TestABanWithoutADateThatComesAgainMayBeACopy: it is told all the same, and says so.
func TestABanWithoutADateThatComesAgainMayBeACopy(t *testing.T) {
	acct := AccountSubject("1")
	for date, repeated := range map[string]bool{"": true, "November 30, 2026": false} {
		l := newLedger(t, acct)
		l.told(t0, fact(acct, BanState, "DISABLE", t0, AttrDate, date))
		l.told(at(60), fact(acct, BanState, "REINSTATE", at(60)))
		if date != "" {
			date = "December 1, 2026"
		}
		l.told(t0.Add(2*day), fact(acct, BanState, "DISABLE", t0.Add(2*day), AttrDate, date))
		if last := l.alerts[len(l.alerts)-1]; last.Event != Firing || last.Repeated != repeated {
			t.Errorf("date %q: told %q, the last as possibly repeated: %v", date, l.said(), last.Repeated)
		}
	}
}
