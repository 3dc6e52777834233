package watch

import (
	"cmp"
	"math/rand/v2"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// DefaultInterval is the cadence of polls of numbers.
const DefaultInterval = 5 * time.Minute

const (
	askDelay     = 30 * time.Second // from a webhook to the poll that confirms it
	recheckAfter = time.Minute      // from one poll against a young webhook to the second
	quickFor     = time.Hour        // of an incident on a polled number signal
	slowAbove    = 75               // percent of Meta's allowance: half as often
	stopAbove    = 95               // not at all, until access returns
	stopFor      = 2                // intervals, where Meta does not say when access returns
	refusedFor   = 12               // intervals to leave alone what we may not read
)

// BlindAfter is how many of its intervals a class may go without a success before what it saw last
// counts as unknown.
const BlindAfter = 3

// Cadence is how often a class is polled where numbers are polled every interval.
func Cadence(class quality.Class, interval time.Duration) time.Duration {
	switch class {
	case quality.Templates:
		return 6 * interval
	case quality.AccountOf, quality.Health, quality.Self:
		return 12 * interval
	}
	return interval
}

// interval is the cadence of a class.
func (w *Watcher) interval(class quality.Class) time.Duration {
	return Cadence(class, cmp.Or(w.Interval, DefaultInterval))
}

// quick is the cadence of numbers while something is happening.
func (w *Watcher) quick() time.Duration { return w.interval(quality.Numbers) / 5 }

// jitter spreads polls by up to a twentieth, so that accounts do not all come at once.
func jitter(d time.Duration) time.Duration {
	if d < time.Minute {
		return d
	}
	return d - d/40 + rand.N(d/20)
}

// afterSuccess is when a class is due again after a poll that began at start.
func (w *Watcher) afterSuccess(class quality.Class, c ClassSchedule, start time.Time, usage quality.Usage, quick, recheck bool) time.Time {
	every := w.interval(class)
	if quick && class == quality.Numbers {
		every = w.quick()
	}
	if usage.Percent >= slowAbove {
		every = 2 * w.interval(class)
	}
	due := start.Add(max(jitter(every), time.Second))
	if recheck {
		due = sooner(due, start.Add(recheckAfter))
	}
	// A webhook that asked during or just before the poll has not been confirmed by it.
	if confirm := c.AskedAt.Add(askDelay); !c.AskedAt.IsZero() && confirm.After(start) {
		due = sooner(due, confirm)
	}
	return due
}

// quietAfter is until when to leave an account alone after a poll that began at start; zero
// while there is allowance left.
func (w *Watcher) quietAfter(start time.Time, usage quality.Usage) time.Time {
	if usage.Percent < stopAbove {
		return time.Time{}
	}
	return start.Add(max(usage.RegainAfter, stopFor*w.interval(quality.Numbers)))
}

// throttledFor is how long an account that Meta has throttled is left alone: as long as Meta says, or an
// interval, and twice as long after each further refusal, since calls prolong it.
func (w *Watcher) throttledFor(s Schedule, e *quality.PollError) time.Duration {
	refusals := 0
	for _, c := range s.Classes {
		if c.Failure == quality.FailThrottled {
			refusals += c.Fails
		}
	}
	pause := w.interval(quality.Numbers) << min(max(refusals-1, 0), 4)
	return max(e.RetryAfter, jitter(min(pause, w.interval(quality.Self))))
}

// afterFailure is when to try again.
func (w *Watcher) afterFailure(class quality.Class, c ClassSchedule, e *quality.PollError, now time.Time) time.Time {
	every := w.interval(class)
	switch e.Failure {
	case quality.FailToken:
		return now.Add(jitter(min(every, w.interval(quality.Numbers))))
	case quality.FailForbidden, quality.FailMissing:
		return now.Add(jitter(refusedFor * w.interval(quality.Numbers)))
	case quality.FailThrottled:
		return now.Add(max(e.RetryAfter, jitter(every))) // and the account is quiet; see throttledFor
	case quality.FailMalformed:
		return now.Add(jitter(every)) // the same question would get the same answer
	}
	backoff := min(every, 15*time.Second<<min(c.Fails, 10))
	due := now.Add(max(backoff/2+rand.N(backoff/2+1), time.Second))
	if confirm := c.AskedAt.Add(askDelay); confirm.After(now) {
		due = sooner(due, confirm) // a webhook asked while the poll failed
	}
	return later(due, now.Add(e.RetryAfter))
}

func sooner(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
