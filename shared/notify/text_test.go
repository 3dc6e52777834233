package notify

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"":                            "",
		"  two\r\n\tlines\u2028here ": "two lines here",
		"a\u202eb\u200bc\ufeffd":      "abcd",
		"\x1b[31mred\x00":             "[31mred",
		"caf\u00e9 cafe\u0301":        "caf\u00e9 cafe\u0301",
		"z\u0301\u0302\u0303\u0304":   "z\u0301\u0302",
		"\u0301lone mark":             "lone mark",
		"bad \xff utf":                "bad utf",
		"\u3164blank\u2800":           "blank",
		"0123456789012345678901234":   "0123456789012345678…",
	} {
		if got := clean(in, 20); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestUnlink(t *testing.T) {
	for in, want := range map[string]string{
		"Example Ltd.":              "Example Ltd.",
		"J.P. 3.5 stars":            "J[.]P. 3.5 stars",
		"https://evil.example/a.b":  "https[:]//evil[.]example/a[.]b",
		"www.a.b.example":           "www[.]a[.]b[.]example",
		"evil。example evil．example": "evil[.]example evil[.]example",
		"me@evil.example":           "me@evil[.]example",
	} {
		if got := unlink(in); got != want {
			t.Errorf("unlink(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestSpelling(t *testing.T) {
	for in, want := range map[string][2]string{ // ASCII, GSM-7
		"Žluťoučký kůň":         {"Zlutoucky kun", "Zlutoucky kun"},
		"Müller & Søn, “Ñandú”": {`Muller & Son, "Nandu"`, `Müller & Søn, "Ñandu"`},
		"Straße – 5 €":          {"Strasse - 5 EUR", "Straße - 5 EUR"},
		"Жук и Ёж":              {"Zhuk i Ezh", "Zhuk i Ezh"},
		"漢字 shop":               {"? shop", "? shop"},
		"ﬁne ½ ①":               {"fine 1/2 1", "fine 1/2 1"},
		"[a] {b} c|d ~ ^":       {"[a] {b} c|d ~ ^", "(a) (b) c/d - '"},
		"it's `so`":             {"it's `so`", "it's 'so'"},
	} {
		if got := ascii(in); got != want[0] {
			t.Errorf("ascii(%q) = %q, want %q", in, got, want[0])
		}
		if got := gsm7(in); got != want[1] {
			t.Errorf("gsm7(%q) = %q, want %q", in, got, want[1])
		}
	}
}

func TestMasked(t *testing.T) {
	for in, want := range map[string]string{
		"Example +12025550101":     "Example ..0101",
		"+1 202-555-0101 (Berlin)": "..0101 (Berlin)",
		"(202) 555-0101":           "..0101",
		"20 Nov 10:05":             "20 Nov 10:05",
		"131042":                   "131042",
	} {
		if got := masked(in); got != want {
			t.Errorf("masked(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestNameThatCannotBeSpelledGivesWayToTheNumber(t *testing.T) {
	a := example(quality.RuleNumberQuality, quality.Firing, quality.Critical, "YELLOW", "RED")
	a.SubjectName = "漢字"
	if got, want := compose(t, Writer{}, quality.Single, a)[0].Subject, "CRITICAL: +12025550101: quality is RED (before: YELLOW)"; got != want {
		t.Errorf("subject = %q, want %q", got, want)
	}
}

func TestTimes(t *testing.T) {
	utc := func(day, hour, minute int) time.Time { return time.Date(2026, 11, day, hour, minute, 30, 0, time.UTC) }
	sydney, lima := time.FixedZone("AEDT", 11*3600), time.FixedZone("-05", -5*3600)
	for _, tc := range []struct {
		zone     *time.Location
		from, to time.Time
		want     string
	}{
		{nil, utc(20, 10, 0), utc(20, 10, 5), "20 Nov 2026 10:00 and 10:05 UTC"},
		{time.UTC, utc(20, 10, 0), utc(20, 10, 5), "20 Nov 2026 10:00 and 10:05 UTC"},
		{paris, utc(20, 10, 0), utc(20, 10, 5), "20 Nov 2026 10:00 and 10:05 UTC (11:00 and 11:05 CET)"},
		{nil, utc(19, 23, 58), utc(20, 0, 3), "19 Nov 2026 23:58 and 20 Nov 2026 00:03 UTC"},
		{paris, utc(20, 22, 58), utc(20, 23, 3), "20 Nov 2026 22:58 and 23:03 UTC (23:58 and 21 Nov 2026 00:03 CET)"},
		{lima, utc(19, 23, 58), utc(20, 0, 3), "19 Nov 2026 23:58 and 20 Nov 2026 00:03 UTC (18:58 and 19 Nov 2026 19:03 UTC-05)"},
		{sydney, utc(20, 14, 0), utc(20, 14, 5), "20 Nov 2026 14:00 and 14:05 UTC (21 Nov 2026 01:00 and 01:05 AEDT)"},
	} {
		if got := (Writer{Zone: tc.zone}).span(tc.from, tc.to); got != tc.want {
			t.Errorf("span = %q, want %q", got, tc.want)
		}
	}
	if got, want := (Writer{Zone: lima}).stamp(utc(20, 2, 5)), "20 Nov 2026 02:05 UTC (19 Nov 2026 21:05 UTC-05)"; got != want {
		t.Errorf("stamp = %q, want %q", got, want)
	}
}

func TestLasting(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Hour: "less than a minute", 29 * time.Second: "less than a minute", 45 * time.Minute: "45 min", 3 * time.Hour: "3 h", 3*time.Hour + 7*time.Minute: "3 h 7 min",
		28 * time.Hour: "1 d 4 h", 48 * time.Hour: "2 d", 49*time.Hour + time.Minute: "2 d 1 h",
	} {
		if got := english.Words.lasting(d); got != want {
			t.Errorf("lasting(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestPauseThatIsOverIsNoLongerTimed(t *testing.T) {
	a := example(quality.RuleTemplateStatus, quality.Firing, quality.Warning, "APPROVED", "PAUSED", quality.AttrTitle, "SECOND_PAUSE")
	keys := func() string { return (Writer{}).facts(&a, plain).cases()[0] }
	if got := keys(); got != "PAUSED/SECOND_PAUSE" {
		t.Errorf("at first %s", got)
	}
	a.CreatedAt = a.At.Add(6*time.Hour + time.Minute)
	if got := keys(); got != "PAUSED/OVERDUE" {
		t.Errorf("after 6 hours %s", got)
	}
}

// TestWhatIsOverIsToldAsOver: one that is over before it is told must not send anybody running.
func TestWhatIsOverIsToldAsOver(t *testing.T) {
	a := example(quality.RuleNumberStatus, quality.Passed, quality.Critical, "CONNECTED", "BANNED")
	m := compose(t, Writer{}, quality.Single, a)[0]
	if want := "CRITICAL ALREADY OVER: Example Ltd +12025550101: number was BANNED"; m.Subject != want {
		t.Errorf("subject = %q, want %q", m.Subject, want)
	}
	if !strings.Contains(m.SMS, "(20 Nov 02:05 - 02:45 UTC)") {
		t.Errorf("SMS = %q", m.SMS)
	}
	if strings.Contains(m.Email, "Stop all sends") || !strings.Contains(m.Email, "When: from 20 Nov 2026 02:05 UTC until 20 Nov 2026 02:45 UTC") {
		t.Errorf("e-mail = %s", m.Email)
	}
	flagged := compose(t, Writer{}, quality.Single, example(quality.RuleNumberFlagged, quality.Passed, quality.Critical, "", "YES"))[0]
	if strings.Contains(flagged.Email, "27 Nov") {
		t.Errorf("it is over and has an end ahead: %s", flagged.Email)
	}
}

// TestStagesAndReasonsHaveWordsOfTheirOwn: what to do depends on more than the value.
func TestStagesAndReasonsHaveWordsOfTheirOwn(t *testing.T) {
	restricted := func(why string, more ...string) quality.Alert {
		a := example(quality.RuleAccountRestricted, quality.Firing, quality.Critical, "", "ACTIVE", append(more, quality.AttrViolation, why)...)
		return signal(a, quality.Restriction("RESTRICTED_DIRECT_SEND_UTILITY_TEMPLATES"))
	}
	until := at.Add(50 * time.Hour).Format(time.RFC3339)
	category := func(details ...string) quality.Alert {
		return signal(example(quality.RuleTemplateCategory, quality.Notice, quality.Warning, "UTILITY", "MARKETING", details...), quality.CorrectCategory)
	}
	portfolio := example(quality.RuleLimitLowered, quality.Notice, quality.Warning, "TIER_10K", "TIER_2K")
	portfolio.SubjectID = *portfolio.WABAID
	for _, tc := range []struct {
		name  string
		alert quality.Alert
		says  string
	}{
		{"a cap is no exclusion", restricted("DIRECT_SEND_UTILITY_CATEGORY_ABUSE_RATE_LIMIT"), "Direct Send of utility messages has a cap on its volume"},
		{"the first strike", restricted("DIRECT_SEND_UTILITY_CATEGORY_ABUSE_STRIKE_1"), "fail (139200) for 7 days"},
		{"the second strike", restricted("DIRECT_SEND_UTILITY_CATEGORY_ABUSE_STRIKE_2"), "fail (139200) for 30 days"},
		{"the last", restricted("DIRECT_SEND_UTILITY_TEMPLATE_ABUSE_OFFBOARD"), "excluded from Direct Send of utility messages for good"},
		{"a restriction counts down", restricted("", quality.AttrUntil, until), "until 22 Nov 2026 04:05 UTC, 2 d 2 h from now"},
		{"a restriction without an end says so", restricted(""), "with no end given"},
		{"a change of category is announced", category(quality.AttrDate, until), "from UTILITY to MARKETING (on 22 Nov 2026 04:05 UTC) was announced"},
		{"a doubt about the content is no announcement", category(), "Meta takes the content of template \"spring_sale\" for MARKETING, not for UTILITY"},
		{"an idle phone", example(quality.RuleAccountOffboarded, quality.Firing, quality.Critical, "", "PARTNER_REMOVED", quality.AttrReason, "PRIMARY_INACTIVITY", quality.AttrDescription, "SYSTEM"), "Done by: WhatsApp itself"},
		{"a portfolio without an id", portfolio, "limit of the business portfolio of account 1182736455 fell"},
		{"a number that is not ready is not called fine", example(quality.RuleNumberStatus, quality.Resolved, quality.Critical, "BANNED", "UNVERIFIED"), "number is no longer BANNED: now UNVERIFIED"},
	} {
		m := compose(t, Writer{}, quality.Single, tc.alert)[0]
		if !strings.Contains(m.Subject+"\n"+m.Email, tc.says) {
			t.Errorf("%s: want %q in\n%s\n%s", tc.name, tc.says, m.Subject, m.Email)
		}
	}
}

// TestDigestBeginsWithWhatIsNew: whoever reads only the SMS must not miss the ban behind reminders.
func TestDigestBeginsWithWhatIsNew(t *testing.T) {
	var alerts []quality.Alert
	for range 3 {
		alerts = append(alerts, example(quality.RuleNumberQuality, quality.Reminder, quality.Critical, "", "RED"))
	}
	alerts = append(alerts, example(quality.RuleNumberStatus, quality.Resolved, quality.Critical, "OFFLINE", "CONNECTED"), example(quality.RuleNumberStatus, quality.Firing, quality.Critical, "", "BANNED"))
	m := compose(t, Writer{}, quality.Digest, alerts...)[0]
	if want := "CRITICAL: account 1182736455: 5 alerts: number is BANNED; 3 x STILL quality is RED; RESOLVED "; !strings.HasPrefix(m.Subject, want) {
		t.Errorf("subject = %q, want %q", m.Subject, want)
	}
	if want := "wabawatch CRITICAL: account ..6455: 2 alerts: number is BANNED; RESOLVED number is no longer OFFLINE: now CONNECTED"; m.SMS != want {
		t.Errorf("SMS = %q, want %q", m.SMS, want)
	}
}

func TestSummaryTellsTheWorstFirst(t *testing.T) {
	first := example(quality.RuleFirstLook, quality.Notice, quality.Critical, "", "", "incidents", "2")
	paused := example(quality.RuleTemplateStatus, quality.Firing, quality.Warning, "", "PAUSED")
	blocked := example(quality.RuleNumberHealth, quality.Firing, quality.Critical, "", "BLOCKED", quality.AttrSolutions, "Verify the business.")
	m := compose(t, Writer{}, quality.Summary, first, paused, paused, blocked)[0]
	if want := "CRITICAL: account Example Group: first look, 3 findings: sending is BLOCKED; 2 x is PAUSED"; m.Subject != want {
		t.Errorf("subject = %q, want %q", m.Subject, want)
	}
	if !strings.Contains(m.Email, "1. CRITICAL: Sending from Example Ltd") || !strings.Contains(m.Email, "\nMeta advises: Verify the business.\n") {
		t.Errorf("e-mail = %s", m.Email)
	}
	m = compose(t, Writer{}, quality.Summary, first, blocked)[0]
	if !strings.Contains(m.Subject, "first look, 1 finding: sending") || !strings.Contains(m.Email, "found 1 thing to know, critical.") {
		t.Errorf("of one: %q, %s", m.Subject, m.Email)
	}
}

// TestLongNameLeavesTheNumber: of two numbers of one long name the headline must say which.
func TestLongNameLeavesTheNumber(t *testing.T) {
	a := example(quality.RuleNumberQuality, quality.Escalated, quality.Critical, "YELLOW", "RED")
	a.SubjectName = strings.Repeat("Very long business name ", 10)
	m := compose(t, Writer{}, quality.Single, a)[0]
	if want := "+12025550101: quality is RED (before: YELLOW)"; !strings.HasSuffix(m.Subject, want) {
		t.Errorf("subject = %q, want it to end with %q", m.Subject, want)
	}
	if want := " ..0101: quality is RED (before: YELLOW) (20 Nov 02:05 UTC). Stop marketing sends from this number now"; !strings.HasSuffix(m.SMS, want) {
		t.Errorf("SMS = %q, want it to end with %q", m.SMS, want)
	}
	pause := example(quality.RuleTemplateStatus, quality.Firing, quality.Warning, "APPROVED", "PAUSED", quality.AttrTitle, "FIRST_PAUSE", quality.AttrLanguage, "pt_BR")
	pause.SubjectName = strings.Repeat("very_long_template_name_", 10)
	if m := compose(t, Writer{}, quality.Single, pause)[0]; !strings.Contains(m.Subject, " (pt_BR): paused for 3 h (first time)") {
		t.Errorf("subject = %q", m.Subject)
	}
}

// TestRatingWordsAreForRatings: a ban that Meta no longer reports has no volume to begin with.
func TestRatingWordsAreForRatings(t *testing.T) {
	for rule, v := range map[string]string{
		quality.RuleNumberQuality: "RED", quality.RuleTemplateQuality: "RED", quality.RuleNumberStatus: "BANNED", quality.RuleNumberName: "DECLINED",
		quality.RuleNumberHealth: "BLOCKED", quality.RuleAccountHealth: "BLOCKED", quality.RuleTemplateStatus: "DISABLED", quality.RuleAccountReview: "REJECTED",
	} {
		m := compose(t, Writer{}, quality.Single, because(example(rule, quality.Resolved, quality.Critical, v, ""), quality.ReasonNoRating))[0]
		text := m.Subject + "\n" + m.SMS + "\n" + m.Email
		rated := rule == quality.RuleNumberQuality || rule == quality.RuleTemplateQuality
		if got := strings.Contains(text, "begin with a small volume"); got != rated {
			t.Errorf("%s: advice about sending again: %t\n%s", rule, got, text)
		}
		if !strings.Contains(m.SMS, " for 7 days, last "+v) || !rated && (strings.Contains(text, "no rating") || !strings.Contains(text, "Treat it as open; ")) {
			t.Errorf("%s: %s", rule, text)
		}
	}
}

// TestWhatNobodyEndedIsNotCalledOver: silence and absence are no recovery.
func TestWhatNobodyEndedIsNotCalledOver(t *testing.T) {
	over := regexp.MustCompile(`RESOLVED|ALREADY OVER|\(it (is|was) over|[Ii]t (is|was) over[.;]|works again|reacted better|[Rr]aise the volume|may be used again|is settled in|lasted|until 2|- 2`)
	for _, r := range quality.DefaultRules {
		if !isIncident(r.ID) {
			continue
		}
		for v, sev := range values[r.ID] {
			for _, reason := range []string{quality.ReasonRetired, quality.ReasonNoRating, quality.ReasonNotRepeated, quality.ReasonUnwatched} {
				for _, a := range []quality.Alert{because(example(r.ID, quality.Resolved, sev, v, ""), reason), late(r.ID, sev, v, reason)} {
					m := compose(t, Writer{}, quality.Single, a)[0]
					text := m.Subject + "\n" + m.SMS + "\n" + m.Email
					if said := over.FindString(text); said != "" || !strings.Contains(m.Subject, " CLOSED: ") || !strings.Contains(m.SMS, " CLOSED: ") {
						t.Errorf("%s %s %s says %q:\n%s", r.ID, v, reason, said, text)
					}
				}
			}
		}
	}
	restricted := func(reason string) Message {
		return compose(t, Writer{}, quality.Single, late(quality.RuleAccountRestricted, quality.Critical, "ACTIVE", reason))[0]
	}
	for reason, want := range map[string][2]string{
		quality.ReasonExpired:     {"CRITICAL ALREADY OVER: account Example Group: starting conversations was forbidden, then its end", "By the date Meta gave, what was restricted works again."},
		quality.ReasonNotRepeated: {"CRITICAL CLOSED: account Example Group: starting conversations was forbidden, then no news for 7", "Treat it as open; "},
	} {
		if m := restricted(reason); !strings.HasPrefix(m.Subject, want[0]) || !strings.Contains(m.Email, want[1]) {
			t.Errorf("%s: %s\n%s", reason, m.Subject, m.Email)
		}
	}
	named := late(quality.RuleNumberName, quality.Warning, "REJECTED", quality.ReasonNotRepeated)
	if m := compose(t, Writer{}, quality.Single, named)[0]; strings.Contains(m.Email, "Reason: not repeated") || strings.Contains(m.Email, "(reason: not repeated)") {
		t.Errorf("why it ended is told as Meta's reason: %s", m.Email)
	}
}

// TestWebhookSaysWhen: only what a poll finds happened at some time between two polls.
func TestWebhookSaysWhen(t *testing.T) {
	week := at.Add(-7 * 24 * time.Hour)
	for _, tc := range []struct {
		name   string
		event  quality.Event
		rule   string
		value  string
		signal quality.Signal
		source string
		says   string
	}{
		{"a webhook", quality.Firing, quality.RuleAccountDisabled, "DISABLE", quality.BanState, "webhook", "since 20 Nov 2026 02:05 UTC."},
		{"a reminder of what only webhooks tell", quality.Reminder, quality.RuleAccountDisabled, "DISABLE", quality.BanState, "clock", "since 20 Nov 2026 02:05 UTC;"},
		{"a reminder of what polls see too", quality.Reminder, quality.RuleTemplateStatus, "DISABLED", quality.Status, "clock", "since some time between 13 Nov 2026 02:05 and 20 Nov 2026 02:05 UTC;"},
		{"a reminder of our own polls", quality.Reminder, quality.RuleWatchBlind, "BLIND", quality.Poll, "clock", "since some time between 13 Nov 2026 02:05 and 20 Nov 2026 02:05 UTC;"},
		{"a poll", quality.Firing, quality.RuleNumberQuality, "RED", quality.QualityRating, "poll", "since some time between 13 Nov 2026 02:05 and 20 Nov 2026 02:05 UTC."},
		{"a fact of a webhook", quality.Notice, quality.RuleLimitLowered, "TIER_2K", quality.MessagingLimit, "webhook", "on 20 Nov 2026 02:05 UTC."},
		{"a fact of a poll", quality.Notice, quality.RuleLimitLowered, "TIER_2K", quality.MessagingLimit, "poll", "between 13 Nov 2026 02:05 and 20 Nov 2026 02:05 UTC."},
	} {
		a := signal(example(tc.rule, tc.event, quality.Critical, "", tc.value), tc.signal)
		a.NotBefore, a.Source = &week, tc.source
		if (Writer{}).Word(&a); !strings.Contains(a.Summary, ", "+tc.says) {
			t.Errorf("%s: %q does not say %q", tc.name, a.Summary, tc.says)
		}
	}
}

// TestEndIsToldOfWhatHeld: what is well again depends on what was wrong.
func TestEndIsToldOfWhatHeld(t *testing.T) {
	over := func(rule, from, to string) quality.Alert {
		return example(rule, quality.Resolved, quality.Critical, from, to)
	}
	deployment := over(quality.RuleWatchBlind, quality.Unlisted, "OK")
	deployment.SubjectKind, deployment.SubjectID, deployment.SubjectName, deployment.WABAID = quality.Deployment, "deployment", "", nil
	undated := example(quality.RuleAccountDisabled, quality.Firing, quality.Warning, "", "SCHEDULE_FOR_DISABLE")
	dated := example(quality.RuleAccountDisabled, quality.Firing, quality.Warning, "", "SCHEDULE_FOR_DISABLE", quality.AttrDate, "November 27, 2026")
	for _, tc := range []struct {
		name      string
		alert     quality.Alert
		says, not string
	}{
		{"accounts could not be listed", deployment, "able to list the accounts of the business portfolio again", "Polls of"},
		{"an account could not be polled", over(quality.RuleWatchBlind, "BLIND", "OK"), "Polls of account Example Group (1182736455) succeed again", "able to list"},
		{"a ban", over(quality.RuleAccountDisabled, "DISABLE", "REINSTATE"), "Account Example Group (1182736455) is no longer disabled by Meta, on", "now REINSTATE"},
		{"an announced ban", over(quality.RuleAccountDisabled, "SCHEDULE_FOR_DISABLE", "REINSTATE"), "was called off, on", "now REINSTATE"},
		{"a ban of which something new is said", over(quality.RuleAccountDisabled, "DISABLE", "DISABLED_FOREVER"), "ban state is no longer DISABLE: now DISABLED_FOREVER", "no longer disabled"},
		{"a token that was to end", over(quality.RuleWatchToken, "VALID", "VALID"), "no longer ends soon", "polled again"},
		{"a rejected template", over(quality.RuleTemplateStatus, "REJECTED", "APPROVED"), "begin with a small volume", "pause"},
		{"a paused template", over(quality.RuleTemplateStatus, "PAUSED", "APPROVED"), "the third one disables", "REJECTED"},
		{"a ban without a day", undated, "which named no day", "that day"},
		{"a ban with a day", dated, "(on November 27, 2026)", "named no day"},
	} {
		m := compose(t, Writer{}, quality.Single, tc.alert)[0]
		if text := m.Subject + "\n" + m.SMS + "\n" + m.Email; !strings.Contains(text, tc.says) || strings.Contains(text, tc.not) {
			t.Errorf("%s: want %q and not %q in\n%s", tc.name, tc.says, tc.not, text)
		}
	}
}

// TestEndThatHasPassedIsToldAsPast: a status of Flagged may last longer than its 7 days.
func TestEndThatHasPassedIsToldAsPast(t *testing.T) {
	a := signal(example(quality.RuleNumberFlagged, quality.Reminder, quality.Critical, "CONNECTED", "FLAGGED"), quality.Status)
	text := func(days int) string {
		a.CreatedAt = at.Add(time.Duration(days) * 24 * time.Hour)
		m := compose(t, Writer{}, quality.Single, a)[0]
		return m.Subject + "\n" + m.SMS + "\n" + m.Email
	}
	if got := text(6); !strings.Contains(got, "Its 7 days end on 27 Nov 02:05 UTC.") || !strings.Contains(got, "\nUntil: 27 Nov 2026 02:05 UTC\n") {
		t.Errorf("on day 6:\n%s", got)
	}
	if got := text(9); strings.Contains(got, "days end on") || !strings.Contains(got, "though its 7 days ended on 27 Nov") || !strings.Contains(got, "\nUntil: 27 Nov 2026 02:05 UTC, which has passed\n") {
		t.Errorf("on day 9:\n%s", got)
	}
}

// TestWhatHoldsIsNotToldInThePast: "was" in a headline means that it is over.
func TestWhatHoldsIsNotToldInThePast(t *testing.T) {
	past := regexp.MustCompile(`\b(was|were|had)\b`)
	for _, rule := range rules(t) {
		for _, a := range ofRule(rule) {
			switch a.Event {
			case quality.Firing, quality.Escalated, quality.Eased, quality.Reminder:
				if m := compose(t, Writer{}, quality.Single, a)[0]; past.MatchString(m.Subject) {
					t.Errorf("%s: %s", a.Event, m.Subject)
				}
			}
		}
	}
}

// TestAdviceFitsTheDirectionOfCalls: who may not be called can do nothing about whom they call.
func TestAdviceFitsTheDirectionOfCalls(t *testing.T) {
	const agreed, hours = "call only", "have enough people to pick up"
	restriction := func(kind string) quality.Alert {
		return signal(example(quality.RuleAccountRestricted, quality.Firing, quality.Critical, "", "ACTIVE"), quality.Restriction(kind))
	}
	violation := func(kind string) quality.Alert {
		return example(quality.RuleAccountViolation, quality.Notice, quality.Warning, "", kind)
	}
	for _, tc := range []struct {
		alert   quality.Alert
		out, in bool
	}{
		{restriction("RESTRICTED_BUSINESS_INITIATED_CALLING"), true, false},
		{restriction("RESTRICTED_USER_INITIATED_CALLING"), false, true},
		{restriction("RESTRICTED_BIZ_INITIATED_AND_USER_INITIATED_CALLING"), true, true},
		{restriction("RESTRICTED_USER_INITIATED_CALLING_CALL_BUTTON_HIDDEN"), false, true},
		{violation("LOW_BUSINESS_INITIATED_CALLING_QUALITY"), true, false},
		{violation("LOW_USER_INITIATED_CALLING_QUALITY"), false, true},
		{violation("USER_INITIATED_CALLS_LOW_PICKUP_RATE"), false, true},
	} {
		(Writer{}).Word(&tc.alert)
		advice := strings.ToLower(tc.alert.Advice)
		if out, in := strings.Contains(advice, agreed), strings.Contains(advice, hours); out != tc.out || in != tc.in {
			t.Errorf("%s %s: %s", deref(tc.alert.To), tc.alert.Summary, tc.alert.Advice)
		}
	}
}

// TestAlertAboutANumberNamesIt: it is the number that has lost its picture, not the account.
func TestAlertAboutANumberNamesIt(t *testing.T) {
	for entity, want := range map[string][3]string{ // subject, SMS, sentence
		"PHONE_NUMBER 204857390112345": {
			"WARNING: account Example Group: profile picture of number id 204857390112345 is lost", "profile picture of number id ..2345 is lost",
			"The profile picture of the phone number with the id 204857390112345 of account Example Group (1182736455) is lost, since",
		},
		"CURRENT_STATUS_ID 77": {
			"WARNING: account Example Group: profile picture of a number is lost", "profile picture of a number is lost",
			"The profile picture of a phone number of account Example Group (1182736455) is lost, since",
		},
		"BUSINESS 9": {
			"WARNING: account Example Group: profile picture is lost", "profile picture is lost",
			"The profile picture of account Example Group (1182736455) is lost, since",
		},
	} {
		a := example(quality.RuleAccountAlert, quality.Firing, quality.Warning, "", "ACTIVE", quality.AttrEntity, entity)
		a = signal(a, quality.AlertOf("X", "1", "PROFILE_PICTURE_LOST"))
		m := compose(t, Writer{}, quality.Single, a)[0]
		if m.Subject != want[0] || !strings.Contains(m.SMS, want[1]) || !strings.HasPrefix(m.Email, want[2]) {
			t.Errorf("%s:\n%s\n%s\n%s", entity, m.Subject, m.SMS, m.Email)
		}
	}
	closed := because(example(quality.RuleAccountAlert, quality.Resolved, quality.Warning, "ACTIVE", ""), quality.ReasonNotRepeated)
	closed = signal(closed, quality.AlertOf("PHONE_NUMBER", "204857390112345", "PROFILE_PICTURE_LOST"))
	if m := compose(t, Writer{}, quality.Single, closed)[0]; !strings.Contains(m.Subject, "no news for 7 days of number id 204857390112345") {
		t.Errorf("without details: %s", m.Subject)
	}
}

// TestNameThatGrowsLeavesTheFact: a letter may take several characters to spell.
func TestNameThatGrowsLeavesTheFact(t *testing.T) {
	for _, letter := range []string{"€", "Ж", "Щ", "…", "½", "ß"} {
		for _, rule := range []string{quality.RuleNumberQuality, quality.RuleTemplateStatus} {
			a := example(rule, quality.Resolved, quality.Critical, "RED", "GREEN")
			a.SubjectName = strings.Repeat(letter, 40)
			m := compose(t, Writer{}, quality.Single, a)[0]
			for _, text := range []string{m.Subject, m.SMS} {
				if !strings.Contains(text, "is no longer RED: now GREEN") {
					t.Errorf("%s: %s", letter, text)
				}
			}
		}
	}
}

// TestSMSSaysWhatToDo: whoever is woken by one may have nothing else at hand.
func TestSMSSaysWhatToDo(t *testing.T) {
	for _, rule := range rules(t) {
		for _, a := range ofRule(rule) {
			open := deref(a.Reason) == quality.ReasonNoRating || deref(a.Reason) == quality.ReasonNotRepeated
			if ended := a.Event == quality.Resolved || a.Event == quality.Passed; a.Severity != quality.Critical || a.Event == quality.Reminder || ended && !open {
				continue // which by default no SMS brings, or after which nothing presses
			}
			do := firstStep(Writer{}.render(&a, plain).Do)
			if m := compose(t, Writer{}, quality.Single, a)[0]; !strings.HasSuffix(m.SMS, " UTC). "+do) {
				t.Errorf("%s: no room for %q", m.SMS, do)
			}
		}
	}
}
