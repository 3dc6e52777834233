package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	bbolt "go.etcd.io/bbolt"

	"github.com/wabawatch/wabawatch/shared/store"
)

func newWrite(t *Table, actions ...store.Action) *write {
	return &write{table: t, actions: actions, result: make(chan error, 1)}
}

func itemAt(sk string, rev int64, c store.Cond) store.Action {
	return store.Action{Item: store.Item{Key: store.Key{PK: "p", SK: sk}, Rev: rev}, Cond: c}
}

// diskWrites counts the writes to the file since it was opened.
func diskWrites(t *Table) int64 {
	stats := t.db.Stats()
	return stats.TxStats.GetWrite()
}

// TestGroupMembersSeeEachOther does in one group what depends on what came before in it.
func TestGroupMembersSeeEachOther(t *testing.T) {
	table, err := Open(filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer table.Close()
	before := diskWrites(table)
	absent := store.Cond{NotExists: true}
	group := []job{
		newWrite(table, itemAt("a", 1, absent)),
		newWrite(table, itemAt("b", 1, store.Cond{}), itemAt("a", 1, absent)), // loses: not even b
		newWrite(table, itemAt("a", 2, store.Cond{Rev: 1}), itemAt("c", 1, absent)),
		newWrite(table, itemAt("a", 2, store.Cond{Rev: 1})), // loses
		newWrite(table, itemAt("c", 2, store.Cond{Exists: true})),
	}
	if err := table.commit(group); err != nil {
		t.Fatal(err)
	}
	for i, j := range group {
		err := <-j.answer()
		if want := i == 1 || i == 3; errors.Is(err, store.ErrConflict) != want || !want && err != nil {
			t.Errorf("write %d: %v, want a conflict: %v", i, err, want)
		}
	}
	page, err := table.Query(context.Background(), store.Query{PK: "p"})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(page.Items); len(page.Items) != 2 || page.Items[0].Rev != 2 || page.Items[1].Rev != 2 {
		t.Errorf("table holds %v, want a and c, both written twice", got)
	}
	// A group of refused writes touches the disk no more.
	written := diskWrites(table)
	if written == before {
		t.Error("nothing was written")
	}
	if err := table.commit([]job{newWrite(table, itemAt("a", 1, absent))}); err != nil {
		t.Fatal(err)
	}
	if after := diskWrites(table); after != written {
		t.Errorf("a refused write made %d writes to the file", after-written)
	}
}

// TestBrokenDiskIsAmbiguousOnce takes the file away from under the table.
func TestBrokenDiskIsAmbiguousOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	table, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := table.Write(context.Background(), itemAt("a", 1, store.Cond{})); err != nil {
		t.Fatal(err)
	}
	if err := table.db.Close(); err != nil {
		t.Fatal(err)
	}
	var file *os.File
	table.db, err = bbolt.Open(path, 0o600, &bbolt.Options{OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
		f, err := os.OpenFile(name, flag, mode)
		file = f
		return f, err
	}})
	if err != nil {
		t.Fatal(err)
	}
	file.Close()
	if err := table.Write(context.Background(), itemAt("b", 1, store.Cond{})); !errors.Is(err, store.ErrAmbiguous) {
		t.Errorf("Write that the disk failed = %v, want ErrAmbiguous", err)
	}
	if err := table.Write(context.Background(), itemAt("c", 1, store.Cond{})); err == nil || errors.Is(err, store.ErrAmbiguous) {
		t.Errorf("next Write = %v, want a plain refusal", err)
	}
	select {
	case err := <-table.Broken():
		if !errors.Is(err, store.ErrAmbiguous) {
			t.Errorf("broken by %v", err)
		}
	default:
		t.Error("nobody learns that the table is broken")
	}
	if err := table.Close(); err == nil {
		t.Error("Close of a broken file succeeded")
	}
	table, err = Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer table.Close()
	items, err := table.Get(context.Background(), store.Key{PK: "p", SK: "a"})
	if err != nil || len(items) != 1 {
		t.Errorf("reopened: %v, %v", items, err)
	}
}
