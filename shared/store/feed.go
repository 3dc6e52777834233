package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/watch"
)

// Alerts returns alerts created in [from, to], newest first: of one account, or with wabaID ""
// of all. limit bounds them; cursor is "" or what an earlier call returned as next, which is ""
// when there are no more. A zero from or to leaves that side open. Alerts of all accounts are
// read from an index, which may lag.
func (s *Store) Alerts(ctx context.Context, wabaID string, from, to time.Time, limit int, cursor string) (out []watch.Outgoing, next string, err error) {
	prefix := ""
	if wabaID != "" {
		prefix = AlertPrefix
	}
	lower, upper := prefix, prefix+afterAll
	if !from.IsZero() {
		lower = prefix + from.UTC().Format(keyTime)
	}
	if !to.IsZero() {
		upper = prefix + to.UTC().Format(keyTime) + afterAll
	}
	if cursor != "" {
		upper = prefix + cursor
	}
	parts := make([][]watch.Outgoing, shards)
	g, gctx := errgroup.WithContext(ctx)
	for i := range shards {
		g.Go(func() error {
			// One more than asked for says whether there are more, and the item at the cursor may be read again.
			q := Query{PK: accountPK(wabaID, i), From: lower, To: upper, Backward: true, Limit: limit + 2}
			if wabaID == "" {
				q.Index, q.PK = View, fmt.Sprintf("FEED#%d", i)
			}
			items, err := s.all(gctx, q)
			if err != nil {
				return err
			}
			for _, it := range items {
				o, err := decodeAlert(it)
				if err != nil {
					return err
				}
				if position(o) != cursor {
					parts[i] = append(parts[i], o)
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, "", fmt.Errorf("alerts: %w", err)
	}
	for _, p := range parts {
		out = append(out, p...)
	}
	slices.SortFunc(out, func(a, b watch.Outgoing) int { return cmp.Compare(position(b), position(a)) })
	out = slices.CompactFunc(out, func(a, b watch.Outgoing) bool { return a.Alert.ID == b.Alert.ID })
	if len(out) > limit {
		out = out[:limit]
		next = position(out[limit-1])
	}
	return out, next, nil
}

// position orders alerts by time, then id.
func position(o watch.Outgoing) string {
	return o.Alert.CreatedAt.UTC().Format(keyTime) + "#" + escape(o.Alert.ID)
}

// OpenStates returns the states that have open incidents, of one account or with wabaID "" of
// all. It reads an index, which may lag.
func (s *Store) OpenStates(ctx context.Context, wabaID string) ([]quality.State, error) {
	var out []quality.State
	for i := range shards {
		q := Query{Index: View, PK: fmt.Sprintf("OPEN#%d", i)}
		if wabaID != "" {
			q.From, q.To = escape(wabaID)+"#", escape(wabaID)+"#"+afterAll
		}
		items, err := s.all(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("open incidents: %w", err)
		}
		for _, it := range items {
			st, err := decodeState(it)
			if err != nil {
				return nil, err
			}
			out = append(out, st)
		}
	}
	slices.SortFunc(out, func(a, b quality.State) int { return strings.Compare(a.Subject.String(), b.Subject.String()) })
	return slices.CompactFunc(out, func(a, b quality.State) bool { return a.Subject == b.Subject }), nil
}
