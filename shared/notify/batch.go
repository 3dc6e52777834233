package notify

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// batch is what one message tells.
type batch struct {
	w           Writer
	form        quality.Form
	items       []item
	part, parts int
}

// heading is the gist of a batch, for every form.
type heading struct {
	label string    // CRITICAL RESOLVED
	short shortName // account Example Ltd
	head  string    // quality is RED
	when  string    // for SMS; "" for many alerts
	sms   string    // head, for SMS, which brings no reminders
	do    string    // what to do first, for SMS; "" for many alerts
	first string    // the first line of a text
	chat  string    // the same, escaped
}

// single reports whether the batch reads as one alert.
func (b batch) single() bool {
	return len(b.items) == 1 && b.parts == 1 && b.form != quality.Summary
}

func (b batch) heading() heading {
	h := b.headingOfMany()
	if b.single() {
		it := b.items[0]
		a := it.alert
		h = heading{label: b.w.label(a.Severity, it.text.Tag), short: b.w.short(&a), head: it.text.Head, when: b.w.facts(&a, plain).moment(), sms: it.text.Head, do: firstStep(it.text.Do), first: it.text.What, chat: it.chat.What}
	}
	if b.form == quality.TestForm {
		c := b.w.catalogue().Words
		h.label, h.first, h.chat = c.Test, c.TestWhat, c.TestWhat
	}
	return h
}

func (b batch) headingOfMany() heading {
	c := b.w.catalogue().Words
	told := b.told()
	worst := quality.Info
	for _, it := range b.items {
		if it.alert.Severity.Level() > worst.Level() {
			worst = it.alert.Severity
		}
	}
	what, head := c.DigestWhat, c.DigestHead
	if b.form == quality.Summary {
		what, head = c.SummaryWhat, c.SummaryHead
	}
	first := func(esc escape) string {
		text := fill(what.of(len(told)), map[string]string{"n": strconv.Itoa(len(told)), "subject": b.subject(esc), "severity": strings.ToLower(b.w.severity(worst))})
		if b.parts > 1 {
			text += " (" + b.partOf() + ")"
		}
		return sentence(text)
	}
	h := heading{label: b.w.severity(worst), short: b.short(), first: first(plain), chat: first(chatText)}
	list := func(items []item) string {
		return fill(head.of(len(items)), map[string]string{"n": strconv.Itoa(len(items)), "heads": heads(items)})
	}
	h.head = list(told)
	h.sms = h.head
	if news := slices.DeleteFunc(slices.Clone(told), func(it item) bool { return it.alert.Event == quality.Reminder }); len(news) > 0 {
		h.sms = list(news)
	}
	if b.parts > 1 {
		h.label += " (" + strconv.Itoa(b.part) + "/" + strconv.Itoa(b.parts) + ")"
	}
	return h
}

func (b batch) partOf() string {
	return fill(b.w.catalogue().Words.Part, map[string]string{"k": strconv.Itoa(b.part), "parts": strconv.Itoa(b.parts)})
}

// told are the items that are news themselves: all but the alert that heads a first look, whose
// words are the heading. What a first look found is told worst first.
func (b batch) told() []item {
	news := slices.DeleteFunc(slices.Clone(b.items), b.isHeading)
	if len(news) == 0 {
		return b.items
	}
	if b.form == quality.Summary {
		slices.SortStableFunc(news, func(a, b item) int { return cmp.Compare(b.alert.Severity.Level(), a.alert.Severity.Level()) })
	}
	return news
}

func (b batch) isHeading(it item) bool {
	return b.form == quality.Summary && it.alert.Rule == quality.RuleFirstLook
}

// urgency orders events for those who read no further than the first: what is new, what lasts,
// what is over.
func urgency(e quality.Event) int {
	switch e {
	case quality.Resolved, quality.Passed:
		return 0
	case quality.Reminder, quality.Eased:
		return 1
	}
	return 2
}

// heads lists what happened: the worst first, then the most urgent, then the most frequent.
func heads(items []item) string {
	type line struct {
		head           string
		level, urgency int
		count          int
	}
	var lines []line
	at := map[string]int{}
	for _, it := range items {
		h := join(it.text.Tag, it.text.Head)
		i, ok := at[h]
		if !ok {
			i = len(lines)
			at[h] = i
			lines = append(lines, line{head: h, urgency: urgency(it.alert.Event)})
		}
		lines[i].count++
		lines[i].level = max(lines[i].level, it.alert.Severity.Level())
	}
	slices.SortStableFunc(lines, func(a, b line) int {
		return cmp.Or(cmp.Compare(b.level, a.level), cmp.Compare(b.urgency, a.urgency), cmp.Compare(b.count, a.count))
	})
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = l.head
		if l.count > 1 {
			out[i] = fmt.Sprintf("%d x %s", l.count, l.head)
		}
	}
	return strings.Join(out, "; ")
}

// subject is the account that a batch is about, in a sentence.
func (b batch) subject(esc escape) string {
	account, ok := b.account()
	if !ok {
		return b.w.catalogue().Words.Several
	}
	return b.w.facts(&account, esc).subject(false)
}

// short is the same in a headline.
func (b batch) short() shortName {
	account, ok := b.account()
	if !ok {
		return func(_ int, alphabet func(string) string) string { return alphabet(b.w.catalogue().Words.Several) }
	}
	return b.w.short(&account)
}

// account is the one account that all of a batch is about; ok is false if there are several.
func (b batch) account() (a quality.Alert, ok bool) {
	waba := deref(b.items[0].alert.WABAID)
	a = quality.Alert{WABAID: b.items[0].alert.WABAID, SubjectKind: quality.Account, SubjectID: waba}
	if waba == "" {
		a.SubjectKind = quality.Deployment
	}
	for _, it := range b.items {
		if deref(it.alert.WABAID) != waba {
			return quality.Alert{}, false
		}
		if it.alert.SubjectKind == quality.Account && it.alert.SubjectName != "" {
			a.SubjectName = it.alert.SubjectName
		}
	}
	return a, true
}
