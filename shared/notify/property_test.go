package notify

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// nasty are characters and texts that have broken messages somewhere.
var nasty = []string{
	"\n", "\r\n", "\x00", "\x1b[31m", "\u202e", "\u2066", "\u200b", "\ufeff", "\u2028", "\u00ad", "\xff", "€", "é", "漢字", "Ω", "🚀", "{", "}", "{subject}", "[", "~", "\\",
	"http://evil.example/x", "evil.example", "www.evil.example", "evil。example", "<b>", "*x*", "_x_", "`x`", "<!channel>", "@here", "&lt;", `"`, ",", ":", " ", "+1 202-555-0199", "12025550199",
	"a\u0301\u0302\u0303\u0304\u0305", "RED", "\t", "ﷺ", "ß", "Ж", "İ",
}

// anyText is any text, often a nasty one.
func anyText() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		part := rapid.OneOf(rapid.String(), rapid.SampledFrom(nasty), rapid.Custom(func(t *rapid.T) string {
			return strings.Repeat(rapid.SampledFrom(nasty).Draw(t, "piece"), rapid.IntRange(1, 400).Draw(t, "times"))
		}))
		return strings.Join(rapid.SliceOfN(part, 0, 5).Draw(t, "parts"), "")
	})
}

// anyAlert is an alert of any rule, event and kind, with any text wherever people or Meta put one.
func anyAlert() *rapid.Generator[quality.Alert] {
	attrs := []string{
		quality.AttrReason, quality.AttrTitle, quality.AttrDescription, quality.AttrUntil, quality.AttrDate, quality.AttrRemediation, quality.AttrCodes, quality.AttrSolutions,
		quality.AttrScopes, quality.AttrRequested, quality.AttrLimit, quality.AttrOldLimit, quality.AttrLanguage, quality.AttrViolation, quality.AttrPhoneNumber, quality.AttrEntity, "retired", quality.DetailEnded, "incidents",
	}
	return rapid.Custom(func(t *rapid.T) quality.Alert {
		var ruleNames []string
		for rule := range values {
			ruleNames = append(ruleNames, rule)
		}
		slices.Sort(ruleNames)
		text := anyText()
		maybe := func(name string) *string {
			if rapid.Bool().Draw(t, name+"?") {
				return nil
			}
			return ptr(text.Draw(t, name))
		}
		rule := rapid.SampledFrom(append(ruleNames, "rule_of_tomorrow")).Draw(t, "rule")
		event := rapid.SampledFrom(append(slices.Clone(incidentEvents), quality.Notice, "new")).Draw(t, "event")
		sev := rapid.SampledFrom([]quality.Severity{quality.Critical, quality.Warning, quality.Info, ""}).Draw(t, "severity")
		a := example(rule, event, sev, "", "")
		a.ID, a.SubjectName, a.From, a.To = rapid.StringMatching(`[0-9a-f]{20}\.[0-9]{1,3}`).Draw(t, "id"), text.Draw(t, "name"), maybe("from"), maybe("to")
		if event != quality.Notice && rapid.Bool().Draw(t, "reason?") {
			a.Reason = ptr(rapid.OneOf(text, rapid.SampledFrom([]string{quality.ReasonRetired, quality.ReasonNoRating, quality.ReasonExpired, quality.ReasonDay7})).Draw(t, "reason"))
		}
		if s := maybe("signal"); s != nil {
			a.Signal = ptr(quality.Restriction(*s))
		}
		for _, k := range rapid.SliceOfDistinct(rapid.SampledFrom(attrs), rapid.ID).Draw(t, "attributes") {
			if a.Details == nil {
				a.Details = map[string]string{}
			}
			a.Details[k] = text.Draw(t, k)
		}
		a.SubjectKind = rapid.SampledFrom([]quality.Kind{quality.Account, quality.PhoneNumber, quality.Template, quality.Portfolio, quality.Deployment, "thing"}).Draw(t, "kind")
		a.Repeated, a.FirstLook = rapid.Bool().Draw(t, "repeated"), rapid.Bool().Draw(t, "first look")
		if rapid.Bool().Draw(t, "between") {
			a.NotBefore = ptr(a.At.Add(-time.Duration(rapid.IntRange(0, 100_000).Draw(t, "minutes")) * time.Minute))
		}
		return a
	})
}

