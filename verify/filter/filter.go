// Package filter evaluates the patterns with which Lambda selects records of a stream, and SNS
// messages for a subscription. It knows the comparisons named in Compile and refuses others, so
// that nothing passes a test because it was not understood.
//
// Source: AWS, Lambda event filtering; SNS subscription filter policies, checked 2026-11.
package filter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Filter is a set of patterns of which one has to match; with none everything matches.
type Filter struct{ any []node }

// node is a pattern: for a member that has to be there, either nested or a list of tests.
type node struct {
	members map[string]node
	tests   []test // nil for an object
}

// test looks at one value; there is false if the member is missing.
type test func(v any, there bool) bool

// Compile reads patterns. A member is compared with a list of strings, numbers, true, false or
// null, with {"prefix": p}, {"suffix": s}, {"anything-but": list}, {"equals-ignore-case": s} or
// {"exists": true or false}; one that fits is enough.
func Compile(patterns ...string) (*Filter, error) {
	f := &Filter{}
	for _, p := range patterns {
		v, err := decode([]byte(p))
		if err != nil {
			return nil, fmt.Errorf("pattern %s: %w", p, err)
		}
		n, err := compile(v)
		if err == nil && n.tests != nil {
			err = errors.New("is no object")
		}
		if err != nil {
			return nil, fmt.Errorf("pattern %s: %w", p, err)
		}
		f.any = append(f.any, n)
	}
	return f, nil
}

// Match reports whether an event, a JSON object, is selected.
func (f *Filter) Match(event []byte) (bool, error) {
	v, err := decode(event)
	if err != nil {
		return false, fmt.Errorf("event: %w", err)
	}
	return len(f.any) == 0 || slices.ContainsFunc(f.any, func(n node) bool { return n.match(v, true) }), nil
}

func decode(b []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, errors.New("goes on after its end")
	}
	return v, nil
}

func compile(v any) (node, error) {
	switch v := v.(type) {
	case map[string]any:
		n := node{members: map[string]node{}}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if strings.HasPrefix(name, "$") {
				return node{}, fmt.Errorf("%s is not known here", name)
			}
			m, err := compile(v[name])
			if err != nil {
				return node{}, fmt.Errorf("%s: %w", name, err)
			}
			n.members[name] = m
		}
		if len(n.members) == 0 {
			return node{}, errors.New("is empty")
		}
		return n, nil
	case []any:
		if len(v) == 0 {
			return node{}, errors.New("is an empty list")
		}
		n := node{}
		for _, x := range v {
			t, err := compileTest(x)
			if err != nil {
				return node{}, err
			}
			n.tests = append(n.tests, t)
		}
		return n, nil
	}
	return node{}, fmt.Errorf("%v is neither object nor list", v)
}

func compileTest(v any) (test, error) {
	object, ok := v.(map[string]any)
	if !ok {
		return func(x any, there bool) bool { return there && equal(x, v) }, nil
	}
	if len(object) != 1 {
		return nil, fmt.Errorf("%v is no single comparison", object)
	}
	for name, arg := range object {
		if t := comparison(name, arg); t != nil {
			return t, nil
		}
		return nil, fmt.Errorf("the comparison %s with %v is not known here", name, arg)
	}
	return nil, nil // not reached: there is one member
}

// comparison returns the test of that name, nil if there is none for this argument.
func comparison(name string, arg any) test {
	text, isText := arg.(string)
	onText := func(holds func(string) bool) test {
		if !isText {
			return nil
		}
		return func(x any, there bool) bool {
			s, ok := x.(string)
			return there && ok && holds(s)
		}
	}
	switch name {
	case "prefix":
		return onText(func(s string) bool { return strings.HasPrefix(s, text) })
	case "suffix":
		return onText(func(s string) bool { return strings.HasSuffix(s, text) })
	case "equals-ignore-case":
		return onText(func(s string) bool { return strings.EqualFold(s, text) })
	case "anything-but":
		list, ok := arg.([]any)
		if !ok {
			list = []any{arg}
		}
		if slices.ContainsFunc(list, func(v any) bool { _, nested := v.(map[string]any); return nested }) {
			return nil
		}
		return func(x any, there bool) bool {
			return there && !slices.ContainsFunc(list, func(v any) bool { return equal(x, v) })
		}
	case "exists":
		want, ok := arg.(bool)
		if !ok {
			return nil
		}
		return func(x any, there bool) bool {
			_, inner := x.(map[string]any) // only leaves exist
			return (there && !inner) == want
		}
	}
	return nil
}

func equal(a, b any) bool {
	x, ok1 := a.(json.Number)
	y, ok2 := b.(json.Number)
	if ok1 && ok2 {
		f, err1 := strconv.ParseFloat(x.String(), 64)
		g, err2 := strconv.ParseFloat(y.String(), 64)
		return err1 == nil && err2 == nil && f == g
	}
	switch a.(type) {
	case map[string]any, []any:
		return false
	}
	return a == b
}

func (n node) match(v any, there bool) bool {
	if n.tests != nil {
		if list, ok := v.([]any); ok { // one element that fits is enough
			return slices.ContainsFunc(list, func(x any) bool { return n.fits(x, true) })
		}
		return n.fits(v, there)
	}
	object, _ := v.(map[string]any)
	for name, m := range n.members {
		x, there := object[name]
		if !m.match(x, there) {
			return false
		}
	}
	return true
}

func (n node) fits(v any, there bool) bool {
	return slices.ContainsFunc(n.tests, func(t test) bool { return t(v, there) })
}
