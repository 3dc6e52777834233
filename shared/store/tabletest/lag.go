package tabletest

import (
	"math/rand/v2"
	"sync"

	"github.com/wabawatch/wabawatch/shared/store"
)

// Lag makes what queries of an index find look as an index may that is behind its table: half of
// the answers lack items, repeat items, or are those of an earlier query of the same partition.
// The same calls in the same order have the same outcome for the same seed. The function is safe
// for concurrent use; an embedded table takes it as an option.
func Lag(seed uint64) func(store.Query, []store.Item) []store.Item {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 0))
	earlier := make(map[store.Query][]store.Item)
	return func(q store.Query, items []store.Item) []store.Item {
		mu.Lock()
		defer mu.Unlock()
		old, known := earlier[q]
		if !known || random.IntN(2) == 0 {
			earlier[q] = items
		}
		switch random.IntN(8) {
		case 0: // behind
			return old
		case 1: // misses
			var out []store.Item
			for _, it := range items {
				if random.IntN(3) > 0 {
					out = append(out, it)
				}
			}
			return out
		case 2, 3: // repeats
			var out []store.Item
			for _, it := range items {
				out = append(out, it)
				if random.IntN(3) == 0 {
					out = append(out, it)
				}
			}
			return out
		}
		return items
	}
}
