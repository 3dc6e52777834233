package watch

import (
	"context"
	"time"
)

// leaseSlack is how much longer than the invocation a lease lasts: until nothing of it can run.
const leaseSlack = time.Minute

// leaseEnd is when a lease that begins now ends: after the deadline, if there is one.
func (w *Watcher) leaseEnd(ctx context.Context, now time.Time) time.Time {
	if deadline, ok := ctx.Deadline(); ok {
		return now.Add(time.Until(deadline) + leaseSlack)
	}
	return now.Add(w.Lease)
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
