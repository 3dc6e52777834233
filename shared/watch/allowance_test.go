package watch_test

import (
	"errors"
	"testing"
	"time"

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
