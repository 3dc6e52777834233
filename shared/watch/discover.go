package watch

import (
	"context"
	"errors"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

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

// judgeDiscovery writes down whether accounts can be discovered, when that has changed: not, once
// Meta refuses or has failed several times. While the token is known to be bad, that is told.
func (w *Watcher) judgeDiscovery(ctx context.Context, err error) error {
	failure := pollError(err)
	w.mu.Lock()
	if w.undiscovered++; failure == nil {
		w.undiscovered = 0
	}
	often := w.undiscovered >= BlindAfter
	w.mu.Unlock()
	value, attrs := pollOK, map[string]string(nil)
	if failure != nil {
		refused := failure.Failure == quality.FailForbidden || failure.Failure == quality.FailMissing
		if failure.Failure == quality.FailToken || !refused && !often || ctx.Err() != nil {
			return nil
		}
		value, attrs = quality.Unlisted, map[string]string{quality.AttrReason: "discovery: " + string(failure.Failure)}
	}
	subject := quality.DeploymentSubject()
	states, heads, err := w.Store.Load(ctx, []quality.Subject{subject})
	if err != nil {
		return err
	}
	if before := states[subject].Cells[quality.Poll].Current.Value; before == value || before == "" && value == pollOK {
		return nil
	}
	p := quality.Point{Subject: subject, Signal: quality.Poll, Value: value, At: w.Now().UTC().Truncate(time.Second), Track: quality.Seen, Attrs: attrs}
	_, err = w.merge(ctx, map[quality.Subject]incoming{subject: {told: []quality.Point{p}}}, &loaded{states, heads}, nil)
	return err
}
