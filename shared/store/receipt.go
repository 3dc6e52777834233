package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/wabawatch/wabawatch/shared/watch"
)

// receiptsFor is how long the first receipt of an undated reading is remembered: longer than
// Meta redelivers.
const receiptsFor = 8 * 24 * time.Hour

// Received implements watch.Store.
func (s *Store) Received(ctx context.Context, r watch.Receipts, now time.Time) (map[string]time.Time, error) {
	create := slices.Concat(r.Undated, r.Ahead)
	lookup := create
	marked, err := s.table.Get(ctx, aheadKey)
	if err != nil {
		return nil, fmt.Errorf("receipts: %w", err)
	}
	if len(marked) > 0 {
		lookup = slices.Concat(create, r.Dated)
	}
	if len(lookup) == 0 {
		return nil, nil
	}
	body, err := json.Marshal(now.UTC().Truncate(time.Second))
	if err != nil {
		return nil, fmt.Errorf("encode receipt: %w", err)
	}
	expires := now.Add(receiptsFor).UTC().Truncate(time.Second)
	ahead := map[string]bool{}
	for _, d := range r.Ahead {
		ahead[d] = true
	}
	for try := 0; try < 6; try++ {
		have, err := s.receipts(ctx, lookup)
		if err != nil {
			return nil, err
		}
		var missing []Action
		asked, mark := map[string]bool{}, false
		for _, d := range create {
			if _, ok := have[d]; !ok && !asked[d] {
				asked[d], mark = true, mark || ahead[d]
				missing = append(missing, Action{Op: Put, Item: Item{Key: receiptKey(d), Body: string(body), Expires: expires}, Cond: Cond{NotExists: true}})
			}
		}
		if len(missing) == 0 {
			return have, nil
		}
		if mark {
			// The mark first: a copy that comes while we write must find it.
			err := s.table.Write(ctx, Action{Op: Put, Item: Item{Key: aheadKey, Body: string(body), Expires: expires}})
			if err != nil && !errors.Is(err, ErrConflict) {
				return nil, fmt.Errorf("receipts: %w", translate(err))
			}
		}
		for part := range slices.Chunk(missing, MaxActions) {
			// Somebody else may have been first: reading again tells.
			if err := s.table.Write(ctx, part...); err != nil && !errors.Is(err, ErrConflict) && !errors.Is(err, ErrAmbiguous) {
				return nil, fmt.Errorf("store receipts: %w", err)
			}
		}
	}
	return nil, fmt.Errorf("receipts: %w", watch.ErrConflict)
}

func (s *Store) receipts(ctx context.Context, digests []string) (map[string]time.Time, error) {
	keys := make([]Key, len(digests))
	by := make(map[Key]string, len(digests))
	for i, d := range digests {
		keys[i] = receiptKey(d)
		by[keys[i]] = d
	}
	items, err := s.table.Get(ctx, keys...)
	if err != nil {
		return nil, fmt.Errorf("receipts: %w", err)
	}
	out := make(map[string]time.Time, len(items))
	for _, it := range items {
		var at time.Time
		if err := decode(it, &at); err != nil {
			return nil, err
		}
		out[by[it.Key]] = at.UTC()
	}
	return out, nil
}