func anyParcel() *rapid.Generator[quality.Parcel] {
	return rapid.Custom(func(t *rapid.T) quality.Parcel {
		form := rapid.SampledFrom([]quality.Form{quality.Single, quality.Digest, quality.Summary, quality.TestForm}).Draw(t, "form")
		n := 1
		if form == quality.Digest || form == quality.Summary {
			n = rapid.IntRange(1, 8).Draw(t, "alerts")
		}
		return quality.Parcel{Form: form, Alerts: rapid.SliceOfN(anyAlert(), n, n).Draw(t, "alerts")}
	})
}

// link finds what a mail program would make clickable.
var link = regexp.MustCompile(`(?i)[a-z]://|www\.[a-z]|[\pL\pN]\.[a-z]{2,}`)

// TestRulesOfEveryMedium: whatever people and Meta write, a message keeps the rules of SNS,
// mail, SMS and chat, and tells every alert.
func TestRulesOfEveryMedium(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := Writer{PublicURL: rapid.SampledFrom([]string{"", "https://watch.example.com/"}).Draw(t, "url")}
		if rapid.Bool().Draw(t, "zone") {
			w.Zone = paris
		}
		p := anyParcel().Draw(t, "parcel")
		messages, err := w.Compose(p)
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		for _, m := range messages {
			checkMessage(t, w, m)
			told = append(told, m.AlertIDs...)
		}
		for i, a := range p.Alerts {
			if i >= len(told) || told[i] != a.ID {
				t.Fatalf("told %q, want the ids of %d alerts in order", told, len(p.Alerts))
			}
		}
	})
}

func checkMessage(t *rapid.T, w Writer, m Message) {
	t.Helper()
	if m.Subject == "" || len(m.Subject) > maxSubject || strings.ContainsFunc(m.Subject, func(r rune) bool { return r < ' ' || r > '~' }) {
		t.Fatalf("subject %q", m.Subject)
	}
	if !regexp.MustCompile(`^(CRITICAL|WARNING|INFO|TEST)[A-Z /()0-9]*: `).MatchString(m.Subject) {
		t.Fatalf("subject %q does not begin with a severity", m.Subject)
	}
	n := 0
	for _, r := range m.SMS {
		s := septets(r)
		if n += s; s == 0 || r == '\n' || r == '\r' {
			t.Fatalf("SMS has %q: %q", r, m.SMS)
		}
	}
	if n > maxSeptets || n == 0 {
		t.Fatalf("SMS of %d septets: %q", n, m.SMS)
	}
	if long := regexp.MustCompile(`[0-9]{7,}`).FindString(m.SMS); long != "" {
		t.Fatalf("SMS shows the number %s: %q", long, m.SMS)
	}
	if !utf8.ValidString(m.Email) || strings.ContainsFunc(m.Email, func(r rune) bool { return r != '\n' && (invisible(r) || unicode.IsControl(r)) }) {
		t.Fatalf("e-mail %q", m.Email)
	}
	for _, id := range m.AlertIDs {
		if !strings.Contains(m.Email, id) || !strings.Contains(m.Default, id) || !strings.Contains(m.HTTPS, id) {
			t.Fatalf("alert %s is not in every text", id)
		}
	}
	for line := range strings.Lines(m.Email) {
		// Meta's own explanations may link to its help.
		if strings.HasPrefix(line, "Meta says: ") || strings.HasPrefix(line, "Meta advises: ") || strings.HasPrefix(line, "More: ") {
			continue
		}
		line = strings.ReplaceAll(line, "metastatus.com", "")
		if l := link.FindString(line); l != "" {
			t.Fatalf("e-mail has the link %q in %q", l, line)
		}
	}
	checkMachine(t, m)
	checkChat(t, m)
	if n, err := m.Bytes(); err != nil || n > MaxBytes {
		t.Fatalf("%d bytes, %v", n, err)
	}
}

func checkMachine(t *rapid.T, m Message) {
	t.Helper()
	var body machineBody
	if err := json.Unmarshal([]byte(m.Default), &body); err != nil || body.Schema != AlertsSchema || len(body.Alerts) != len(m.AlertIDs) {
		t.Fatalf("default: %v: %s", err, m.Default)
	}
	for i, a := range body.Alerts {
		if a.ID != m.AlertIDs[i] || a.Summary == "" || a.Advice == "" || strings.ContainsFunc(a.Summary+a.Advice, invisible) {
			t.Fatalf("alert %s: %q, %q", a.ID, a.Summary, a.Advice)
		}
	}
	if len(m.Attributes) > 10 || m.Attributes["severity"].Type != TypeString {
		t.Fatalf("attributes %+v", m.Attributes)
	}
	for name, a := range m.Attributes {
		var list []string
		if a.Value == "" || a.Type == TypeStringArray && (json.Unmarshal([]byte(a.Value), &list) != nil || len(list) == 0) {
			t.Fatalf("attribute %s is %+v", name, a)
		}
	}
}

