package watch_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
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

// TestDeadTokenIsOneIncident: nothing can be polled, and that is told once, of the token, and
// not of each account.
func TestDeadTokenIsOneIncident(t *testing.T) {
	w := newWorld(t, nil)
	token := quality.DeploymentSubject()
	w.meta.set(number("1"), quality.QualityRating, quality.Green)
	w.meta.set(token, quality.Token, "VALID")
	w.enrol()
	w.run(2 * time.Minute)
	w.meta.fail = &quality.PollError{Failure: quality.FailToken, Err: errors.New("190")}
	w.meta.set(token, quality.Token, "INVALID")
	w.run(40 * time.Minute)
	w.flush()
	if d := cmp.Diff([]string{"firing watch_token critical"}, w.post.said()); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}
	w.meta.fail = nil
	w.meta.set(token, quality.Token, "VALID")
	w.run(10 * time.Minute)
	w.flush()
	if d := cmp.Diff([]string{"firing watch_token critical", "resolved watch_token critical"}, w.post.said()); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}
}

// TestHeardAccountThatWasReadGoesBlind: nobody listed the account, but it was watched.
func TestHeardAccountThatWasReadGoesBlind(t *testing.T) {
	w := newWorld(t, nil)
	w.watcher.WABAIDs = nil
	w.meta.set(number("1"), quality.QualityRating, quality.Green)
	w.enrol()
	w.observe(told(template("9"), quality.Status, "APPROVED", w.now()))
	w.run(2 * time.Minute)
	w.meta.fail = &quality.PollError{Failure: quality.FailTemporary, Err: errors.New("down")}
	w.run(25 * time.Minute)
	w.flush()
	if d := cmp.Diff([]string{"firing watch_blind critical"}, w.post.said()); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}
}

// TestTokenIsNoAccountsFirstLook: the deployment is no account, and its incident needs no summary.
func TestTokenIsNoAccountsFirstLook(t *testing.T) {
	w := newWorld(t, nil)
	w.meta.set(quality.DeploymentSubject(), quality.Token, "INVALID")
	w.enrol()
	w.run(2 * time.Minute)
	w.flush()
	if d := cmp.Diff([]string{"firing watch_token critical"}, w.post.said()); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}
}

// TestForbiddenAccountIsToldAtOnce: an account that was configured and may not be read is blind
// from the first refusal; one that only sent webhooks is nobody's loss.
func TestForbiddenAccountIsToldAtOnce(t *testing.T) {
	w := newWorld(t, nil)
	w.meta.fail = &quality.PollError{Failure: quality.FailForbidden, Err: errors.New("(#200)")}
	w.enrol()
	stranger := template("9")
	stranger.WABAID = "2"
	w.observe(told(stranger, quality.Status, "APPROVED", w.now()))
	w.run(5 * time.Minute)
	w.flush()
	if d := cmp.Diff([]string{"firing watch_blind critical"}, w.post.said()); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}
}

// TestPermissionThatIsBackIsNoticedWithinTheHour: of every class, however rarely it is polled.
func TestPermissionThatIsBackIsNoticedWithinTheHour(t *testing.T) {
	w := newWorld(t, nil)
	w.meta.set(number("1"), quality.QualityRating, quality.Green)
	w.meta.fail = &quality.PollError{Failure: quality.FailForbidden, Err: errors.New("(#200)")}
	w.enrol()
	w.run(2 * time.Minute)
	w.flush()
	w.meta.fail = nil
	w.run(65 * time.Minute)
	w.flush()
	if d := cmp.Diff([]string{"firing watch_blind critical", "resolved watch_blind critical"}, w.post.said()); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}
}

// TestVanishedTemplateRetires: two complete polls without it, and its incident is over.
func TestVanishedTemplateRetires(t *testing.T) {
	w := newWorld(t, nil)
	tpl := template("1")
	w.meta.set(tpl, quality.Status, "APPROVED")
	w.meta.set(template("2"), quality.Status, "APPROVED")
	w.enrol()
	w.run(2 * time.Minute)
	w.meta.set(tpl, quality.Status, "PAUSED")
	w.run(40 * time.Minute)
	w.meta.mu.Lock()
	delete(w.meta.seen, tpl)
	w.meta.mu.Unlock()
	w.run(35 * time.Minute)
	if v := w.state(tpl).Cells[quality.Presence].Seen.Value; v != quality.Missing {
		t.Errorf("after one poll without it: %s", v)
	}
	w.flush()
	if n := len(w.post.said()); n != 1 {
		t.Errorf("told %v before the absence was proven", w.post.said())
	}
	w.run(35 * time.Minute)
	w.flush()
	want := []string{"firing template_status warning", "resolved template_status warning"}
	if d := cmp.Diff(want, w.post.said()); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}
	if v := w.state(tpl).Cells[quality.Presence].Seen.Value; v != quality.Gone {
		t.Errorf("after two polls without it: %s", v)
	}
}

