package notify

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// constants are the values of the text constants of package quality whose names match.
func constants(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob("../quality/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	matches := regexp.MustCompile(pattern)
	var out []string
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, src, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			for i, name := range spec.Names {
				if i < len(spec.Values) && matches.MatchString(name.Name) {
					if lit, ok := spec.Values[i].(*ast.BasicLit); ok && lit.Kind == token.STRING {
						s, err := strconv.Unquote(lit.Value)
						if err != nil {
							t.Fatal(err)
						}
						out = append(out, s)
					}
				}
			}
			return true
		})
	}
	return out
}

func rules(t *testing.T) []string {
	t.Helper()
	all := constants(t, `^Rule[A-Z]`)
	if len(all) < 25 {
		t.Fatalf("found %d rules: %q", len(all), all)
	}
	return all
}

func TestEveryRuleHasWordsAndExamples(t *testing.T) {
	all := rules(t)
	for _, rule := range all {
		if len(values[rule]) == 0 {
			t.Errorf("%s has no examples", rule)
		}
		for code, c := range catalogues {
			r, ok := c.Rules[rule]
			if _, fallback := r.Cases[""]; !ok || !fallback && rule != quality.RuleTemplateFlagged {
				t.Errorf("%s: %s has no words", code, rule)
			}
			if isIncident(rule) && r.Over == (phrase{}) {
				t.Errorf("%s: %s has no end", code, rule)
			}
		}
	}
	for _, r := range quality.DefaultRules {
		if !slices.Contains(all, r.ID) {
			t.Errorf("rule %s has no constant", r.ID)
		}
	}
}

func TestEveryReasonHasWords(t *testing.T) {
	reasons := constants(t, `^Reason[A-Z]`)
	if len(reasons) < 6 {
		t.Fatalf("found %q", reasons)
	}
	for code, c := range catalogues {
		for _, r := range reasons {
			if c.Reasons[r] == (phrase{}) || c.Whys[r].Full == "" || c.Whys[r].Brief == "" {
				t.Errorf("%s: reason %q has no words", code, r)
			}
		}
	}
}

func TestEveryEventAndKindHasWords(t *testing.T) {
	for code, c := range catalogues {
		for _, e := range append(slices.Clone(incidentEvents), quality.Notice) {
			closed := c.Closed[e].What != "" && c.Words.ClosedNames[e] != ""
			if c.Events[e].What == "" || c.Words.EventNames[e] == "" || closed != (e == quality.Resolved || e == quality.Passed) {
				t.Errorf("%s: event %s has no words", code, e)
			}
		}
		for _, k := range []quality.Kind{quality.Account, quality.PhoneNumber, quality.Template, quality.Portfolio, quality.Deployment, ""} {
			if c.Subjects[k] == (naming{}) {
				t.Errorf("%s: kind %q has no words", code, k)
			}
		}
	}
}

// TestRulesAndEvents words every rule in every event and value, with and without details.
func TestRulesAndEvents(t *testing.T) {
	all, reasons := rules(t), constants(t, `^Reason[A-Z]`)
	for code, c := range catalogues {
		w := Writer{Language: code}
		check := func(a quality.Alert) {
			t.Helper()
			w.Word(&a)
			where := code + ": " + a.Rule + " " + string(a.Event) + " " + deref(a.To) + ": "
			for _, s := range []string{a.Summary, a.Advice} {
				if s == "" || strings.ContainsAny(s, "{}\n\r\t") || strings.Contains(s, "  ") || strings.Contains(s, "..") || strings.Contains(s, " ,") || !strings.HasSuffix(s, ".") {
					t.Errorf("%s%q", where, s)
				}
			}
			if unknown := c.phraseOf("no such rule", []string{""}); strings.Contains(a.Advice, unknown.Meaning) && a.Event != quality.Resolved && slices.Contains(all, a.Rule) {
				t.Errorf("%s falls back to words for no rule", where)
			}
			text := w.render(&a, plain)
			if text.Head == "" || text.Meaning == "" || text.Do == "" || text.Short == "" || strings.ContainsAny(text.Head+text.Short, "{}") {
				t.Errorf("%s%+v", where, text)
			}
			if a.SubjectName != "" && !strings.Contains(a.Summary, a.SubjectName) {
				t.Errorf("%s%q does not name %s", where, a.Summary, a.SubjectName)
			}
		}
		for _, rule := range all {
			for _, a := range ofRule(rule) {
				check(a)
			}
			for v, sev := range values[rule] {
				events := []quality.Event{quality.Notice}
				if isIncident(rule) {
					events = append(slices.Clone(incidentEvents), quality.Notice)
				}
				for _, e := range events {
					check(example(rule, e, sev, "", v))
					check(polled(example(rule, e, sev, v, v)))
					for _, reason := range reasons {
						switch e {
						case quality.Resolved:
							check(because(example(rule, e, sev, v, ""), reason))
						case quality.Passed:
							check(late(rule, sev, v, reason))
						}
					}
					bare := example(rule, e, sev, "", "")
					bare.SubjectName, bare.Source, bare.CreatedAt = "", "", at
					check(bare)
				}
			}
		}
		check(example("rule_of_tomorrow", quality.Eased, quality.Warning, "A", "B"))
	}
}

// TestLanguagesSayTheSame compares every catalogue with the English one: the same keys, and no
// text that is empty in one and not in the other.
func TestLanguagesSayTheSame(t *testing.T) {
	var shape func(v reflect.Value, path string, out map[string]bool)
	shape = func(v reflect.Value, path string, out map[string]bool) {
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				shape(v.Field(i), path+"."+v.Type().Field(i).Name, out)
			}
		case reflect.Map:
			for _, k := range v.MapKeys() {
				shape(v.MapIndex(k), path+"["+k.String()+"]", out)
			}
		case reflect.Array:
			for i := range v.Len() {
				shape(v.Index(i), path+"["+strconv.Itoa(i)+"]", out)
			}
		case reflect.String:
			out[path] = v.String() != ""
		default:
			t.Errorf("%s is a %s", path, v.Kind())
		}
	}
	want := map[string]bool{}
	shape(reflect.ValueOf(english), "", want)
	for code, c := range catalogues {
		got := map[string]bool{}
		shape(reflect.ValueOf(*c), "", got)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-english +%s):\n%s", code, code, d)
		}
	}
	for path, said := range want {
		if !said && !strings.HasSuffix(path, ".Tag") && !strings.HasSuffix(path, ".Values[NONE]") && !strings.Contains(path, ".Over.") {
			t.Errorf("english%s is empty", path)
		}
	}
}

func TestUnknownLanguageIsRefused(t *testing.T) {
	for _, good := range append(Languages(), "", " EN ") {
		if _, err := NewWriter(good, nil, ""); err != nil {
			t.Errorf("NewWriter(%q): %v", good, err)
		}
	}
	_, err := NewWriter("tlh", nil, "")
	if err == nil || !strings.Contains(err.Error(), `"tlh"`) || !strings.Contains(err.Error(), strings.Join(slices.Sorted(maps.Keys(catalogues)), ", ")) {
		t.Errorf("NewWriter(tlh): %v", err)
	}
}
