package watch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

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

// Enrol makes the configured accounts, and the deployment itself, known and due for polling, and leaves
// alone those that were configured and no longer are.
func (w *Watcher) Enrol(ctx context.Context) error {
	for _, id := range w.WABAIDs {
		if err := w.enrol(ctx, id, Configured); err != nil {
			return err
		}
	}
	if w.Source == nil {
		return nil
	}
	if err := w.dismiss(ctx); err != nil {
		return err
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
	err = w.reschedule(ctx, wabaID, func(s *Schedule) bool {
		back, now := s.Off, w.Now().UTC()
		for class, c := range s.Classes {
			if back {
				c.Since = now // it was not blind while nobody asked
				s.Classes[class] = c
			}
		}
		s.Off = false
		return s.begin(quality.Classes, now) || back
	})
	if err != nil {
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

// dismiss ends the polls of accounts that are configured no more. They are then like any account that nobody
// asked for: what webhooks say of them is kept, and the next one has them polled if the token can read them.
func (w *Watcher) dismiss(ctx context.Context) error {
	accounts, err := w.Store.Accounts(ctx)
	if err != nil {
		return err
	}
	for _, a := range accounts {
		if a.Origin != Configured || slices.Contains(w.WABAIDs, a.WABAID) {
			continue
		}
		err := w.reschedule(ctx, a.WABAID, func(s *Schedule) bool {
			s.Off = true
			for class, c := range s.Classes {
				c.OKAt, c.Fails, c.Failure = time.Time{}, 0, ""
				s.Classes[class] = c
			}
			return true
		})
		if err == nil {
			err = w.unask(ctx, a.WABAID)
		}
		if err == nil { // last: until then the next start does it all again
			err = persist(ctx, mergeTries, func() error {
				a, err := w.Store.AccountRecord(ctx, a.WABAID)
				if err != nil || a.Origin != Configured {
					return err
				}
				a.Origin = Heard
				return w.Store.PutAccount(ctx, a)
			})
		}
		if err != nil {
			return fmt.Errorf("leave %s alone: %w", a.WABAID, err)
		}
		w.Log.InfoContext(ctx, "account is configured no more and not polled", "waba", a.WABAID)
	}
	return nil
}

// unask ends what is told of an account from polls alone, since no poll will end it: that it cannot be
// polled, and what its numbers and templates were last seen with.
func (w *Watcher) unask(ctx context.Context, wabaID string) error {
	states, err := w.Store.Account(ctx, wabaID)
	if err != nil {
		return err
	}
	in := map[quality.Subject]incoming{}
	for _, st := range states {
		sig := quality.Presence
		if st.Subject.Kind == quality.Account {
			sig = quality.Poll
		}
		if len(st.Open) == 0 || st.Subject.Kind == quality.Portfolio || st.Cells[sig].Current.Value == quality.Unasked {
			continue
		}
		p := quality.Point{Subject: st.Subject, Signal: sig, Value: quality.Unasked, At: w.Now().UTC().Truncate(time.Second), Track: quality.Seen}
		in[st.Subject] = incoming{told: []quality.Point{p}}
	}
	_, err = w.merge(ctx, in, nil, nil)
	return err
}
