// Package tabletest has the conformance suite of store.Table, which every implementation passes,
// and tables that fail or lag on purpose.
package tabletest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/wabawatch/wabawatch/shared/store"
)

// Run checks the contract of store.Table. open returns an empty table that goes by the time of
// day, and registers its own cleanup on t.
func Run(t *testing.T, open func(t *testing.T) store.Table) {
	for _, tc := range slices.Concat(readCases, queryCases, writeCases, limitCases, expiryCases, indexCases) {
		t.Run(tc.name, func(t *testing.T) { tc.run(t, open(t)) })
	}
}

type testCase struct {
	name string
	run  func(*testing.T, store.Table)
}

// patience is how long an index may take to show what was written.
const patience = 10 * time.Second

func put(it store.Item) store.Action { return store.Action{Op: store.Put, Item: it} }

func remove(k store.Key) store.Action {
	return store.Action{Op: store.Delete, Item: store.Item{Key: k}}
}

func require(k store.Key, c store.Cond) store.Action {
	return store.Action{Op: store.Check, Item: store.Item{Key: k}, Cond: c}
}

func key(pk, sk string) store.Key { return store.Key{PK: pk, SK: sk} }

func item(pk, sk, body string) store.Item { return store.Item{Key: key(pk, sk), Body: body} }

// write does what has to succeed.
func write(t *testing.T, table store.Table, actions ...store.Action) {
	t.Helper()
	for part := range slices.Chunk(actions, store.MaxActions) {
		if err := table.Write(context.Background(), part...); err != nil {
			t.Fatalf("Write of %d actions, first on %v: %v", len(part), part[0].Item.Key, err)
		}
	}
}

func puts(items ...store.Item) []store.Action {
	var out []store.Action
	for _, it := range items {
		out = append(out, put(it))
	}
	return out
}

// get returns what exists among keys, in the order of keys.
func get(t *testing.T, table store.Table, keys ...store.Key) []store.Item {
	t.Helper()
	items, err := table.Get(context.Background(), keys...)
	if err != nil {
		t.Fatalf("Get of %d keys: %v", len(keys), err)
	}
	slices.SortFunc(items, func(a, b store.Item) int {
		return cmp.Or(cmp.Compare(a.PK, b.PK), cmp.Compare(a.SK, b.SK))
	})
	return items
}

// pages follows a query to its end.
func pages(table store.Table, q store.Query) ([]store.Item, error) {
	var out []store.Item
	for range 10_000 {
		page, err := table.Query(context.Background(), q)
		if err != nil {
			return nil, fmt.Errorf("Query(%+v): %w", q, err)
		}
		if q.Limit > 0 && len(page.Items) > q.Limit {
			return nil, fmt.Errorf("Query(%+v) gave %d items", q, len(page.Items))
		}
		out = append(out, page.Items...)
		if page.Next == "" {
			return out, nil
		}
		q.Cursor = page.Next
	}
	return nil, fmt.Errorf("Query(%+v) has no last page", q)
}

func list(t *testing.T, table store.Table, q store.Query) []store.Item {
	t.Helper()
	items, err := pages(table, q)
	if err != nil {
		t.Fatal(err)
	}
	return items
}

// settles waits until a query of an index gives exactly want.
func settles(t *testing.T, table store.Table, q store.Query, want []store.Item) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		got := list(t, table, q)
		if slices.EqualFunc(got, want, same) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("Query(%+v) = %v, want %v", q, brief(got), brief(want))
		}
	}
}

func same(a, b store.Item) bool {
	if !a.Expires.Equal(b.Expires) {
		return false
	}
	a.Expires, b.Expires = time.Time{}, time.Time{}
	return a == b
}

func equal(t *testing.T, what string, got, want []store.Item) {
	t.Helper()
	if !slices.EqualFunc(got, want, same) {
		t.Errorf("%s = %v, want %v", what, brief(got), brief(want))
	}
}

// brief is a list of items as failures show it.
func brief(items []store.Item) []string {
	var out []string
	for _, it := range items {
		if len(it.Body) > 40 {
			it.Body = fmt.Sprintf("%s... (%d bytes)", it.Body[:40], len(it.Body))
		}
		out = append(out, fmt.Sprintf("{%+q rev %d expires %v todo %+q view %+q body %+q}",
			[]string{it.PK, it.SK}, it.Rev, it.Expires, []string{it.Todo.PK, it.Todo.SK}, []string{it.View.PK, it.View.SK}, it.Body))
	}
	return out
}

func reversed(items []store.Item) []store.Item {
	out := slices.Clone(items)
	slices.Reverse(out)
	return out
}

// conflicts checks that a Write is refused because of exactly these actions.
func conflicts(t *testing.T, table store.Table, actions []store.Action, failed ...int) {
	t.Helper()
	err := table.Write(context.Background(), actions...)
	conflict, ok := errors.AsType[*store.ConflictError](err)
	if !ok {
		t.Fatalf("Write = %v, want a conflict in actions %v", err, failed)
	}
	if !slices.Equal(conflict.Failed, failed) || conflict.Transient {
		t.Errorf("Write = %v (transient %v), want a lasting conflict in actions %v", err, conflict.Transient, failed)
	}
	if !errors.Is(err, store.ErrConflict) {
		t.Errorf("errors.Is(%v, ErrConflict) = false", err)
	}
}

// refused checks that a Write fails for what it is, not for what the table holds.
func refused(t *testing.T, table store.Table, tooLarge bool, actions ...store.Action) {
	t.Helper()
	err := table.Write(context.Background(), actions...)
	switch {
	case err == nil:
		t.Error("Write was accepted")
	case errors.Is(err, store.ErrConflict), errors.Is(err, store.ErrAmbiguous):
		t.Errorf("Write = %v, want a plain error", err)
	case errors.Is(err, store.ErrTooLarge) != tooLarge:
		t.Errorf("errors.Is(%v, ErrTooLarge) = %v, want %v", err, !tooLarge, tooLarge)
	}
}
