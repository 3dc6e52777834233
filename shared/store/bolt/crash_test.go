package bolt_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wabawatch/wabawatch/shared/store"
	"github.com/wabawatch/wabawatch/shared/store/bolt"
)

// crashEnv makes the test binary write to the file of that name until it is killed.
const crashEnv = "WABAWATCH_TEST_CRASH"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashEnv); path != "" {
		writeForEver(path)
	}
	os.Exit(m.Run())
}

// writeForEver writes pairs of items, and prints the name of each pair once it is confirmed.
func writeForEver(path string) {
	table, err := bolt.Open(path)
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	var mu sync.Mutex
	for w := range 8 {
		go func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("%d-%d-%d", os.Getpid(), w, i)
				err := table.Write(context.Background(), pair(name)...)
				mu.Lock()
				if err != nil {
					fmt.Println("error:", err)
				} else {
					fmt.Println(name)
				}
				mu.Unlock()
			}
		}()
	}
	select {}
}

func pair(name string) []store.Action {
	body := strings.Repeat(name, 50)
	return []store.Action{
		{Item: store.Item{Key: store.Key{PK: "left", SK: name}, Body: body, View: store.Key{PK: "view", SK: name}}, Cond: store.Cond{NotExists: true}},
		{Item: store.Item{Key: store.Key{PK: "right", SK: name}, Body: body}},
	}
}

// TestKilledWriterLosesNothingConfirmed kills a process that writes, and looks what is there:
// everything confirmed, and nothing by halves.
func TestKilledWriterLosesNothingConfirmed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	var confirmed []string
	for round := range 5 {
		confirmed = append(confirmed, killedWriter(t, path, time.Duration(20+30*round)*time.Millisecond)...)
		table, err := bolt.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		left, right, view := all(t, table, store.Query{PK: "left"}), all(t, table, store.Query{PK: "right"}), all(t, table, store.Query{Index: store.View, PK: "view"})
		for name := range left {
			if !right[name] || !view[name] {
				t.Errorf("%s is there by half", name)
			}
		}
		if len(left) != len(right) || len(left) != len(view) {
			t.Errorf("%d left, %d right, %d in the index", len(left), len(right), len(view))
		}
		for _, name := range confirmed {
			if !left[name] {
				t.Errorf("%s was confirmed and is lost", name)
			}
		}
		if err := table.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d confirmed writes", len(confirmed))
}

// killedWriter has another process write for a while and returns what was confirmed to it.
func killedWriter(t *testing.T, path string, after time.Duration) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), crashEnv+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var names []string
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF { // what was cut off may not have been confirmed
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if names == nil { // it is writing
			time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		}
		name := strings.TrimSpace(line)
		if strings.HasPrefix(name, "error:") {
			t.Fatal(name)
		}
		names = append(names, name)
	}
	_ = cmd.Wait() // it was killed
	return names
}

func all(t *testing.T, table *bolt.Table, q store.Query) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	for {
		page, err := table.Query(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range page.Items {
			if it.Body != strings.Repeat(it.SK, 50) {
				t.Errorf("%v has another's body", it.Key)
			}
			names[it.SK] = true
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return names
		}
	}
}
