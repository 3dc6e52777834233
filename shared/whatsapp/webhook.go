package whatsapp

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// ParseDelivery reads one body. It never fails: what it cannot make sense of becomes a Novelty,
// and one broken change does not hold back the others. received dates the novelties; readings
// are dated by their entry, and have no time where that has none. Nothing that is returned
// shares memory with body.
//
// Of two members with one name the last counts, but every entry and every change counts. Of a
// body that breaks off, the complete entries count.
//
// Source: Meta, webhooks overview and field references, checked 2026-11.
func ParseDelivery(body []byte, received time.Time) quality.Delivery {
	p := &parser{s: scanner{b: body}, received: received.UTC(), seen: map[note]bool{}, scratch: make([]byte, 0, 512)}
	if p.s.kind() != '{' {
		kind := "body:not_an_object"
		if p.s.value() == nil || p.s.kind() != 0 || p.s.i < len(body) {
			kind = "body:not_json"
		}
		p.novel(kind, "", body)
		return p.d
	}
	var object []byte
	for name, more := p.s.member(true); more; name, more = p.s.member(false) {
		switch string(plainName(name)) {
		case "object":
			object = p.s.value()
		case "entry":
			p.entries()
		default:
			p.s.value()
		}
	}
	broken := p.s.bad || p.s.kind() != 0 || p.s.i < len(body)
	if name := scalar(object); name != "whatsapp_business_account" && !(broken && object == nil) {
		p.d = quality.Delivery{}
		p.novel("object:"+label(name), "", body)
		return p.d
	}
	if broken {
		p.novel("body:not_json", "", body)
	}
	return p.d
}

// parser collects what one body says.
type parser struct {
	s        scanner
	received time.Time
	d        quality.Delivery
	pending  []wireChange  // of the entry at hand
	spoken   bool          // the entry at hand has changes of which nothing is kept
	seen     map[note]bool // what was noted once
	scratch  []byte
	// The id of an entry as it is written and as it is meant: mostly that of the entry before.
	lastID, lastWABA string
}

// note is something that is told once per body: an account, a poll, or a few novelties alike.
type note struct {
	kind, waba string
	n          int
}

// wireChange is a change before its entry is known: members come in any order.
type wireChange struct{ whole, field, value []byte }

// Bounds of what one body reports as unknown: of one kind for one account, of kinds that are told,
// and in all that are kept.
const (
	maxLike  = 3
	maxNovel = 200
	maxKept  = 1000
)

// novel reports something unknown. Of things alike a few are kept: each costs a write.
func (p *parser) novel(kind, waba string, raw []byte) {
	p.report(kind, waba, func() string { return discreet(raw) })
}

// report is novel with evidence that is only made if it is kept.
func (p *parser) report(kind, waba string, evidence func() string) {
	for try := range maxLike {
		key := note{kind, waba, try}
		if p.seen[key] {
			continue
		}
		p.seen[key] = true
		n := len(p.d.Unknown)
		if n >= maxNovel {
			kind = "body:too_many_unknown"
		}
		if n < maxKept {
			p.d.Unknown = append(p.d.Unknown, quality.Novelty{Kind: kind, WABAID: waba, Raw: evidence(), At: p.received})
		}
		return
	}
}

// account notes an account that the body names.
func (p *parser) account(id string) {
	if key := (note{waba: id}); !p.seen[key] && isID(id) {
		p.seen[key] = true
		p.d.WABAIDs = append(p.d.WABAIDs, id)
	}
}

// ask makes polls due.
func (p *parser) ask(waba string, classes ...quality.Class) {
	for _, class := range classes {
		if key := (note{"ask:" + string(class), waba, 0}); !p.seen[key] {
			p.seen[key] = true
			p.d.Asks = append(p.d.Asks, quality.Ask{WABAID: waba, Class: class})
		}
	}
}

// entries reads an array of entries; a value that is no array is the only one.
func (p *parser) entries() {
	if p.s.kind() != '[' {
		p.entry()
		return
	}
	for more := p.s.element(true); more; more = p.s.element(false) {
		p.entry()
	}
}

