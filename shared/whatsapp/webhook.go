package whatsapp

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// lenient reads what Meta sends: duplicate names and broken UTF-8 are no reason to lose a change.
var lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// scalar is a string that may also come as a number or a truth value. null is "".
type scalar string

// UnmarshalJSON implements json.Unmarshaler.
func (s *scalar) UnmarshalJSON(b []byte) error {
	switch v := jsontext.Value(b); v.Kind() {
	case '"':
		var t string
		if err := json.Unmarshal(b, &t, lenient); err != nil {
			return err
		}
		*s = scalar(t)
	case '0', 't', 'f':
		*s = scalar(strings.TrimSpace(string(b)))
	case 'n':
		*s = ""
	default:
		return fmt.Errorf("neither text nor number")
	}
	return nil
}

// envelope is a notification. Its parts are decoded one by one, so that a broken one does not
// take the others with it.
type envelope struct {
	Object scalar         `json:"object"`
	Entry  jsontext.Value `json:"entry"`
}

type entry struct {
	ID            scalar         `json:"id"`
	Time          jsontext.Value `json:"time"`
	Changes       jsontext.Value `json:"changes"`
	ChangedFields jsontext.Value `json:"changed_fields"`
}

type wireChange struct {
	Field scalar         `json:"field"`
	Value jsontext.Value `json:"value"`
}

// maxChanges bounds the work one body can ask for. Meta combines up to 1,000.
const maxChanges = 100_000

// ParseDelivery reads one body. It never fails: what it cannot make sense of becomes a Novelty,
// and one broken change does not hold back the others. received dates what has no time.
//
// Source: Meta, webhooks overview and field references, checked 2026-11.
func ParseDelivery(body []byte, received time.Time) quality.Delivery {
	p := &parser{received: received.UTC()}
	if err := jsontext.Value(body).IsValid(lenient); !err {
		p.novel("body:not_json", "", body)
		return p.d
	}
	var env envelope
	if err := json.Unmarshal(body, &env, lenient); err != nil {
		p.novel("body:not_an_object", "", body)
		return p.d
	}
	if env.Object != "whatsapp_business_account" {
		p.novel("object:"+quality.Clip(cleanText(string(env.Object)), 60), "", body)
		return p.d
	}
	for i, raw := range elements(env.Entry) {
		if i >= maxChanges {
			break
		}
		p.entry(raw)
	}
	return p.d
}

// elements splits an array; anything else is one element, and absence none.
func elements(v jsontext.Value) []jsontext.Value {
	if absent(v) {
		return nil
	}
	if v.Kind() != '[' {
		return []jsontext.Value{v}
	}
	var out []jsontext.Value
	if err := json.Unmarshal(v, &out, lenient); err != nil {
		return nil
	}
	return out
}

// parser collects what one body says.
type parser struct {
	received time.Time
	d        quality.Delivery
	changes  int
}

func (p *parser) novel(kind, waba string, raw []byte) {
	p.d.Unknown = append(p.d.Unknown, quality.Novelty{Kind: kind, WABAID: waba, Raw: discreet(raw), At: p.received})
}

func (p *parser) account(id string) {
	if isID(id) && !slices.Contains(p.d.WABAIDs, id) {
		p.d.WABAIDs = append(p.d.WABAIDs, id)
	}
}

func (p *parser) entry(raw jsontext.Value) {
	var e entry
	if err := json.Unmarshal(raw, &e, lenient); err != nil {
		p.novel("malformed:entry", "", raw)
		return
	}
	id := string(e.ID)
	if id == "0" {
		p.d.Test = true
		return
	}
	if !isID(id) {
		p.novel("malformed:entry", "", raw)
		return
	}
	at, _ := wireTime(e.Time)
	if absent(e.Changes) && !absent(e.ChangedFields) {
		// Meta was told not to include values: all that is known is that something changed.
		p.account(id)
		for _, class := range quality.Classes {
			p.d.Asks = append(p.d.Asks, quality.Ask{WABAID: id, Class: class})
		}
		return
	}
	for _, rawChange := range elements(e.Changes) {
		if p.changes++; p.changes > maxChanges {
			return
		}
		p.change(id, at, e.Time, rawChange)
	}
}

func (p *parser) change(entryID string, at time.Time, rawTime, raw jsontext.Value) {
	var w wireChange
	if err := json.Unmarshal(raw, &w, lenient); err != nil || w.Field == "" {
		p.account(entryID)
		p.novel("malformed:change", entryID, raw)
		return
	}
	field := string(w.Field)
	if slices.Contains(conversational, field) {
		p.account(entryID)
		return
	}
	c := &change{parser: p, field: field, waba: entryID, at: at, raw: w.Value}
	parse, ok := fields[field]
	if !ok {
		p.account(entryID)
		p.novel("field:"+quality.Clip(cleanText(field), 60), entryID, raw)
		return
	}
	if w.Value.Kind() != '{' {
		p.account(entryID)
		p.novel("malformed:"+field, entryID, raw)
		return
	}
	if err := parse(c); err != nil {
		p.account(entryID)
		p.novel("malformed:"+field, entryID, raw)
		return
	}
	p.account(c.waba)
	receipt := receiptOf(field, entryID, rawTime, w.Value)
	for i := range c.readings {
		c.readings[i].Receipt = receipt
	}
	p.d.Readings = append(p.d.Readings, c.readings...)
}

