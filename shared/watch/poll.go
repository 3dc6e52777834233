package watch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
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

// leaseSlack is how much longer than the invocation a lease lasts: until nothing of it can run.
const leaseSlack = time.Minute

// leaseEnd is when a lease that begins now ends: after the deadline, if there is one.
func (w *Watcher) leaseEnd(ctx context.Context, now time.Time) time.Time {
	if deadline, ok := ctx.Deadline(); ok {
		return now.Add(time.Until(deadline) + leaseSlack)
	}
	return now.Add(w.Lease)
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

// take merges a sighting. quick reports whether something is happening to a number.
func (r *run) take(ctx context.Context, class quality.Class, sighting quality.Sighting, entry quality.LogEntry, complete bool, sched Schedule) (out outcome, quick bool, err error) {
	states, err := r.Store.Account(ctx, r.wabaID)
	if err != nil {
		return out, false, err
	}
	l := look{class: class, entry: entry, complete: complete && sighting.Complete, heads: sched.Heads(), now: r.Now().UTC()}
	if l.complete {
		l.polled = map[quality.Class]quality.LogEntry{class: entry}
	}
	// A first look is an account's: what is wrong with the token is told by itself.
	l.first = map[quality.Class]bool{class: sched.Classes[class].Head.Last.IsZero() && r.wabaID != ""}
	have := &loaded{states: make(map[quality.Subject]quality.State, len(states)), heads: map[string]quality.Heads{r.wabaID: l.heads}}
	for _, s := range states {
		have.states[s.Subject] = s
	}
	in, err := r.unlike(ctx, l, sighting.Subjects, states, have)
	if err != nil {
		return out, false, err
	}
	out, err = r.merge(ctx, in, have, nil)
	if err != nil {
		return out, false, err
	}
	if err := r.takeUnknown(ctx, sighting.Unknown, false, l.now); err != nil {
		return out, false, err
	}
	for _, s := range states {
		open := s.Open
		if written, ok := out.open[s.Subject]; ok {
			open = written
		}
		quick = quick || happening(s.Subject, open, l.now)
	}
	for s, open := range out.open {
		quick = quick || happening(s, open, l.now)
	}
	return out, quick, nil
}

// look is what a poll's comparison with the states needs to know of the poll.
type look struct {
	class    quality.Class
	entry    quality.LogEntry
	complete bool
	heads    quality.Heads
	now      time.Time
	polled   map[quality.Class]quality.LogEntry // entry, if it will be written
	first    map[quality.Class]bool
}

// unlike finds what a poll saw or missed that differs from the states, or makes their rules worth
// a look. Subjects that were never seen before are added to have.
func (r *run) unlike(ctx context.Context, l look, seen []quality.Seeing, states []quality.State, have *loaded) (map[quality.Subject]incoming, error) {
	in := map[quality.Subject]incoming{}
	listed := map[quality.Subject]bool{}
	for i := range seen {
		see := &seen[i]
		listed[see.Subject] = true
		s, ok := have.states[see.Subject]
		if !ok {
			s = quality.State{Subject: see.Subject}
			have.states[see.Subject] = s
		}
		renamed := see.Name != "" && see.Name != s.Name || !hasRefs(s, see.Refs)
		if inc, news := l.compare(s, see, false); news || renamed {
			inc.name, inc.refs = see.Name, see.Refs
			in[see.Subject] = inc
		}
	}
	for _, s := range states {
		if listed[s.Subject] {
			continue
		}
		gone, err := r.gone(ctx, l.class, s)
		if err != nil {
			return nil, err
		}
		if inc, news := l.compare(s, nil, gone); news {
			in[s.Subject] = inc
		}
	}
	return in, nil
}

// compare is what a poll adds to a subject, now and if somebody else changes it meanwhile. news is
// false if that is nothing, and rules need not look either. see is nil if it was not listed.
func (l look) compare(s quality.State, see *quality.Seeing, gone bool) (in incoming, news bool) {
	points := func(s quality.State, h quality.Heads) []quality.Point {
		return s.Diff(see, l.entry, l.class, l.complete, gone, h)
	}
	news = s.Unsettled(l.class, l.heads, l.now) || len(points(s, l.heads)) > 0
	return incoming{polled: l.polled, firstLook: l.first, points: points}, news
}

// happening reports whether an incident on a polled signal of a number is young.
func happening(s quality.Subject, open []quality.Incident, now time.Time) bool {
	return s.Kind == quality.PhoneNumber && slices.ContainsFunc(open, func(inc quality.Incident) bool {
		return quality.ClassOf(s.Kind, inc.Signal) == quality.Numbers && now.Before(inc.OpenedAt.Add(quickFor))
	})
}

func hasRefs(s quality.State, refs map[string]string) bool {
	for k, v := range refs {
		if v != "" && s.Refs[k] != v {
			return false
		}
	}
	return true
}

// gone reports whether a subject that was missing before, and is again, does not exist. Of a
// number Meta can be asked; if it cannot say, absence is not proven.
func (r *run) gone(ctx context.Context, class quality.Class, s quality.State) (bool, error) {
	if s.Cells[quality.Presence].Seen.Value != quality.Missing || quality.ClassOf(s.Subject.Kind, quality.Presence) != class {
		return false, nil
	}
	id := s.Refs[quality.RefPhoneNumberID]
	if s.Subject.Kind != quality.PhoneNumber || id == "" {
		return true, nil
	}
	exists, err := r.Source.NumberExists(ctx, id)
	if err != nil {
		r.Log.WarnContext(ctx, "cannot tell whether a number is gone", "subject", s.Subject.String(), "err", err)
		return false, nil
	}
	return !exists, nil
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
			s.QuietUntil = later(s.QuietUntil, c.FailedAt.Add(max(e.RetryAfter, jitter(r.interval(quality.Numbers)))))
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
	for try := 0; ; try++ {
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
		if err = r.Store.PutSchedule(ctx, s, entries); err == nil {
			return nil
		}
		if try == mergeTries || !errors.Is(err, ErrConflict) && !errors.Is(err, ErrAmbiguous) {
			return err
		}
		if err := sleep(ctx, time.Duration(try+1)*5*time.Millisecond); err != nil {
			return err
		}
	}
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

// move copies what webhooks told of a portfolio while its id was unknown.
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
	in := incoming{told: points}
	_, err = r.merge(ctx, map[quality.Subject]incoming{to: in}, nil, nil)
	return err
}
