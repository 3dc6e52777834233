package whatsapp

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wabawatch/wabawatch/shared/quality"
)

var update = flag.Bool("update", false, "write golden files anew")

var received = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// brief spells a delivery in a line per thing.
func brief(d quality.Delivery) string {
	var b strings.Builder
	for _, r := range d.Readings {
		at := "-"
		if !r.At.IsZero() {
			at = r.At.Format(time.RFC3339)
		}
		fmt.Fprintf(&b, "  %s %s=%s @%s", r.Subject, r.Signal, r.Value, at)
		for _, k := range slices.Sorted(keys(r.Attrs)) {
			fmt.Fprintf(&b, " %s=%q", k, r.Attrs[k])
		}
		if r.Name != "" {
			fmt.Fprintf(&b, " name=%q %v", r.Name, r.Refs)
		}
		b.WriteByte('\n')
	}
	for _, a := range d.Asks {
		fmt.Fprintf(&b, "  ask %s %s\n", a.WABAID, a.Class)
	}
	for _, n := range d.Unknown {
		fmt.Fprintf(&b, "  unknown %s\n", n.Kind)
	}
	if d.Test {
		b.WriteString("  test button\n")
	}
	fmt.Fprintf(&b, "  accounts %v\n", d.WABAIDs)
	return b.String()
}

func keys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// TestEverySample reads every sample of a notification and compares what it says with a file
// that people can read.
func TestEverySample(t *testing.T) {
	files, err := filepath.Glob("testdata/webhooks/*.json")
	if err != nil || len(files) < 100 {
		t.Fatalf("%d samples, %v", len(files), err)
	}
	var b strings.Builder
	for _, f := range files {
		body, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s\n%s", filepath.Base(f), brief(ParseDelivery(body, received)))
	}
	const golden = "testdata/webhooks.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Errorf("samples (-want +got):\n%s", d)
	}
}
