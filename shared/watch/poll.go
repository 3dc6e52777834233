package watch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// PollAccount polls the classes of an account that are due, and writes what changed. Only the
// holder of the account's lease does; if somebody else holds it, or nothing is due, it returns
// nil and did nothing. The deployment is the account "".
func (w *Watcher) PollAccount(ctx context.Context, wabaID string) error {
	if w.Source == nil {
		return nil
	}
	held := false
	err := w.reschedule(ctx, wabaID, func(s *Schedule) bool {
		now := w.Now().UTC()
		next := s.Next(now)
		held = !next.IsZero() && !next.After(now) && (s.LeaseBy == "" || !s.LeaseUntil.After(now))
		if held {
			s.LeaseBy, s.LeaseUntil = w.Holder, w.leaseEnd(ctx, now)
		}
		return held
	})
	if err != nil || !held {
		return err
	}
	run := &run{Watcher: w, wabaID: wabaID}
	polled := run.poll(ctx)
	// The lease is given back even when the time is up, or the account waits for it to expire.
	err = w.reschedule(context.WithoutCancel(ctx), wabaID, func(s *Schedule) bool {
		if s.LeaseBy != w.Holder {
			return false
		}
		s.LeaseBy, s.LeaseUntil = "", time.Time{}
		s.JudgeAt = w.judgeAt(*s, w.Now().UTC())
		if polled != nil {
			s.JudgeAt = w.Now().UTC().Add(w.interval(quality.Numbers))
		}
		return true
	})
	return errors.Join(polled, err)
}

// run is one run of polls of one account.
type run struct {
	*Watcher
	wabaID string
	alerts []quality.Alert // of a first look
	stop   bool            // leave the other classes for later
}

func (r *run) poll(ctx context.Context) error {
	sched, err := r.Store.Schedule(ctx, r.wabaID)
	if err != nil {
		return err
	}
	classes := quality.Classes
	if r.wabaID == "" {
		classes = []quality.Class{quality.Self}
	}
	under, judged := context.WithCancel(ctx)
	var judging sync.WaitGroup
	judging.Go(func() { r.judgeUnder(under) })
	var errs []error
	for _, class := range classes {
		c, ok := sched.Classes[class]
		if now := r.Now(); !ok || c.Due.After(now) || sched.QuietUntil.After(now) || r.stop || ctx.Err() != nil {
			continue
		}
		if err := r.pollClass(ctx, class); err != nil {
			errs = append(errs, fmt.Errorf("poll %s of %s: %w", class, cmp.Or(r.wabaID, "deployment"), err))
		}
	}
	judged()
	judging.Wait()
	ctx, cancel := afterwards(ctx)
	defer cancel()
	if err := r.judge(ctx, false); err != nil {
		errs = append(errs, err)
	}
	if err := r.summarise(ctx); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// settleFor is how long it may take to write down what became of a run whose time is up. What
// holds the lease is sure to have that long.
const settleFor = 4 * time.Second

// afterwards is a context for what is written after the polls: also when their time is up, or a
// Meta that hangs until then would never be found failing.
func afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	if errors.Is(ctx.Err(), context.Canceled) {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(context.WithoutCancel(ctx), settleFor)
}

// pollClass asks one class, commits what changed, and only then writes its entry in the log:
// an entry that came before the commits would confirm values that had already changed.
func (r *run) pollClass(ctx context.Context, class quality.Class) error {
	began := r.Now().UTC()
	sighting, err := r.Source.Poll(ctx, class, r.wabaID)
	failure := pollError(err)
	if failure != nil && errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err() // the program stops: that says nothing of Meta
	}
	if len(sighting.Subjects) == 0 && failure != nil {
		ctx, cancel := afterwards(ctx)
		defer cancel()
		return r.failed(ctx, class, failure)
	}
	sched, err := r.Store.Schedule(ctx, r.wabaID)
	if err != nil {
		return err
	}
	head := sched.Classes[class].Head
	entry := quality.LogEntry{At: sighting.At.UTC().Truncate(time.Second), Without: sighting.Without}
	if !entry.At.After(head.Last) {
		entry.At = head.Last.Add(time.Second)
	}
	if class == quality.AccountOf {
		if err := r.claim(ctx, &sighting); err != nil {
			return err
		}
	}
	out, quick, err := r.take(ctx, class, sighting, entry, failure == nil, sched)
	if err != nil {
		return err
	}
	if r.wabaID != "" { // the deployment has no summary
		r.alerts = append(r.alerts, out.alerts...) // a rule that is new looks for the first time, too
	}
	if failure != nil {
		return r.failed(ctx, class, failure)
	}
	return r.succeeded(ctx, class, entry, began, sighting.Usage, quick, out.recheck)
}

