package watch_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/store"
	"github.com/wabawatch/wabawatch/shared/store/tabletest"
)

// TestWhatIsBeingSentIsLeftAlone has another notifier come while an alert is on its way. By then
// its record says who is sending it.
func TestWhatIsBeingSentIsLeftAlone(t *testing.T) {
	w := newWorld(t, nil)
	w.observe(told(template("1"), quality.Status, "PAUSED", w.now()))
	second := *w.courier
	others := &post{ready: true}
	second.Holder, second.Publisher = "another", others
	w.post.fail = func(quality.Parcel) error {
		if err := second.Flush(t.Context()); err != nil {
			t.Errorf("the other notifier: %v", err)
		}
		return nil
	}
	w.flush()
	if said := append(w.post.said(), others.said()...); len(said) != 1 {
		t.Errorf("told %v, want it once", said)
	}
}

// TestNothingOvertakesWhatCouldNotBeSent: of one incident the first alert fails, and SNS would take
// the second.
func TestNothingOvertakesWhatCouldNotBeSent(t *testing.T) {
	w := newWorld(t, nil)
	tpl := template("1")
	w.observe(told(tpl, quality.Status, "PAUSED", w.now()))
	w.pass(time.Second)
	w.observe(told(tpl, quality.Status, "DISABLED", w.now()))
	w.post.fail = func(p quality.Parcel) error {
		if p.Alerts[0].Event == quality.Firing {
			return errDown
		}
		return nil
	}
	if err := w.courier.Flush(t.Context()); err == nil {
		t.Error("flush succeeded although SNS refused")
	}
	if said := w.post.said(); len(said) != 0 {
		t.Errorf("told %v before its incident began", said)
	}
	w.post.fail = nil
	w.pass(2 * time.Minute)
	w.flush()
	if d := cmp.Diff([]string{"firing template_status warning", "escalated template_status critical"}, w.post.said()); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}
}

// TestWhatWasFoldedIsMarkedTogether lets a notifier die after what it has published of an incident
// that is over, at every write from there. What another one tells then must not be told as if it
// were going on.
func TestWhatWasFoldedIsMarkedTogether(t *testing.T) {
	for survive := range 4 {
		t.Run(fmt.Sprintf("%d writes after publishing", survive), func(t *testing.T) {
			published, writes := false, 0
			w := newWorld(t, func(tab store.Table) store.Table {
				return &tabletest.Faulty{Table: tab, Before: func(int, []store.Action) error {
					if !published {
						return nil
					}
					if writes++; writes > survive {
						return errDown
					}
					return nil
				}}
			})
			for _, value := range []string{"PAUSED", "DISABLED", "APPROVED"} {
				w.observe(told(template("1"), quality.Status, value, w.now()))
				w.pass(time.Minute)
			}
			w.post.fail = func(quality.Parcel) error { published = true; return nil }
			if err := w.courier.Flush(t.Context()); survive == 0 && err == nil {
				t.Error("nothing failed")
			}
			w.post.fail, published = nil, false
			w.pass(2 * time.Minute) // past the claim of the dead
			w.flush()
			for _, said := range w.post.said() {
				if said != "passed template_status critical" {
					t.Errorf("told %v, want only that it is over", w.post.said())
				}
			}
		})
	}
}

// TestNewsDuringAFirstLook: a webhook speaks of what a first look has just found, before the look is
// over. What people read last of an incident is its last word, and the heading heads nothing.
func TestNewsDuringAFirstLook(t *testing.T) {
	for _, tc := range []struct{ value, want string }{
		{"APPROVED", "passed template_status warning"},
		{"DISABLED", "firing template_status warning, escalated template_status critical"},
	} {
		w := newWorld(t, nil)
		tpl := template("1")
		w.meta.set(tpl, quality.Status, "PAUSED")
		w.meta.during = func(c quality.Class) {
			if c == quality.AccountOf {
				w.flush()
				w.pass(20 * time.Second)
				w.observe(told(tpl, quality.Status, tc.value, w.now()))
				w.flush()
			}
		}
		w.enrol()
		w.run(time.Minute)
		w.meta.during = nil
		w.meta.set(tpl, quality.Status, tc.value)
		w.run(20 * time.Minute)
		w.flush()
		if got := strings.Join(w.post.said(), ", "); got != tc.want {
			t.Errorf("%s: told %q, want %q", tc.value, got, tc.want)
		}
		if left, err := w.store.Unsent(t.Context(), w.now().Add(time.Hour), 9); err != nil || len(left) != 0 {
			t.Errorf("%s: %d alerts are left to send, %v", tc.value, len(left), err)
		}
	}
}

// TestAnEndByTheClockIsNoRecovery: what nobody was told while it lasted is told with why it ended.
func TestAnEndByTheClockIsNoRecovery(t *testing.T) {
	w := newWorld(t, nil)
	w.post.ready = false
	w.observe(told(quality.AccountSubject("1"), quality.Restriction("X"), quality.RestrictionActive, w.now()))
	w.pass(7*24*time.Hour + time.Minute)
	w.tick()
	w.post.ready = true
	w.flush()
	if len(w.post.sent) != 1 || len(w.post.sent[0].Alerts) != 1 {
		t.Fatalf("told %v, want one alert", w.post.said())
	}
	if a := w.post.sent[0].Alerts[0]; a.Event != quality.Passed || a.Reason == nil || *a.Reason != quality.ReasonNotRepeated {
		t.Errorf("told %s because %v, want passed because it was not repeated", a.Event, a.Reason)
	}
}
