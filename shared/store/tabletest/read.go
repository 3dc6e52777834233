package tabletest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wabawatch/wabawatch/shared/store"
)

var readCases = []testCase{
	{"GetReturnsEverythingThatWasPut", everyField},
	{"GetReturnsBodiesByteForByte", bodies},
	{"GetOmitsWhatDoesNotExist", missing},
	{"GetTakesAnyNumberOfKeys", manyKeys},
	{"GetTakesDuplicateKeys", duplicateKeys},
	{"GetRefusesEmptyKeys", emptyKeys},
	{"GetSeesEveryWriteThatReturned", consistentGet},
	{"QuerySeesEveryWriteThatReturned", consistentQuery},
	{"CancelledContextIsAnError", cancelled},
}

func everyField(t *testing.T, table store.Table) {
	full := store.Item{
		Key: key("p", "s"), Rev: 1<<62 + 3, Expires: time.Now().Add(time.Hour).Truncate(time.Second).UTC(),
		Todo: key("todo", "1"), View: key("view", "2"), Body: `{"a":1}`,
	}
	bare := store.Item{Key: key("p", "t")}
	write(t, table, put(full), put(bare))
	equal(t, "Get", get(t, table, full.Key, bare.Key), []store.Item{full, bare})
	equal(t, "Query", list(t, table, store.Query{PK: "p"}), []store.Item{full, bare})
	if got := get(t, table, full.Key); len(got) == 1 && got[0].Expires != full.Expires {
		t.Errorf("Expires = %v, want it in UTC: %v", got[0].Expires, full.Expires)
	}
}

func bodies(t *testing.T, table store.Table) {
	var every strings.Builder // control characters, the ends of each length of UTF-8, both sides of the surrogates
	for r := rune(0); r < 0x300; r++ {
		every.WriteRune(r)
	}
	every.WriteString("\u07ff\u0800\ud7ff\ue000\ufeff\ufffd\uffff\U00010000\U0010ffff")
	var want []store.Item
	for i, body := range []string{
		every.String(), "\x00", `"\"\\\u0000`, " leading and trailing \n", "e\u0301 is not \u00e9",
		"<script>&amp;\u2028\u2029", strings.Repeat("\U0001f600", 100_000)[:399_996],
	} {
		want = append(want, item("p", fmt.Sprint(i), body))
	}
	write(t, table, puts(want...)...)
	equal(t, "Query", list(t, table, store.Query{PK: "p"}), want)
	for _, it := range want {
		equal(t, "Get", get(t, table, it.Key), []store.Item{it})
	}
}

func missing(t *testing.T, table store.Table) {
	it := item("p", "s", "{}")
	write(t, table, put(it))
	equal(t, "Get", get(t, table, key("p", "t"), it.Key, key("q", "s")), []store.Item{it})
	equal(t, "Get", get(t, table, key("p", "t")), nil)
	equal(t, "Get of nothing", get(t, table), nil)
}

func manyKeys(t *testing.T, table store.Table) {
	var want []store.Item
	var keys []store.Key
	for i := range 250 {
		// 12 MB in all: more than one answer of DynamoDB holds for 100 keys.
		it := item("p", fmt.Sprintf("%03d", i), strings.Repeat("x", 48<<10)+fmt.Sprint(i))
		keys = append(keys, it.Key)
		if i%10 != 0 {
			want = append(want, it)
		}
	}
	for i := 0; i < len(want); i += 50 {
		write(t, table, puts(want[i:min(i+50, len(want))]...)...)
	}
	equal(t, "Get", get(t, table, keys...), want)
}

func duplicateKeys(t *testing.T, table store.Table) {
	a, b := item("p", "a", "1"), item("p", "b", "2")
	write(t, table, put(a), put(b))
	equal(t, "Get", get(t, table, b.Key, a.Key, a.Key, key("p", "c"), b.Key, key("p", "c")), []store.Item{a, b})
}

func emptyKeys(t *testing.T, table store.Table) {
	for _, k := range []store.Key{{}, {PK: "p"}, {SK: "s"}} {
		if items, err := table.Get(context.Background(), key("p", "s"), k); err == nil {
			t.Errorf("Get(%+v) = %v, want an error", k, items)
		}
	}
	if page, err := table.Query(context.Background(), store.Query{}); err == nil {
		t.Errorf("Query without partition = %+v, want an error", page)
	}
}

func consistentGet(t *testing.T, table store.Table) {
	for i := range 100 {
		it := store.Item{Key: key("p", "s"), Rev: int64(i + 1)}
		write(t, table, put(it))
		equal(t, "Get after Write", get(t, table, it.Key), []store.Item{it})
	}
}

func consistentQuery(t *testing.T, table store.Table) {
	var want []store.Item
	for i := range 100 {
		it := item("p", fmt.Sprintf("%03d", i), "")
		want = append(want, it)
		write(t, table, put(it))
		equal(t, "Query after Write", list(t, table, store.Query{PK: "p"}), want)
	}
}

func cancelled(t *testing.T, table store.Table) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := table.Get(ctx, key("p", "s")); err == nil {
		t.Error("Get with a cancelled context succeeded")
	}
	if _, err := table.Query(ctx, store.Query{PK: "p"}); err == nil {
		t.Error("Query with a cancelled context succeeded")
	}
	if err := table.Write(ctx, put(item("p", "s", ""))); err == nil {
		t.Error("Write with a cancelled context succeeded")
	}
	equal(t, "Get", get(t, table, key("p", "s")), nil)
}