// succeeded writes the log entry and when the class is due again, in one transaction.
func (r *run) succeeded(ctx context.Context, class quality.Class, entry quality.LogEntry, began time.Time, usage quality.Usage, quick, recheck bool) error {
	quiet := r.quietAfter(began, usage)
	r.stop = r.stop || !quiet.IsZero()
	accepted := false
	err := r.finish(ctx, class, &entry, func(s *Schedule, c *ClassSchedule) {
		accepted = c.Failure == quality.FailToken && class != quality.Self
		s.QuietUntil = later(s.QuietUntil, quiet)
		c.Head = c.Head.Append(entry)
		c.OKAt, c.Fails, c.Failure = entry.At, 0, ""
		c.Due = r.afterSuccess(class, *c, began, usage, quick, recheck)
	})
	if err != nil || !accepted {
		return err
	}
	// The token that was refused is good again: what is said of it would wait for an hour.
	return r.ask(ctx, map[quality.Ask]bool{{Class: quality.Self}: true}, r.Now().UTC())
}

// failed writes down a failure. A class whose log is not written says nothing about absence.
func (r *run) failed(ctx context.Context, class quality.Class, e *quality.PollError) error {
	r.Log.WarnContext(ctx, "poll failed", "waba", r.wabaID, "class", string(class), "failure", string(e.Failure), "err", e.Err)
	if e.Failure == quality.FailToken || e.Failure == quality.FailThrottled {
		r.stop = true
	}
	if e.Failure == quality.FailToken && class != quality.Self {
		if err := r.ask(ctx, map[quality.Ask]bool{{Class: quality.Self}: true}, r.Now().UTC()); err != nil {
			return err
		}
	}
	err := r.finish(ctx, class, nil, func(s *Schedule, c *ClassSchedule) {
		c.FailedAt, c.Failure = r.Now().UTC(), e.Failure
		c.Fails++
		c.Due = r.afterFailure(class, *c, e, c.FailedAt)
		if e.Failure == quality.FailThrottled {
			s.Classes[class] = *c
			s.QuietUntil = later(s.QuietUntil, c.FailedAt.Add(r.throttledFor(*s, e)))
		}
	})
	if err != nil {
		return err
	}
	if e.Failure == quality.FailToken {
		// What the other classes would be told is known: they wait as long.
		return r.reschedule(ctx, r.wabaID, func(s *Schedule) bool {
			for other, c := range s.Classes {
				if c.Due.Before(s.Classes[class].Due) {
					c.Due = s.Classes[class].Due
					s.Classes[other] = c
				}
			}
			return true
		})
	}
	return nil
}

// finish changes the schedule of a class while the lease is ours, keeping requests to poll that
// came meanwhile. A run that lost its lease writes no log.
func (r *run) finish(ctx context.Context, class quality.Class, entry *quality.LogEntry, change func(*Schedule, *ClassSchedule)) error {
	return persist(ctx, mergeTries, func() error {
		s, err := r.Store.Schedule(ctx, r.wabaID)
		if err != nil {
			return err
		}
		c := s.Classes[class]
		if s.LeaseBy != r.Holder {
			return fmt.Errorf("lease of account %q was lost to %q", r.wabaID, s.LeaseBy)
		}
		if entry != nil && !entry.At.After(c.Head.Last) {
			return nil // the answer to an earlier try was lost: it was written
		}
		change(&s, &c)
		s.Classes[class] = c
		entries := map[quality.Class]quality.LogEntry{}
		if entry != nil {
			entries[class] = *entry
		}
		return r.Store.PutSchedule(ctx, s, entries)
	})
}

// pollError is err as a *quality.PollError: what a Source returned, or a temporary failure.
func pollError(err error) *quality.PollError {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*quality.PollError](err); ok {
		return e
	}
	return &quality.PollError{Failure: quality.FailTemporary, Err: err}
}
