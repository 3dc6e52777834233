package whatsapp

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// object is the members of a JSON object in the order they were sent, their values still as
// they are written. Of members with one name the last counts.
type object []member

type member struct {
	name  []byte // without quotes and escapes
	value jsontext.Value
}

// parseObject splits an object; ok is false for anything else.
func parseObject(v []byte) (o object, ok bool) {
	s := scanner{b: v}
	if s.kind() != '{' {
		return nil, false
	}
	o = make(object, 0, 8)
	for name, more := s.member(true); more; name, more = s.member(false) {
		value := s.value()
		o = append(o, member{plainName(name), value})
	}
	return o, !s.bad
}

// plainName is a name as it is meant. It shares memory with the input if nothing is escaped.
func plainName(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	return []byte(unquote(quoted))
}

// raw is a member as it is written; nil if it is absent or null.
func (o object) raw(name string) jsontext.Value {
	for i := len(o) - 1; i >= 0; i-- {
		if string(o[i].name) == name {
			if absent(o[i].value) {
				return nil
			}
			return o[i].value
		}
	}
	return nil
}

// text is a member that is a string, a number or a truth value, clean and clipped; "" if it is
// absent or something else.
func (o object) text(name string) string { return scalar(o.raw(name)) }

// part is a member that is an object; nil if it is absent or something else.
func (o object) part(name string) object {
	in, ok := parseObject(o.raw(name))
	if !ok {
		return nil
	}
	return in
}

// list is the elements of a member; a value that is no array is the only element.
func (o object) list(name string) []jsontext.Value {
	v := o.raw(name)
	if v == nil {
		return nil
	}
	if v.Kind() != '[' {
		return []jsontext.Value{v}
	}
	var out []jsontext.Value
	s := scanner{b: v}
	for more := s.element(true); more; more = s.element(false) {
		out = append(out, s.value())
	}
	return out
}

// scalar is the text of a string, a number or a truth value, clean and clipped; "" of anything
// else.
func scalar(v jsontext.Value) string {
	if len(v) == 0 {
		return ""
	}
	switch v[0] {
	case '"':
		return quality.Clip(cleanText(unquote(v)), quality.MaxTextRunes)
	case '{', '[', 'n':
		return ""
	}
	return quality.Clip(string(v), quality.MaxTextRunes)
}

// unquote reads a string that the scanner let pass. Escapes that are none stand for themselves,
// and halves of surrogate pairs become U+FFFD.
func unquote(quoted []byte) string {
	in := quoted[1 : len(quoted)-1]
	at := bytes.IndexByte(in, '\\')
	if at < 0 {
		return string(in)
	}
	out := make([]byte, 0, len(in))
	for at >= 0 {
		out = append(out, in[:at]...)
		c := in[at+1] // there is one: the scanner steps over what follows a backslash
		in = in[at+2:]
		switch c {
		case 'n':
			out = append(out, '\n')
		case 't':
			out = append(out, '\t')
		case 'r':
			out = append(out, '\r')
		case 'b', 'f':
		case 'u':
			r, ok := hex4(in)
			if !ok {
				out = append(out, 'u')
				break
			}
			in = in[4:]
			if utf16.IsSurrogate(r) {
				low, ok := rune(0), false
				if len(in) >= 6 && in[0] == '\\' && in[1] == 'u' {
					low, ok = hex4(in[2:])
				}
				if r = utf16.DecodeRune(r, low); ok && r != utf8.RuneError {
					in = in[6:]
				}
			}
			out = utf8.AppendRune(out, r)
		default:
			out = append(out, c)
		}
		at = bytes.IndexByte(in, '\\')
	}
	return string(append(out, in...))
}

func hex4(b []byte) (r rune, ok bool) {
	if len(b) < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b[:4]), 16, 16)
	return rune(n), err == nil
}

// cleanText removes control and formatting characters from a text of Meta's.
func cleanText(s string) string {
	if printable(s) {
		return s
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case r < 0x20 || 0x7f <= r && r < 0xa0 || r == 0x61c || 0x200b <= r && r <= 0x200f || 0x2028 <= r && r <= 0x202e ||
			0x2060 <= r && r <= 0x206f || r == 0xfeff || r == utf8.RuneError:
			return -1
		}
		return r
	}, s))
}

// printable reports whether s is printable ASCII without spaces at its ends, as nearly all is.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] >= 0x7f {
			return false
		}
	}
	return s == "" || s[0] != ' ' && s[len(s)-1] != ' '
}

// maxCanonicalDepth bounds how deep a value may nest that becomes readings. Meta's nest 5 deep.
const maxCanonicalDepth = 64

// appendCanonical writes a value in one way only: members sorted by name, no white space, texts
// without escapes, behind their length. Numbers stay as they are written, since ids may exceed
// what floating point holds. ok is false for a value that nests too deep.
func appendCanonical(dst []byte, v jsontext.Value, depth int) (out []byte, ok bool) {
	if depth > maxCanonicalDepth {
		return dst, false
	}
	switch v[0] {
	case '{':
		o, _ := parseObject(v)
		return appendMembers(dst, o, depth)
	case '[':
		dst = append(dst, '[')
		s := scanner{b: v}
		for more := s.element(true); more; more = s.element(false) {
			if dst, ok = appendCanonical(dst, s.value(), depth+1); !ok {
				return dst, false
			}
			dst = append(dst, ',')
		}
		return append(dst, ']'), true
	case '"':
		return appendSized(dst, plainName(v)), true
	}
	return append(dst, v...), true
}

