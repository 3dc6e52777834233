package quality

import (
	"maps"
	"strings"
	"testing"
	"time"
)

// events lists what was told, as "event rule severity".
func (l *ledger) said() []string {
	var out []string
	for _, a := range l.alerts {
		out = append(out, string(a.Event)+" "+a.Rule+" "+string(a.Severity))
	}
	return out
}

func (l *ledger) tick(now time.Time) { l.apply(now, nil, func(State) []Point { return nil }) }

// see is a poll of a class that sees one value.
func (l *ledger) see(when time.Time, class Class, sig Signal, value string) {
	l.t.Helper()
	l.poll(when, class, &Seeing{Subject: l.state.Subject, Values: map[Signal]Observed{sig: {Value: value}}}, nil, nil)
}

// healthy is a poll of an account's health that finds nothing wrong.
func healthy(l *ledger, when time.Time) {
	l.see(when, Health, CanSendMessage, "AVAILABLE")
	l.tick(when.Add(time.Second))
}

func fact(s Subject, sig Signal, value string, at time.Time, attrs ...string) Point {
	p := Point{Subject: s, Signal: sig, Value: value, At: at, Track: Told}
	for i := 0; i+1 < len(attrs); i += 2 {
		if p.Attrs == nil {
			p.Attrs = map[string]string{}
		}
		p.Attrs[attrs[i]] = attrs[i+1]
	}
	return p
}