// entry reads one entry. Its changes are told once it is complete, so that it does not matter
// where its id and its time stand.
func (p *parser) entry() {
	if p.s.kind() != '{' {
		if v := p.s.value(); v != nil && v[0] != 'n' {
			p.novel("malformed:entry", "", v)
		}
		return
	}
	start := p.s.i
	p.pending, p.spoken = p.pending[:0], false
	var id, at, names []byte
	for name, more := p.s.member(true); more; name, more = p.s.member(false) {
		switch string(plainName(name)) {
		case "id":
			id = p.s.value()
		case "time":
			at = p.s.value()
		case "changes":
			p.changes()
		case "changed_fields":
			names = p.s.value()
		default:
			p.s.value()
		}
	}
	if p.s.bad {
		return
	}
	if id != nil && string(id) != p.lastID {
		p.lastID, p.lastWABA = string(id), scalar(id)
	}
	waba := p.lastWABA
	switch {
	case id == nil || !isID(waba):
		p.novel("malformed:entry", "", p.s.b[start:p.s.i])
		return
	case strings.Trim(waba, "0") == "":
		p.d.Test = true // of Meta's test button
		return
	}
	if p.spoken {
		p.account(waba)
	}
	if len(p.pending) == 0 {
		if names != nil {
			p.changedFields(waba, names)
		}
		return
	}
	told, _ := wireTime(at)
	for _, w := range p.pending {
		p.change(waba, told, at, w)
	}
}

// changes notes the changes of an entry, and steps over those of which nothing is kept.
func (p *parser) changes() {
	if p.s.kind() != '[' {
		p.noteChange()
		return
	}
	for more := p.s.element(true); more; more = p.s.element(false) {
		p.noteChange()
	}
}

func (p *parser) noteChange() {
	if p.s.kind() != '{' {
		if v := p.s.value(); v != nil && v[0] != 'n' {
			p.pending = append(p.pending, wireChange{whole: v})
		}
		return
	}
	w, start := wireChange{}, p.s.i
	for name, more := p.s.member(true); more; name, more = p.s.member(false) {
		v := p.s.value()
		switch string(plainName(name)) {
		case "field":
			w.field = v
		case "value":
			w.value = v
		}
	}
	if p.s.bad {
		return
	}
	w.whole = p.s.b[start:p.s.i]
	if len(w.field) > 2 && skipped[string(w.field[1:len(w.field)-1])] {
		p.spoken = p.spoken || string(w.field) != `"partner_solutions"` // whose entry is a portfolio
		return
	}
	p.pending = append(p.pending, w)
}

// changedFields makes an account due for polls: Meta was told not to include values, so all
// that is known is that something changed.
func (p *parser) changedFields(waba string, names []byte) {
	for _, v := range (object{{[]byte("names"), names}}).list("names") {
		name := scalar(v)
		if skipped[name] || name == "" {
			continue
		}
		p.account(waba)
		p.ask(waba, quality.Classes...)
		if fields[name] == nil {
			p.novel("field:"+label(name), waba, names)
		}
	}
}

// change tells one change. The receipt of its readings is a digest of what it says, whatever
// the order of its members.
func (p *parser) change(waba string, at time.Time, rawTime []byte, w wireChange) {
	field := scalar(w.field)
	value, ok := parseObject(w.value)
	if field == "" {
		field = value.text("field") // old samples have it there
	}
	if skipped[field] {
		p.account(waba)
		return
	}
	parse := fields[field]
	p.scratch = p.scratch[:0]
	for _, part := range [][]byte{[]byte(field), []byte(waba), rawTime} {
		p.scratch = appendSized(p.scratch, part)
	}
	if ok && parse != nil {
		p.scratch, ok = appendCanonical(p.scratch, w.value, 0)
	}
	receipt := sha256.Sum256(p.scratch)
	switch {
	case field == "":
		p.account(waba)
		p.novel("malformed:change", waba, w.whole)
		return
	case parse == nil:
		p.account(waba)
		p.novel("field:"+label(field), waba, w.whole)
		return
	case !ok:
		p.account(waba)
		p.novel("malformed:"+field, waba, w.whole)
		return
	}
	c := change{parser: p, object: value, field: field, waba: waba, at: at, json: w.value}
	from := len(p.d.Readings)
	if err := parse(&c); err != nil {
		p.d.Readings = p.d.Readings[:from]
		p.novel("malformed:"+field, c.waba, w.whole)
	}
	p.account(c.waba)
	if from < len(p.d.Readings) {
		digest := hex.EncodeToString(receipt[:])
		for i := range p.d.Readings[from:] {
			p.d.Readings[from+i].Receipt = digest
		}
	}
}
