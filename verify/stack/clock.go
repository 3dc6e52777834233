package stack

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/watch"
)

// The functions run by the system's clock. Where a test cannot wait, it makes what they stored
// older.

// AgeAlerts makes the alerts that nobody told older and ends the claims on them, as time does; those
// that a sweep would take already stay. It returns how many wait. No notifier may run meanwhile.
func (s *Stack) AgeAlerts(by time.Duration) int {
	s.t.Helper()
	const most = 100_000
	keys, err := s.Records.Unsent(s.t.Context(), time.Now().Add(time.Hour), most)
	if err != nil {
		s.t.Fatal(err)
	}
	waiting, err := s.Records.Outgoing(s.t.Context(), keys)
	if err != nil {
		s.t.Fatal(err)
	}
	old, n := time.Now().Add(-SweepAfter), 0
	for _, o := range waiting {
		if o.Done() {
			continue
		}
		n++
		if o.Alert.CreatedAt.Before(old) && o.ClaimedBy == "" {
			continue
		}
		if o.Alert.CreatedAt.After(old) {
			o.Alert.CreatedAt = o.Alert.CreatedAt.Add(-by)
		}
		o.ClaimedBy, o.ClaimedUntil = "", time.Time{}
		if err := s.Records.Update(s.t.Context(), &o); err != nil {
			s.t.Fatal(err)
		}
	}
	return n
}

// SweepAfter is how old an alert is that a sweep takes for certain.
const SweepAfter = 11 * time.Minute

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

// reschedule changes the schedules of accounts that have one. Webhooks may be writing them, too.
func (s *Stack) reschedule(ctx context.Context, wabaIDs []string, change func(*watch.Schedule)) error {
	for _, id := range wabaIDs {
		err := watch.ErrConflict
		for errors.Is(err, watch.ErrConflict) {
			x, readErr := s.Records.Schedule(ctx, id)
			if readErr != nil {
				return readErr
			}
			if x.Rev == 0 {
				err = nil
				break
			}
			x.LeaseBy, x.LeaseUntil = "", time.Time{}
			change(&x)
			err = s.Records.PutSchedule(ctx, x, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