func TestRules(t *testing.T) {
	number, tpl := Subject{PhoneNumber, "1", "12025550101"}, Subject{Template, "1", "7"}
	acct, home := AccountSubject("1"), Subject{Portfolio, "1", "9"}
	day := 24 * time.Hour
	for _, tc := range []struct {
		name string
		do   func(l *ledger)
		s    Subject
		want string
	}{
		{"flagged ends on day 7", func(l *ledger) {
			l.told(t0, fact(number, Flagged, Yes, t0))
			l.tick(t0.Add(4 * time.Hour))
			l.tick(t0.Add(7 * day))
		}, number, "firing number_flagged critical, reminder number_flagged critical, resolved number_flagged critical"},
		{"unflagged resolves", func(l *ledger) {
			l.told(t0, fact(number, Flagged, Yes, t0))
			l.told(t0.Add(time.Hour), fact(number, Flagged, No, t0.Add(time.Hour)))
		}, number, "firing number_flagged critical, resolved number_flagged critical"},
		{"a disabled template never reminds", func(l *ledger) {
			l.told(t0, fact(tpl, Status, "DISABLED", t0))
			l.tick(t0.Add(30 * day))
		}, tpl, "firing template_status critical"},
		{"a pause that worsens escalates", func(l *ledger) {
			l.told(t0, fact(tpl, Status, "PAUSED", t0))
			l.told(at(60), fact(tpl, Status, "DISABLED", at(60)))
		}, tpl, "firing template_status warning, escalated template_status critical"},
		{"a pause that was over before we heard is passed", func(l *ledger) {
			l.told(at(7200), fact(tpl, Status, "APPROVED", at(3600)))
			l.told(at(7300), fact(tpl, Status, "PAUSED", at(60)))
		}, tpl, "passed template_status warning"},
		{"a pause that was over three days ago is not told", func(l *ledger) {
			l.told(t0.Add(3*day), fact(tpl, Status, "APPROVED", at(3600)))
			l.told(t0.Add(3*day), fact(tpl, Status, "PAUSED", at(60)))
		}, tpl, ""},
		{"begun and ended in one batch is passed", func(l *ledger) {
			l.told(at(100), fact(tpl, Status, "PAUSED", at(10)), fact(tpl, Status, "APPROVED", at(50)))
		}, tpl, "passed template_status warning"},
		{"a deleted template retires its incident", func(l *ledger) {
			l.told(t0, fact(tpl, Status, "PAUSED", t0))
			l.told(at(60), fact(tpl, Status, "DELETED", at(60)))
		}, tpl, "firing template_status warning, resolved template_status warning"},
		{"unknown is not a recovery", func(l *ledger) {
			l.told(t0, fact(tpl, QualityScore, Red, t0))
			l.told(at(60), fact(tpl, QualityScore, Unknown, at(60)))
			l.tick(t0.Add(2 * time.Hour))
		}, tpl, "firing template_quality critical"},
		{"unknown for 7 days is no longer rated", func(l *ledger) {
			l.told(t0, fact(tpl, QualityScore, Red, t0))
			l.told(at(60), fact(tpl, QualityScore, Unknown, at(60)))
			l.tick(at(60).Add(7 * day))
		}, tpl, "firing template_quality critical, resolved template_quality critical"},
		{"a recovery keeps firing for an hour", func(l *ledger) {
			l.told(t0, fact(tpl, QualityScore, Red, t0))
			l.told(at(60), fact(tpl, QualityScore, Green, at(60)))
			l.tick(at(1800))
			l.told(at(1900), fact(tpl, QualityScore, Red, at(1900)))
			l.told(at(2000), fact(tpl, QualityScore, Green, at(2000)))
			l.tick(at(2000).Add(time.Hour))
		}, tpl, "firing template_quality critical, resolved template_quality critical"},
		{"better lasts an hour before it eases", func(l *ledger) {
			l.told(t0, fact(tpl, QualityScore, Red, t0))
			l.told(at(60), fact(tpl, QualityScore, Yellow, at(60)))
			l.tick(at(60).Add(time.Hour))
		}, tpl, "firing template_quality critical, eased template_quality warning"},
		{"a restriction resolves by its date", func(l *ledger) {
			l.told(t0, fact(acct, Restriction("X"), RestrictionActive, t0, AttrUntil, t0.Add(day).Format(time.RFC3339)))
			l.tick(t0.Add(day))
		}, acct, "firing account_restricted critical, resolved account_restricted critical"},
		{"a lifting ends every restriction before it", func(l *ledger) {
			l.told(t0, fact(acct, Restriction("X"), RestrictionActive, t0), fact(acct, Restriction("Y"), RestrictionActive, t0))
			l.told(at(60), fact(acct, RestrictionLifted, "UNBAN", at(60)))
		}, acct, "firing account_restricted critical, firing account_restricted critical, resolved account_restricted critical, resolved account_restricted critical"},
		{"a redelivered restriction does not undo its lifting", func(l *ledger) {
			l.told(t0, fact(acct, Restriction("X"), RestrictionActive, t0))
			l.told(at(60), fact(acct, RestrictionLifted, "UNBAN", at(60)))
			l.told(at(120), fact(acct, Restriction("X"), RestrictionActive, at(120)))
		}, acct, "firing account_restricted critical, resolved account_restricted critical"},
		{"one that has no date and comes again a day later is another", func(l *ledger) {
			l.told(t0, fact(acct, Restriction("X"), RestrictionActive, t0), fact(acct, BanState, "DISABLE", t0))
			l.told(at(60), fact(acct, RestrictionLifted, "UNBAN", at(60)), fact(acct, BanState, "REINSTATE", at(60)))
			l.told(t0.Add(day), fact(acct, Restriction("X"), RestrictionActive, t0.Add(day)), fact(acct, BanState, "DISABLE", t0.Add(day)))
		}, acct, "firing account_restricted critical, firing account_disabled critical, resolved account_restricted critical, resolved account_disabled critical, firing account_restricted critical, firing account_disabled critical"},
		{"one for another violation is another", func(l *ledger) {
			l.told(t0, fact(acct, Restriction("X"), RestrictionActive, t0, AttrViolation, "STRIKE_1"))
			l.told(at(60), fact(acct, RestrictionLifted, "UNBAN", at(60)))
			l.told(at(120), fact(acct, Restriction("X"), RestrictionActive, at(120), AttrViolation, "STRIKE_2"))
		}, acct, "firing account_restricted critical, resolved account_restricted critical, firing account_restricted critical"},
		{"a copy of what was followed by worse is no news", func(l *ledger) {
			l.told(t0, fact(acct, Restriction("X"), RestrictionActive, t0, AttrViolation, "STRIKE_1"))
			l.told(at(3600), fact(acct, Restriction("X"), RestrictionActive, at(3600), AttrViolation, "OFFBOARD"))
			l.told(at(3*3600), fact(acct, Restriction("X"), RestrictionActive, t0.Add(30*time.Hour), AttrViolation, "STRIKE_1"))
		}, acct, "firing account_restricted critical, reminder account_restricted critical"},
		{"a restriction that will last longer is told at once", func(l *ledger) {
			l.told(t0, fact(acct, Restriction("X"), RestrictionActive, t0, AttrUntil, t0.Add(7*day).Format(time.RFC3339)))
			l.told(at(60), fact(acct, Restriction("X"), RestrictionActive, at(60), AttrUntil, t0.Add(30*day).Format(time.RFC3339)))
			l.told(at(120), fact(acct, Restriction("X"), RestrictionActive, at(60), AttrUntil, t0.Add(30*day).Format(time.RFC3339)))
		}, acct, "firing account_restricted critical, reminder account_restricted critical"},
		{"a ban is announced, done and lifted", func(l *ledger) {
			l.told(t0, fact(acct, BanState, "SCHEDULE_FOR_DISABLE", t0))
			l.told(at(60), fact(acct, BanState, "DISABLE", at(60)))
			l.told(at(120), fact(acct, BanState, "REINSTATE", at(120)))
		}, acct, "firing account_disabled warning, escalated account_disabled critical, resolved account_disabled critical"},
		{"a ban ends when two polls find the account healthy", func(l *ledger) {
			l.told(t0, fact(acct, BanState, "DISABLE", t0))
			healthy(l, at(3600))
			healthy(l, at(7200))
		}, acct, "firing account_disabled critical, resolved account_disabled critical"},
		{"a ban that is announced does not: the account is healthy until that day", func(l *ledger) {
			l.told(t0, fact(acct, BanState, "SCHEDULE_FOR_DISABLE", t0))
			for n := range 6 {
				healthy(l, t0.Add(time.Duration(n+1)*day))
			}
			l.told(t0.Add(6*day), fact(acct, BanState, "DISABLE", t0.Add(6*day)))
		}, acct, "firing account_disabled warning, " + strings.Repeat("reminder account_disabled warning, ", 6) + "escalated account_disabled critical"},
		{"a ban that is announced ends when nobody repeats it", func(l *ledger) {
			l.told(t0, fact(acct, BanState, "SCHEDULE_FOR_DISABLE", t0))
			l.tick(t0.Add(30 * day))
		}, acct, "firing account_disabled warning, resolved account_disabled warning"},
		{"a ban that is announced when an earlier one had healed", func(l *ledger) {
			for hour := range 6 {
				healthy(l, at(3600*(hour+1)))
			}
			l.told(at(7*3600), fact(acct, BanState, "DISABLE", t0, AttrDate, "one"))
			l.told(at(7*3600+60), fact(acct, BanState, "SCHEDULE_FOR_DISABLE", at(5400), AttrDate, "another"))
		}, acct, "passed account_disabled critical, firing account_disabled warning"},
		{"an account alert that ends as information is told once", func(l *ledger) {
			sig := AlertOf("BUSINESS", "5", "X")
			l.told(t0, fact(acct, sig, "ACTIVE", t0, AttrSeverity, "WARNING"))
			l.told(at(60), fact(acct, sig, "NONE", at(60), AttrSeverity, "INFORMATIONAL"))
			l.told(at(120), fact(acct, sig, "NONE", at(120), AttrSeverity, "INFORMATIONAL", AttrDescription, "another"))
		}, acct, "firing account_alert warning, resolved account_alert warning, notice account_alert info"},
		{"an alert that was never active is a notice as bad as it says", func(l *ledger) {
			l.told(t0, fact(acct, AlertOf("PHONE_NUMBER", "5", "OBA_REJECTED"), "NONE", t0, AttrSeverity, "WARNING"))
			l.told(t0, fact(acct, AlertOf("PHONE_NUMBER", "5", "OBA_REJECTED"), "NONE", t0, AttrSeverity, "WARNING"))
		}, acct, "notice account_alert warning"},
		{"an alert that is no longer active is none", func(l *ledger) {
			sig := AlertOf("BUSINESS", "5", "X")
			l.told(t0, fact(acct, sig, "ACTIVE", t0, AttrSeverity, "WARNING"))
			l.tick(t0.Add(7 * day))
			l.told(t0.Add(8*day), fact(acct, sig, "NONE", t0.Add(8*day), AttrSeverity, "WARNING"))
		}, acct, "firing account_alert warning, resolved account_alert warning"},
		{"a second pause before the first was over is told", func(l *ledger) {
			l.told(t0, fact(tpl, Status, "PAUSED", t0, AttrTitle, "FIRST_PAUSE"))
			l.told(at(60), fact(tpl, Status, "PAUSED", at(60), AttrTitle, "FIRST_PAUSE", AttrUntil, at(60).Add(3*time.Hour).Format(time.RFC3339))) // a copy
			l.told(at(3*3600), fact(tpl, Status, "PAUSED", at(3*3600), AttrTitle, "SECOND_PAUSE"))
			l.told(at(3*3600+60), fact(tpl, Status, "PAUSED", at(3*3600+60), AttrTitle, "FIRST_PAUSE")) // copies
			l.told(at(3*3600+120), fact(tpl, Status, "PAUSED", at(3*3600+120), AttrTitle, "SECOND_PAUSE"))
			l.told(at(3*3600), fact(tpl, Status, "PAUSED", at(3*3600), AttrTitle, "SECOND_PAUSE"))
		}, tpl, "firing template_status warning, reminder template_status warning"},
		{"an archived template is out of use until its status changes", func(l *ledger) {
			l.see(t0, Templates, Status, "PAUSED")
			l.told(at(600), fact(tpl, Archived, Yes, at(600)))
			l.see(at(1800), Templates, Status, "PAUSED")
			l.told(at(1900), fact(tpl, QualityScore, Red, at(1900)))
			l.see(at(3600), Templates, Status, "DISABLED")
		}, tpl, "firing template_status warning, resolved template_status warning, firing template_quality critical, firing template_status critical"},
		{"a limit that falls is a warning, one that rises is information", func(l *ledger) {
			l.told(t0, fact(home, MessagingLimit, "TIER_10K", t0))
			l.told(at(60), fact(home, MessagingLimit, "TIER_2K", at(60)))
			l.told(at(120), fact(home, MessagingLimit, "TIER_UNLIMITED", at(120)))
		}, home, "notice limit_lowered warning, notice limit_raised info"},
		{"the first limit is news where the webhook says what it was", func(l *ledger) {
			l.told(t0, fact(home, MessagingLimit, "TIER_1K", t0, AttrOldLimit, "TIER_10K"))
			l.told(at(60), fact(home, MessagingLimit, "TIER_1K", at(60), AttrOldLimit, "TIER_10K"))
		}, home, "notice limit_lowered warning"},
		{"the first limit is news where the event says that it fell", func(l *ledger) {
			l.told(t0, fact(home, MessagingLimit, "TIER_1K", t0, AttrEvent, "DOWNGRADE"))
		}, home, "notice limit_lowered warning"},
		{"the first category is news where the webhook says what it was", func(l *ledger) {
			l.told(t0, fact(tpl, Category, "MARKETING", t0, AttrPrevious, "UTILITY"))
			l.told(at(60), fact(tpl, Category, "MARKETING", at(60), AttrPrevious, "UTILITY"))
		}, tpl, "notice template_category warning"},
		{"a first category that replaces itself is no news", func(l *ledger) {
			l.told(t0, fact(tpl, Category, "MARKETING", t0, AttrPrevious, "MARKETING"))
		}, tpl, ""},
		{"a PIN event is told, and its copy as possibly repeated", func(l *ledger) {
			l.told(t0, fact(number, PIN, "PIN_CHANGED", t0))
			l.told(at(60), fact(number, PIN, "PIN_CHANGED", at(60)))
		}, number, "notice number_security critical, notice number_security critical"},
		{"violations of two numbers are two", func(l *ledger) {
			l.told(t0, fact(acct, Violation, "SCAM", t0, AttrPhoneNumber, "1"), fact(acct, Violation, "SCAM", t0, AttrPhoneNumber, "2"))
		}, acct, "notice account_violation warning, notice account_violation warning"},
		{"an informational account alert is a notice", func(l *ledger) {
			l.told(t0, fact(acct, AlertOf("PHONE_NUMBER", "5", "OBA_APPROVED"), "ACTIVE", t0, AttrSeverity, "INFORMATIONAL"))
		}, acct, "notice account_alert info"},
		{"an account alert resolves with its type", func(l *ledger) {
			l.told(t0, fact(acct, AlertOf("BUSINESS", "5", "X"), "ACTIVE", t0, AttrSeverity, "WARNING"))
			l.told(at(60), fact(acct, AlertOf("BUSINESS", "5", "X"), "NONE", at(60), AttrSeverity, "WARNING"))
		}, acct, "firing account_alert warning, resolved account_alert warning"},
		{"a status of Flagged is Flagged, until it changes", func(l *ledger) {
			see := func(at time.Time, v string) {
				l.poll(at, Numbers, &Seeing{Subject: number, Values: map[Signal]Observed{Status: {Value: v}}}, nil, nil)
			}
			see(t0, "CONNECTED")
			see(at(300), "FLAGGED")
			see(at(600), "CONNECTED")
		}, number, "firing number_flagged critical, resolved number_flagged critical"},
		{"an unseen number status is a warning", func(l *ledger) {
			l.told(t0, fact(number, Status, "SUSPENDED_SOMEHOW", t0))
		}, number, "firing number_status warning"},
		{"an announced category change is told once, and the change itself", func(l *ledger) {
			l.told(t0, fact(tpl, Category, "UTILITY", t0), fact(tpl, CorrectCategory, "MARKETING", t0))
			l.told(at(60), fact(tpl, CorrectCategory, "MARKETING", at(60)))
			l.told(at(120), fact(tpl, Category, "MARKETING", at(120)))
		}, tpl, "notice template_category warning, notice template_category warning"},
		{"a name that was rejected is forgotten when nobody repeats it", func(l *ledger) {
			l.told(t0, fact(number, NameDecision, "REJECTED", t0))
			l.tick(t0.Add(7 * day))
		}, number, "firing number_name warning, reminder number_name warning, resolved number_name warning"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := newLedger(t, tc.s)
			if strings.Contains(tc.name, "nobody repeats") {
				inner := tc.do
				tc.do = func(l *ledger) {
					l.told(t0, fact(number, NameDecision, "REJECTED", t0))
					l.tick(t0.Add(day))
					inner(l)
				}
			}
			tc.do(l)
			if got := strings.Join(l.said(), ", "); got != tc.want {
				t.Errorf("told %q, want %q", got, tc.want)
			}
		})
	}
}

