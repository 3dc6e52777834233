package watch

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// maxDue bounds what one tick takes on; the rest stays due.
const maxDue = 1000

// Tick does what is due: it lets clocks run on subjects, then polls accounts, several at once.
// What does not fit before ctx ends stays due. Errors of single accounts are joined; they do
// not hold back the others.
func (w *Watcher) Tick(ctx context.Context) error {
	subjects, wabaIDs, err := w.Store.Due(ctx, w.Now().UTC(), maxDue)
	if err != nil {
		return err
	}
	var errs []error
	if len(subjects) > 0 {
		in := make(map[quality.Subject]incoming, len(subjects))
		for _, s := range subjects {
			in[s] = incoming{}
		}
		if _, err := w.merge(ctx, in, nil, nil); err != nil {
			errs = append(errs, err)
		}
	}
	if w.Source == nil {
		return errors.Join(errs...)
	}
	parallel := w.Parallel
	if parallel == 0 {
		parallel = 16
	}
	results := make(chan error, len(wabaIDs))
	err = each(ctx, parallel, wabaIDs, func(ctx context.Context, id string) error {
		results <- w.PollAccount(ctx, id)
		return nil
	})
	close(results)
	for e := range results {
		errs = append(errs, e)
	}
	return errors.Join(append(errs, err)...)
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

// Discover enrols the accounts that the configured business portfolio owns or was given.
func (w *Watcher) Discover(ctx context.Context) error {
	if w.BusinessID == "" || w.Source == nil {
		return nil
	}
	ids, err := w.Source.Discover(ctx, w.BusinessID)
	for _, id := range ids {
		if err := w.enrol(ctx, id, Discovered); err != nil {
			return err
		}
	}
	return err
}

func itoa(n int) string { return strconv.Itoa(n) }

// Run ticks every so often until ctx ends, and returns when the last tick is over.
func (w *Watcher) Run(ctx context.Context, every time.Duration) {
	t := time.NewTicker(every)
	defer t.Stop()
	discovered := time.Time{}
	for {
		if w.BusinessID != "" && w.Now().Sub(discovered) >= w.interval(quality.Self) {
			discovered = w.Now()
			if err := w.Discover(ctx); err != nil && ctx.Err() == nil {
				w.Log.ErrorContext(ctx, "discovery failed", "err", err)
			}
		}
		if err := w.Tick(ctx); err != nil && ctx.Err() == nil {
			w.Log.ErrorContext(ctx, "tick failed", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}
