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
	label string // CRITICAL RESOLVED
	short string // account Example Ltd
	head  string // quality is RED
	when  string // for SMS; "" for many alerts
	first string // the first line of a text
	chat  string // the same, escaped
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
		h = heading{label: b.w.label(a.Severity, it.text.Tag), short: b.w.short(&a), head: it.text.Head, when: b.w.facts(&a, plain).moment(), first: it.text.What, chat: it.chat.What}
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
		text := fill(what, map[string]string{"n": strconv.Itoa(len(told)), "subject": b.subject(false, esc), "severity": strings.ToLower(b.w.severity(worst))})
		if b.parts > 1 {
			text += " (" + b.partOf() + ")"
		}
		return sentence(text)
	}
	h := heading{label: b.w.severity(worst), short: b.subject(true, plain), first: first(plain), chat: first(chatText)}
	h.head = fill(head, map[string]string{"n": strconv.Itoa(len(told)), "heads": heads(told)})
	if b.parts > 1 {
		h.label += " (" + strconv.Itoa(b.part) + "/" + strconv.Itoa(b.parts) + ")"
	}
	return h
}

func (b batch) partOf() string {
	return fill(b.w.catalogue().Words.Part, map[string]string{"k": strconv.Itoa(b.part), "parts": strconv.Itoa(b.parts)})
}

// told are the items that are news themselves: all but the alert that heads a first look, whose
// words are the heading.
func (b batch) told() []item {
	news := slices.DeleteFunc(slices.Clone(b.items), b.isHeading)
	if len(news) == 0 {
		return b.items
	}
	return news
}

func (b batch) isHeading(it item) bool {
	return b.form == quality.Summary && it.alert.Rule == quality.RuleFirstLook
}

// heads lists what happened, the most frequent first.
func heads(items []item) string {
	count := map[string]int{}
	var order []string
	for _, it := range items {
		h := join(it.text.Tag, it.text.Head)
		if count[h]++; count[h] == 1 {
			order = append(order, h)
		}
	}
	slices.SortStableFunc(order, func(a, b string) int { return cmp.Compare(count[b], count[a]) })
	for i, h := range order {
		if n := count[h]; n > 1 {
			order[i] = fmt.Sprintf("%d x %s", n, h)
		}
	}
	return strings.Join(order, "; ")
}

// subject is the account that a batch is about.
func (b batch) subject(short bool, esc escape) string {
	a := b.items[0].alert
	waba := deref(a.WABAID)
	account := quality.Alert{WABAID: a.WABAID, SubjectKind: quality.Account, SubjectID: waba}
	if waba == "" {
		account.SubjectKind = quality.Deployment
	}
	for _, it := range b.items {
		if deref(it.alert.WABAID) != waba {
			return b.w.catalogue().Words.Several
		}
		if it.alert.SubjectKind == quality.Account && it.alert.SubjectName != "" {
			account.SubjectName = it.alert.SubjectName
		}
	}
	if short {
		return b.w.short(&account)
	}
	return b.w.facts(&account, esc).subject(false)
}
