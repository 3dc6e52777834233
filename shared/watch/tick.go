package watch

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

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
