package watch_test

import (
	"testing"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// TestALostLeaseWritesNoLog: who holds the account by now writes its log, and nobody else.
func TestALostLeaseWritesNoLog(t *testing.T) {
	w := newWorld(t, nil)
	w.meta.set(number("1"), quality.QualityRating, quality.Green)
	w.enrol()
	w.meta.during = func(class quality.Class) {
		if class != quality.Numbers {
			return
		}
		sched, err := w.store.Schedule(t.Context(), "1")
		if err != nil {
			t.Fatal(err)
		}
		sched.LeaseBy, sched.LeaseUntil = "another", w.now().Add(time.Hour)
		if err := w.store.PutSchedule(t.Context(), sched, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.watcher.PollAccount(t.Context(), "1"); err == nil {
		t.Error("a poll succeeded whose lease was lost")
	}
	sched, err := w.store.Schedule(t.Context(), "1")
	if err != nil {
		t.Fatal(err)
	}
	if at := sched.Classes[quality.Numbers].Head.Last; !at.IsZero() {
		t.Errorf("the log has an entry of %s", at)
	}
	if sched.LeaseBy != "another" {
		t.Errorf("the lease is held by %q", sched.LeaseBy)
	}
}

// TestAHeldLeaseIsLeftAlone: an account that somebody else is polling is not polled, however long
// it has been due.
func TestAHeldLeaseIsLeftAlone(t *testing.T) {
	w := newWorld(t, nil)
	w.enrol()
	w.pass(10 * time.Minute)
	sched, err := w.store.Schedule(t.Context(), "1")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		until time.Time
		want  int
	}{{w.now().Add(time.Second), 0}, {w.now(), 1}} {
		sched.LeaseBy, sched.LeaseUntil = "another", tc.until
		if err := w.store.PutSchedule(t.Context(), sched, nil); err != nil {
			t.Fatal(err)
		}
		sched.Rev++
		if err := w.watcher.PollAccount(t.Context(), "1"); err != nil {
			t.Fatal(err)
		}
		if got := w.meta.polls[quality.Numbers]; got != tc.want {
			t.Errorf("%d polls while the lease lasts until %s and it is %s, want %d", got, tc.until, w.now(), tc.want)
		}
	}
}
