package notify

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// errEmpty is what Compose returns for a parcel that holds nothing.
var errEmpty = errors.New("a parcel without alerts")

// Compose makes the messages of a parcel: one, or several where one would be greater than SNS
// or chat allows. Together they tell every alert once, in order. An error means that the parcel
// is empty or cannot be encoded.
func (w Writer) Compose(p quality.Parcel) ([]Message, error) {
	if len(p.Alerts) == 0 {
		return nil, errEmpty
	}
	items := make([]item, len(p.Alerts))
	for i, a := range p.Alerts {
		it, err := w.item(a)
		if err != nil {
			return nil, err
		}
		items[i] = it
	}
	groups := split(items)
again:
	for {
		out := make([]Message, len(groups))
		for k, g := range groups {
			m, err := w.message(batch{w: w, form: p.Form, items: g, part: k + 1, parts: len(groups)})
			if err != nil {
				return nil, err
			}
			if n, err := m.Bytes(); err != nil {
				return nil, err
			} else if n > MaxBytes {
				if len(g) == 1 {
					return nil, fmt.Errorf("alert %s is %d bytes long: %w", clean(g[0].alert.ID, maxCode), n, quality.ErrRefused)
				}
				groups = slices.Insert(groups, k+1, g[len(g)/2:])
				groups[k] = g[:len(g)/2]
				continue again
			}
			out[k] = m
		}
		return out, nil
	}
}

// item is one alert of a parcel with its words.
type item struct {
	alert quality.Alert
	text  text // plain
	chat  text // escaped for chat
	// bytes is what the alert adds to a message at most, besides its advice, which alerts may
	// share; line is what it adds to the chat's list.
	bytes, line int
	advice      string
}

// item words an alert and measures it. One that could not travel alone is shortened.
func (w Writer) item(a quality.Alert) (item, error) {
	var it item
	for _, max := range []int{0, quality.MaxTextRunes, 100, 20} {
		if max > 0 {
			a = shortened(a, max)
		}
		it = item{alert: a, text: w.render(&a, plain), chat: w.render(&a, chatText)}
		it.advice = join(it.text.Meaning, it.text.Do)
		if a.Summary == "" {
			it.alert.Summary, it.alert.Advice = it.text.What, it.advice
		}
		it.line = len(w.chatLine(it))
		body, err := encode(it.alert)
		if err != nil {
			return item{}, fmt.Errorf("encode alert %s: %w", clean(a.ID, maxCode), err)
		}
		once, err := encode(body)
		if err != nil {
			return item{}, err
		}
		twice, err := encode(once)
		if err != nil {
			return item{}, err
		}
		email, err := encode(w.emailFacts(it) + w.identity(it.alert) + it.text.What)
		if err != nil {
			return item{}, err
		}
		it.bytes = len(once) + 2*len(twice) + len(email) + 4*it.line + 3*len(a.SubjectID) + 200
		if it.bytes <= maxGroupBytes {
			break
		}
	}
	return it, nil
}

// shortened clips every text of an alert.
func shortened(a quality.Alert, max int) quality.Alert {
	cut := func(s *string) *string {
		if s == nil {
			return nil
		}
		c := clean(*s, max)
		return &c
	}
	a.ID, a.Rule, a.SubjectID, a.SubjectName = clean(a.ID, max), clean(a.Rule, max), clean(a.SubjectID, max), clean(a.SubjectName, max)
	a.Event, a.SubjectKind, a.Source = quality.Event(clean(string(a.Event), max)), quality.Kind(clean(string(a.SubjectKind), max)), clean(a.Source, max)
	a.IncidentID, a.WABAID, a.From, a.To, a.Reason = cut(a.IncidentID), cut(a.WABAID), cut(a.From), cut(a.To), cut(a.Reason)
	if a.Signal != nil {
		s := quality.Signal(clean(string(*a.Signal), max))
		a.Signal = &s
	}
	a.Summary, a.Advice, a.FoldedFirst = "", "", clean(a.FoldedFirst, max)
	details := map[string]string{}
	for _, k := range slices.Sorted(maps.Keys(a.Details)) {
		if len(details) < maxDetails {
			details[clean(k, max)] = clean(a.Details[k], max)
		}
	}
	a.Details = details
	return a
}

const (
	maxDetails = 24
	// maxGroupBytes leaves room for headings and the parts of chat that alerts share.
	maxGroupBytes = MaxBytes - 12<<10
)

// split packs alerts into groups that fit one message each.
func split(items []item) [][]item {
	var out [][]item
	first, bytes, lines := 0, 0, 0
	advised := map[string]bool{}
	for i, it := range items {
		if i > first && (bytes+it.bytes+len(it.advice) > maxGroupBytes || lines+it.line > maxChatList) {
			out = append(out, items[first:i])
			first, bytes, lines = i, 0, 0
			clear(advised)
		}
		if !advised[it.advice] {
			advised[it.advice] = true
			bytes += len(it.advice) + 100
		}
		bytes += it.bytes
		lines += it.line
	}
	return append(out, items[first:])
}

// message puts one group into every form.
func (w Writer) message(b batch) (Message, error) {
	alerts := make([]quality.Alert, len(b.items))
	ids := make([]string, len(b.items))
	for i, it := range b.items {
		alerts[i], ids[i] = it.alert, it.alert.ID
	}
	body, err := machine(alerts)
	if err != nil {
		return Message{}, fmt.Errorf("encode alerts: %w", err)
	}
	m := Message{Default: body, AlertIDs: ids}
	if m.Attributes, err = attributes(alerts); err != nil {
		return Message{}, fmt.Errorf("encode attributes: %w", err)
	}
	h := b.heading()
	m.Subject = headline(h.label, h.short, h.head, maxSubject)
	m.SMS = w.sms(h)
	m.Email = b.email(h)
	if m.HTTPS, err = b.chat(h, body); err != nil {
		return Message{}, fmt.Errorf("encode chat: %w", err)
	}
	return m, nil
}
