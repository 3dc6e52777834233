package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/watch"
)

// Store keeps wabawatch's records in a table. Its zero value is not usable; see New. It is
// safe for concurrent use.
type Store struct {
	table Table
	// retention is how long points, log, alerts and unknown things are kept.
	retention time.Duration
	now       func() time.Time
}

var (
	_ watch.Store  = (*Store)(nil)
	_ watch.Outbox = (*Store)(nil)
)

// DefaultRetention is how long history is kept unless configured.
const DefaultRetention = 400 * 24 * time.Hour

// Bounds of concurrent calls of one operation.
const (
	parallelReads  = 8
	parallelWrites = 8
)

// New returns the records in a table. retention 0 means DefaultRetention; now dates expiry.
func New(t Table, retention time.Duration, now func() time.Time) *Store {
	if retention == 0 {
		retention = DefaultRetention
	}
	return &Store{t, retention, now}
}

func (s *Store) expires() time.Time { return s.now().Add(s.retention).UTC().Truncate(time.Second) }

// Load implements watch.Store.
func (s *Store) Load(ctx context.Context, subjects []quality.Subject) (map[quality.Subject]quality.State, map[string]quality.Heads, error) {
	states := make(map[quality.Subject]quality.State, len(subjects))
	heads := map[string]quality.Heads{}
	var keys []Key
	for _, sub := range subjects {
		if _, ok := states[sub]; ok {
			continue
		}
		states[sub] = quality.State{Subject: sub}
		keys = append(keys, stateItemKey(sub))
		if _, ok := heads[sub.WABAID]; !ok {
			heads[sub.WABAID] = nil
			keys = append(keys, scheduleKey(sub.WABAID))
		}
	}
	items, err := s.table.Get(ctx, keys...)
	if err != nil {
		return nil, nil, fmt.Errorf("load %d subjects: %w", len(states), err)
	}
	for _, it := range items {
		if it.SK == scheduleSK {
			sched, err := decodeSchedule(it)
			if err != nil {
				return nil, nil, err
			}
			heads[sched.WABAID] = sched.Heads()
			continue
		}
		st, err := decodeState(it)
		if err != nil {
			return nil, nil, err
		}
		states[st.Subject] = st
	}
	return states, heads, nil
}

// Account implements watch.Store.
func (s *Store) Account(ctx context.Context, wabaID string) ([]quality.State, error) {
	parts := make([][]quality.State, shards)
	g, ctx := errgroup.WithContext(ctx)
	for i := range shards {
		g.Go(func() error {
			items, err := s.all(ctx, Query{PK: accountPK(wabaID, i), From: stateKey, To: stateKey + afterAll})
			if err != nil {
				return err
			}
			for _, it := range items {
				st, err := decodeState(it)
				if err != nil {
					return err
				}
				parts[i] = append(parts[i], st)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("states of account %s: %w", wabaID, err)
	}
	var out []quality.State
	for _, p := range parts {
		out = append(out, p...)
	}
	return out, nil
}

// all reads every page of a query.
func (s *Store) all(ctx context.Context, q Query) ([]Item, error) {
	var out []Item
	for {
		page, err := s.table.Query(ctx, q)
		if err != nil {
			return nil, err
		}
		out = append(out, page.Items...)
		if page.Next == "" || q.Limit > 0 && len(out) >= q.Limit {
			return out, nil
		}
		q.Cursor = page.Next
	}
}

// unchanged is the condition that nobody wrote an item since it was read with rev; 0: that there is
// still none.
func unchanged(rev int64) Cond {
	if rev == 0 {
		return Cond{NotExists: true}
	}
	return Cond{Rev: rev}
}

// translate turns the errors of a table into those that package watch promises.
func translate(err error) error {
	switch {
	case errors.Is(err, ErrConflict):
		return watch.ErrConflict
	case errors.Is(err, ErrAmbiguous):
		return watch.ErrAmbiguous
	}
	return err
}
