package watch

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// settlePortfolios moves readings of a messaging limit to the portfolio that owns the account,
// so that a change that concerns all its accounts is one change.
func (w *Watcher) settlePortfolios(ctx context.Context, readings []quality.Reading) error {
	var ids []string
	for _, r := range readings {
		if s := r.Subject; s.Kind == quality.Portfolio && !slices.Contains(ids, s.WABAID) {
			ids = append(ids, s.WABAID)
		}
	}
	var mu sync.Mutex
	known := map[string]quality.Subject{}
	err := each(ctx, mergeParallel, ids, func(ctx context.Context, id string) error {
		a, err := w.Store.AccountRecord(ctx, id)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		a.WABAID = id // also of one that is not known yet
		known[id] = a.Portfolio()
		return nil
	})
	if err != nil {
		return err
	}
	for i := range readings {
		if s := readings[i].Subject; s.Kind == quality.Portfolio {
			readings[i].Subject = known[s.WABAID]
		}
	}
	return nil
}

// claim settles to which portfolio an account belongs, and drops the sighting of its limit
// unless the account is the portfolio's home: one subject has one poller.
func (r *run) claim(ctx context.Context, sighting *quality.Sighting) error {
	a, err := r.Store.AccountRecord(ctx, r.wabaID)
	if err != nil {
		return err
	}
	name := a.Name
	for _, see := range sighting.Subjects {
		if see.Subject.Kind == quality.Account && see.Name != "" {
			name = see.Name
		}
	}
	id := cmp.Or(sighting.PortfolioID, a.PortfolioID)
	moved := id != a.PortfolioID
	if moved || name != a.Name {
		next := a
		next.Name = name
		if moved {
			if next.Home, err = r.Store.ClaimPortfolio(ctx, id, r.wabaID); err != nil {
				return err
			}
			next.PortfolioID = id
			// Before: should we die, the next run finds that it has still to move. And after, since until
			// then webhooks speak of the old name.
			if err := r.move(ctx, a.Portfolio(), next.Portfolio()); err != nil {
				return err
			}
		}
		if err := r.Store.PutAccount(ctx, next); err != nil {
			return err
		}
		if moved {
			if err := r.move(ctx, a.Portfolio(), next.Portfolio()); err != nil {
				return err
			}
		}
		a = next
	}
	home := a.Portfolio()
	sighting.Subjects = slices.DeleteFunc(sighting.Subjects, func(s quality.Seeing) bool {
		return s.Subject.Kind == quality.Portfolio && home.WABAID != r.wabaID
	})
	for i := range sighting.Subjects {
		if sighting.Subjects[i].Subject.Kind == quality.Portfolio {
			sighting.Subjects[i].Subject = home
		}
	}
	return nil
}

// move copies what webhooks told of a portfolio while its id was unknown, and that people know of it.
func (r *run) move(ctx context.Context, from, to quality.Subject) error {
	ev, err := r.Store.Evidence(ctx, from, quality.Need{quality.MessagingLimit: time.Time{}})
	if err != nil {
		return err
	}
	var points []quality.Point
	for _, p := range ev[quality.MessagingLimit].Points {
		if p.Track == quality.Told {
			p.Subject = to
			points = append(points, p)
		}
	}
	if len(points) == 0 {
		return nil
	}
	states, _, err := r.Store.Load(ctx, []quality.Subject{from})
	if err != nil {
		return err
	}
	in := incoming{told: points, noticed: states[from].Notices}
	_, err = r.merge(ctx, map[quality.Subject]incoming{to: in}, nil, nil)
	return err
}