func TestEveryAlertOfAnIncidentCarriesItsIdentity(t *testing.T) {
	tpl := Subject{Template, "1", "7"}
	l := newLedger(t, tpl)
	l.told(t0, fact(tpl, Status, "PAUSED", t0))
	l.told(at(60), fact(tpl, Status, "DISABLED", at(60)))
	l.told(at(120), fact(tpl, Status, "APPROVED", at(120)))
	for i, a := range l.alerts {
		if a.IncidentID == nil || *a.IncidentID != *l.alerts[0].IncidentID || a.Revision != i+1 {
			t.Errorf("alert %d = incident %v revision %d", i, a.IncidentID, a.Revision)
		}
	}
	if last := l.alerts[2]; last.Severity != Critical || *last.From != "DISABLED" || *last.To != "APPROVED" {
		t.Errorf("resolved = %+v", last)
	}
}

func TestOverride(t *testing.T) {
	rs, err := DefaultRules.Override(`{"template_status":{"severity":{"PAUSED":"critical"},"repeat_interval":0},"number_name":{"off":true},"number_quality":{"keep_firing_for":"2h"}}`)
	if err != nil {
		t.Fatal(err)
	}
	sameAs, err := DefaultRules.Override(`{"number_quality":{"keep_firing_for":7200,"for":90},"number_name":{"for":null}}`)
	if err != nil {
		t.Fatal(err)
	}
	if got := sameAs[0]; got.KeepFiringFor != rs[0].KeepFiringFor || got.For != 90*time.Second {
		t.Errorf("numbers of seconds give keep_firing_for %s, for %s", got.KeepFiringFor, got.For)
	}
	tpl := Subject{Template, "1", "7"}
	l := newLedger(t, tpl)
	l.rules = rs
	l.told(t0, fact(tpl, Status, "PAUSED", t0))
	l.tick(t0.Add(48 * time.Hour))
	if got := strings.Join(l.said(), ", "); got != "firing template_status critical" {
		t.Errorf("told %q", got)
	}
	rs, err = DefaultRules.Override(`{"limit_raised":{"off":true},"limit_lowered":{"severity":"critical"},"account_alert":{"off":true}}`)
	if err != nil {
		t.Fatal(err)
	}
	account := Subject{Portfolio, "1", "9"}
	l = newLedger(t, account)
	l.rules = rs
	for i, tier := range []string{"TIER_2K", "TIER_10K", "TIER_250"} {
		l.told(at(60*i), fact(account, MessagingLimit, tier, at(60*i)))
	}
	l.told(at(600), fact(account, AlertOf("WABA", "1", "OBA_APPROVED"), "ACTIVE", at(600), AttrSeverity, "INFORMATIONAL"))
	if got := strings.Join(l.said(), ", "); got != "notice limit_lowered critical" {
		t.Errorf("told %q", got)
	}
	for _, bad := range []string{"[]", `{"nope":{}}`, `{"limit_raised":{"for":"5m"}}`, `{"number_quality":{"severity":"info"}}`, `{"number_quality":{"keep_firing_for":"soon"}}`, `{"number_quality":{"sevrity":"critical"}}`, `{"number_quality":{"severity":"bad"}}`,
		`{"number_quality":{"for":["5m"]}}`, `{"number_quality":{"keep_firing_for":-1}}`, `{"number_quality":{"keep_firing_for":10000000000}}`,
		`{"number_quality":{"for":"200000d"}}`, `{"number_quality":{"for":"Inf"}}`, `{"number_quality":{"for":"NaN"}}`, `{"number_quality":{"repeat_interval":1e10}}`, `{"number_quality":{"severity":{"red":"warning"}}}`} {
		if _, err := DefaultRules.Override(bad); err == nil {
			t.Errorf("Override(%s) = nil error", bad)
		}
	}
}

