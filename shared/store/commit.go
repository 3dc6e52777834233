package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// Room that a packed transaction leaves below the table's own limits.
const (
	packActions = 90
	packBytes   = 3 << 20
)

// pack is one transaction: the actions of several changes, and where each begins.
type pack struct {
	actions []Action
	bytes   int
	changes []quality.Change
	first   []int // index of the first action of each change
}

// Commit implements watch.Store. Changes are packed into few transactions, which go out in
// parallel. When one is cancelled, the changes that did not stand in its way go out again.
func (s *Store) Commit(ctx context.Context, changes []quality.Change) ([]quality.Subject, error) {
	packs, err := s.pack(changes)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var again []quality.Subject
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(parallelWrites)
	for _, p := range packs {
		g.Go(func() error {
			lost, err := s.writePack(gctx, p)
			mu.Lock()
			defer mu.Unlock()
			again = append(again, lost...)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return again, fmt.Errorf("commit %d changes: %w", len(changes), err)
	}
	return again, nil
}

func (s *Store) pack(changes []quality.Change) ([]pack, error) {
	var packs []pack
	var cur pack
	for _, ch := range changes {
		if !ch.Write {
			continue
		}
		actions, err := s.actions(ch)
		if err != nil {
			return nil, err
		}
		n := 0
		for _, a := range actions {
			n += ItemBytes(a.Item)
		}
		if len(cur.actions) > 0 && (len(cur.actions)+len(actions) > packActions || cur.bytes+n > packBytes) {
			packs = append(packs, cur)
			cur = pack{}
		}
		cur.first = append(cur.first, len(cur.actions))
		cur.actions = append(cur.actions, actions...)
		cur.changes = append(cur.changes, ch)
		cur.bytes += n
	}
	if len(cur.actions) > 0 {
		packs = append(packs, cur)
	}
	return packs, nil
}

// actions spells a change: the state on condition of the version it was read with, then points
// and alerts.
func (s *Store) actions(ch quality.Change) ([]Action, error) {
	state, err := encodeState(ch.State)
	if err != nil {
		return nil, err
	}
	out := []Action{{Op: Put, Item: state, Cond: unchanged(ch.State.Version - 1)}}
	for _, p := range ch.Points {
		it, err := encodePoint(p, s.expires())
		if err != nil {
			return nil, err
		}
		out = append(out, Action{Op: Put, Item: it})
	}
	for _, a := range ch.Alerts {
		it, err := encodeAlert(newOutgoing(ch.State.Subject, a), s.expires())
		if err != nil {
			return nil, err
		}
		out = append(out, Action{Op: Put, Item: it, Cond: Cond{NotExists: true}})
	}
	return out, nil
}

// writePack writes a pack until only conflicting changes are left, which it returns.
func (s *Store) writePack(ctx context.Context, p pack) ([]quality.Subject, error) {
	var again []quality.Subject
	for {
		err := s.table.Write(ctx, p.actions...)
		conflict, refused := errors.AsType[*ConflictError](err)
		switch {
		case err == nil:
			return again, nil
		case errors.Is(err, ErrAmbiguous):
			// Perhaps all of it is there: reading tells.
			for _, ch := range p.changes {
				again = append(again, ch.State.Subject)
			}
			return again, nil
		case !refused:
			return again, err
		}
		var rest pack
		for i, ch := range p.changes {
			end := len(p.actions)
			if i+1 < len(p.first) {
				end = p.first[i+1]
			}
			if slices.ContainsFunc(conflict.Failed, func(f int) bool { return f >= p.first[i] && f < end }) {
				again = append(again, ch.State.Subject)
				continue
			}
			rest.first = append(rest.first, len(rest.actions))
			rest.actions = append(rest.actions, p.actions[p.first[i]:end]...)
			rest.changes = append(rest.changes, ch)
		}
		if len(rest.changes) == len(p.changes) {
			// A conflict that names nobody concerns everybody.
			for _, ch := range p.changes {
				again = append(again, ch.State.Subject)
			}
			return again, nil
		}
		if len(rest.changes) == 0 {
			return again, nil
		}
		p = rest
	}
}
