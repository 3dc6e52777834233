package watch_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/watch"
)

func TestWebhookFiresAndResolves(t *testing.T) {
	w := newWorld(t, nil)
	tpl := template("77")
	w.meta.set(tpl, quality.Status, "APPROVED")
	w.enrol()
	w.run(2 * time.Minute)
	w.observe(told(tpl, quality.Status, "PAUSED", w.now()))
	w.flush()
	w.meta.set(tpl, quality.Status, "PAUSED")
	w.run(5 * time.Minute)
	w.observe(told(tpl, quality.Status, "APPROVED", w.now()))
	w.flush()
	want := []string{"firing template_status warning", "resolved template_status warning"}
	if d := cmp.Diff(want, w.post.said()); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}
}

func TestNumberTurnsYellowThenRedAndRecovers(t *testing.T) {
	w := newWorld(t, nil)
	n := number("12025550101")
	w.meta.set(n, quality.QualityRating, quality.Green)
	w.enrol()
	w.run(10 * time.Minute)
	w.meta.set(n, quality.QualityRating, quality.Yellow)
	w.run(6 * time.Minute)
	w.meta.set(n, quality.QualityRating, quality.Red)
	w.run(6 * time.Minute)
	w.flush()
	w.meta.set(n, quality.QualityRating, quality.Green)
	w.run(70 * time.Minute)
	w.flush()
	want := []string{"firing number_quality warning", "escalated number_quality critical", "resolved number_quality critical"}
	if d := cmp.Diff(want, w.post.said()); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}
	rows := w.history(n, quality.QualityRating)
	var values []string
	for _, r := range rows {
		values = append(values, r.Value)
		if r.From != "" && !r.NotBefore.Before(r.At) {
			t.Errorf("%s at %s is not after %s", r.Value, r.At, r.NotBefore)
		}
	}
	if want := []string{"GREEN", "YELLOW", "RED", "GREEN"}; !slices.Equal(values, want) {
		t.Errorf("history = %v, want %v", values, want)
	}
}

func TestFirstLookIsOneSummary(t *testing.T) {
	w := newWorld(t, nil)
	w.meta.set(number("12025550101"), quality.QualityRating, quality.Red)
	w.meta.set(template("1"), quality.Status, "REJECTED")
	w.meta.set(template("2"), quality.Status, "PAUSED")
	w.enrol()
	w.run(time.Minute)
	w.flush()
	if len(w.post.sent) != 1 || w.post.sent[0].Form != quality.Summary || len(w.post.sent[0].Alerts) != 4 {
		t.Fatalf("sent = %+v, want one summary of a heading and three incidents", w.post.sent)
	}
	w.run(20 * time.Minute)
	w.flush()
	if len(w.post.sent) != 1 {
		t.Errorf("sent again: %+v", w.post.sent[1:])
	}
}

func TestUnchangedPollWritesOnlyTheLog(t *testing.T) {
	w := newWorld(t, nil)
	for i := range 20 {
		w.meta.set(template(string(rune('a'+i))), quality.Status, "APPROVED")
	}
	w.enrol()
	w.run(2 * time.Minute)
	before := w.state(template("a")).Version
	w.run(65 * time.Minute)
	if got := w.state(template("a")).Version; got != before {
		t.Errorf("version went from %d to %d although nothing changed", before, got)
	}
}

func TestBlindnessIsToldAfterThreeIntervals(t *testing.T) {
	w := newWorld(t, nil)
	w.meta.set(number("1"), quality.QualityRating, quality.Green)
	w.enrol()
	w.run(2 * time.Minute)
	w.meta.fail = &quality.PollError{Failure: quality.FailTemporary, Err: errors.New("down")}
	w.run(10 * time.Minute)
	w.flush()
	if said := w.post.said(); len(said) != 0 {
		t.Fatalf("told too early: %v", said)
	}
	w.run(10 * time.Minute)
	w.meta.fail = nil
	w.run(20 * time.Minute)
	w.flush()
	want := []string{"passed watch_blind critical"}
	if d := cmp.Diff(want, w.post.said()); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}
}

func TestFutureDatedReadingTakesItsFirstReceipt(t *testing.T) {
	w := newWorld(t, nil)
	tpl := template("77")
	r := told(tpl, quality.Status, "PAUSED", start.Add(time.Hour))
	w.observe(r)
	w.pass(55 * time.Minute) // the copy no longer looks too far ahead
	w.observe(r)
	rows := w.history(tpl, quality.Status)
	if len(rows) != 1 || !rows[0].At.Equal(start) {
		t.Errorf("history = %+v, want one row at %s", rows, start)
	}
	if v := w.state(tpl).Version; v != 1 {
		t.Errorf("version = %d: the copy was written", v)
	}
}

// TestLease lets a second poller come while the first still holds the account, and a third in
// the place of one that died.
func TestLease(t *testing.T) {
	w := newWorld(t, nil)
	w.meta.set(number("1"), quality.QualityRating, quality.Green)
	w.enrol()
	other := &watch.Watcher{
		Store: w.store, Source: w.meta, Rules: w.watcher.Rules, Now: w.now, Log: w.watcher.Log, Interval: w.watcher.Interval, Holder: "another", Lease: time.Minute,
	}
	w.meta.during = func(class quality.Class) {
		if class != quality.Numbers {
			return
		}
		before := w.meta.polls[quality.Numbers]
		if err := other.PollAccount(t.Context(), "1"); err != nil {
			t.Errorf("the other poller: %v", err)
		}
		if w.meta.polls[quality.Numbers] != before {
			t.Error("two pollers polled one account at once")
		}
	}
	w.tick()
	w.meta.during = nil
	// A process dies while it holds the account.
	sched, err := w.store.Schedule(t.Context(), "1")
	if err != nil {
		t.Fatal(err)
	}
	w.pass(10 * time.Minute)
	sched.LeaseBy, sched.LeaseUntil = "test", w.now().Add(time.Hour)
	if err := w.store.PutSchedule(t.Context(), sched, nil); err != nil {
		t.Fatal(err)
	}
	before := w.meta.polls[quality.Numbers]
	w.tick()
	if w.meta.polls[quality.Numbers] != before {
		t.Error("polled in spite of a lease")
	}
	if err := w.watcher.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.tick()
	if w.meta.polls[quality.Numbers] == before {
		t.Error("not polled after the lease was given back")
	}
}
