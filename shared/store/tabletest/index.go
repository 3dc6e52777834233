package tabletest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/wabawatch/wabawatch/shared/store"
)

var indexCases = []testCase{
	{"IndexesAreSparse", sparse},
	{"TodoYieldsKeysOnly", todoKeys},
	{"ViewYieldsWholeItems", viewWhole},
	{"IndexesFollowUpdatesAndDeletes", follow},
	{"IndexesAreInTheOrderOfTheirKeys", indexOrder},
	{"EqualIndexKeysKeepAllItems", ties},
}

func sparse(t *testing.T, table store.Table) {
	todo := store.Item{Key: key("p", "1"), Todo: key("i", "1")}
	view := store.Item{Key: key("p", "2"), View: key("i", "1")}
	write(t, table, put(todo), put(view), put(item("p", "3", "")), put(item("i", "1", "not in an index")))
	settles(t, table, store.Query{Index: store.Todo, PK: "i"}, []store.Item{todo})
	settles(t, table, store.Query{Index: store.View, PK: "i"}, []store.Item{view})
	settles(t, table, store.Query{Index: store.View, PK: "p"}, nil)
}

func todoKeys(t *testing.T, table store.Table) {
	write(t, table, put(store.Item{Key: key("p", "s"), Rev: 3, Expires: future(), Todo: key("t", "1"), View: key("v", "1"), Body: "{}"}))
	settles(t, table, store.Query{Index: store.Todo, PK: "t"}, []store.Item{{Key: key("p", "s"), Todo: key("t", "1")}})
}

func viewWhole(t *testing.T, table store.Table) {
	it := store.Item{Key: key("p", "s"), Rev: 3, Expires: future().Add(time.Hour), Todo: key("t", "1"), View: key("v", "1"), Body: `{"a":"\u00e9"}`}
	write(t, table, put(it))
	settles(t, table, store.Query{Index: store.View, PK: "v"}, []store.Item{it})
}

func follow(t *testing.T, table store.Table) {
	view, todo := store.Query{Index: store.View, PK: "v"}, store.Query{Index: store.Todo, PK: "t"}
	it := store.Item{Key: key("p", "s"), Rev: 1, Todo: key("t", "1"), View: key("v", "1"), Body: "1"}
	see := func(inTodo, inView bool) {
		t.Helper()
		var wantTodo, wantView []store.Item
		if inTodo {
			wantTodo = []store.Item{{Key: it.Key, Todo: it.Todo}}
		}
		if inView {
			wantView = []store.Item{it}
		}
		settles(t, table, todo, wantTodo)
		settles(t, table, view, wantView)
	}
	write(t, table, put(it))
	see(true, true)
	it.Rev, it.Body = 2, "other content, same place"
	write(t, table, put(it))
	see(true, true)
	it.Todo.SK, it.View.SK = "0", "2"
	write(t, table, put(it))
	see(true, true)
	it.Todo = store.Key{}
	write(t, table, put(it))
	see(false, true)
	it.View.PK = "elsewhere"
	write(t, table, put(it))
	see(false, false)
	settles(t, table, store.Query{Index: store.View, PK: "elsewhere"}, []store.Item{it})
	it.Todo, it.View = key("t", "5"), key("v", "5")
	write(t, table, put(it), put(item("p", "t", "")))
	see(true, true)
	write(t, table, remove(it.Key))
	see(false, false)
}

func indexOrder(t *testing.T, table store.Table) {
	var all []store.Item
	for i, sk := range sortKeys {
		// Base keys run against the order of the index.
		all = append(all, store.Item{Key: key("p", fmt.Sprintf("%03d", 999-i)), View: key("v", sk), Body: fmt.Sprint(i)})
	}
	write(t, table, puts(all...)...)
	write(t, table, put(store.Item{Key: key("p", "x"), View: key("v\x00", "a")}), put(store.Item{Key: key("p", "y"), View: key("u", "a")}))
	n := len(all)
	for _, tc := range []struct {
		q    store.Query
		want []store.Item
	}{
		{store.Query{}, all},
		{store.Query{Limit: n/3 + 1}, all},
		{store.Query{From: all[3].View.SK, To: all[12].View.SK}, all[3:13]},
		{store.Query{From: all[13].View.SK, To: all[13].View.SK}, all[13:14]},
		{store.Query{From: all[14].View.SK, Limit: n / 3}, all[14:]},
		{store.Query{To: all[14].View.SK, Limit: 7}, all[:15]},
		{store.Query{From: all[20].View.SK, To: all[5].View.SK}, nil},
	} {
		q := tc.q
		q.Index, q.PK = store.View, "v"
		settles(t, table, q, tc.want)
		q.Backward = true
		settles(t, table, q, reversed(tc.want))
	}
}

// ties checks that items with one index key are all there, in an order that pages keep.
func ties(t *testing.T, table store.Table) {
	var all []store.Item
	for i := range 10 {
		all = append(all, store.Item{Key: key(fmt.Sprintf("p%d", i%3), fmt.Sprintf("\x00%d", i)), Todo: key("t", "same"), Body: "{}"})
	}
	write(t, table, puts(all...)...)
	write(t, table, put(store.Item{Key: key("p", "a"), Todo: key("t", "rather")}), put(store.Item{Key: key("p", "z"), Todo: key("t", "same\x00")}))
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		q := store.Query{Index: store.Todo, PK: "t", From: "same", To: "same"}
		whole := list(t, table, q)
		q.Limit = 4
		paged := list(t, table, q)
		q.Backward = true
		back := list(t, table, q)
		distinct := map[store.Key]bool{}
		for _, it := range whole {
			distinct[it.Key] = true
		}
		if len(whole) == len(all) && len(distinct) == len(all) && slices.EqualFunc(paged, whole, same) && slices.EqualFunc(back, reversed(whole), same) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("whole %v\npaged %v\nbackward %v", brief(whole), brief(paged), brief(back))
		}
	}
}
