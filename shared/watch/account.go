package watch

import (
	"context"
	"errors"
	"fmt"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// Origin says how an account came to be watched.
type Origin string

// The origins of an account. A webhook's accounts are polled if the token can read them.
const (
	Configured Origin = "configured"
	Discovered Origin = "discovered"
	Heard      Origin = "webhook"
)

// Account is an account that is watched.
type Account struct {
	WABAID string
	Origin Origin
	Name   string
	// PortfolioID owns the account; "" while unknown. Home is the account under which the
	// portfolio's state is kept: the first that named it.
	PortfolioID, Home string
	Rev               int64
}

// Portfolio is the subject that owns the account's messaging limit.
func (a Account) Portfolio() quality.Subject {
	if a.PortfolioID == "" {
		return quality.Subject{Kind: quality.Portfolio, WABAID: a.WABAID, ID: a.WABAID}
	}
	return quality.Subject{Kind: quality.Portfolio, WABAID: a.Home, ID: a.PortfolioID}
}

// Enrol makes the configured accounts, and the deployment itself, known and due for polling.
func (w *Watcher) Enrol(ctx context.Context) error {
	for _, id := range w.WABAIDs {
		if err := w.enrol(ctx, id, Configured); err != nil {
			return err
		}
	}
	if w.Source == nil {
		return nil
	}
	return w.reschedule(ctx, "", func(s *Schedule) bool {
		return s.begin([]quality.Class{quality.Self}, w.Now().UTC())
	})
}

// enrol makes an account known, and due for its first polls.
func (w *Watcher) enrol(ctx context.Context, wabaID string, o Origin) error {
	w.mu.Lock()
	known := w.enrolled[wabaID+string(o)]
	w.mu.Unlock()
	if known {
		return nil
	}
	err := persist(ctx, mergeTries, func() error {
		a, err := w.Store.AccountRecord(ctx, wabaID)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if err == nil && (o == Heard || a.Origin == o || a.Origin == Configured) {
			return nil
		}
		a.WABAID, a.Origin = wabaID, o
		if err = w.Store.PutAccount(ctx, a); err == nil {
			w.Log.InfoContext(ctx, "account added", "waba", wabaID, "origin", string(o))
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("enrol %s: %w", wabaID, err)
	}
	if err := w.reschedule(ctx, wabaID, func(s *Schedule) bool { return s.begin(quality.Classes, w.Now().UTC()) }); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.enrolled == nil {
		w.enrolled = map[string]bool{}
	}
	w.enrolled[wabaID+string(o)] = true
	return nil
}
