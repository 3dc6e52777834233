package notify

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// email is the plain text of a message: what happened first, ids last.
func (b batch) email(h heading) string {
	c := b.w.catalogue().Words
	paragraphs := []string{h.first}
	if b.single() {
		it := b.items[0]
		if b.form == quality.TestForm {
			paragraphs = append(paragraphs, it.text.What)
		}
		paragraphs = append(paragraphs, b.w.emailFacts(it), c.Means+"\n"+it.text.Meaning, c.Do+"\n"+it.text.Do)
	} else {
		paragraphs = append(paragraphs, b.list()...)
	}
	if b.w.PublicURL != "" {
		paragraphs = append(paragraphs, c.labelled(c.Link, b.w.PublicURL))
	}
	ids := c.Tuning + "\n" + c.Repeat
	told := b.told()
	if len(told) < len(b.items) {
		for _, it := range b.items {
			if b.isHeading(it) {
				ids += "\n" + b.w.identity(it.alert)
			}
		}
	}
	for i, it := range told {
		ids += "\n"
		if len(told) > 1 {
			ids += strconv.Itoa(i+1) + ". "
		}
		ids += b.w.identity(it.alert)
	}
	for i, p := range paragraphs {
		paragraphs[i] = strings.TrimSpace(p)
	}
	return strings.Join(append(paragraphs, ids), "\n\n") + "\n"
}

// identity names an alert so that a repeat can be recognised.
func (w Writer) identity(a quality.Alert) string {
	c := w.catalogue().Words
	text := fill(c.ID, map[string]string{"id": clean(a.ID, maxReason)})
	if a.IncidentID != nil {
		text += fill(c.RevisionOf, map[string]string{"revision": strconv.Itoa(a.Revision), "incident": clean(*a.IncidentID, maxReason)})
	}
	return text
}

// list tells many alerts: each in its sentence, then the advice that some of them share.
func (b batch) list() []string {
	c := b.w.catalogue().Words
	var order []string
	by := map[string][]string{}
	happened := c.Happened
	for i, it := range b.told() {
		n := strconv.Itoa(i + 1)
		happened += fmt.Sprintf("\n%s. %s: %s", n, b.w.label(it.alert.Severity, it.text.Tag), it.text.What)
		for _, said := range b.w.facts(&it.alert, plain).metaSays() {
			happened += "\n" + c.labelled(said[0], said[1])
		}
		if by[it.advice] == nil {
			order = append(order, it.advice)
		}
		by[it.advice] = append(by[it.advice], n)
	}
	paragraphs := []string{happened, c.MeansAndDo}
	if b.form == quality.Summary {
		paragraphs = []string{c.SummaryMeaning, happened, c.MeansAndDo}
	}
	for _, advice := range order {
		paragraphs = append(paragraphs, fill(c.ForAlerts, map[string]string{"numbers": strings.Join(by[advice], ", ")})+" "+advice)
	}
	return paragraphs
}

// emailFacts is one alert as a list of facts, a line each.
func (w Writer) emailFacts(it item) string {
	a, f, c := it.alert, w.facts(&it.alert, plain), w.catalogue()
	l := c.Words
	var t strings.Builder
	line := func(label, value string) {
		if value = strings.TrimSpace(value); value != "" {
			t.WriteString(l.labelled(label, value) + "\n")
		}
	}
	line(l.Severity, strings.ToLower(w.severity(a.Severity)))
	event := l.EventNames[a.Event]
	if f.closed() {
		event = l.ClosedNames[a.Event]
	}
	line(l.Event, event)
	label := c.Subjects[""].Label
	if n, ok := c.Subjects[f.kind()]; ok {
		label = n.Label
	}
	line(label, sentenceless(f.subject(false), label))
	if a.SubjectKind != quality.Account {
		line(l.Account, clean(deref(a.WABAID), maxCode))
	}
	if f.from != "" && f.to != "" && f.from != f.to {
		line(l.Change, f.from+" -> "+f.to)
	}
	when := f.since()
	if a.Event == quality.Notice || a.Event == quality.Resolved {
		when = f.on()
	}
	if a.Event == quality.Passed {
		when = f.stretch()
	}
	line(l.SinceLabel, when)
	if a.IncidentSince != nil && !a.IncidentSince.Equal(a.At) {
		line(l.Incident, w.stamp(*a.IncidentSince))
	}
	if !f.until.IsZero() {
		until := w.stamp(f.until)
		if f.past() {
			until = fill(l.PastEnd, map[string]string{"until": until})
		}
		line(l.Until, until)
	}
	if r := clean(f.reason(), maxReason); a.Rule == quality.RuleWatchBlind {
		line(l.Polls, name(r, maxReason))
	} else if r != "" && r != "NONE" {
		line(l.Reason, meaningOf(c, name(r, maxReason)))
	}
	if a.Rule == quality.RuleAccountOffboarded {
		line(l.By, c.word(f.code(f.detail(quality.AttrDescription))))
	}
	line(l.Violation, f.code(f.detail(quality.AttrViolation)))
	line(l.Number, f.code(f.detail(quality.AttrPhoneNumber)))
	line(l.Concerns, f.code(f.detail(quality.AttrEntity)))
	line(l.Codes, f.code(f.detail(quality.AttrCodes)))
	line(l.Scopes, f.code(f.detail(quality.AttrScopes)))
	line(l.Limit, f.limit())
	for _, said := range f.metaSays() {
		line(said[0], said[1])
	}
	line(l.Source, l.Sources[a.Source])
	line(l.Rule, clean(a.Rule, maxCode))
	return t.String()
}

// meaningOf is a code of Meta's with the language's words for it.
func meaningOf(c *catalogue, code string) string {
	if w := c.word(code); w != code && w != "" {
		return w + " (" + code + ")"
	}
	return code
}

// sentenceless is the name of a subject without the kind that the label has said already.
func sentenceless(subject, label string) string {
	if rest, ok := strings.CutPrefix(subject, strings.ToLower(label)+" "); ok {
		return rest
	}
	return subject
}

// Lines is how a parcel is shown in a log that people read: each message with its headline,
// indented.
func (w Writer) Lines(p quality.Parcel) string {
	messages, err := w.Compose(p)
	if err != nil {
		return err.Error() + "\n"
	}
	var t strings.Builder
	for _, m := range messages {
		t.WriteString("==> " + m.Subject + "\n")
		for l := range strings.Lines(m.Email) {
			t.WriteString(strings.TrimRight("    "+l, " \n") + "\n")
		}
	}
	return t.String()
}
