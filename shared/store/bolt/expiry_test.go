package bolt_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	bbolt "go.etcd.io/bbolt"

	"github.com/wabawatch/wabawatch/shared/store"
	"github.com/wabawatch/wabawatch/shared/store/bolt"
)

// clock is a time that tests set, in nanoseconds since 1970.
type clock struct{ atomic.Int64 }

func (c *clock) now() time.Time { return time.Unix(0, c.Load()) }

func TestItemsExpireExactly(t *testing.T) {
	var c clock
	table := open(t, bolt.WithClock(c.now), bolt.WithoutSync())
	at := time.Unix(1_800_000_000, 0)
	c.Store(at.Add(-time.Hour).UnixNano())
	a := put("s", "{}")
	a.Item.Expires, a.Item.View = at, store.Key{PK: "v", SK: "1"}
	write(t, table, a)
	for _, tc := range []struct {
		now  time.Time
		want int
	}{{at.Add(-time.Nanosecond), 1}, {at, 0}, {at.Add(time.Nanosecond), 0}} {
		c.Store(tc.now.UnixNano())
		items, err := table.Get(context.Background(), a.Item.Key)
		if err != nil {
			t.Fatal(err)
		}
		view, err := table.Query(context.Background(), store.Query{Index: store.View, PK: "v"})
		if err != nil {
			t.Fatal(err)
		}
		if len(items) != tc.want || count(t, table) != tc.want || len(view.Items) != tc.want {
			t.Errorf("at %v: got %d, queried %d, viewed %d, want %d of each", tc.now, len(items), count(t, table), len(view.Items), tc.want)
		}
		cond := store.Cond{Exists: true}
		if err := table.Write(context.Background(), store.Action{Op: store.Check, Item: a.Item, Cond: cond}); (err == nil) != (tc.want == 1) {
			t.Errorf("at %v: check that it exists: %v", tc.now, err)
		}
	}
}

func TestPurgeDeletesWhatExpiredAndNoMore(t *testing.T) {
	var c clock
	start := time.Unix(1_800_000_000, 0)
	c.Store(start.UnixNano())
	path := t.TempDir() + "/test.db"
	table, err := bolt.Open(path, bolt.WithClock(c.now), bolt.WithoutSync())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1200 {
		a := put(fmt.Sprintf("%04d", i), "{}")
		a.Item.Expires = start.Add(time.Duration(i+1) * time.Second)
		a.Item.Todo, a.Item.View = store.Key{PK: "t", SK: "1"}, store.Key{PK: "v", SK: "1"}
		write(t, table, a)
	}
	write(t, table, put("kept", ""))
	revived := put("0000", "{}")
	revived.Item.Expires = start.Add(24 * time.Hour)
	write(t, table, revived)

	purge := func(limit, want int) {
		t.Helper()
		if n, err := table.Purge(context.Background(), limit); n != want || err != nil {
			t.Errorf("Purge(%d) = %d, %v, want %d", limit, n, err, want)
		}
	}
	purge(1000, 0)
	c.Store(start.Add(700 * time.Second).UnixNano())
	purge(0, 0)
	purge(10, 10)
	purge(1000, 689) // of the 700 one was written anew
	purge(1000, 0)
	if n := count(t, table); n != 502 {
		t.Errorf("%d items are left, want 502", n)
	}
	c.Store(start.Add(48 * time.Hour).UnixNano())
	purge(10_000, 501)
	if err := table.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.View(func(tx *bbolt.Tx) error {
		for name, want := range map[string]int{"items": 1, "todo": 0, "view": 0, "expiry": 0} {
			if n := tx.Bucket([]byte(name)).Stats().KeyN; n != want {
				t.Errorf("bucket %s has %d entries, want %d", name, n, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestManyExpiredItemsEndAPage shows a page that is empty and not the last.
func TestManyExpiredItemsEndAPage(t *testing.T) {
	table := open(t, bolt.WithoutSync())
	var actions []store.Action
	for i := range 10_050 {
		a := put(fmt.Sprintf("%05d", i), "")
		a.Item.Expires = time.Unix(1, 0)
		if actions = append(actions, a); len(actions) == store.MaxActions {
			write(t, table, actions...)
			actions = nil
		}
	}
	write(t, table, append(actions, put("z", "seen"))...)
	page, err := table.Query(context.Background(), store.Query{PK: "p", Limit: 1})
	if err != nil || len(page.Items) != 0 || page.Next == "" {
		t.Errorf("first page has %d items, next %q, %v; want none, and a next one", len(page.Items), page.Next, err)
	}
	if n := count(t, table); n != 1 {
		t.Errorf("%d items in all, want 1", n)
	}
}
