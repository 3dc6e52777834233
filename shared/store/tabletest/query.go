package tabletest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/wabawatch/wabawatch/shared/store"
)

var queryCases = []testCase{
	{"ItemsAreInTheOrderOfBytes", byteOrder},
	{"PartitionsDoNotMix", partitions},
	{"BoundsAreInclusive", bounds},
	{"BackwardBeginsAtTo", backward},
	{"PagesGiveEachItemOnceBothWays", limits},
	{"ATableEndsPagesItself", bigPages},
	{"CursorsSurviveWrites", cursorsAndWrites},
	{"BrokenCursorIsAnError", brokenCursor},
	{"EmptyPartitionHasOneEmptyPage", emptyPartition},
	{"UnknownIndexIsAnError", unknownIndex},
}

// sortKeys are in the order of bytes, which is not that of UTF-16, of locales or of lengths.
var sortKeys = []string{
	"\x00", "\x00\x00", "\x00\x01", "\x00\xc2\x80", "\x01", " ", "#", "0", "10", "2", "A", "Z", "a", "a\x00", "a\x00\x00", "a\x00b",
	"a\x01", "a#", "aa", "ab", "b", "\x7f", "\u0080", "\u00e9", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\ufffd", "\uffff", "\U00010000", "\U0010ffff",
}

func itemsOf(pk string, sks ...string) []store.Item {
	var out []store.Item
	for i, sk := range sks {
		out = append(out, item(pk, sk, fmt.Sprint(i)))
	}
	return out
}

func byteOrder(t *testing.T, table store.Table) {
	want := itemsOf("p", sortKeys...)
	write(t, table, puts(reversed(want)...)...)
	equal(t, "Query", list(t, table, store.Query{PK: "p"}), want)
	equal(t, "Query backward", list(t, table, store.Query{PK: "p", Backward: true}), reversed(want))
	for i := range want {
		q := store.Query{PK: "p", From: want[i].SK, To: want[min(i+3, len(want)-1)].SK}
		equal(t, fmt.Sprintf("Query(%+v)", q), list(t, table, q), want[i:min(i+4, len(want))])
	}
}

func partitions(t *testing.T, table store.Table) {
	// Pairs that some ways to join two parts into one cannot tell apart.
	pks := []string{"p", "p\x00", "p\x00\x00", "p\x00p", "p#", "pp", "p\x01", "P", "p\u00ff"}
	sks := []string{"\x00", "\x00p", "#", "p", "p\x00p", "\u00ff"}
	for _, pk := range pks {
		write(t, table, puts(itemsOf(pk, sks...)...)...)
	}
	for _, pk := range pks {
		want := itemsOf(pk, "\x00", "\x00p", "#", "p", "p\x00p", "\u00ff")
		equal(t, fmt.Sprintf("Query(%q)", pk), list(t, table, store.Query{PK: pk}), want)
		equal(t, fmt.Sprintf("Query(%q) backward", pk), list(t, table, store.Query{PK: pk, Backward: true}), reversed(want))
		for _, it := range want {
			equal(t, "Get", get(t, table, it.Key), []store.Item{it})
		}
	}
}

func bounds(t *testing.T, table store.Table) {
	all := itemsOf("p", "b", "bb", "d", "f")
	write(t, table, puts(all...)...)
	for _, tc := range []struct {
		from, to string
		want     []store.Item
	}{
		{"", "", all},
		{"b", "f", all},
		{"a", "g", all},
		{"bb", "d", all[1:3]},
		{"d", "d", all[2:3]},
		{"", "b", all[:1]},
		{"", "ba", all[:1]},
		{"", "a", nil},
		{"f", "", all[3:]},
		{"g", "", nil},
		{"c", "c", nil},
		{"ba", "e", all[1:3]},
		{"b\x00", "", all[1:]},
		{"f", "b", nil},
	} {
		for limit := range 3 {
			q := store.Query{PK: "p", From: tc.from, To: tc.to, Limit: limit}
			equal(t, fmt.Sprintf("Query(%+v)", q), list(t, table, q), tc.want)
			q.Backward = true
			equal(t, fmt.Sprintf("Query(%+v)", q), list(t, table, q), reversed(tc.want))
		}
	}
}

