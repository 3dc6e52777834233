package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/store"
	"github.com/wabawatch/wabawatch/shared/store/bolt"
	"github.com/wabawatch/wabawatch/shared/watch"
)

// counted sums what the items of a kind count.
func counted(t *testing.T, table store.Table, kind string) (n int) {
	t.Helper()
	page, err := table.Query(t.Context(), store.Query{PK: "U#" + kind, From: "COUNT#", To: "COUNT#~"})
	if err != nil {
		t.Fatal(err)
	}
	for _, it := range page.Items {
		var b struct{ Count int }
		if err := json.Unmarshal([]byte(it.Body), &b); err != nil {
			t.Fatal(err)
		}
		n += b.Count
	}
	return n
}

// TestUnknownThingsAreCountedOnce stores the same things from many sides at once, and again.
func TestUnknownThingsAreCountedOnce(t *testing.T) {
	table, err := bolt.Open(filepath.Join(t.TempDir(), "u.db"), bolt.WithoutSync())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = table.Close() })
	records := store.New(table, 0, time.Now)
	var things []quality.Novelty
	for i := range 150 {
		raw := fmt.Sprintf(`{"i":%d,"text":"%s"}`, i, strings.Repeat(`"`, 4_000))
		things = append(things, quality.Novelty{Kind: "field:x", WABAID: "1", Raw: raw, At: time.Now()}, quality.Novelty{Kind: "event:y", Raw: raw, At: time.Now()})
	}
	w := &watch.Watcher{Store: records, Rules: quality.DefaultRules, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	var sides sync.WaitGroup
	for side := range 8 {
		sides.Go(func() {
			for part := range 10 {
				some := things[30*part : 30*part+30]
				if err := w.Observe(t.Context(), quality.Delivery{Unknown: append(some[side:len(some):len(some)], some[:side]...)}); err != nil {
					t.Errorf("part %d: %v", part, err)
				}
			}
		})
	}
	sides.Wait()
	for kind, want := range map[string]int{"field:x": 150, "event:y": 150} {
		if n := counted(t, table, kind); n != want {
			t.Errorf("%s: %d counted, want %d", kind, n, want)
		}
	}
	if known, err := records.KnownNovelties(t.Context(), []string{"field:x", "event:y", "field:z"}); err != nil || len(known) != 2 {
		t.Errorf("known kinds = %v, %v", known, err)
	}
}

// TestTheLongestUnknownThingsAreKept: as many as one body reports, each as long as it may be and of
// bytes that JSON spells with six.
func TestTheLongestUnknownThingsAreKept(t *testing.T) {
	table, err := bolt.Open(filepath.Join(t.TempDir(), "u.db"), bolt.WithoutSync())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = table.Close() })
	var things []quality.Novelty
	for i := range 200 {
		things = append(things, quality.Novelty{Kind: "field:x", Raw: fmt.Sprint(i, strings.Repeat("\x01", 70_000)), At: time.Now()})
	}
	records := store.New(table, 0, time.Now)
	err = records.Novelties(t.Context(), things)
	for tries := 0; errors.Is(err, watch.ErrConflict) && tries < 16; tries++ { // all name their kind first
		err = records.Novelties(t.Context(), things)
	}
	if err != nil {
		t.Fatal(err)
	}
	if n := counted(t, table, "field:x"); n != len(things) {
		t.Errorf("%d counted, want %d", n, len(things))
	}
}

// TestOlderCountIsKept: in older files the item that names a kind counts it too.
func TestOlderCountIsKept(t *testing.T) {
	table, err := bolt.Open(filepath.Join(t.TempDir(), "u.db"), bolt.WithoutSync())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = table.Close() })
	records := store.New(table, 0, time.Now)
	older := store.Item{Key: store.Key{PK: "U#field:x", SK: "KIND"}, Rev: 7, Body: `{"v":1,"kind":"field:x","count":7,"first":"2026-11-20T12:00:00Z","last":"2026-11-21T12:00:00Z"}`}
	newer := store.Item{Key: store.Key{PK: "U#field:y", SK: "KIND"}, Rev: 7, Body: `{"v":99,"kind":"field:y"}`}
	if err := table.Write(t.Context(), store.Action{Op: store.Put, Item: older}, store.Action{Op: store.Put, Item: newer}); err != nil {
		t.Fatal(err)
	}
	if err := records.Novelties(t.Context(), []quality.Novelty{{Kind: "field:x", Raw: "{}", At: time.Now()}}); err != nil {
		t.Fatal(err)
	}
	if items, err := table.Get(t.Context(), older.Key); err != nil || len(items) != 1 || items[0].Body != older.Body || counted(t, table, "field:x") != 1 {
		t.Errorf("older item = %v, %v; counted since %d", items, err, counted(t, table, "field:x"))
	}
	err = records.Novelties(t.Context(), []quality.Novelty{{Kind: "field:y", Raw: "{}", At: time.Now()}})
	if newer, ok := errors.AsType[*store.NewerError](err); !ok || newer.Version != 99 {
		t.Errorf("a kind written by a newer version: %v", err)
	}
}
