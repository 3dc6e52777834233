package tabletest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/wabawatch/wabawatch/shared/store"
)

var writeCases = []testCase{
	{"PutReplacesTheWholeItem", replaces},
	{"DeleteOfNothingSucceeds", deletesNothing},
	{"WriteOfNothingSucceeds", writesNothing},
	{"EachConditionHoldsOrNot", conditions},
	{"ConflictNamesTheActionsThatFailed", namesFailed},
	{"WriteDoesAllOrNothing", allOrNothing},
	{"CheckChangesNothing", checkOnly},
	{"NoTwoActionsOnOneItem", twoOnOne},
	{"CompareAndSwapLosesNothing", compareAndSwap},
	{"OneOfManyCreates", oneCreates},
}

func replaces(t *testing.T, table store.Table) {
	k := key("p", "s")
	write(t, table, put(store.Item{Key: k, Rev: 4, Expires: time.Now().Add(time.Hour), Todo: key("x", "y"), View: key("x", "y"), Body: "long"}))
	write(t, table, put(store.Item{Key: k}))
	equal(t, "Get", get(t, table, k), []store.Item{{Key: k}})
	write(t, table, put(store.Item{Key: k, Rev: 5, Body: "again"}), put(item("p", "t", "")))
	equal(t, "Get", get(t, table, k), []store.Item{{Key: k, Rev: 5, Body: "again"}})
}

func deletesNothing(t *testing.T, table store.Table) {
	write(t, table, remove(key("p", "s")))
	write(t, table, remove(key("p", "s")), remove(key("p", "t")))
	equal(t, "Query", list(t, table, store.Query{PK: "p"}), nil)
}

func writesNothing(t *testing.T, table store.Table) {
	if err := table.Write(context.Background()); err != nil {
		t.Errorf("Write() = %v", err)
	}
}

func conditions(t *testing.T, table store.Table) {
	live := store.Item{Key: key("p", "live"), Rev: 7, Body: "live"}
	later := store.Item{Key: key("p", "later"), Rev: 7, Expires: future(), Body: "later"}
	plain := item("p", "plain", "without rev")
	dead := store.Item{Key: key("p", "dead"), Rev: 7, Expires: past(), Body: "dead"}
	none := item("p", "none", "")
	for _, tc := range []struct {
		name  string
		cond  store.Cond
		holds []store.Item
	}{
		{"none", store.Cond{}, []store.Item{live, later, plain, dead, none}},
		{"NotExists", store.Cond{NotExists: true}, []store.Item{dead, none}},
		{"Exists", store.Cond{Exists: true}, []store.Item{live, later, plain}},
		{"Rev 7", store.Cond{Rev: 7}, []store.Item{live, later}},
		{"Rev 8", store.Cond{Rev: 8}, nil},
		{"Exists with Rev 7", store.Cond{Exists: true, Rev: 7}, []store.Item{live, later}},
		{"NotExists with Rev 7", store.Cond{NotExists: true, Rev: 7}, nil},
	} {
		for _, stored := range []store.Item{live, later, plain, dead, none} {
			for _, op := range []store.Op{store.Put, store.Delete, store.Check} {
				for _, company := range []int{0, 1} {
					before := stored
					if stored == none {
						write(t, table, remove(none.Key))
					} else {
						write(t, table, put(stored))
					}
					actions := []store.Action{{Op: op, Item: store.Item{Key: stored.Key, Rev: 8, Body: "new"}, Cond: tc.cond}}
					if company > 0 { // another action makes another request of it
						actions = append([]store.Action{put(item("p", "company", ""))}, actions...)
					}
					what := fmt.Sprintf("op %d on %s if %s", op, stored.SK, tc.name)
					if !slices.Contains(tc.holds, stored) {
						conflicts(t, table, actions, company)
					} else if err := table.Write(context.Background(), actions...); err != nil {
						t.Errorf("%s: %v", what, err)
					} else if op == store.Put {
						before = actions[company].Item
					} else if op == store.Delete {
						before = none
					}
					var want []store.Item
					if before != none && before != dead {
						want = append(want, before)
					}
					equal(t, what+": Get", get(t, table, stored.Key), want)
				}
			}
		}
	}
}

func namesFailed(t *testing.T, table store.Table) {
	var stored []store.Item
	for i := range 6 {
		stored = append(stored, store.Item{Key: key("p", fmt.Sprint(i)), Rev: int64(i + 1)})
	}
	write(t, table, puts(stored...)...)
	actions := []store.Action{
		{Op: store.Put, Item: store.Item{Key: stored[0].Key}, Cond: store.Cond{NotExists: true}},
		{Op: store.Put, Item: store.Item{Key: stored[1].Key}, Cond: store.Cond{Rev: 2}},
		{Op: store.Delete, Item: store.Item{Key: stored[2].Key}, Cond: store.Cond{Rev: 2}},
		{Op: store.Check, Item: store.Item{Key: stored[3].Key}, Cond: store.Cond{Exists: true}},
		{Op: store.Check, Item: store.Item{Key: key("p", "none")}, Cond: store.Cond{Exists: true}},
		{Op: store.Put, Item: item("q", "new", "")},
		{Op: store.Delete, Item: store.Item{Key: key("q", "none")}, Cond: store.Cond{Rev: 1}},
	}
	conflicts(t, table, actions, 0, 2, 4, 6)
	conflicts(t, table, actions[1:3], 1)
	conflicts(t, table, actions[:1], 0)
	conflicts(t, table, actions[2:3], 0)
	conflicts(t, table, actions[4:5], 0)
	equal(t, "Query", list(t, table, store.Query{PK: "p"}), stored)
	equal(t, "Query", list(t, table, store.Query{PK: "q"}), nil)
}

