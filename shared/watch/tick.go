package watch

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// maxDue bounds what one tick takes on; the rest stays due.
const maxDue = 1000

// ErrNothingDone says that it could not even be found out what is due.
var ErrNothingDone = errors.New("nothing was done")

// Tick does what is due: it lets clocks run on subjects, then polls accounts, several at once.
// What does not fit before ctx ends stays due. Errors of single accounts are joined; they do
// not hold back the others. ErrNothingDone.
func (w *Watcher) Tick(ctx context.Context) error {
	subjects, wabaIDs, err := w.Store.Due(ctx, w.Now().UTC(), maxDue)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNothingDone, err)
	}
	errs := []error{w.letClocksRun(ctx, subjects)}
	if w.Source == nil {
		return errors.Join(errs...)
	}
	results := make(chan error, len(wabaIDs))
	err = each(ctx, w.parallel(), wabaIDs, func(ctx context.Context, id string) error {
		results <- w.PollAccount(ctx, id)
		return nil
	})
	close(results)
	for e := range results {
		errs = append(errs, e)
	}
	return errors.Join(append(errs, err)...)
}

// letClocksRun evaluates subjects for which time alone may have changed something. One that
// cannot be evaluated or stored does not stop the clocks of the others.
func (w *Watcher) letClocksRun(ctx context.Context, subjects []quality.Subject) error {
	in := make(map[quality.Subject]incoming, len(subjects))
	for _, s := range subjects {
		in[s] = incoming{}
	}
	_, err := w.merge(ctx, in, nil, nil)
	if err == nil || len(in) == 1 {
		return err
	}
	errs := make(chan error, len(in))
	err = each(ctx, mergeParallel, slices.Collect(maps.Keys(in)), func(ctx context.Context, s quality.Subject) error {
		_, err := w.merge(ctx, map[quality.Subject]incoming{s: {}}, nil, nil)
		errs <- err
		return nil
	})
	close(errs)
	for e := range errs {
		err = errors.Join(err, e)
	}
	return err
}

func (w *Watcher) parallel() int {
	if w.Parallel == 0 {
		return 16
	}
	return w.Parallel
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

// Release gives back what a dead process of the same name held, so that its accounts need not
// wait for their leases to end. Only a process that can be sure to be alone may call it.
func (w *Watcher) Release(ctx context.Context) error {
	accounts, err := w.Store.Accounts(ctx)
	if err != nil {
		return err
	}
	for _, id := range append([]string{""}, ids(accounts)...) {
		err := w.reschedule(ctx, id, func(s *Schedule) bool {
			held := s.LeaseBy == w.Holder
			s.LeaseBy, s.LeaseUntil = "", time.Time{}
			return held
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func ids(accounts []Account) []string {
	out := make([]string, len(accounts))
	for i, a := range accounts {
		out[i] = a.WABAID
	}
	return out
}

// Discover enrols the accounts that the configured business portfolio owns or was given. That they
// cannot be listed is blindness too.
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
	return errors.Join(err, w.judgeDiscovery(ctx, err))
}

// DiscoverAfter is how long to wait after a Discover that returned err.
func (w *Watcher) DiscoverAfter(err error) time.Duration {
	if e := pollError(err); e == nil || e.Failure == quality.FailForbidden || e.Failure == quality.FailMissing {
		return w.interval(quality.Self)
	}
	return w.interval(quality.Numbers)
}

// discover looks for accounts, hourly, and sooner after a failure that may pass, until ctx ends.
func (w *Watcher) discover(ctx context.Context) {
	for {
		wait := w.DiscoverAfter(nil)
		if err := w.Discover(ctx); err != nil {
			if ctx.Err() != nil {
				return
			}
			w.Log.ErrorContext(ctx, "discovery failed", "err", err)
			wait = w.DiscoverAfter(err)
		}
		if sleep(ctx, wait) != nil {
			return
		}
	}
}

// Run does what Tick does, every so often until ctx ends, but waits for nobody: a discovery or an
// account whose polls hang holds back neither clocks nor other accounts. It returns when
// everything it began is over.
func (w *Watcher) Run(ctx context.Context, every time.Duration) {
	t := time.NewTicker(every)
	defer t.Stop()
	var under sync.WaitGroup
	defer under.Wait()
	polling := newPollers(w.parallel())
	if w.BusinessID != "" && w.Source != nil {
		under.Go(func() { w.discover(ctx) })
	}
	for {
		subjects, wabaIDs, err := w.Store.Due(ctx, w.Now().UTC(), maxDue)
		if err == nil {
			err = w.letClocksRun(ctx, subjects)
		}
		if err != nil && ctx.Err() == nil {
			w.Log.ErrorContext(ctx, "clocks do not run", "err", err)
		}
		for _, id := range wabaIDs {
			if w.Source == nil || !polling.begin(id) {
				continue
			}
			under.Go(func() {
				defer polling.end(id)
				if err := w.PollAccount(ctx, id); err != nil && ctx.Err() == nil {
					w.Log.ErrorContext(ctx, "poll incomplete", "waba", id, "err", err)
				}
			})
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// pollers are the accounts that are being polled by one process, bounded in number.
type pollers struct {
	mu    sync.Mutex
	busy  map[string]bool
	limit int
}

func newPollers(limit int) *pollers { return &pollers{busy: map[string]bool{}, limit: limit} }

// begin reports whether an account may be polled now; then end must follow.
func (p *pollers) begin(wabaID string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy[wabaID] || len(p.busy) >= p.limit {
		return false
	}
	p.busy[wabaID] = true
	return true
}

func (p *pollers) end(wabaID string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.busy, wabaID)
}