// receiptOf is the digest of what one change says, whatever the order of its members.
func receiptOf(field, entryID string, at, value jsontext.Value) string {
	v := value.Clone()
	if err := v.Canonicalize(lenient); err != nil {
		v = value
	}
	h := sha256.New()
	for _, part := range []string{field, entryID, strings.TrimSpace(string(at)), string(v)} {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// change is one change while it becomes readings.
type change struct {
	*parser
	field    string
	waba     string
	at       time.Time
	raw      jsontext.Value
	readings []quality.Reading
}

func (c *change) decode(v any) error { return json.Unmarshal(c.raw, v, lenient) }

// add makes a reading. Attributes come in pairs; empty ones are left out. A value outside a
// closed set is kept, and reported.
func (c *change) add(s quality.Subject, sig quality.Signal, value string, attrs ...string) *quality.Reading {
	value = quality.Clip(cleanText(value), quality.MaxTextRunes)
	if value == "" {
		value = quality.Unknown
	}
	value, known := settle(s.Kind, sig, value)
	if !known {
		c.novel(noveltyValue(s.Kind, sig, value), c.waba, c.raw)
	}
	r := quality.Reading{Point: quality.Point{Subject: s, Signal: sig, Value: value, At: c.at, Track: quality.Told, Raw: evidence(c.raw)}}
	for i := 0; i+1 < len(attrs); i += 2 {
		if v := quality.Clip(cleanText(attrs[i+1]), quality.MaxTextRunes); v != "" && v != "NONE" {
			if r.Attrs == nil {
				r.Attrs = map[string]string{}
			}
			r.Attrs[attrs[i]] = v
		}
	}
	c.readings = append(c.readings, r)
	return &c.readings[len(c.readings)-1]
}

func (c *change) unknownEvent(event string) {
	c.novel("event:"+c.field+"/"+quality.Clip(cleanText(event), 60), c.waba, c.raw)
}

// cleanText removes control and formatting characters from a text of Meta's.
func cleanText(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case r < 0x20 || r == 0x7f || 0x80 <= r && r < 0xa0 || 0x200b <= r && r <= 0x200f || 0x202a <= r && r <= 0x202e || 0x2060 <= r && r <= 0x206f || r == 0xfeff || r == 0xfffd:
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "")))
}

// wireTime reads a time in seconds or milliseconds, as number or text, or RFC 3339 with or
// without a colon in its zone. ok is false if there is none.
func wireTime(v jsontext.Value) (t time.Time, ok bool) {
	if absent(v) {
		return time.Time{}, false
	}
	var s scalar
	if err := json.Unmarshal(v, &s, lenient); err != nil {
		return time.Time{}, false
	}
	return parseWireTime(string(s))
}

func parseWireTime(s string) (t time.Time, ok bool) {
	s = strings.TrimSpace(s)
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		if f > 1e11 {
			f /= 1000
		}
		if f < 1 || f > 253402300799 {
			return time.Time{}, false
		}
		return time.Unix(int64(f), 0).UTC(), true
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05-0700", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() > 1970 && t.Year() < 9999 {
			return t.UTC().Truncate(time.Second), true
		}
	}
	return time.Time{}, false
}

// rfc3339 spells a time for an attribute; "" if there is none.
func rfc3339(t time.Time, ok bool) string {
	if !ok {
		return ""
	}
	return t.Format(time.RFC3339)
}

// discreet is evidence of something unknown. If it could hold what customers wrote, only the
// names of its members are kept.
func discreet(raw []byte) string {
	for _, name := range []string{"messages", "statuses", "contacts", "message_echoes", "history", "wa_id", "recipient_id", "text", "body", "from", "profile", "user_id", "username"} {
		if strings.Contains(string(raw), strconv.Quote(name)) {
			return outline(raw)
		}
	}
	return evidence(raw)
}

// outline lists the names of the members of an object and of the objects directly inside it.
func outline(raw []byte) string {
	if jsontext.Value(raw).Kind() != '{' {
		return "(not kept: it may hold what customers wrote)"
	}
	var names []string
	var top struct {
		Members map[string]jsontext.Value `json:",inline"`
	}
	if err := json.Unmarshal(raw, &top, lenient); err != nil {
		return "(not kept: it may hold what customers wrote)"
	}
	for name, v := range top.Members {
		names = append(names, quality.Clip(cleanText(name), 60)+":"+v.Kind().String())
	}
	slices.Sort(names)
	return quality.Clip("members only: "+strings.Join(names, ", "), quality.MaxTextRunes)
}
