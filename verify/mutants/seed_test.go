package main

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	const whole = "Bug: it says: no\nRun: go test ./a\nSays: --- FAIL: TestA\n\ndiff --git a/a.go b/a.go\n"
	s, err := parse(whole)
	if want := (seed{bug: "it says: no", run: "go test ./a", say: "--- FAIL: TestA"}); err != nil || s != want {
		t.Errorf("parse = %+v, %v, want %+v", s, err, want)
	}
	for _, tc := range []struct{ name, old, new string }{
		{"no bug", "Bug: it says: no\n", ""},
		{"no command", "Run: go test ./a\n", ""},
		{"nothing to look for, which every output holds", "--- FAIL: TestA", ""},
		{"a misspelled key", "Says: ", "Say: "},
		{"no patch", "diff --git", "diff"},
		{"a heading that does not end", "\n\n", "\n"},
	} {
		if s, err := parse(strings.Replace(whole, tc.old, tc.new, 1)); err == nil {
			t.Errorf("%s: parse = %+v", tc.name, s)
		}
	}
}

// TestSeedsParse reads those of the project, so that a heading gone wrong shows before anything is
// planted.
func TestSeedsParse(t *testing.T) {
	t.Chdir("../..")
	seeds, err := read("")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range seeds {
		if strings.Contains(s.patch, "'") { // a shell gets it in quotation marks
			t.Errorf("%s has a quotation mark in its path", s.name)
		}
	}
}