func backward(t *testing.T, table store.Table) {
	all := itemsOf("p", "a", "b", "c", "d")
	write(t, table, puts(all...)...)
	page, err := table.Query(context.Background(), store.Query{PK: "p", From: "a", To: "c", Backward: true, Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "first page backward", page.Items, []store.Item{all[2], all[1]})
}

func limits(t *testing.T, table store.Table) {
	var sks []string
	for i := range 23 {
		sks = append(sks, fmt.Sprintf("%02d", i))
	}
	all := itemsOf("p", sks...)
	write(t, table, puts(all...)...)
	write(t, table, puts(itemsOf("o", sks...)...)...)
	write(t, table, puts(itemsOf("q", sks...)...)...)
	for _, limit := range []int{0, 1, 2, 7, 22, 23, 24, 1000} {
		q := store.Query{PK: "p", Limit: limit}
		equal(t, fmt.Sprintf("pages of %d", limit), list(t, table, q), all)
		q.Backward = true
		equal(t, fmt.Sprintf("pages of %d backward", limit), list(t, table, q), reversed(all))
		q.From, q.To = "05", "17"
		equal(t, fmt.Sprintf("pages of %d backward, bounded", limit), list(t, table, q), reversed(all[5:18]))
		q.Backward = false
		equal(t, fmt.Sprintf("pages of %d, bounded", limit), list(t, table, q), all[5:18])
	}
}

func bigPages(t *testing.T, table store.Table) {
	all := itemsOf("p", sortKeys[4:16]...)
	for i := range all {
		all[i].Body = strings.Repeat(fmt.Sprint(i%10), 390<<10)
		write(t, table, put(all[i]))
	}
	equal(t, "Query of 4.6 MB", list(t, table, store.Query{PK: "p"}), all)
	equal(t, "Query of 4.6 MB backward", list(t, table, store.Query{PK: "p", Backward: true}), reversed(all))
	page, err := table.Query(context.Background(), store.Query{PK: "p"})
	if err != nil || page.Next == "" {
		t.Errorf("a page of %d items of 390 KB is the last one, or fails: %v", len(page.Items), err)
	}
}

func cursorsAndWrites(t *testing.T, table store.Table) {
	for _, back := range []bool{false, true} {
		all := itemsOf("p", "b", "d", "f", "h")
		write(t, table, puts(all...)...)
		if back {
			all = reversed(all)
		}
		q := store.Query{PK: "p", Backward: back, Limit: 2}
		page, err := table.Query(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "first page", page.Items, all[:2])
		// What the cursor stands on goes away, and there is something new on both sides of it.
		more := itemsOf("p", "c", "e", "g")
		write(t, table, append(puts(more...), remove(all[1].Key))...)
		want := []store.Item{more[1], all[2], more[2], all[3]}
		if back {
			want = []store.Item{more[1], all[2], more[0], all[3]}
		}
		q.Cursor, q.Limit = page.Next, 0
		equal(t, "what follows", list(t, table, q), want)
		q.Limit = 1
		equal(t, "what follows one by one", list(t, table, q), want)
		for _, it := range more {
			write(t, table, remove(it.Key))
		}
	}
}

func brokenCursor(t *testing.T, table store.Table) {
	write(t, table, puts(itemsOf("p", "a", "b", "c")...)...)
	for _, i := range []store.Index{store.Base, store.Todo, store.View} {
		for _, cursor := range []string{"?", "a", "bm9uZQ", strings.Repeat("A", 4000), "\xff"} {
			if page, err := table.Query(context.Background(), store.Query{Index: i, PK: "p", Cursor: cursor}); err == nil {
				t.Errorf("Query of %q with cursor %q = %+v, want an error", i, cursor, page)
			}
		}
	}
}

func emptyPartition(t *testing.T, table store.Table) {
	write(t, table, put(item("p", "s", "")))
	for _, i := range []store.Index{store.Base, store.Todo, store.View} {
		equal(t, "Query", list(t, table, store.Query{Index: i, PK: "none", Limit: 5}), nil)
	}
}

func unknownIndex(t *testing.T, table store.Table) {
	if page, err := table.Query(context.Background(), store.Query{Index: "none", PK: "p"}); err == nil {
		t.Errorf("Query = %+v, want an error", page)
	}
}
