// Package shared_test checks who imports whom. Dependencies point inward: what decides knows
// nothing of what stores, sends or listens.
package shared_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "github.com/wabawatch/wabawatch/"
	sdk    = "github.com/aws/aws-sdk-go-v2"
	lambda = "github.com/aws/aws-lambda-go"
)

// pkg is a package as go list tells it.
type pkg struct {
	ImportPath, Dir, Name, Doc         string
	GoFiles, TestGoFiles, XTestGoFiles []string
	Imports, TestImports, XTestImports []string
}

// name is the import path within the module.
func (p pkg) name() string { return strings.TrimPrefix(p.ImportPath, module) }

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Dir,Name,Doc,GoFiles,TestGoFiles,XTestGoFiles,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		if e, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Fatalf("go list: %s", e.Stderr)
		}
		t.Fatal(err)
	}
	var all []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 5 {
		t.Fatalf("go list found %d packages", len(all))
	}
	return all
}

// ours says which packages of ours each may import. "..." ends a name that stands for all
// below it. What is not listed here must be added, with a reason.
var ours = map[string][]string{
	"shared/quality":          {},
	"shared/trackers":         {},
	"shared/abtest":           {},
	"shared/watch":            {"shared/quality"},
	"shared/whatsapp":         {"shared/quality"},
	"shared/notify":           {"shared/quality"},
	"shared/api":              {"shared/quality", "shared/watch", "shared/trackers", "shared/abtest"},
	"shared/store":            {"shared/quality", "shared/watch"},
	"shared/store/bolt":       {"shared/store"},
	"shared/store/tabletest":  {"shared/store"},
	"shared/awscall":          {},
	"shared/store/dynamo":     {"shared/store", "shared/awscall"},
	"shared/store/dynamotest": {"shared/store"},
	"shared/notify/sns":       {"shared/quality", "shared/notify", "shared/awscall"},
	"shared/notify/snstest":   {"shared/notify"},
	"shared/whatsapptest":     {"shared/whatsapp"},
	"shared/lambdahttp":       {},
	"shared/config":           {"shared/awscall"},
	"functions/...":           {"shared/..."},
	"cmd/...":                 {"shared/..."},
	// What runs the built functions knows none of them: each part stands alone, and the stack joins them.
	"verify/mutants":     {},
	"verify/template":    {},
	"verify/process":     {},
	"verify/runner":      {"verify/process"},
	"verify/filter":      {},
	"verify/esm":         {"verify/template", "verify/filter"},
	"verify/proxy":       {},
	"verify/servers":     {"verify/process"},
	"verify/withservers": {"verify/servers"},
	"verify/stack":       {"shared/...", "verify/..."},
}

// awsSDK lists who may import the SDK, and usesLambda who may import Lambda's runtime and events.
var (
	awsSDK     = []string{"cmd/...", "shared/awscall", "shared/config", "shared/store/dynamotest", "verify/stack"}
	usesLambda = []string{"functions/...", "shared/lambdahttp", "verify/stack"}
)

// impure is what packages that decide may not import of the standard library, and clocks is
// what they may not ask of package time.
var (
	deciding = []string{"shared/quality", "shared/trackers", "shared/abtest"}
	impure   = []string{"context", "os", "net", "log/slog", "log", "testing", "syscall", "io/fs", "database/sql", "math/rand", "crypto/rand"}
	clocks   = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}
)

// matches reports whether name is one of patterns.
func matches(name string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		if prefix, all := strings.CutSuffix(p, "..."); all {
			return strings.HasPrefix(name, prefix)
		}
		return name == p
	})
}

// allowed returns what a package may import of ours.
func allowed(name string) (list []string, listed bool) {
	for pattern, list := range ours {
		if matches(name, []string{pattern}) {
			return list, true
		}
	}
	return nil, false
}

func isTestPackage(name string) bool {
	return strings.HasSuffix(name, "test") && name != "shared/abtest" || name == "verify/stack"
}

func TestImports(t *testing.T) {
	for _, p := range packages(t) {
		name := p.name()
		if len(p.GoFiles) == 0 {
			continue // tests only
		}
		list, listed := allowed(name)
		if !listed {
			t.Errorf("%s is in no rule", name)
			continue
		}
		for _, imp := range p.Imports {
			own, isOurs := strings.CutPrefix(imp, module)
			switch {
			case isOurs && isTestPackage(own) && !strings.HasPrefix(name, "cmd/") && !isTestPackage(name):
				t.Errorf("%s imports %s, which is for tests and for cmd", name, own)
			case isOurs && !matches(own, list):
				t.Errorf("%s imports %s", name, own)
			case strings.HasPrefix(imp, sdk) && !matches(name, awsSDK):
				t.Errorf("%s imports %s", name, imp)
			case strings.HasPrefix(imp, lambda) && !matches(name, usesLambda):
				t.Errorf("%s imports %s", name, imp)
			case imp == sdk+"/config" && !strings.HasPrefix(name, "cmd/"):
				t.Errorf("%s imports the SDK's loader, which every cold start would pay for", name)
			case imp == "testing" && !isTestPackage(name):
				t.Errorf("%s imports testing", name)
			case slices.Contains(deciding, name) && matches(imp, append(impure, "net/...", "os/...")):
				t.Errorf("%s imports %s", name, imp)
			}
		}
	}
}

// The functions link what they need and no more: one import of the SDK's loader, or of its client
// of any service, anywhere below costs every cold start.
func TestFunctionsLinkNoClientOfTheSDK(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-tags", "lambda.norpc", "-deps", "-f", "{{.ImportPath}}", "./functions/...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, dep := range strings.Fields(string(out)) {
		if dep == sdk+"/config" || strings.HasPrefix(dep, sdk+"/service/") || dep == "testing" || dep == "html/template" {
			t.Errorf("a function links %s", dep)
		}
	}
}

func TestWhatDecidesHasNoClock(t *testing.T) {
	for _, p := range packages(t) {
		if !slices.Contains(deciding, p.name()) {
			continue
		}
		for _, file := range p.GoFiles {
			set := token.NewFileSet()
			f, err := parser.ParseFile(set, filepath.Join(p.Dir, file), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, imp := range f.Imports {
				if path, _ := strconv.Unquote(imp.Path.Value); path == "time" && imp.Name != nil {
					t.Errorf("%s gives package time another name", set.Position(imp.Pos()))
				}
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if sel, ok := n.(*ast.SelectorExpr); ok && slices.Contains(clocks, sel.Sel.Name) {
					if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" {
						t.Errorf("%s: time.%s", set.Position(n.Pos()), sel.Sel.Name)
					}
				}
				return true
			})
		}
	}
}

func TestEveryPackageHasAComment(t *testing.T) {
	for _, p := range packages(t) {
		files := p.GoFiles
		if len(files) == 0 {
			files = append(p.TestGoFiles, p.XTestGoFiles...)
		}
		commented := slices.ContainsFunc(files, func(file string) bool {
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, file), nil, parser.PackageClauseOnly|parser.ParseComments)
			return err == nil && f.Doc != nil
		})
		if !commented {
			t.Errorf("package %s has no comment", p.name())
		}
	}
}