// TestYoungWebhooks contradicts webhooks by polls: under 10 minutes old, one does not do.
func TestYoungWebhooks(t *testing.T) {
	tpl := Subject{Template, "1", "7"}
	see := func(l *ledger, s int, value string) { l.see(at(s), Templates, Status, value) }
	green := func(l *ledger, s int) { l.see(at(s), Templates, QualityScore, Green) }
	for _, tc := range []struct {
		name string
		do   func(l *ledger)
		want string
	}{
		{"one poll", func(l *ledger) {
			l.told(at(60), fact(tpl, Status, "PAUSED", at(60)))
			see(l, 100, "APPROVED")
			see(l, 130, "APPROVED")
		}, "firing template_status warning"},
		{"two polls a minute apart", func(l *ledger) {
			l.told(at(60), fact(tpl, Status, "PAUSED", at(60)))
			see(l, 100, "APPROVED")
			see(l, 160, "APPROVED")
		}, "firing template_status warning, resolved template_status warning"},
		{"polls every 20 seconds for a minute", func(l *ledger) {
			l.told(at(60), fact(tpl, Status, "PAUSED", at(60)))
			for s := 100; s <= 160; s += 20 {
				see(l, s, "APPROVED")
			}
		}, "firing template_status warning, resolved template_status warning"},
		{"a young webhook of an old incident", func(l *ledger) {
			l.told(at(60), fact(tpl, Status, "PAUSED", at(60)))
			l.told(at(3600), fact(tpl, Status, "DISABLED", at(3600)))
			see(l, 3640, "APPROVED")
		}, "firing template_status warning, escalated template_status critical"},
		{"one poll against a webhook that is not young", func(l *ledger) {
			l.told(at(60), fact(tpl, Status, "PAUSED", at(60)))
			see(l, 660, "APPROVED")
		}, "firing template_status warning, resolved template_status warning"},
		{"one poll that is better and not good", func(l *ledger) {
			see(l, 30, "PAUSED")
			l.told(at(60), fact(tpl, Status, "DISABLED", at(60)))
			see(l, 100, "PAUSED")
			see(l, 160, "DISABLED")
		}, "firing template_status warning, escalated template_status critical"},
		{"two polls that are better and not good", func(l *ledger) {
			see(l, 30, "PAUSED")
			l.told(at(60), fact(tpl, Status, "DISABLED", at(60)))
			see(l, 100, "PAUSED")
			see(l, 160, "PAUSED")
		}, "firing template_status warning, escalated template_status critical, eased template_status warning"},
		{"one poll that would cure it", func(l *ledger) {
			green(l, 30)
			l.told(at(60), fact(tpl, Flagged, Yes, at(60)))
			green(l, 100)
		}, "firing template_flagged warning"},
		{"two polls that cure it", func(l *ledger) {
			green(l, 30)
			l.told(at(60), fact(tpl, Flagged, Yes, at(60)))
			green(l, 100)
			green(l, 160)
		}, "firing template_flagged warning, resolved template_flagged warning"},
		{"one poll that cures what is not young", func(l *ledger) {
			l.told(at(60), fact(tpl, Flagged, Yes, at(60)))
			green(l, 660)
		}, "firing template_flagged warning, resolved template_flagged warning"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := newLedger(t, tpl)
			see(l, 0, "APPROVED")
			tc.do(l)
			if got := strings.Join(l.said(), ", "); got != tc.want {
				t.Errorf("told %q, want %q", got, tc.want)
			}
		})
	}
}

