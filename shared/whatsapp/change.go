package whatsapp

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// change is one change while it becomes readings.
type change struct {
	*parser
	object // the value
	field  string
	// waba is the account it is about, "" if it is about none.
	waba  string
	at    time.Time
	json  jsontext.Value // the value as it is written
	proof string         // the same as evidence, once it was needed
}

// lacking is the error of a change that lacks what it cannot do without.
type lacking string

func (l lacking) Error() string { return string(l) }

// add makes a reading. Attributes come in pairs; empty ones and NONE are left out. A value
// outside a closed set is kept, and reported.
func (c *change) add(s quality.Subject, sig quality.Signal, value string, attrs ...string) *quality.Reading {
	if value == "" {
		value = quality.Unknown
	}
	value, known := settle(s.Kind, sig, value)
	if !known {
		c.odd(noveltyValue(s.Kind, sig, value))
	}
	r := quality.Reading{Point: quality.Point{Subject: s, Signal: sig, Value: value, At: c.at, Track: quality.Told, Raw: c.evidence()}}
	for i := 0; i+1 < len(attrs); i += 2 {
		if v := attrs[i+1]; v != "" && v != "NONE" {
			if r.Attrs == nil {
				r.Attrs = map[string]string{}
			}
			r.Attrs[attrs[i]] = v
		}
	}
	c.d.Readings = append(c.d.Readings, r)
	return &c.d.Readings[len(c.d.Readings)-1]
}

// evidence is the value as evidence, made once.
func (c *change) evidence() string {
	if c.proof == "" {
		c.proof = discreet(c.json)
	}
	return c.proof
}

// odd reports something unknown in the value.
func (c *change) odd(kind string) { c.report(kind, c.waba, c.evidence) }

// check reports a value that is none of those this version knows, and returns how it is spelt
// here: case, spaces and dashes do not make another value.
func (c *change) check(name, value string, known ...string) string {
	alike := upper(value)
	if alike == "" || slices.Contains(known, alike) {
		return alike
	}
	c.odd("value:" + name + "/" + label(value))
	return value
}

func (c *change) unknownEvent(event string) {
	c.odd("event:" + c.field + "/" + label(event))
}

// upper spells an enum as Meta mostly does: NAME_NOT_CONSISTENT for "name not consistent".
func upper(s string) string {
	odd := func(r rune) bool { return r == ' ' || r == '-' || 'a' <= r && r <= 'z' || r >= utf8.RuneSelf }
	if strings.IndexFunc(s, odd) < 0 {
		return s
	}
	return strings.ToUpper(strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return '_'
		}
		return r
	}, s))
}

// label clips a name that becomes part of an identity.
func label(s string) string { return quality.Clip(s, 60) }

// wireTime reads a time in seconds or milliseconds, as number or text, or RFC 3339 with or
// without a colon in its zone. ok is false if there is none.
func wireTime(v jsontext.Value) (t time.Time, ok bool) {
	s := scalar(v)
	if s == "" {
		return time.Time{}, false
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return unixTime(float64(n))
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		return unixTime(f)
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05-0700", "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 1970 && t.Year() < 9999 {
			return t.UTC().Truncate(time.Second), true
		}
	}
	return time.Time{}, false
}

// unixTime reads seconds, or milliseconds where seconds would lie in the far future.
func unixTime(f float64) (t time.Time, ok bool) {
	if f > 1e11 {
		f /= 1000
	}
	if !(f >= 1 && f < 253370764800) { // the year 9999
		return time.Time{}, false
	}
	return time.Unix(int64(f), 0).UTC(), true
}

// stamp spells a time for an attribute; "" if it is none.
func stamp(v jsontext.Value) string {
	if t, ok := wireTime(v); ok {
		return t.Format(time.RFC3339)
	}
	return ""
}
