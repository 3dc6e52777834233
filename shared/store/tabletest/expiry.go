package tabletest

import (
	"fmt"
	"testing"
	"time"

	"github.com/wabawatch/wabawatch/shared/store"
)

var expiryCases = []testCase{
	{"ExpiredItemsAreInvisible", expiredInvisible},
	{"ItemsAreVisibleUntilTheyExpire", visibleBefore},
	{"ExpiredItemsMayBeWrittenAnew", revived},
	{"PagesPassOverExpiredItems", expiredPages},
}

var (
	past   = func() time.Time { return time.Now().Add(-2 * time.Second).Truncate(time.Second).UTC() }
	future = func() time.Time { return time.Now().Add(time.Minute).Truncate(time.Second).UTC() }
)

func expiredInvisible(t *testing.T, table store.Table) {
	for i, at := range []time.Time{past(), past().Add(-400 * 24 * time.Hour), time.Unix(1, 0), time.Unix(0, 0)} {
		it := store.Item{Key: key("p", fmt.Sprint(i)), Rev: 1, Expires: at, View: key("v", "1"), Body: "{}"}
		write(t, table, put(it))
		equal(t, "Get", get(t, table, it.Key), nil)
		conflicts(t, table, []store.Action{require(it.Key, store.Cond{Exists: true})}, 0)
	}
	equal(t, "Query", list(t, table, store.Query{PK: "p"}), nil)
	settles(t, table, store.Query{Index: store.View, PK: "v"}, nil)
}

func visibleBefore(t *testing.T, table store.Table) {
	var want []store.Item
	for i, at := range []time.Time{future(), future().Add(400 * 24 * time.Hour), {}} {
		want = append(want, store.Item{Key: key("p", fmt.Sprint(i)), Rev: 1, Expires: at, View: key("v", fmt.Sprint(i)), Body: "{}"})
	}
	write(t, table, puts(want...)...)
	equal(t, "Query", list(t, table, store.Query{PK: "p"}), want)
	equal(t, "Get", get(t, table, want[0].Key, want[1].Key, want[2].Key), want)
	settles(t, table, store.Query{Index: store.View, PK: "v"}, want)
}

func revived(t *testing.T, table store.Table) {
	dead := store.Item{Key: key("p", "s"), Rev: 5, Expires: past(), View: key("v", "1"), Body: "old"}
	write(t, table, put(dead))
	alive := store.Item{Key: dead.Key, Rev: 1, Expires: future(), View: key("v", "2"), Body: "new"}
	write(t, table, store.Action{Item: alive, Cond: store.Cond{NotExists: true}})
	equal(t, "Get", get(t, table, dead.Key), []store.Item{alive})
	settles(t, table, store.Query{Index: store.View, PK: "v"}, []store.Item{alive})
	write(t, table, store.Action{Op: store.Delete, Item: store.Item{Key: dead.Key}, Cond: store.Cond{Rev: 1}})
	equal(t, "Get", get(t, table, dead.Key), nil)
}

func expiredPages(t *testing.T, table store.Table) {
	var all, want []store.Item
	for i := range 40 {
		it := item("p", fmt.Sprintf("%02d", i), "")
		if i%10 != 5 {
			it.Expires = past()
		} else {
			want = append(want, it)
		}
		all = append(all, it)
	}
	write(t, table, puts(all...)...)
	for _, limit := range []int{0, 1, 3, 10, 40} {
		equal(t, fmt.Sprintf("pages of %d", limit), list(t, table, store.Query{PK: "p", Limit: limit}), want)
		equal(t, fmt.Sprintf("pages of %d backward", limit), list(t, table, store.Query{PK: "p", Limit: limit, Backward: true}), reversed(want))
	}
}
