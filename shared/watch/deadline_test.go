package watch_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// TestMetaThatHangsIsBlindness: every run ends by its deadline while Meta still has not
// answered; that no poll succeeds is told all the same.
func TestMetaThatHangsIsBlindness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.meta.set(number("1"), quality.QualityRating, quality.Green)
		w.enrol()
		w.run(2 * time.Minute)
		w.watcher.Source = hanging{w.meta, nil}
		for range 25 {
			w.pass(time.Minute)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			_ = w.watcher.Tick(ctx) // says that it did not finish
			cancel()
		}
		w.flush()
		if d := cmp.Diff([]string{"firing watch_blind critical"}, w.post.said()); d != "" {
			t.Errorf("told (-want +got):\n%s", d)
		}
	})
}

// TestHangIsBlindnessWhileItLasts: nobody need wait for a poll to give up.
func TestHangIsBlindnessWhileItLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.watcher.Now, w.meta.now = time.Now, time.Now
		w.meta.set(number("1"), quality.QualityRating, quality.Green)
		w.enrol()
		w.tick()
		began := time.Now()
		w.watcher.Source = hanging{w.meta, nil}
		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Minute)
		defer cancel()
		w.watcher.Run(ctx, time.Second)
		open := w.state(quality.AccountSubject("1")).Open
		if len(open) != 1 || open[0].Rule != quality.RuleWatchBlind {
			t.Fatalf("open: %+v", open)
		}
		if late := open[0].OpenedAt.Sub(began); late > 22*time.Minute {
			t.Errorf("found after %s", late)
		}
	})
}

// TestStoppingIsNoFailure: a poll that ends because the program does says nothing of Meta.
func TestStoppingIsNoFailure(t *testing.T) {
	w := newWorld(t, nil)
	w.enrol()
	ctx, cancel := context.WithCancel(t.Context())
	polls := 0
	w.watcher.Source = hanging{w.meta, func() { polls++; cancel() }}
	_ = w.watcher.PollAccount(ctx, "1")
	if polls != 1 {
		t.Errorf("%d polls were under way, want the one that was stopped", polls)
	}
	sched, err := w.store.Schedule(t.Context(), "1")
	if c := sched.Classes[quality.Numbers]; err != nil || c.Fails != 0 || c.Due.After(w.now()) || sched.LeaseBy != "" {
		t.Errorf("schedule after the stop: %+v, %v", sched, err)
	}
}

// hanging is a Meta that answers no poll of an account. It calls asked, if that is not nil, when it
// is asked for one.
type hanging struct {
	*meta
	asked func()
}

func (h hanging) Poll(ctx context.Context, class quality.Class, wabaID string) (quality.Sighting, error) {
	if class == quality.Self {
		return h.meta.Poll(ctx, class, wabaID)
	}
	if h.asked != nil {
		h.asked()
	}
	<-ctx.Done()
	return quality.Sighting{}, &quality.PollError{Failure: quality.FailTemporary, Err: errors.New("no answer")}
}
