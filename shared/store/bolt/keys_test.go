package bolt

import (
	"bytes"
	"cmp"
	"testing"

	"pgregory.net/rapid"

	"github.com/wabawatch/wabawatch/shared/store"
)

// anyText favours the bytes that the spelling of keys gives a meaning.
func anyText() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return string(rapid.SliceOfN(rapid.SampledFrom([]byte{0, 0, 1, 'a', 0xfe, 0xff, 0xff}), 0, 6).Draw(t, "bytes"))
	})
}

func anyKey(t *rapid.T, name string) store.Key {
	return store.Key{PK: anyText().Draw(t, name+" pk"), SK: anyText().Draw(t, name+" sk")}
}

func compare(a, b store.Key) int { return cmp.Or(cmp.Compare(a.PK, b.PK), cmp.Compare(a.SK, b.SK)) }

func TestKeysKeepTheirOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyKey(t, "a"), anyKey(t, "b")
		if got, want := bytes.Compare(itemKey(a), itemKey(b)), compare(a, b); got != want {
			t.Errorf("item keys of %q and %q compare %d, want %d", a, b, got, want)
		}
		c, d := anyKey(t, "c"), anyKey(t, "d")
		got := bytes.Compare(indexKey(a, itemKey(c)), indexKey(b, itemKey(d)))
		if want := cmp.Or(compare(a, b), compare(c, d)); got != want {
			t.Errorf("index keys of %q, %q and %q, %q compare %d, want %d", a, c, b, d, got, want)
		}
		back, err := splitKey(itemKey(a))
		if err != nil || back != a {
			t.Errorf("splitKey(itemKey(%q)) = %q, %v", a, back, err)
		}
		m, n := rapid.Int64().Draw(t, "m"), rapid.Int64().Draw(t, "n")
		if got, want := bytes.Compare(expiryKey(m, nil), expiryKey(n, nil)), cmp.Compare(m, n); got != want {
			t.Errorf("expiry keys of %d and %d compare %d, want %d", m, n, got, want)
		}
	})
}

func TestSpanHoldsWhatIsAskedFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := store.Query{PK: anyText().Draw(t, "pk"), From: anyText().Draw(t, "from"), To: anyText().Draw(t, "to")}
		at, item := anyKey(t, "at"), itemKey(anyKey(t, "item"))
		want := at.PK == q.PK && at.SK >= q.From && (q.To == "" || at.SK <= q.To)
		for i, k := range map[store.Index][]byte{store.Base: itemKey(at), store.View: indexKey(at, item)} {
			q.Index = i
			lo, hi, err := span(q)
			if err != nil {
				t.Fatal(err)
			}
			if inside(k, lo, hi) != want {
				t.Errorf("query %+q of %q holds %q: %v", q.PK+"|"+q.From+"|"+q.To, i, at, !want)
			}
		}
	})
}

func TestItemsSurviveTheirSpelling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		it := store.Item{Key: anyKey(t, "key"), Rev: rapid.Int64().Draw(t, "rev"), Todo: anyKey(t, "todo"), View: anyKey(t, "view"), Body: rapid.String().Draw(t, "body")}
		b := encode(it)
		if got, err := decode(itemKey(it.Key), b); err != nil || got != it {
			t.Fatalf("decode(encode(%+v)) = %+v, %v", it, got, err)
		}
		// A broken file is an error, never a panic.
		cut := b[:rapid.IntRange(0, len(b)-len(it.Body)-1).Draw(t, "cut")]
		if got, err := decode(itemKey(it.Key), cut); err == nil {
			t.Errorf("decode of %d of %d bytes = %+v", len(cut), len(b), got)
		}
	})
}
