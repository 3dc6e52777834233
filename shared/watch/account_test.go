package watch_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/watch"
)

// TestAnAccountIsTakenOut: one that is configured no more is neither polled nor called blind, until
// somebody speaks of it again.
func TestAnAccountIsTakenOut(t *testing.T) {
	w := newWorld(t, nil)
	w.meta.set(number("1"), quality.QualityRating, quality.Green)
	w.enrol()
	w.run(2 * time.Minute)
	w.meta.fail = &quality.PollError{Failure: quality.FailForbidden, Err: errors.New("(#200)")}
	w.run(30 * time.Minute)
	w.flush()

	again := &watch.Watcher{
		Store: w.store, Source: w.meta, Rules: quality.DefaultRules, Now: w.now, Log: w.watcher.Log,
		Interval: 5 * time.Minute, Holder: "test", Lease: 2 * time.Minute,
	}
	w.watcher = again
	for range 2 { // a start that dies in between is followed by another
		w.enrol()
	}
	before := w.meta.calls()
	w.run(24 * time.Hour)
	w.flush()
	if n := w.meta.calls() - before; n != 0 {
		t.Errorf("%d polls of an account that nobody asks for", n)
	}
	if got, want := strings.Join(w.post.said(), ", "), "firing watch_blind critical, resolved watch_blind critical"; got != want {
		t.Errorf("told %q, want %q", got, want)
	}
	if a := w.post.sent[len(w.post.sent)-1].Alerts[0]; a.Reason == nil || *a.Reason != quality.ReasonUnwatched {
		t.Errorf("closed because %v", a.Reason)
	}

	w.meta.fail = nil
	w.observe(told(template("7"), quality.Status, "APPROVED", w.now()))
	w.run(10 * time.Minute)
	if n := w.meta.calls() - before; n < 4 {
		t.Errorf("%d polls after a webhook named the account, want every class", n)
	}
	again.WABAIDs = []string{"1"}
	w.enrol()
	if a, err := w.store.AccountRecord(t.Context(), "1"); err != nil || a.Origin != watch.Configured {
		t.Errorf("configured again: %+v, %v", a, err)
	}
}

// TestWhatPollsSawOfATakenOutAccountIsClosed: no poll will ever end it, and nobody is reminded of it. What
// comes back is told anew.
func TestWhatPollsSawOfATakenOutAccountIsClosed(t *testing.T) {
	w := newWorld(t, nil)
	line, account := number("1"), quality.AccountSubject("1")
	w.meta.set(line, quality.QualityRating, quality.Green)
	w.meta.set(account, quality.CanSendMessage, "AVAILABLE")
	w.enrol()
	w.run(2 * time.Minute)
	w.meta.set(line, quality.QualityRating, quality.Red)
	w.meta.set(account, quality.CanSendMessage, "LIMITED")
	w.observe(told(account, quality.Restriction("X"), quality.RestrictionActive, w.now()))
	w.run(2 * time.Hour)
	w.flush()
	w.watcher.WABAIDs = nil
	w.enrol()
	w.flush()
	sent := len(w.post.said())
	w.run(24 * time.Hour)
	w.flush()
	for _, said := range w.post.said()[sent:] {
		if said != "reminder account_restricted critical" { // which only webhooks tell
			t.Errorf("told %q of an account that nobody asks for", said)
		}
	}
	closed := map[string]bool{}
	for _, p := range w.post.sent {
		for _, a := range p.Alerts {
			closed[a.Rule] = closed[a.Rule] || a.Event == quality.Resolved && a.Reason != nil && *a.Reason == quality.ReasonUnwatched
		}
	}
	if !closed[quality.RuleNumberQuality] || !closed[quality.RuleAccountHealth] || closed[quality.RuleAccountRestricted] {
		t.Errorf("closed as no longer watched: %v", closed)
	}

	sent = len(w.post.said())
	w.watcher = &watch.Watcher{
		Store: w.store, Source: w.meta, Rules: quality.DefaultRules, Now: w.now, Log: w.watcher.Log,
		Interval: 5 * time.Minute, WABAIDs: []string{"1"}, Holder: "test", Lease: 2 * time.Minute,
	}
	w.meta.fail = &quality.PollError{Failure: quality.FailTemporary, Err: errors.New("(#1)")}
	w.enrol()
	w.run(3 * time.Minute)
	w.meta.fail = nil
	w.run(2 * time.Hour)
	w.flush()
	got := strings.Join(w.post.said()[sent:], ", ")
	if !strings.Contains(got, "firing number_quality critical") || !strings.Contains(got, "firing account_health warning") || strings.Contains(got, "watch_blind") {
		t.Errorf("told %q after it came back", got)
	}
}