func allOrNothing(t *testing.T, table store.Table) {
	old := []store.Item{
		{Key: key("p", "0"), Rev: 1, View: key("v", "0"), Body: "old"},
		{Key: key("p", "1"), Rev: 1, View: key("v", "1"), Body: "old"},
		{Key: key("p", "2"), Rev: 1, View: key("v", "2"), Body: "old"},
	}
	write(t, table, puts(old...)...)
	actions := []store.Action{
		put(store.Item{Key: old[0].Key, Rev: 2, Body: "new"}),
		remove(old[1].Key),
		put(store.Item{Key: key("q", "0"), View: key("v", "3")}),
		{Op: store.Put, Item: store.Item{Key: old[2].Key, Rev: 3, View: key("v", "4")}, Cond: store.Cond{Rev: 2}},
	}
	conflicts(t, table, actions, 3)
	equal(t, "Query", list(t, table, store.Query{PK: "p"}), old)
	equal(t, "Query", list(t, table, store.Query{PK: "q"}), nil)
	settles(t, table, store.Query{Index: store.View, PK: "v"}, old)

	actions[3].Cond.Rev = 1
	write(t, table, actions...)
	equal(t, "Query", list(t, table, store.Query{PK: "p"}), []store.Item{actions[0].Item, actions[3].Item})
	settles(t, table, store.Query{Index: store.View, PK: "v"}, []store.Item{actions[2].Item, actions[3].Item})
}

func checkOnly(t *testing.T, table store.Table) {
	it := store.Item{Key: key("p", "s"), Rev: 3, Todo: key("t", "1"), Body: "as it was"}
	write(t, table, put(it))
	write(t, table, require(it.Key, store.Cond{Rev: 3}))
	write(t, table, require(it.Key, store.Cond{Exists: true}), require(key("p", "t"), store.Cond{NotExists: true}), put(item("p", "u", "")))
	equal(t, "Query", list(t, table, store.Query{PK: "p"}), []store.Item{it, item("p", "u", "")})
}

func twoOnOne(t *testing.T, table store.Table) {
	k := key("p", "s")
	refused(t, table, false, put(store.Item{Key: k, Body: "1"}), put(item("p", "t", "")), put(store.Item{Key: k, Body: "2"}))
	refused(t, table, false, require(k, store.Cond{NotExists: true}), put(store.Item{Key: k}))
	refused(t, table, false, put(store.Item{Key: k}), remove(k))
	equal(t, "Query", list(t, table, store.Query{PK: "p"}), nil)
}

// compareAndSwap has writers count up two items, together and one of them alone.
func compareAndSwap(t *testing.T, table store.Table) {
	const writers, rounds = 8, 25
	both, one := key("p", "both"), key("q", "one")
	next := func(k store.Key) (store.Action, error) {
		items, err := table.Get(context.Background(), k)
		if err != nil {
			return store.Action{}, err
		}
		if len(items) == 0 {
			return store.Action{Item: store.Item{Key: k, Rev: 1}, Cond: store.Cond{NotExists: true}}, nil
		}
		return store.Action{Item: store.Item{Key: k, Rev: items[0].Rev + 1}, Cond: store.Cond{Rev: items[0].Rev}}, nil
	}
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for done := 0; done < rounds; {
				a, err := next(one)
				actions := []store.Action{a}
				if err == nil && w%2 == 0 {
					a, err = next(both)
					actions = append(actions, a)
				}
				if err == nil {
					err = table.Write(context.Background(), actions...)
				}
				switch {
				case err == nil:
					done++
				case !errors.Is(err, store.ErrConflict):
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	equal(t, "Get", get(t, table, both, one), []store.Item{{Key: both, Rev: writers / 2 * rounds}, {Key: one, Rev: writers * rounds}})
}

func oneCreates(t *testing.T, table store.Table) {
	for round := range 10 {
		var wg sync.WaitGroup
		var mu sync.Mutex
		var winners []string
		k := key("p", fmt.Sprint(round))
		for w := range 16 {
			wg.Go(func() {
				body := fmt.Sprint(w)
				err := table.Write(context.Background(), store.Action{Item: store.Item{Key: k, Body: body}, Cond: store.Cond{NotExists: true}})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					winners = append(winners, body)
				} else if !errors.Is(err, store.ErrConflict) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got := get(t, table, k); len(winners) != 1 || len(got) != 1 || got[0].Body != winners[0] {
			t.Errorf("%d writers were told that they created the item: %v; it is %v", len(winners), winners, brief(got))
		}
	}
}
