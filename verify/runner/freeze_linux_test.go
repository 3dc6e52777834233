package runner

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// state is the state of a process: T if it is stopped.
func state(t *testing.T, pid int) string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return rest[:1]
}

func TestFrozenBetweenEvents(t *testing.T) {
	f := start(t, func(f *Function) { f.Freeze = true })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range 2 {
		call(t, f, order{Text: "x"})
		for state(t, f.Environments()[0].PID) != "T" { // a signal takes a moment
			if ctx.Err() != nil {
				t.Fatal("it is not frozen")
			}
			time.Sleep(time.Millisecond)
		}
	}
	if err := f.Start(1); err != nil {
		t.Fatal(err)
	}
	f.Close() // frozen ones end, too
	if left := f.Environments(); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
}
