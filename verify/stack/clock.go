package stack

import (
	"context"
	"slices"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/watch"
)

// The functions run by the system's clock. Where a test cannot wait, it makes what they stored
// older.

// SweepAfter is how old an alert is that a sweep takes for certain.
const SweepAfter = 11 * time.Minute

// AgeAlerts makes the alerts that nobody told older and ends the claims on them, as time does; those
// that a sweep would take already stay. It returns how many wait. No notifier may run meanwhile.
func (s *Stack) AgeAlerts(by time.Duration) int {
	s.t.Helper()
	n := 0
	err := insist(func() (err error) {
		n, err = s.ageAlerts(s.t.Context(), by)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *Stack) ageAlerts(ctx context.Context, by time.Duration) (n int, err error) {
	const most = 100_000
	keys, err := s.Records.Unsent(ctx, time.Now().Add(time.Hour), most)
	if err != nil {
		return 0, err
	}
	waiting, err := s.Records.Outgoing(ctx, keys)
	if err != nil {
		return 0, err
	}
	old := time.Now().Add(-SweepAfter + time.Minute)
	for _, o := range waiting {
		if o.Done() {
			continue
		}
		n++
		young := o.Alert.CreatedAt.After(old)
		if !young && o.ClaimedBy == "" {
			continue
		}
		if young {
			o.Alert.CreatedAt = o.Alert.CreatedAt.Add(-by)
		}
		o.ClaimedBy, o.ClaimedUntil = "", time.Time{}
		if err := s.Records.Update(ctx, &o); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// insist tries again what others may have come between, or what a busy machine was too slow for.
func insist(do func() error) (err error) {
	for range 20 {
		if err = do(); err == nil {
			return nil
		}
	}
	return err
}

// EndLeases ends the leases on accounts, as two minutes do if who held them is dead. No poller may
// run meanwhile. It may be called from any goroutine.
func (s *Stack) EndLeases(ctx context.Context, wabaIDs ...string) error {
	return s.reschedule(ctx, wabaIDs, func(*watch.Schedule) {})
}

// Due makes these classes of polls of accounts due, and the others not for an hour. No poller may run
// meanwhile.
func (s *Stack) Due(wabaIDs []string, classes ...quality.Class) {
	s.t.Helper()
	now := time.Now().UTC()
	err := s.reschedule(s.t.Context(), wabaIDs, func(x *watch.Schedule) {
		x.QuietUntil = time.Time{}
		for class, c := range x.Classes {
			if c.Due = now.Add(time.Hour); slices.Contains(classes, class) {
				c.Due = now
			}
			x.Classes[class] = c
		}
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// AgePolls makes the last success of every class of an account older, as time does while polls fail. No
// poller may run meanwhile.
func (s *Stack) AgePolls(wabaID string, by time.Duration) {
	s.t.Helper()
	err := s.reschedule(s.t.Context(), []string{wabaID}, func(x *watch.Schedule) {
		for class, c := range x.Classes {
			c.Since = c.Since.Add(-by)
			if !c.OKAt.IsZero() {
				c.OKAt = c.OKAt.Add(-by)
			}
			x.Classes[class] = c
		}
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// reschedule changes the schedules of accounts that have one.
func (s *Stack) reschedule(ctx context.Context, wabaIDs []string, change func(*watch.Schedule)) error {
	for _, id := range wabaIDs {
		err := insist(func() error {
			x, err := s.Records.Schedule(ctx, id)
			if err != nil || x.Rev == 0 {
				return err
			}
			x.LeaseBy, x.LeaseUntil = "", time.Time{}
			change(&x)
			return s.Records.PutSchedule(ctx, x, nil)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