// TestWithinASecond has two webhooks of one second: the value that is worse for the customer counts.
func TestWithinASecond(t *testing.T) {
	for _, tc := range []struct {
		kind          Kind
		sig           Signal
		better, worse string
	}{
		{Template, Status, "APPROVED", "PAUSED"},
		{Template, Status, "REJECTED", "DISABLED"},
		{Template, Status, "APPROVED", "A_NEW_ONE"},
		{Template, Status, "A_NEW_ONE", "PAUSED"},
		{PhoneNumber, NameDecision, "APPROVED", "A_NEW_ONE"},
		{Account, ReviewStatus, "APPROVED", "A_NEW_ONE"},
		{Portfolio, MessagingLimit, "TIER_2K", "TIER_250"},
		{Portfolio, MessagingLimit, "TIER_UNLIMITED", "TIER_100K"},
		{Portfolio, MessagingLimit, "TIER_10K", "TIER_2K"},
		{Portfolio, MessagingLimit, "TIER_2K", "SOMETHING"},
	} {
		s := Subject{tc.kind, "1", "7"}
		for _, order := range [][2]string{{tc.better, tc.worse}, {tc.worse, tc.better}} {
			l := newLedger(t, s)
			l.told(t0, fact(s, tc.sig, order[0], t0))
			l.told(t0, fact(s, tc.sig, order[1], t0))
			if got := l.state.Cells[tc.sig].Current.Value; got != tc.worse {
				t.Errorf("%s %v: %s is in force", tc.sig, order, got)
			}
		}
	}
}

