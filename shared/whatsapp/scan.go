package whatsapp

import (
	"encoding/binary"
	"math/bits"
)

// scanner walks JSON once, from left to right, without making values of it: most of a webhook
// is about messages, of which nothing is wanted. Every step is linear and none recurses, so
// neither size nor depth can hurt.
//
// It refuses what has no structure and is lenient inside strings and numbers: a control
// character in one text must not cost the other changes of its batch. What is used of a value
// is checked where it is used.
type scanner struct {
	b    []byte
	i    int
	bad  bool     // set at the first error, and for good
	nest []uint64 // one bit per open container: set for an object
}

// fail marks the input as broken.
func (s *scanner) fail() { s.bad, s.i = true, len(s.b) }

// kind skips white space and returns the byte that begins what follows, 0 at the end.
func (s *scanner) kind() byte {
	for s.i < len(s.b) {
		switch c := s.b[s.i]; c {
		case ' ', '\n', '\t', '\r':
			s.i++
		default:
			return c
		}
	}
	return 0
}

// member moves to the next member of an object and returns its name, quotes included; the
// value follows. first is true right after the opening brace, which it steps over. ok is false
// at the end.
func (s *scanner) member(first bool) (name []byte, ok bool) {
	if !s.step(first, '{', '}') {
		return nil, false
	}
	if s.kind() != '"' {
		s.fail()
		return nil, false
	}
	name = s.quoted()
	if s.kind() != ':' {
		s.fail()
		return nil, false
	}
	s.i++
	return name, !s.bad
}

// element moves to the next element of an array; see member.
func (s *scanner) element(first bool) bool { return s.step(first, '[', ']') }

// step steps over an opening bracket or a comma. ok is false at the closing bracket, which it
// steps over too, and when something is wrong.
func (s *scanner) step(first bool, opening, closing byte) bool {
	c := s.kind()
	switch {
	case first && c == opening:
		s.i++
		if s.kind() != closing {
			return true
		}
		s.i++
		return false
	case !first && c == ',':
		s.i++
		return true
	case !first && c == closing:
		s.i++
		return false
	}
	s.fail()
	return false
}

// value steps over one value and returns it as it is written; nil if it is broken.
func (s *scanner) value() []byte {
	s.kind()
	start := s.i
	depth := 0
	for {
		switch c := s.kind(); c {
		case '{', '[':
			s.i++
			s.push(depth, c == '{')
			depth++
			next := s.kind()
			if next == closer(c == '{') {
				break
			}
			if c == '{' && !s.name() {
				return nil
			}
			continue
		case '"':
			s.quoted()
		default:
			s.scalar(c)
		}
		for depth > 0 {
			object := s.nest[(depth-1)>>6]>>((depth-1)&63)&1 == 1
			switch s.kind() {
			case closer(object):
				s.i++
				depth--
				continue
			case ',':
				s.i++
				if object && !s.name() {
					return nil
				}
			default:
				s.fail()
			}
			break
		}
		if s.bad {
			return nil
		}
		if depth == 0 {
			return s.b[start:s.i:s.i]
		}
	}
}

func closer(object bool) byte {
	if object {
		return '}'
	}
	return ']'
}

func (s *scanner) push(depth int, object bool) {
	if depth>>6 == len(s.nest) {
		s.nest = append(s.nest, 0)
	}
	bit := uint64(1) << (depth & 63)
	if object {
		s.nest[depth>>6] |= bit
	} else {
		s.nest[depth>>6] &^= bit
	}
}

// name steps over the name of a member and the colon behind it.
func (s *scanner) name() bool {
	if s.kind() != '"' {
		s.fail()
		return false
	}
	s.quoted()
	if s.kind() != ':' {
		s.fail()
		return false
	}
	s.i++
	return true
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// quoted steps over a string and returns it, quotes included. Eight bytes at a time it looks for
// a quote or a backslash.
func (s *scanner) quoted() []byte {
	b, start, i := s.b, s.i, s.i+1
	for i < len(b) {
		if i+8 <= len(b) {
			x := binary.LittleEndian.Uint64(b[i:])
			q, e := x^('"'*ones), x^('\\'*ones)
			found := ((q-ones)&^q | (e-ones)&^e) & highs
			if found == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(found) >> 3
		}
		switch b[i] {
		case '"':
			s.i = i + 1
			return b[start : i+1]
		case '\\':
			i++
		}
		i++
	}
	s.fail()
	return nil
}

// scalar steps over a number or a literal that begins with c.
func (s *scanner) scalar(c byte) {
	literal := ""
	switch {
	case c == 't':
		literal = "true"
	case c == 'f':
		literal = "false"
	case c == 'n':
		literal = "null"
	case c == '-' || '0' <= c && c <= '9':
		for s.i++; s.i < len(s.b); s.i++ {
			switch d := s.b[s.i]; {
			case '0' <= d && d <= '9', d == '.', d == '-', d == '+', d == 'e', d == 'E':
			default:
				return
			}
		}
		return
	}
	if end := s.i + len(literal); literal != "" && end <= len(s.b) && string(s.b[s.i:end]) == literal {
		s.i = end
		return
	}
	s.fail()
}
