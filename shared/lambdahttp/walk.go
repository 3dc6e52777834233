package lambdahttp

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

var (
	errEvent = errors.New("not the event of an HTTP API")
	errBody  = errors.New("the body is not what its event says it is")
)

// walker walks an event once, from left to right. The event comes from AWS: its walker trusts
// its structure, and is safe, not exact, where there is none.
type walker struct {
	b []byte
	i int
}

// kind skips white space and returns the byte that begins what follows, 0 at the end.
func (w *walker) kind() byte {
	for w.i < len(w.b) {
		switch c := w.b[w.i]; c {
		case ' ', '\n', '\t', '\r':
			w.i++
		default:
			return c
		}
	}
	return 0
}

// members calls f with the name of each member of an object, as it is written; f steps over the
// value.
func (w *walker) members(f func(name []byte) error) error {
	if w.kind() != '{' {
		return errEvent
	}
	w.i++
	for {
		switch w.kind() {
		case '}':
			w.i++
			return nil
		case ',':
			w.i++
		case '"':
			start := w.i + 1
			if err := w.skipString(); err != nil {
				return err
			}
			name := w.b[start : w.i-1]
			if w.kind() != ':' {
				return errEvent
			}
			w.i++
			before := w.i
			if err := f(name); err != nil {
				return err
			}
			if w.i == before {
				return errEvent
			}
		default:
			return errEvent
		}
	}
}

// skip steps over a value.
func (w *walker) skip() error {
	for depth := 0; ; {
		switch c := w.kind(); c {
		case 0:
			return errEvent
		case '"':
			if err := w.skipString(); err != nil {
				return err
			}
		case '{', '[':
			w.i++
			depth++
		case '}', ']':
			if depth == 0 {
				return errEvent
			}
			w.i++
			depth--
		case ',', ':':
			if depth == 0 {
				return errEvent
			}
			w.i++
		default: // a number or a literal
			for w.i < len(w.b) && !strings.ContainsRune(",:{}[]\" \n\t\r", rune(w.b[w.i])) {
				w.i++
			}
		}
		if depth == 0 {
			return nil
		}
	}
}

// skipString steps over a string.
func (w *walker) skipString() error {
	for w.i++; w.i < len(w.b); w.i++ {
		w.i += plain(w.b[w.i:])
		if w.i == len(w.b) {
			break
		}
		switch w.b[w.i] {
		case '"':
			w.i++
			return nil
		case '\\':
			w.i++
		}
	}
	return errEvent
}

// text reads a short string; of any other value it is "".
func (w *walker) text() (string, error) {
	if w.kind() != '"' {
		return "", w.skip()
	}
	start := w.i
	if err := w.skipString(); err != nil {
		return "", err
	}
	in := w.b[start+1 : w.i-1]
	if plain(in) == len(in) {
		return string(in), nil
	}
	inner := walker{b: append([]byte(nil), w.b[start:w.i]...)}
	out, err := inner.unescape()
	return string(out), err
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special marks the bytes of eight that are a quote or a backslash; the lowest mark is right.
func special(x uint64) uint64 {
	q, e := x^('"'*ones), x^('\\'*ones)
	return ((q-ones)&^q | (e-ones)&^e) & highs
}

// plain counts the bytes before the first quote or backslash.
func plain(b []byte) int {
	i := 0
	for ; i+8 <= len(b); i += 8 {
		if found := special(binary.LittleEndian.Uint64(b[i:])); found != 0 {
			return i + bits.TrailingZeros64(found)>>3
		}
	}
	for i < len(b) && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}

// unescape reads a string in place: what comes out is never longer than what it is made of. A
// webhook's body has an escape every few bytes, so eight bytes are moved at a time and as many
// counted as were plain.
func (w *walker) unescape() ([]byte, error) {
	b := w.b
	from := w.i + 1
	to, start := from, from
	for from < len(b) {
		if from+8 <= len(b) && from-to >= 8 {
			x := binary.LittleEndian.Uint64(b[from:])
			binary.LittleEndian.PutUint64(b[to:], x) // ends before from
			if found := special(x); found == 0 {
				from, to = from+8, to+8
				continue
			} else {
				n := bits.TrailingZeros64(found) >> 3
				from, to = from+n, to+n
			}
		} else if n := plain(b[from:]); n > 0 {
			if from != to {
				n = min(n, 64) // until the gap is wide enough
				copy(b[to:], b[from:from+n])
			}
			from, to = from+n, to+n
			continue
		}
		if b[from] == '"' {
			w.i = from + 1
			return b[start:to:to], nil
		}
		if from+1 == len(b) {
			return nil, errBody
		}
		c := b[from+1]
		from += 2
		switch c {
		case '"', '\\', '/':
		case 'n':
			c = '\n'
		case 't':
			c = '\t'
		case 'r':
			c = '\r'
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'u':
			r, n, ok := escaped(b[from:])
			if !ok {
				return nil, errBody
			}
			from += n
			to += utf8.EncodeRune(b[to:from], r)
			continue
		default:
			return nil, errBody
		}
		b[to] = c
		to++
	}
	return nil, errBody
}

// escaped reads what follows \u, and the other half of a pair. Half a pair is U+FFFD.
func escaped(b []byte) (r rune, n int, ok bool) {
	if r, ok = hex4(b); !ok {
		return 0, 0, false
	}
	if !utf16.IsSurrogate(r) {
		return r, 4, true
	}
	if len(b) >= 10 && b[4] == '\\' && b[5] == 'u' {
		if low, ok := hex4(b[6:]); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, 10, true
			}
		}
	}
	return utf8.RuneError, 4, true
}

func hex4(b []byte) (r rune, ok bool) {
	if len(b) < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b[:4]), 16, 16)
	return rune(n), err == nil
}

// decode64 decodes in place.
func decode64(b []byte) ([]byte, error) {
	n, err := base64.StdEncoding.Decode(b, b)
	if err != nil {
		return nil, errBody
	}
	return b[:n], nil
}