// TestYoungWebhookNeedsTwoPollsAgainstIt: Graph may answer from a cache.
func TestYoungWebhookNeedsTwoPollsAgainstIt(t *testing.T) {
	w := newWorld(t, nil)
	tpl := template("1")
	w.meta.set(tpl, quality.Status, "APPROVED")
	w.enrol()
	w.run(2 * time.Minute)
	w.observe(told(tpl, quality.Status, "PAUSED", w.now()))
	polls := w.meta.polls[quality.Templates]
	for w.meta.polls[quality.Templates] == polls {
		w.run(time.Minute)
	}
	w.flush()
	if said := w.post.said(); len(said) != 1 {
		t.Fatalf("told %v after one poll", said)
	}
	w.run(3 * time.Minute)
	w.flush()
	if d := cmp.Diff([]string{"firing template_status warning", "resolved template_status warning"}, w.post.said()); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}
	if got := w.meta.polls[quality.Templates] - polls; got < 2 {
		t.Errorf("%d polls", got)
	}
}

// TestOpenIncidentsAreNotWrittenAgain sends duplicates, and polls what has not changed, while an
// incident is open that began between two seconds.
func TestOpenIncidentsAreNotWrittenAgain(t *testing.T) {
	w := newWorld(t, nil)
	w.enrol()
	w.pass(123 * time.Millisecond)
	tpl := template("7")
	paused := told(tpl, quality.Status, "PAUSED", start)
	w.observe(paused)
	w.meta.set(tpl, quality.Status, "PAUSED")
	w.run(40 * time.Minute)
	before := w.state(tpl).Version
	for range 3 {
		w.run(40 * time.Minute)
		w.observe(paused)
	}
	if got := w.state(tpl).Version; got != before {
		t.Errorf("%d writes for nothing", got-before)
	}
}

// TestManyChangesOfOneSubject has more to write of one subject than one transaction takes.
func TestManyChangesOfOneSubject(t *testing.T) {
	w := newWorld(t, nil)
	acct, line := quality.AccountSubject("1"), number("12025550101")
	var rs []quality.Reading
	for i := range 110 {
		rs = append(rs, told(acct, quality.Restriction(fmt.Sprintf("TYPE_%d", i)), quality.RestrictionActive, start))
		rs = append(rs, told(line, quality.PIN, "PIN_CHANGED", start.Add(-time.Duration(i)*time.Second)))
	}
	w.observe(rs...)
	w.observe(rs...)
	if got := len(w.state(acct).Open); got != 110 {
		t.Errorf("%d incidents are open, want 110", got)
	}
	if got := len(w.history(line, quality.PIN)); got != 1 {
		t.Errorf("%d rows of one value", got)
	}
	// One point ends them all.
	w.pass(time.Minute)
	w.observe(told(acct, quality.RestrictionLifted, "A_UNBAN", w.now()))
	if got := len(w.state(acct).Open); got != 0 {
		t.Errorf("%d incidents are open after the lifting", got)
	}
	counts := map[string]int{}
	for range 20 { // a sweep takes so many
		w.flush()
	}
	for _, said := range w.post.said() {
		counts[said]++
	}
	want := map[string]int{"passed account_restricted critical": 110, "notice number_security critical": 110}
	if d := cmp.Diff(want, counts); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}
}

// TestNewRulesLookAtQuietSubjects finds with a rule that is new what polls have long seen, and
// tells it in one summary.
func TestNewRulesLookAtQuietSubjects(t *testing.T) {
	w := newWorld(t, nil)
	w.enrol()
	old := slices.DeleteFunc(slices.Clone(quality.DefaultRules), func(r quality.Rule) bool { return r.ID == quality.RuleNumberQuality })
	w.watcher.Rules = old
	line := number("12025550101")
	w.meta.set(line, quality.QualityRating, quality.Red)
	w.run(20 * time.Minute)
	w.flush()
	before := w.state(line)
	before.Ruleset, before.Version = 0, before.Version+1
	if _, err := w.store.Commit(context.Background(), []quality.Change{{State: before, Write: true}}); err != nil {
		t.Fatal(err)
	}
	w.watcher.Rules = quality.DefaultRules
	w.run(10 * time.Minute)
	w.flush()
	if got := w.post.said(); len(w.post.sent) != 1 || len(got) != 2 || !strings.Contains(strings.Join(got, ", "), "firing number_quality critical") || !strings.Contains(strings.Join(got, ", "), quality.RuleFirstLook) {
		t.Errorf("told %v in %d parcels, want one summary", got, len(w.post.sent))
	}
}

// TestSecondBeforeALateReadingIsReadWhole: of two readings of one second the worse is in force,
// wherever its key stands. What comes late after that second must not take the other for it.
func TestSecondBeforeALateReadingIsReadWhole(t *testing.T) {
	for _, better := range []string{"APPROVED", "PENDING", "PAUSED", "REJECTED", "IN_APPEAL"} {
		w := newWorld(t, nil)
		tpl := template("1")
		at := func(minute int) time.Time { return w.now().Add(time.Duration(minute) * time.Minute) }
		for _, r := range []quality.Reading{
			told(tpl, quality.Status, "DISABLED", at(0)),
			told(tpl, quality.Status, better, at(1)), told(tpl, quality.Status, "DISABLED", at(1)),
			told(tpl, quality.Status, better, at(2)), told(tpl, quality.Status, "DISABLED", at(2)),
		} {
			w.observe(r)
		}
		if now := w.state(tpl).Cells[quality.Status].Current; now.Value != "DISABLED" || !now.At.Equal(at(0)) {
			t.Errorf("with %s beside it: %s since %s, want DISABLED since %s", better, now.Value, now.At, at(0))
		}
	}
}
