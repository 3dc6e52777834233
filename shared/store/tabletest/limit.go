package tabletest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wabawatch/wabawatch/shared/store"
)

var limitCases = []testCase{
	{"AHundredActionsAndNotOneMore", hundred},
	{"FourMegabytesAndNoMore", fourMegabytes},
	{"AnItemOf400KBWithNamesAndNoMore", itemSize},
	{"KeysUpToTheirLimits", keySizes},
	{"NoEmptyKeys", noEmptyKeys},
	{"OnlyUTF8", onlyUTF8},
}

func hundred(t *testing.T, table store.Table) {
	var actions []store.Action
	for i := range store.MaxActions + 1 {
		actions = append(actions, put(item("p", fmt.Sprintf("%03d", i), "")))
	}
	refused(t, table, true, actions...)
	equal(t, "Query", list(t, table, store.Query{PK: "p"}), nil)
	write(t, table, actions[:store.MaxActions]...)
	if n := len(list(t, table, store.Query{PK: "p"})); n != store.MaxActions {
		t.Errorf("%d items, want %d", n, store.MaxActions)
	}
	checks := make([]store.Action, 0, len(actions))
	for _, a := range actions {
		checks = append(checks, require(a.Item.Key, store.Cond{}))
	}
	refused(t, table, true, checks...)
	write(t, table, checks[:store.MaxActions]...)
}

// sized returns an item of so many bytes with names: pk, sk and body take 8, the key 4.
func sized(sk string, bytes int) store.Item {
	return item("p", sk, strings.Repeat("x", bytes-len(store.AttrPK)-len(store.AttrSK)-len(store.AttrBody)-1-len(sk)))
}

func fourMegabytes(t *testing.T, table store.Table) {
	var actions []store.Action
	for i := range 16 {
		actions = append(actions, put(sized(fmt.Sprintf("%03d", i), store.MaxWriteBytes/16)))
	}
	over := append(actions[:15:15], put(sized("015", store.MaxWriteBytes/16+1)))
	refused(t, table, true, over...)
	equal(t, "Query", list(t, table, store.Query{PK: "p"}), nil)
	write(t, table, actions...)
	if n := len(list(t, table, store.Query{PK: "p"})); n != 16 {
		t.Errorf("%d items, want 16", n)
	}
}

func itemSize(t *testing.T, table store.Table) {
	small := item("p", "small", "")
	fits := sized("s", store.MaxItemBytes)
	write(t, table, put(fits))
	equal(t, "Get", get(t, table, fits.Key), []store.Item{fits})
	refused(t, table, true, put(sized("t", store.MaxItemBytes+1)))
	refused(t, table, true, put(small), put(sized("t", store.MaxItemBytes+1)))

	placed := sized("s", store.MaxItemBytes-len(store.AttrTodoPK+store.AttrTodoSK+store.AttrViewPK+store.AttrViewSK)-4)
	placed.Todo, placed.View = key("a", "b"), key("c", "d")
	write(t, table, put(placed))
	equal(t, "Get", get(t, table, placed.Key), []store.Item{placed})
	for _, change := range []func(*store.Item){
		func(it *store.Item) { it.Body += "x" },
		func(it *store.Item) { it.Todo.PK += "x" },
		func(it *store.Item) { it.View.SK += "x" },
		func(it *store.Item) { it.Rev = 1 },
		func(it *store.Item) { it.Expires = time.Now().Add(time.Hour) },
	} {
		over := placed
		over.SK = "t"
		change(&over)
		refused(t, table, true, put(over))
	}
	equal(t, "Query", list(t, table, store.Query{PK: "p"}), []store.Item{placed})
}

func keySizes(t *testing.T, table store.Table) {
	pk, sk := strings.Repeat("p", store.MaxPartitionKey-2)+"\u00e9", strings.Repeat("s", store.MaxSortKey-2)+"\u00e9"
	it := store.Item{Key: key(pk, sk), Todo: key(pk, sk), View: key(pk, sk)}
	write(t, table, put(it))
	write(t, table, put(it), require(key(pk, "s"), store.Cond{NotExists: true}))
	equal(t, "Get", get(t, table, it.Key), []store.Item{it})
	equal(t, "Query", list(t, table, store.Query{PK: pk, From: sk, To: sk}), []store.Item{it})
	settles(t, table, store.Query{Index: store.View, PK: pk, Limit: 1}, []store.Item{it})
	for _, long := range []store.Key{key(pk+"x", "s"), key("p", sk+"x")} {
		refused(t, table, true, put(store.Item{Key: long}))
		refused(t, table, true, remove(long))
		refused(t, table, true, require(long, store.Cond{NotExists: true}))
		refused(t, table, true, put(store.Item{Key: key("p", "s"), Todo: long}))
		refused(t, table, true, put(store.Item{Key: key("p", "s"), View: long}), put(item("p", "t", "")))
	}
	equal(t, "Query", list(t, table, store.Query{PK: "p"}), nil)
}

func noEmptyKeys(t *testing.T, table store.Table) {
	for _, k := range []store.Key{{}, {PK: "p"}, {SK: "s"}} {
		refused(t, table, false, put(store.Item{Key: k}))
		refused(t, table, false, remove(k))
		refused(t, table, false, put(item("p", "s", "")), require(k, store.Cond{NotExists: true}))
		if k != (store.Key{}) { // half a place in an index is none
			refused(t, table, false, put(store.Item{Key: key("p", "s"), Todo: k}))
			refused(t, table, false, put(store.Item{Key: key("p", "s"), View: k}))
		}
	}
	equal(t, "Query", list(t, table, store.Query{PK: "p"}), nil)
}

func onlyUTF8(t *testing.T, table store.Table) {
	for _, bad := range []string{"\xff", "a\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80"} {
		refused(t, table, false, put(item(bad, "s", "")))
		refused(t, table, false, put(item("p", bad, "")))
		refused(t, table, false, put(item("p", "s", bad)))
		refused(t, table, false, put(store.Item{Key: key("p", "s"), Todo: key("t", bad)}))
		refused(t, table, false, put(store.Item{Key: key("p", "s"), View: key(bad, "v")}))
	}
	equal(t, "Query", list(t, table, store.Query{PK: "p"}), nil)
}
