package watch_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// calls counts the polls of an account.
func (m *meta) calls() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for class, polls := range m.polls {
		if class != quality.Self {
			n += polls
		}
	}
	return n
}

// TestSpentAllowanceStopsEveryClass: one answer says that hardly anything is left, and no
// class is polled before access returns, not even when a webhook asks.
func TestSpentAllowanceStopsEveryClass(t *testing.T) {
	throttled := &quality.PollError{Failure: quality.FailThrottled, RetryAfter: time.Hour, Err: errors.New("(#80008)")}
	for _, tc := range []struct {
		name  string
		usage quality.Usage
		fail  error
	}{
		{"nearly spent", quality.Usage{Percent: 96, RegainAfter: time.Hour}, nil},
		{"refused", quality.Usage{}, throttled},
	} {
		w := newWorld(t, nil)
		w.meta.set(number("1"), quality.QualityRating, quality.Green)
		w.meta.usage, w.meta.fail = tc.usage, tc.fail
		w.enrol()
		w.run(5 * time.Minute)
		d := delivery(told(template("7"), quality.Status, "PAUSED", w.now()))
		d.Asks = []quality.Ask{{WABAID: "1", Class: quality.Numbers}}
		if err := w.watcher.Observe(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		w.run(50 * time.Minute)
		if n := w.meta.calls(); n != 1 {
			t.Errorf("%s: %d polls within the hour, want 1", tc.name, n)
		}
		w.meta.usage, w.meta.fail = quality.Usage{}, nil
		w.run(10 * time.Minute)
		if n := w.meta.calls(); n < 5 {
			t.Errorf("%s: %d polls after access returned, want every class", tc.name, n)
		}
	}
}

// TestLongWaitIsBlindness: while Meta demands a wait longer than three intervals nothing can be
// seen, and that is told then, not when the wait is over.
func TestLongWaitIsBlindness(t *testing.T) {
	for name, spend := range map[string]func(*meta){
		"refused": func(m *meta) {
			m.fail = &quality.PollError{Failure: quality.FailThrottled, RetryAfter: 2 * time.Hour, Err: errors.New("(#80008)")}
		},
		"nearly spent": func(m *meta) { m.usage = quality.Usage{Percent: 97, RegainAfter: 2 * time.Hour} },
	} {
		w := newWorld(t, nil)
		w.meta.set(number("1"), quality.QualityRating, quality.Green)
		w.enrol()
		w.run(2 * time.Minute)
		spend(w.meta)
		w.run(22 * time.Minute)
		w.flush()
		if d := cmp.Diff([]string{"firing watch_blind critical"}, w.post.said()); d != "" {
			t.Errorf("%s: told (-want +got):\n%s", name, d)
		}
		w.meta.fail, w.meta.usage = nil, quality.Usage{}
		w.run(2 * time.Hour)
		w.flush()
		if d := cmp.Diff([]string{"firing watch_blind critical", "resolved watch_blind critical"}, w.post.said()); d != "" {
			t.Errorf("%s: told (-want +got):\n%s", name, d)
		}
	}
}

// TestNeverSeenIsBlindness: also where the wait began between two seconds.
func TestNeverSeenIsBlindness(t *testing.T) {
	w := newWorld(t, nil)
	w.pass(700 * time.Millisecond)
	w.meta.fail = &quality.PollError{Failure: quality.FailThrottled, RetryAfter: 2 * time.Hour, Err: errors.New("(#80008)")}
	w.enrol()
	w.tick()
	w.run(20 * time.Minute)
	w.flush()
	if d := cmp.Diff([]string{"firing watch_blind critical"}, w.post.said()); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}
}

// TestRefusalIsNotRepeated: what cannot succeed is asked at its cadence, not in a hurry.
func TestRefusalIsNotRepeated(t *testing.T) {
	w := newWorld(t, nil)
	w.meta.fail = &quality.PollError{Failure: quality.FailMalformed, Err: errors.New("(#100) Invalid parameter")}
	w.enrol()
	w.run(4 * time.Minute)
	if n := w.meta.polls[quality.Numbers]; n != 1 {
		t.Errorf("%d polls in four minutes, want 1", n)
	}
}

// TestRefusalsThatGoOnAreAnsweredByLongerPauses: calls while Meta throttles prolong it, also where it does
// not say for how long.
func TestRefusalsThatGoOnAreAnsweredByLongerPauses(t *testing.T) {
	w := newWorld(t, nil)
	w.meta.set(number("1"), quality.QualityRating, quality.Green)
	w.enrol()
	w.run(2 * time.Minute)
	before := w.meta.calls()
	w.meta.fail = &quality.PollError{Failure: quality.FailThrottled, Err: errors.New("(#4)")}
	w.run(5 * time.Hour)
	// After 5, 10, 20, 40 minutes and then every hour, with some jitter.
	if n := w.meta.calls() - before; n < 7 || n > 10 {
		t.Errorf("%d polls in 5 hours", n)
	}
	w.meta.fail = nil
	w.run(66 * time.Minute)
	before = w.meta.calls()
	w.run(30 * time.Minute)
	if n := w.meta.calls() - before; n < 5 {
		t.Errorf("%d polls in half an hour after access returned", n)
	}
}
