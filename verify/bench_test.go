//go:build verify

package verify

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
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
	s := newStack(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(hello), 0o600); err != nil {
		t.Fatal(err)
	}
	floor := filepath.Join(s.bin, "hello")
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc", "-ldflags", "-s -w -buildid=", "-o", floor, filepath.Join(dir, "main.go"))
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build hello: %v\n%s", err, out)
	}
	const rounds = 30
	names := []string{"hello", "webhook", "poller", "notifier", "api"}
	starts, memory := map[string][]float64{}, map[string][]float64{}
	for range rounds {
		base, baseKB := 0.0, 0.0
		for _, name := range names {
			f := s.function(name)
			// The call to Parameter Store is a network's time, not the function's: it is left out.
			f.env = append(slices.Clone(f.env), "WABAWATCH_APP_SECRETS="+appSecret, "WABAWATCH_VERIFY_TOKEN="+apiToken, "WABAWATCH_ACCESS_TOKEN="+token, "WABAWATCH_API_TOKEN="+apiToken)
			f.path = filepath.Join(s.bin, name)
			if err := f.start(); err != nil {
				t.Fatal(err)
			}
			took, kb := float64(f.init)/float64(time.Millisecond), float64(resident(t, f.cmd.Process.Pid))
			f.kill()
			if name == "hello" {
				base, baseKB = took, kb
			}
			starts[name] = append(starts[name], took/base)
			memory[name] = append(memory[name], kb/baseKB)
			if name == "hello" {
				starts["ms"] = append(starts["ms"], took)
			}
		}
	}
	size := func(name string) float64 {
		info, err := os.Stat(filepath.Join(s.bin, name))
		if err != nil {
			t.Fatal(err)
		}
		return float64(info.Size())
	}
	var b strings.Builder
	fmt.Fprintf(&b, "ratios to hello (cold start %.1f ms), median of %d rounds\n", median(starts["ms"]), rounds)
	fmt.Fprintf(&b, "%-10s %10s %10s %10s\n", "function", "T1 start", "T2 size", "T3 memory")
	for _, name := range names[1:] {
		fmt.Fprintf(&b, "%-10s %10.2f %10.2f %10.2f\n", name, median(starts[name]), size(name)/size("hello"), median(memory[name]))
	}
	t.Log("\n" + b.String())
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
	return 0
}
