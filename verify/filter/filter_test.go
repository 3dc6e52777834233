package filter

import (
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	const inserted = `{"eventName":"INSERT","dynamodb":{"Keys":{"pk":{"S":"W#1"},"sk":{"S":"ALERT#2026"}},"Size":120}}`
	for _, tc := range []struct {
		name, pattern, event string
		want                 bool
	}{
		{"a value that is listed", `{"eventName":["MODIFY","INSERT"]}`, inserted, true},
		{"a value that is not listed", `{"eventName":["MODIFY"]}`, inserted, false},
		{"values differ in case", `{"eventName":["insert"]}`, inserted, false},
		{"a prefix, deep down", `{"dynamodb":{"Keys":{"sk":{"S":[{"prefix":"ALERT#"}]}}}}`, inserted, true},
		{"another prefix", `{"dynamodb":{"Keys":{"sk":{"S":[{"prefix":"STATE"}]}}}}`, inserted, false},
		{"a prefix of a number", `{"dynamodb":{"Size":[{"prefix":"12"}]}}`, inserted, false},
		{"all members have to match", `{"eventName":["INSERT"],"dynamodb":{"Keys":{"pk":{"S":["W#2"]}}}}`, inserted, false},
		{"a member that is missing", `{"eventSource":["aws:dynamodb"]}`, inserted, false},
		{"a path through a text", `{"eventName":{"S":["INSERT"]}}`, inserted, false},
		{"a number written otherwise", `{"dynamodb":{"Size":[120.0]}}`, inserted, true},
		{"a number is no text", `{"dynamodb":{"Size":["120"]}}`, inserted, false},
		{"suffix", `{"eventName":[{"suffix":"ERT"}]}`, inserted, true},
		{"ignoring case", `{"eventName":[{"equals-ignore-case":"insert"}]}`, inserted, true},
		{"anything but, another", `{"eventName":[{"anything-but":["REMOVE"]}]}`, inserted, true},
		{"anything but, the same", `{"eventName":[{"anything-but":"INSERT"}]}`, inserted, false},
		{"anything but, missing", `{"userIdentity":[{"anything-but":["x"]}]}`, inserted, false},
		{"exists", `{"eventName":[{"exists":true}]}`, inserted, true},
		{"does not exist", `{"userIdentity":[{"exists":false}]}`, inserted, true},
		{"exists is about leaves", `{"dynamodb":[{"exists":true}]}`, inserted, false},
		{"null", `{"a":[null]}`, `{"a":null}`, true},
		{"null is not missing", `{"a":[null]}`, `{}`, false},
		{"true", `{"a":[true]}`, `{"a":true}`, true},
		{"one element of a list", `{"severity":["critical"]}`, `{"severity":["info","critical"]}`, true},
		{"no element of a list", `{"severity":["critical"]}`, `{"severity":["info"]}`, false},
		{"an empty list", `{"severity":["critical"]}`, `{"severity":[]}`, false},
	} {
		f, err := Compile(tc.pattern)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if got, err := f.Match([]byte(tc.event)); err != nil || got != tc.want {
			t.Errorf("%s: %t, %v", tc.name, got, err)
		}
	}
}

func TestOneOfSeveralPatternsIsEnough(t *testing.T) {
	f, err := Compile(`{"a":["1"]}`, `{"b":["2"]}`)
	if err != nil {
		t.Fatal(err)
	}
	for event, want := range map[string]bool{`{"a":"1"}`: true, `{"b":"2"}`: true, `{"a":"2"}`: false} {
		if got, err := f.Match([]byte(event)); err != nil || got != want {
			t.Errorf("%s: %t, %v", event, got, err)
		}
	}
	none, err := Compile()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := none.Match([]byte(`{}`)); err != nil || !got {
		t.Errorf("no pattern: %t, %v", got, err)
	}
	if _, err := none.Match([]byte(`nothing`)); err == nil {
		t.Error("an event that is no JSON was taken")
	}
}

func TestWhatIsNotUnderstoodIsRefused(t *testing.T) {
	for pattern, want := range map[string]string{
		`{"a":[{"numeric":[">",1]}]}`:          "numeric",
		`{"$or":[{"a":["1"]}]}`:                "$or",
		`{"a":"1"}`:                            "neither object nor list",
		`{"a":[]}`:                             "empty list",
		`{}`:                                   "is empty",
		`["a"]`:                                "no object",
		`{"a":["1"]`:                           "EOF",
		`{"a":["1"]} {}`:                       "after its end",
		`{"a":[{"prefix":1}]}`:                 "prefix",
		`{"a":[{"prefix":"a","suffix":"b"}]}`:  "single comparison",
		`{"a":[{"anything-but":[{"b":"c"}]}]}`: "anything-but",
		`{"a":[{"exists":"yes"}]}`:             "exists",
	} {
		if _, err := Compile(pattern); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want mention of %q", pattern, err, want)
		}
	}
}
