package bolt_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	bbolt "go.etcd.io/bbolt"

	"github.com/wabawatch/wabawatch/shared/store"
	"github.com/wabawatch/wabawatch/shared/store/bolt"
)

func put(sk, body string) store.Action {
	return store.Action{Item: store.Item{Key: store.Key{PK: "p", SK: sk}, Body: body}}
}

func write(t testing.TB, table *bolt.Table, actions ...store.Action) {
	t.Helper()
	if err := table.Write(context.Background(), actions...); err != nil {
		t.Fatal(err)
	}
}

// count returns how many items partition p has for readers.
func count(t testing.TB, table *bolt.Table) int {
	t.Helper()
	n := 0
	for q := (store.Query{PK: "p"}); ; {
		page, err := table.Query(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		n += len(page.Items)
		if q.Cursor = page.Next; q.Cursor == "" {
			return n
		}
	}
}

func TestReopenedFileHasEverything(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	for i := range 3 {
		table, err := bolt.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if n := count(t, table); n != i {
			t.Errorf("opened for the %d. time: %d items", i+1, n)
		}
		write(t, table, put(fmt.Sprint(i), "{}"))
		if err := table.Close(); err != nil {
			t.Fatal(err)
		}
		if err := table.Close(); err != nil {
			t.Errorf("second Close = %v", err)
		}
	}
}

func TestFileIsItsOwnersOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	openAt(t, path)
	for _, p := range []string{path, path + ".lock"} {
		info, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o, want 600", p, mode)
		}
	}
}

func TestSecondOpenSaysWhoHoldsTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	first, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = bolt.Open(path)
	locked, ok := errors.AsType[*bolt.LockedError](err)
	if !ok || locked.Path != path || !strings.Contains(locked.Holder, fmt.Sprintf("process %d", os.Getpid())) {
		t.Errorf("second Open = %#v, want a LockedError that names process %d", err, os.Getpid())
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + ".lock"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after Close the lock's description is still there: %v", err)
	}
	openAt(t, path)
}

func TestNewerFormatIsRefusedByName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	table, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := table.Close(); err != nil {
		t.Fatal(err)
	}
	setFormat(t, path, bolt.FormatVersion+1)
	if _, err := bolt.Open(path); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("format %d", bolt.FormatVersion+1)) {
		t.Errorf("Open of a newer format = %v", err)
	}
	setFormat(t, path, bolt.FormatVersion) // and it was left unlocked
	openAt(t, path)
}

func setFormat(t *testing.T, path string, version uint32) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("meta")).Put([]byte("version"), binary.BigEndian.AppendUint32(nil, version))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestForeignFileIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("not a table\n", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := bolt.Open(path); err == nil {
		t.Error("a text file was opened")
	}
}

// TestCloseAmongWriters closes a table that is written to: each Write is either refused or done.
func TestCloseAmongWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	table, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer table.Close()
	var mu sync.Mutex
	var writing sync.WaitGroup
	done := 0
	enough, stopped := make(chan struct{}), make(chan struct{})
	for w := range 16 {
		writing.Go(func() {
			for i := 0; ; i++ {
				err := table.Write(context.Background(), put(fmt.Sprintf("%d-%d", w, i), ""))
				if errors.Is(err, os.ErrClosed) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if done++; done == 50 {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	go func() {
		writing.Wait()
		close(stopped)
	}()
	select {
	case <-enough:
	case <-stopped:
		t.Fatal("no writer is left to close the table on")
	}
	if err := table.Close(); err != nil {
		t.Error(err)
	}
	<-stopped
	if _, err := table.Get(context.Background(), store.Key{PK: "p", SK: "s"}); err == nil {
		t.Error("Get after Close succeeded")
	}
	if n := count(t, openAt(t, path)); n != done {
		t.Errorf("%d items, but %d writes were confirmed", n, done)
	}
}