func TestTemplatesOutOfUseAreNoStateOfTheAccount(t *testing.T) {
	tpl := Subject{Template, "1", "7"}
	l := newLedger(t, tpl)
	l.told(t0, fact(tpl, QualityScore, Red, t0), fact(tpl, Flagged, Yes, t0))
	if got := l.state.HealthForAccount(true); got != Degraded {
		t.Errorf("with a red template the account is %s", got)
	}
	l.told(at(60), fact(tpl, Status, "DISABLED", at(60)))
	if got, own := l.state.HealthForAccount(true), l.state.Health(true); got != Healthy || own != Degraded {
		t.Errorf("with a disabled template the account is %s, the template %s", got, own)
	}
}

func TestMarksOfNotices(t *testing.T) {
	number := Subject{PhoneNumber, "1", "12025550101"}
	l := newLedger(t, number)
	for i := range 3 * maxNotices {
		l.told(at(i), fact(number, PIN, "PIN_CHANGED", at(i)))
	}
	if got := len(l.state.Notices); got != maxNotices {
		t.Errorf("%d marks are kept", got)
	}
	if ch := l.told(t0.Add(20*24*time.Hour), fact(number, PIN, "PIN_CHANGED", at(5))); ch.Write {
		t.Error("a duplicate was written, to drop old marks")
	}
}
func TestAlertsTellLanguagesOfATemplateApart(t *testing.T) {
	tpl := Subject{Template, "1", "7"}
	out, _ := DefaultRules.Apply(Input{
		State: State{Subject: tpl}, Now: at(60), Name: "spring_sale", Refs: map[string]string{RefLanguage: "pt_BR"},
		Points: []Point{fact(tpl, Status, "PAUSED", t0, AttrTitle, "FIRST_PAUSE"), fact(tpl, LimitExceeded, "LIMIT_EXCEEDED", t0)},
	})
	if len(out.Alerts) != 2 {
		t.Fatalf("alerts = %+v", out.Alerts)
	}
	for _, a := range out.Alerts {
		if a.Details[AttrLanguage] != "pt_BR" {
			t.Errorf("%s has details %v", a.Rule, a.Details)
		}
	}
	for _, p := range out.Points {
		if p.Attrs[AttrLanguage] != "" {
			t.Errorf("the point %s was changed: %v", p.Signal, p.Attrs)
		}
	}
}

// TestDetailsOfAnotherFaultReplaceTheOld: a number stays blocked, for another reason.
func TestDetailsOfAnotherFaultReplaceTheOld(t *testing.T) {
	number := Subject{PhoneNumber, "1", "12025550101"}
	l := newLedger(t, number)
	for i, attrs := range []map[string]string{
		{AttrCodes: "141006", AttrSolutions: "Add a payment method."},
		{AttrCodes: "141002", AttrSolutions: ""},
	} {
		l.poll(at(300*i), Health, &Seeing{Subject: number, Values: map[Signal]Observed{CanSendMessage: {Value: "BLOCKED", Attrs: attrs}}}, nil, nil)
	}
	want := map[string]string{AttrCodes: "141002"}
	if got := l.state.Cells[CanSendMessage].Current.Attrs; !maps.Equal(got, want) {
		t.Errorf("details are %v, want %v", got, want)
	}
	if got := l.state.Open[0].Attrs; !maps.Equal(got, want) {
		t.Errorf("details of the incident are %v, want %v", got, want)
	}
}