// appendMembers sorts o and writes the last of each name.
func appendMembers(dst []byte, o object, depth int) (out []byte, ok bool) {
	slices.SortStableFunc(o, func(a, b member) int { return bytes.Compare(a.name, b.name) })
	dst = append(dst, '{')
	for i, m := range o {
		if i+1 < len(o) && bytes.Equal(o[i+1].name, m.name) {
			continue
		}
		dst = append(appendSized(dst, m.name), ':')
		if dst, ok = appendCanonical(dst, m.value, depth+1); !ok {
			return dst, false
		}
		dst = append(dst, ',')
	}
	return append(dst, '}'), true
}

// appendSized writes a text behind its length, so that no text can look like what follows it.
func appendSized(dst, text []byte) []byte {
	dst = append(strconv.AppendInt(dst, int64(len(text)), 10), '"')
	return append(dst, text...)
}

// personal are names of members that hold what people wrote or who they are, in lower case and
// without what joins words.
var personal = set(
	"messages", "message", "statuses", "contacts", "messageechoes", "messaging", "history", "waid", "userid", "parentuserid",
	"previoususerid", "fromuserid", "fromparentuserid", "recipientid", "recipientuserid", "recipient", "recipients", "sender", "senderid",
	"from", "to", "text", "messagetext", "body", "caption", "content", "payload", "responsejson", "profile", "username", "requester",
	"userpreferences", "calls", "threads", "participant", "participants", "customer", "customers", "name", "firstname", "lastname",
	"fullname", "formattedname", "phone", "phones", "email", "emails", "address", "addresses", "identitykeyhash",
)

func set(names ...string) map[string]bool {
	out := make(map[string]bool, len(names))
	for _, n := range names {
		out[n] = true
	}
	return out
}

// isPersonal reports whether a name is one of them, or somebody's number.
func isPersonal(name []byte) bool {
	var b [20]byte
	n, digits := 0, 0
	for _, c := range name {
		switch {
		case c == '_' || c == '-':
			continue
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case '0' <= c && c <= '9':
			digits++
		}
		if n == len(b) {
			return false
		}
		b[n] = c
		n++
	}
	return personal[string(b[:n])] || digits >= 7 && digits == n
}

// suspect reports whether raw has anything that looks like a name of something personal: in
// JSON, in JSON inside a text, or in what is no JSON. raw need not be well formed.
func suspect(raw []byte) bool {
	for i := 0; i < len(raw); {
		start := i
		for i < len(raw) && inName(raw[i]) {
			i++
		}
		if i == start {
			i++
			continue
		}
		name := raw[start:i]
		for i < len(raw) && strings.IndexByte("\\\"' \t\r\n", raw[i]) >= 0 {
			i++
		}
		if i < len(raw) && strings.IndexByte(":=>", raw[i]) >= 0 && isPersonal(name) {
			return true
		}
	}
	return bytes.Contains(raw, []byte(`\u`)) || bytes.IndexByte(raw, 0) >= 0
}

func inName(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-'
}

const notKept = "not kept"

// discreet is JSON as evidence: as it came, capped, but without what could be what customers
// wrote, or who they are. raw need not be well formed.
func discreet(raw []byte) string {
	if !suspect(raw) {
		return evidence(raw[:min(len(raw), quality.MaxRawBytes+utf8.UTFMax)])
	}
	s := scanner{b: raw}
	if s.value() == nil || s.kind() != 0 || s.i < len(raw) {
		return notKept + ": it may hold what customers wrote"
	}
	var out []byte
	for s = (scanner{b: raw}); len(out) <= quality.MaxRawBytes+utf8.UTFMax; {
		at := bytes.IndexByte(raw[s.i:], '"')
		if at < 0 {
			out = append(out, raw[s.i:]...)
			break
		}
		out = append(out, raw[s.i:s.i+at]...)
		s.i += at
		quoted := s.quoted()
		text := plainName(quoted)
		switch isName := s.kind() == ':'; {
		case isName && isPersonal(text):
			s.i++
			s.value()
			if len(quality.Digits(string(text))) > 4 {
				quoted = []byte(`"#"`)
			}
			out = append(append(out, quoted...), `:"`+notKept+`"`...)
		case !isName && suspect(text):
			out = append(out, `"`+notKept+`"`...)
		default:
			out = append(out, quoted...)
		}
	}
	return evidence(out)
}

const maxOutlineNames = 40

// outline names the members of an object, sorted, with the kinds of their values.
func outline(raw []byte) string {
	o, ok := parseObject(raw)
	if !ok {
		return notKept + ": it may hold what customers wrote"
	}
	var names []string
	for _, m := range o[:min(len(o), maxOutlineNames)] {
		name := quality.Clip(cleanText(string(m.name)), 60)
		if len(quality.Digits(name)) > 4 {
			name = "#" // a map by somebody's number
		}
		names = append(names, name+":"+cmp.Or(m.value.Kind(), 'n').String())
	}
	slices.Sort(names)
	return "members only: " + strings.Join(names, ", ")
}
