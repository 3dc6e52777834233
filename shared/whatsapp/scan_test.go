package whatsapp

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// whole reports whether the scanner takes b as one value and nothing behind it.
func whole(b []byte) bool {
	s := scanner{b: b}
	return s.value() != nil && s.kind() == 0 && s.i == len(b)
}

func TestScannerRefusesWhatHasNoStructure(t *testing.T) {
	for _, s := range []string{
		"", " ", "{", "[", "]", "}", `"`, `"\`, `"\"`, `"a`, "{]", "[}", "{}}", "[,]", "[1,]", "[1 2]", `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{1:2}`, `{"a" 1}`,
		`{"a":1 "b":2}`, "tru", "nul", "truex", "x", "1 2", `{"a":[}`, `{"a":{]}`, "\x00", "[[[[", strings.Repeat("[", 100_000),
	} {
		if whole([]byte(s)) {
			t.Errorf("%.40q was taken", s)
		}
	}
}

func TestScannerIsLenientInsideTexts(t *testing.T) {
	for _, s := range []string{"\"a\x00b\"", `"\q"`, `"\ud800"`, "\"\xff\"", "{\"a\":\"\n\"}"} {
		if !whole([]byte(s)) {
			t.Errorf("%q was refused", s)
		}
	}
}

func TestUnquote(t *testing.T) {
	for quoted, want := range map[string]string{
		`""`: "", `"abc"`: "abc", `"\"\\\/\b\f\n\r\t"`: "\"\\/\n\r\t", `"\u00e9\u20ac"`: "é€", `"\ud83d\ude00"`: "😀", `"\u00E9"`: "é",
		`"\ud83d"`: "\ufffd", `"\ude00\ud83d"`: "\ufffd\ufffd", `"\ud83dx"`: "\ufffdx", `"\ud83d\u0041"`: "\ufffdA", `"\u12"`: "u12", `"\q"`: "q", `"a\\u0041"`: `a\u0041`,
	} {
		if got := unquote([]byte(quoted)); got != want {
			t.Errorf("unquote(%s) = %q, want %q", quoted, got, want)
		}
	}
}

func TestCleanTextIsInert(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", " a ": "a", "a\nb": "a b", "a\x00\x1b[31mb\x7f": "a[31mb", "pay\u202eevil": "payevil", "a\u200bb\ufeff": "ab", "\u2066x\u2069": "x", "é": "é", "a\xffb": "ab",
	} {
		if got := cleanText(in); got != want {
			t.Errorf("cleanText(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestHugeBodiesTakeLinearTime gives each shape that could make work multiply an eighth of a megabyte
// of itself. That takes about as long as 64 bodies of a 64th; work that multiplies takes 64 times as
// long. Both are measured one right after the other, so a slow or busy machine changes little, and
// again if it did.
func TestHugeBodiesTakeLinearTime(t *testing.T) {
	const parts, size, most, tries = 64, 1 << 17, 8, 3
	fill := func(head, unit, tail string) func(int) []byte {
		return func(size int) []byte {
			return []byte(head + strings.Repeat(unit, (size-len(head)-len(tail))/len(unit)) + tail)
		}
	}
	const entries = `{"object":"whatsapp_business_account","entry":[`
	deep := func(field string) func(int) []byte {
		return func(size int) []byte {
			return []byte(entries + `{"id":"1","changes":[{"field":"` + field + `","value":{"a":` + strings.Repeat("[", size/2) + strings.Repeat("]", size/2) + `}}]}]}`)
		}
	}
	took := func(times int, body []byte) time.Duration {
		start := time.Now()
		for range times {
			ParseDelivery(body, received)
		}
		return time.Since(start)
	}
	for name, body := range map[string]func(int) []byte{
		"nesting without end":     fill("", "[", ""),
		"nested objects":          fill(entries, `{"a":`, ""),
		"deep unknown value":      deep("new"),
		"deep known value":        deep("security"),
		"escapes":                 fill(entries+`{"id":"1","changes":[{"field":"security","value":{"display_phone_number":"1","event":"`, `\u0041`, `"}}]}]}`),
		"quotes":                  fill(`{"a":"`, `\"`, `"}`),
		"entries":                 fill(entries, `{"id":"1"},`, `{}]}`),
		"accounts":                fill(entries, `{"id":"1","changes":[{"field":"messages"}]},`, `{}]}`),
		"unknown fields":          fill(entries+`{"id":"1","changes":[`, `{"field":"x","value":{}},`, `{}]}]}`),
		"members of one value":    fill(entries+`{"id":"1","changes":[{"field":"security","value":{`, `"event":"x",`, `"a":1}}]}]}`),
		"restrictions in one":     fill(entries+`{"id":"1","changes":[{"field":"account_update","value":{"event":"ACCOUNT_RESTRICTION","restriction_info":[`, `{"restriction_type":"X"},`, `{}]}}]}]}`),
		"broken strings":          fill("", `"\`, ""),
		"names of an unknown one": fill(entries+`{"id":"1","changes":[{"field":"new","value":{`, `"a":1,`, `"b":1}}]}]}`),
	} {
		small, large := body(size/parts), body(size)
		var ratio float64
		for range tries {
			if ratio = float64(took(1, large)) / float64(took(parts, small)); ratio < most {
				break
			}
		}
		if ratio >= most {
			t.Fatalf("%s: one body takes %.0f times as long as %d that are as long together", name, ratio, parts)
		}
	}
}

// FuzzScanner compares the scanner with jsontext: what is JSON is taken, and read alike.
func FuzzScanner(f *testing.F) {
	for _, s := range []string{`{"a":[1,-2.5e3,true,false,null,"x\"\\"],"b":{}}`, ` [ { } , [ ] ] `, `"\u00e9\ud83d\ude00"`, "{\"a\":1,\"a\":{\"b\":[]}}", `[1,]`, "\"\x00\""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		valid := jsontext.Value(b).IsValid(lenient)
		if got := whole(b); valid && !got {
			t.Fatalf("%q is JSON and was refused", b)
		}
		o, ok := parseObject(b)
		discreet(b)
		if !valid {
			return
		}
		canonical, _ := appendCanonical(nil, bytes.TrimSpace(b), 0)
		indented := jsontext.Value(bytes.Clone(b))
		if err := indented.Indent(lenient); err != nil {
			t.Fatalf("indent %q: %v", b, err)
		}
		if again, _ := appendCanonical(nil, bytes.TrimSpace(indented), 0); !bytes.Equal(again, canonical) {
			t.Errorf("%q is %q, and %q with spaces", b, canonical, again)
		}
		var want map[string]jsontext.Value
		if err := json.Unmarshal(b, &want, lenient); err != nil || !ok {
			return
		}
		for name, v := range want {
			if got := o.raw(name); !absent(v) && !bytes.Equal(got, bytes.TrimSpace(v)) && !strings.Contains(name, "\ufffd") {
				t.Errorf("%q: %q = %q, want %q", b, name, got, v)
			}
		}
	})
}

// lenient is what the scanner accepts of the ways in which JSON can be odd.
var lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
