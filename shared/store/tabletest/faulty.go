package tabletest

import (
	"context"
	"math/rand/v2"
	"sync"

	"github.com/wabawatch/wabawatch/shared/store"
)

// Faulty is a table that fails on purpose. Its fields are set while nobody uses it; otherwise it is
// safe for concurrent use. A nil function never fails. n counts the calls of one kind from 1; the
// functions are called under a lock, one at a time.
type Faulty struct {
	Table store.Table
	// Read fails a Get or Query instead of answering it.
	Read func(n int) error
	// Before fails a Write that does not happen.
	Before func(n int, actions []store.Action) error
	// After fails a Write that has happened. An honest fault returns store.ErrAmbiguous. It is
	// not asked about a Write that the table refused.
	After func(n int, actions []store.Action) error

	mu     sync.Mutex
	counts Counts
}

var _ store.Table = (*Faulty)(nil)

// Counts says how much a table was asked for, failures included.
type Counts struct {
	Gets, Queries, Writes int
	Keys                  int // of all Gets
	Actions               int // of all Writes
}

// Counts returns what was asked for up to now.
func (f *Faulty) Counts() Counts {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts
}

// Get implements store.Table.
func (f *Faulty) Get(ctx context.Context, keys ...store.Key) ([]store.Item, error) {
	if err := f.read(func(c *Counts) { c.Gets++; c.Keys += len(keys) }); err != nil {
		return nil, err
	}
	return f.Table.Get(ctx, keys...)
}

// Query implements store.Table.
func (f *Faulty) Query(ctx context.Context, q store.Query) (store.Page, error) {
	if err := f.read(func(c *Counts) { c.Queries++ }); err != nil {
		return store.Page{}, err
	}
	return f.Table.Query(ctx, q)
}

func (f *Faulty) read(count func(*Counts)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	count(&f.counts)
	if f.Read == nil {
		return nil
	}
	return f.Read(f.counts.Gets + f.counts.Queries)
}

// Write implements store.Table.
func (f *Faulty) Write(ctx context.Context, actions ...store.Action) error {
	f.mu.Lock()
	f.counts.Writes++
	f.counts.Actions += len(actions)
	n := f.counts.Writes
	err := ask(f.Before, n, actions)
	f.mu.Unlock()
	if err != nil {
		return err
	}
	if err := f.Table.Write(ctx, actions...); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return ask(f.After, n, actions)
}

func ask(f func(int, []store.Action) error, n int, actions []store.Action) error {
	if f == nil {
		return nil
	}
	return f(n, actions)
}

// Nth fails the n-th Write alone, for Before and After. Trying every n and every error finds
// most mistakes of recovery, and always the same ones.
func Nth(n int, err error) func(int, []store.Action) error {
	return func(i int, _ []store.Action) error {
		if i == n {
			return err
		}
		return nil
	}
}

// Sometimes fails one Write in so many, at random, the same ones for the same seed.
func Sometimes(seed uint64, oneIn int, err error) func(int, []store.Action) error {
	return func(n int, _ []store.Action) error {
		// By number, so that goroutines that come in another order change nothing.
		if rand.New(rand.NewPCG(seed, uint64(n))).IntN(oneIn) == 0 {
			return err
		}
		return nil
	}
}
