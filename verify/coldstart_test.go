//go:build verify

package verify

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wabawatch/wabawatch/shared/config"
	"github.com/wabawatch/wabawatch/verify/runner"
	"github.com/wabawatch/wabawatch/verify/stack"
)

const hello = `package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() { lambda.Start(func(context.Context) (string, error) { return "hello", nil }) }
`

// TestColdStarts reports size, cold start and memory of each bootstrap as ratios to a function
// that does nothing, measured turn by turn in the same run (T1 to T3). It asserts nothing about
// time: machines differ.
func TestColdStarts(t *testing.T) {
	s := stack.New(t, stack.Options{Direct: true})
	floor := &runner.Function{Name: "hello", Command: []string{buildHello(t)}, Region: "us-east-1", Timeout: time.Minute}
	t.Cleanup(floor.Close)
	functions := []*runner.Function{floor}
	for _, id := range slices.Sorted(maps.Keys(s.Functions)) {
		f := s.Functions[id]
		for _, n := range []config.Name{config.AppSecrets, config.VerifyToken, config.AccessToken, config.APITokens} {
			// The call to Parameter Store is a network's time, not the function's: it is left out.
			f.Environment[n.Variable()] = s.Secrets[n]
		}
		functions = append(functions, f)
	}
	const rounds = 30
	starts, memory := map[string][]float64{}, map[string][]float64{}
	var floors []float64
	for range rounds {
		base, baseKB := 0.0, 0.0
		for _, f := range functions {
			if err := f.Start(1); err != nil {
				t.Fatal(err)
			}
			started := f.Environments()[0]
			took, kb := started.Init.Seconds()*1000, float64(resident(t, started.PID))
			f.Kill()
			if f == floor {
				base, baseKB = took, kb
				floors = append(floors, took)
			}
			starts[f.Name] = append(starts[f.Name], took/base)
			memory[f.Name] = append(memory[f.Name], kb/baseKB)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "ratios to hello (cold start %.1f ms), median of %d rounds\n", median(floors), rounds)
	fmt.Fprintf(&b, "%-18s %10s %10s %10s\n", "function", "T1 start", "T2 size", "T3 memory")
	for _, f := range functions[1:] {
		fmt.Fprintf(&b, "%-18s %10.2f %10.2f %10.2f\n", f.Name, median(starts[f.Name]), size(t, f)/size(t, floor), median(memory[f.Name]))
	}
	t.Log("\n" + b.String())
}

// buildHello builds the function that does nothing.
func buildHello(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(hello), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "bootstrap")
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc", "-ldflags", "-s -w -buildid=", "-o", out, filepath.Join(dir, "main.go"))
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build hello: %v\n%s", err, b)
	}
	return out
}

func size(t *testing.T, f *runner.Function) float64 {
	t.Helper()
	info, err := os.Stat(f.Command[0])
	if err != nil {
		t.Fatal(err)
	}
	return float64(info.Size())
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// resident is the memory of a process in KB.
func resident(t *testing.T, pid int) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				t.Fatal(err)
			}
			return kb
		}
	}
	t.Fatalf("process %d does not say its memory", pid)
	return 0
}
