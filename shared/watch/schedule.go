package watch

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// scheduleTries are many: all webhooks and polls of an account meet on its one schedule.
const scheduleTries = 16

// Schedule says when an account is polled, and who is doing it.
type Schedule struct {
	WABAID  string
	Classes map[quality.Class]ClassSchedule
	// LeaseBy holds the account until LeaseUntil: only it writes the track seen and the log.
	LeaseBy    string
	LeaseUntil time.Time
	// QuietUntil is until when no call is made for the account, whoever asks: its allowance is spent.
	QuietUntil time.Time
	// JudgeAt is when the account will have been without a successful poll for too long.
	JudgeAt time.Time
	// Off stops polling: nobody asks for the account any more.
	Off bool
	Rev int64
}

// ClassSchedule is the schedule of one poll class.
type ClassSchedule struct {
	Due time.Time
	// AskedAt is when a webhook last asked for a poll.
	AskedAt time.Time
	// Since is when the class was first scheduled, OKAt its last success, FailedAt and Failure its last failure.
	Since, OKAt, FailedAt time.Time
	Failure               quality.PollFailure
	// Fails counts failures since the last success.
	Fails int
	Head  quality.Head
}

// Next is when the account wants attention: its earliest due class, unless it is to be left
// alone; before that, when its blindness is to be judged; or when the lease ends.
func (s Schedule) Next(now time.Time) time.Time {
	if s.Off {
		return time.Time{}
	}
	var next time.Time
	for _, c := range s.Classes {
		if !c.Due.IsZero() && (next.IsZero() || c.Due.Before(next)) {
			next = c.Due
		}
	}
	if !next.IsZero() {
		next = later(next, s.QuietUntil)
	}
	if !s.JudgeAt.IsZero() && s.JudgeAt.Before(next) {
		next = s.JudgeAt
	}
	if s.LeaseBy != "" && s.LeaseUntil.After(now) && !next.IsZero() {
		return s.LeaseUntil
	}
	return next
}

// polled reports whether any class has ever succeeded.
func (s Schedule) polled() bool {
	for _, c := range s.Classes {
		if !c.OKAt.IsZero() {
			return true
		}
	}
	return false
}

// Heads returns the heads of all classes.
func (s Schedule) Heads() quality.Heads {
	heads := make(quality.Heads, len(s.Classes))
	for class, c := range s.Classes {
		heads[class] = c.Head
	}
	return heads
}

// begin schedules classes that never were; it reports whether there were any.
func (s *Schedule) begin(classes []quality.Class, now time.Time) bool {
	added := false
	for _, class := range classes {
		if _, ok := s.Classes[class]; !ok {
			s.Classes[class] = ClassSchedule{Due: now, Since: now}
			added = true
		}
	}
	return added
}

// ask makes classes due at a time, once per account. That it was asked is noted to the second, rounded
// up, so that a crowd of webhooks writes an account's schedule once a second and not once each.
func (w *Watcher) ask(ctx context.Context, asks map[quality.Ask]bool, due time.Time) error {
	by := map[string][]quality.Class{}
	for a := range asks {
		by[a.WABAID] = append(by[a.WABAID], a.Class)
	}
	askedAt := w.Now().UTC().Add(time.Second - 1).Truncate(time.Second)
	return each(ctx, mergeParallel, slices.Collect(maps.Keys(by)), func(ctx context.Context, id string) error {
		return w.reschedule(ctx, id, func(s *Schedule) bool {
			if s.Rev == 0 {
				return false
			}
			changed := false
			for _, class := range by[id] {
				c := s.Classes[class]
				if !c.AskedAt.Before(askedAt) && !c.Due.IsZero() && !c.Due.After(due) {
					continue
				}
				if c.AskedAt.Before(askedAt) {
					c.AskedAt = askedAt
				}
				if c.Due.IsZero() || c.Due.After(due) {
					c.Due = due
				}
				s.Classes[class], changed = c, true
			}
			return changed
		})
	})
}

// reschedule changes a schedule, reading it again when somebody else was faster. change returns
// false to leave it as it is.
func (w *Watcher) reschedule(ctx context.Context, wabaID string, change func(*Schedule) bool) error {
	return persist(ctx, scheduleTries, func() error {
		s, err := w.Store.Schedule(ctx, wabaID)
		if err != nil {
			return err
		}
		if s.Classes == nil {
			s.Classes = map[quality.Class]ClassSchedule{}
		}
		if !change(&s) {
			return nil
		}
		return w.Store.PutSchedule(ctx, s, nil)
	})
}
