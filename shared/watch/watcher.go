package watch

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// Source asks Meta. Its errors are *quality.PollError.
type Source interface {
	// Poll asks one class of one account; of class Self, the account is "". It may return both a
	// sighting and an error: then the sighting is not complete.
	Poll(ctx context.Context, class quality.Class, wabaID string) (quality.Sighting, error)
	// NumberExists reports whether a phone number's own node can still be read.
	NumberExists(ctx context.Context, phoneNumberID string) (bool, error)
	// Discover lists the accounts of a business portfolio.
	Discover(ctx context.Context, businessID string) ([]string, error)
}

// Watcher takes in what webhooks tell and polls see. Its fields are set before first use; it
// is safe for concurrent use.
type Watcher struct {
	Store Store
	// Source is nil when there is no polling.
	Source Source
	Rules  quality.Rules
	// Word puts alerts into words before they are stored.
	Word func(*quality.Alert)
	Now  func() time.Time
	Log  *slog.Logger
	// Interval is the cadence of polls of numbers; the others are multiples of it.
	Interval time.Duration
	// WABAIDs are the accounts that are configured, BusinessID owns others to be discovered.
	WABAIDs    []string
	BusinessID string
	// Holder names this process in leases, uniquely among those that share the store. A process
	// that takes the place of a dead one may take over its name, and with Release its leases.
	Holder string
	// Lease is how long one run of polls may hold an account where its context has no deadline;
	// otherwise the lease outlives the deadline by a minute.
	Lease time.Duration
	// Parallel bounds accounts polled at once; 0 means 16.
	Parallel int

	mu       sync.Mutex
	enrolled map[string]bool
}

const (
	mergeTries    = 8
	mergeParallel = 8
	askDelay      = 30 * time.Second // from a webhook to the poll that confirms it
	recheckAfter  = time.Minute
)

// incoming is what there is to merge into one subject.
type incoming struct {
	name string
	refs map[string]string
	// points are computed anew from every state that is read: what a poll adds depends on it.
	points    func(quality.State, quality.Heads) []quality.Point
	polled    map[quality.Class]quality.LogEntry
	firstLook map[quality.Class]bool
}

// outcome is what a merge did.
type outcome struct {
	alerts  []quality.Alert
	points  int
	recheck bool
	open    map[quality.Subject][]quality.Incident // of subjects that were written
}

// loaded is what was read of some subjects.
type loaded struct {
	states map[quality.Subject]quality.State
	heads  map[string]quality.Heads
}

// merge applies what came in to each subject and commits it. Subjects whose state somebody
// else changed meanwhile are read and merged again, a bounded number of times. before is called
// once, before the first commit, with the classes that new points disagree with.
func (w *Watcher) merge(ctx context.Context, in map[quality.Subject]incoming, have *loaded, before func(asks map[quality.Ask]bool) error) (outcome, error) {
	out := outcome{open: map[quality.Subject][]quality.Incident{}}
	todo := make([]quality.Subject, 0, len(in))
	for s := range in {
		todo = append(todo, s)
	}
	for try := 0; len(todo) > 0; try++ {
		if try == mergeTries {
			return out, fmt.Errorf("merge %d subjects, first %s: %w", len(todo), todo[0], ErrConflict)
		}
		if try > 0 {
			if err := sleep(ctx, rand.N(time.Duration(1<<min(try, 6))*5*time.Millisecond)); err != nil {
				return out, err
			}
		}
		if have == nil {
			states, heads, err := w.Store.Load(ctx, todo)
			if err != nil {
				return out, err
			}
			have = &loaded{states, heads}
		}
		changes, err := w.applyAll(ctx, todo, in, have)
		if err != nil {
			return out, err
		}
		have = nil
		if before != nil {
			asks := map[quality.Ask]bool{}
			for _, ch := range changes {
				for _, class := range ch.Disagree {
					asks[quality.Ask{WABAID: ch.State.Subject.WABAID, Class: class}] = true
				}
			}
			if err := before(asks); err != nil {
				return out, err
			}
			before = nil
		}
		again, err := w.Store.Commit(ctx, changes)
		redo := make(map[quality.Subject]bool, len(again))
		for _, s := range again {
			redo[s] = true
		}
		if err != nil {
			return out, err
		}
		for _, ch := range changes {
			if redo[ch.State.Subject] {
				continue
			}
			out.recheck = out.recheck || ch.Recheck
			if ch.Write {
				out.alerts = append(out.alerts, ch.Alerts...)
				out.points += len(ch.Points)
				out.open[ch.State.Subject] = ch.State.Open
				w.logChange(ctx, ch)
			}
		}
		todo = again
	}
	return out, nil
}

// applyAll applies what came in to each subject, reading evidence where it is needed.
func (w *Watcher) applyAll(ctx context.Context, todo []quality.Subject, in map[quality.Subject]incoming, have *loaded) ([]quality.Change, error) {
	changes := make([]quality.Change, len(todo))
	var lacking []int
	needs := make([]quality.Need, len(todo))
	input := func(i int) quality.Input {
		s := todo[i]
		state, ok := have.states[s]
		if !ok {
			state = quality.State{Subject: s}
		}
		heads := have.heads[s.WABAID]
		inc := in[s]
		q := quality.Input{State: state, Heads: heads, Polled: inc.polled, Name: inc.name, Refs: inc.refs, Now: w.Now().UTC().Truncate(time.Millisecond), FirstLook: inc.firstLook, Word: w.Word}
		if inc.points != nil {
			q.Points = inc.points(state, heads)
		}
		return q
	}
	for i := range todo {
		if changes[i], needs[i] = w.Rules.Apply(input(i)); needs[i] != nil {
			lacking = append(lacking, i)
		}
	}
	err := each(ctx, mergeParallel, lacking, func(ctx context.Context, i int) error {
		q := input(i)
		for range 4 {
			ev, err := w.Store.Evidence(ctx, todo[i], needs[i])
			if err != nil {
				return err
			}
			if q.Evidence == nil {
				q.Evidence = map[quality.Signal]quality.Evidence{}
			}
			for sig, e := range ev {
				q.Evidence[sig] = e
			}
			if changes[i], needs[i] = w.Rules.Apply(q); needs[i] == nil {
				return nil
			}
		}
		return fmt.Errorf("history of %s does not settle: still needs %v", todo[i], needs[i])
	})
	return changes, err
}

func (w *Watcher) logChange(ctx context.Context, ch quality.Change) {
	for _, p := range ch.Points {
		w.Log.InfoContext(ctx, "point added", "subject", p.Subject.String(), "signal", string(p.Signal), "value", quality.Clip(p.Value, 80), "track", string(p.Track), "at", p.At)
	}
	for _, a := range ch.Alerts {
		w.Log.InfoContext(ctx, "alert raised", "alert", a.ID, "rule", a.Rule, "event", string(a.Event), "severity", string(a.Severity), "subject", ch.State.Subject.String())
	}
}

// each runs f for every item, at most limit at once, and returns the first error.
func each[T any](ctx context.Context, limit int, items []T, f func(context.Context, T) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	slots := make(chan struct{}, limit)
	var once sync.Once
	var first error
	for _, it := range items {
		slots <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := f(ctx, it); err != nil {
				once.Do(func() { first = err; cancel(err) })
			}
		})
	}
	wg.Wait()
	if first == nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return first
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