func checkChat(t *rapid.T, m Message) {
	t.Helper()
	var n customNotification
	if err := json.Unmarshal([]byte(m.HTTPS), &n); err != nil || n.Version != "1.0" || n.Source != "custom" || n.Content.TextType != "client-markdown" {
		t.Fatalf("https: %v: %s", err, m.HTTPS)
	}
	c := n.Content
	if c.Title == "" || utf8.RuneCountInString(c.Title) > maxChatTitle || c.Description == "" || utf8.RuneCountInString(c.Description) > maxChatText || len(c.NextSteps) > maxChatSteps || len(c.Keywords) > maxKeywords {
		t.Fatalf("chat %+v", c)
	}
	if strings.ContainsAny(c.Title+c.Description, "<>*`~&|\\@") {
		t.Fatalf("chat has markup: %+v", c)
	}
	if n.Metadata.AdditionalContext["alerts"] != m.Default {
		t.Fatalf("chat carries %q", n.Metadata.AdditionalContext)
	}
}

// TestStorm: 5,000 alerts go out in messages that SNS takes, each alert once and in order.
func TestStorm(t *testing.T) {
	var p quality.Parcel
	p.Form = quality.Digest
	for i := range 5000 {
		a := polled(example(quality.RuleTemplateStatus, quality.Firing, quality.Warning, "APPROVED", "PAUSED", quality.AttrTitle, "FIRST_PAUSE", quality.AttrDescription, strings.Repeat("why ", 50)))
		a.ID, a.SubjectID, a.SubjectName = fmt.Sprintf("%020x.1", i), fmt.Sprint(1584930276415311+i), fmt.Sprintf("spring_sale_variant_%d", i)
		p.Alerts = append(p.Alerts, a)
	}
	messages, err := Writer{}.Compose(p)
	if err != nil {
		t.Fatal(err)
	}
	if len(messages) > 160 {
		t.Errorf("%d messages", len(messages))
	}
	i := 0
	for k, m := range messages {
		if n, err := m.Bytes(); err != nil || n > MaxBytes {
			t.Errorf("message %d: %d bytes, %v", k+1, n, err)
		}
		if want := fmt.Sprintf("(%d/%d)", k+1, len(messages)); !strings.Contains(m.Subject, want) {
			t.Errorf("subject %q does not say %s", m.Subject, want)
		}
		var chat customNotification
		if err := json.Unmarshal([]byte(m.HTTPS), &chat); err != nil {
			t.Fatal(err)
		}
		for _, id := range m.AlertIDs {
			if want := p.Alerts[i]; id != want.ID || !strings.Contains(m.Email, id) || !strings.Contains(m.Email, `"`+want.SubjectName+`"`) || !strings.Contains(chat.Content.Description, want.SubjectName) {
				t.Fatalf("message %d does not tell alert %d", k+1, i)
			}
			i++
		}
	}
	if i != len(p.Alerts) {
		t.Errorf("%d alerts told, want %d", i, len(p.Alerts))
	}
}

// TestMonster: one alert that is far too long is shortened, not lost.
func TestMonster(t *testing.T) {
	a := example(quality.RuleNumberStatus, quality.Firing, quality.Critical, "CONNECTED", "BANNED")
	a.SubjectName, a.Reason = strings.Repeat("n", 1<<20), ptr(strings.Repeat(`"`, 1<<20))
	a.Details = map[string]string{}
	for i := range 1000 {
		a.Details[fmt.Sprint("key", i)] = strings.Repeat("\x01", 1000)
	}
	m := compose(t, Writer{}, quality.Single, a)
	if n, err := m[0].Bytes(); len(m) != 1 || err != nil || n > MaxBytes {
		t.Errorf("%d messages, %d bytes, %v", len(m), n, err)
	}
	if !strings.Contains(m[0].Email, "BANNED") || m[0].AlertIDs[0] != a.ID {
		t.Errorf("the alert is lost: %s", m[0].Email)
	}
}

func TestEmptyParcelIsAnError(t *testing.T) {
	if _, err := (Writer{}).Compose(quality.Parcel{Form: quality.Single}); err == nil {
		t.Error("no error")
	}
}
