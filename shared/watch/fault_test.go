package watch_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/store"
	"github.com/wabawatch/wabawatch/shared/store/tabletest"
)

var errDown = errors.New("the table is down")

// story tells a whole incident through webhooks, redelivering each until it is acknowledged as
// Meta does, and returns what people were told.
func story(t *testing.T, w *world) []string {
	t.Helper()
	tpl := template("77")
	deliver := func(r quality.Reading) {
		t.Helper()
		for try := 0; ; try++ {
			if err := w.watcher.Observe(context.Background(), delivery(r)); err == nil {
				break
			} else if try == 5 {
				t.Fatalf("observe: %v", err)
			}
		}
		// A redelivery of what was acknowledged is harmless.
		if err := w.watcher.Observe(context.Background(), delivery(r)); err != nil {
			t.Logf("copy: %v", err)
		}
	}
	flush := func() {
		for range 6 {
			if err := w.courier.Flush(context.Background()); err != nil {
				t.Logf("flush: %v", err)
			}
			w.pass(2 * time.Minute) // past any claim
		}
	}
	deliver(told(tpl, quality.Status, "PAUSED", w.now()))
	flush()
	w.pass(time.Minute)
	deliver(told(tpl, quality.Status, "DISABLED", w.now()))
	flush()
	w.pass(time.Minute)
	deliver(told(tpl, quality.Status, "APPROVED", w.now()))
	flush()
	if rows := w.history(tpl, quality.Status); len(rows) != 3 {
		t.Errorf("history = %+v, want 3 rows", rows)
	}
	if v := w.state(tpl).Cells[quality.Status].Current.Value; v != "APPROVED" {
		t.Errorf("current value = %s", v)
	}
	return w.post.said()
}

var whole = []string{"firing template_status warning", "escalated template_status critical", "resolved template_status critical"}

// TestFailureOfAnyWriteLosesNothing fails every single write of the story once, before and
// after it happened, with an error and with a lost answer. Nothing acknowledged is lost, and
// nothing is told twice.
func TestFailureOfAnyWriteLosesNothing(t *testing.T) {
	count := 0
	clean := newWorld(t, func(tab store.Table) store.Table { return &tabletest.Faulty{Table: tab} })
	if d := cmp.Diff(whole, story(t, clean)); d != "" {
		t.Fatalf("without faults (-want +got):\n%s", d)
	}
	count = clean.table.(*tabletest.Faulty).Counts().Writes
	if count < 8 {
		t.Fatalf("only %d writes: the story is too short to prove anything", count)
	}
	for n := 1; n <= count; n++ {
		for name, set := range map[string]func(*tabletest.Faulty){
			"before":    func(f *tabletest.Faulty) { f.Before = tabletest.Nth(n, errDown) },
			"after":     func(f *tabletest.Faulty) { f.After = tabletest.Nth(n, store.ErrAmbiguous) },
			"ambiguous": func(f *tabletest.Faulty) { f.Before = tabletest.Nth(n, store.ErrAmbiguous) },
			"conflict": func(f *tabletest.Faulty) {
				f.Before = tabletest.Nth(n, &store.ConflictError{Failed: []int{0}, Transient: true})
			},
		} {
			t.Run(fmt.Sprintf("%s write %d of %d", name, n, count), func(t *testing.T) {
				var f *tabletest.Faulty
				w := newWorld(t, func(tab store.Table) store.Table { f = &tabletest.Faulty{Table: tab}; return f })
				set(f)
				got := story(t, w)
				if d := cmp.Diff(whole, got); d != "" {
					t.Errorf("told (-want +got):\n%s", d)
				}
			})
		}
	}
}

func TestPublisherDownDeliversEverythingAfterwardsInOrder(t *testing.T) {
	w := newWorld(t, nil)
	w.post.fail = func(quality.Parcel) error { return errors.New("SNS is down") }
	a, b := template("1"), template("2")
	w.observe(told(a, quality.Status, "PAUSED", w.now()), told(b, quality.Status, "PAUSED", w.now()))
	for range 3 {
		w.pass(time.Minute)
		if err := w.courier.Flush(t.Context()); err == nil {
			t.Fatal("flush succeeded while SNS was down")
		}
	}
	w.observe(told(a, quality.Status, "DISABLED", w.now()))
	w.post.fail = nil
	w.pass(2 * time.Minute)
	w.flush()
	w.pass(time.Minute)
	w.observe(told(b, quality.Status, "APPROVED", w.now()))
	w.flush()
	per := map[string][]quality.Event{}
	for _, p := range w.post.sent {
		for _, al := range p.Alerts {
			per[al.SubjectID] = append(per[al.SubjectID], al.Event)
		}
	}
	want := map[string][]quality.Event{"1": {quality.Firing, quality.Escalated}, "2": {quality.Firing, quality.Resolved}}
	if d := cmp.Diff(want, per); d != "" {
		t.Errorf("told per template (-want +got):\n%s", d)
	}
}

// TestRefusedAlertIsParkedAndToldElsewhere fails every write on the way once.
func TestRefusedAlertIsParkedAndToldElsewhere(t *testing.T) {
	for n := range 14 {
		var f *tabletest.Faulty
		w := newWorld(t, func(tab store.Table) store.Table { f = &tabletest.Faulty{Table: tab}; return f })
		var parked []string
		w.courier.Parked = func(_ context.Context, a quality.Alert) error {
			parked = append(parked, a.Rule)
			return nil
		}
		w.post.fail = func(quality.Parcel) error { return fmt.Errorf("bad subject: %w", quality.ErrRefused) }
		w.observe(told(template("1"), quality.Status, "PAUSED", w.now()))
		f.Before = tabletest.Nth(f.Counts().Writes+n, errDown)
		for range 8 {
			_ = w.courier.Flush(t.Context()) // refusals are errors until the alert is parked
			w.pass(time.Minute)
		}
		if len(parked) != 1 {
			t.Errorf("write %d failed: parked %v, want one alert once", n, parked)
		}
	}
}

func TestNothingIsMarkedWhileNobodyListens(t *testing.T) {
	w := newWorld(t, nil)
	w.post.ready = false
	w.observe(told(template("1"), quality.Status, "PAUSED", w.now()))
	w.flush()
	if said := w.post.said(); len(said) != 0 {
		t.Errorf("told nobody %v", said)
	}
	w.post.ready = true
	w.pass(time.Minute)
	w.flush()
	if d := cmp.Diff([]string{"firing template_status warning"}, w.post.said()); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}
}

// TestSweepSendsWhatTheStreamLeft: what the notifier should have sent by now is sent, and what it
// may still be about to send is not.
func TestSweepSendsWhatTheStreamLeft(t *testing.T) {
	w := newWorld(t, nil)
	w.observe(told(template("1"), quality.Status, "PAUSED", w.now()))
	sweep := func() {
		t.Helper()
		if err := w.courier.Sweep(t.Context()); err != nil {
			t.Fatalf("sweep: %v", err)
		}
	}
	w.pass(5 * time.Minute)
	sweep()
	if said := w.post.said(); len(said) != 0 {
		t.Errorf("after 5 minutes the sweep told %v, want nothing", said)
	}
	w.pass(6 * time.Minute)
	w.observe(told(template("2"), quality.Status, "PAUSED", w.now()))
	sweep()
	sweep()
	if d := cmp.Diff([]string{"firing template_status warning"}, w.post.said()); d != "" {
		t.Errorf("after 11 minutes (-want +got):\n%s", d)
	}
}

func TestBurstBecomesOneDigest(t *testing.T) {
	w := newWorld(t, nil)
	var rs []quality.Reading
	for i := range 10 {
		rs = append(rs, told(template(fmt.Sprint(i)), quality.Status, "PAUSED", w.now()))
	}
	w.observe(rs...)
	w.flush()
	if len(w.post.sent) != 1 || w.post.sent[0].Form != quality.Digest || len(w.post.sent[0].Alerts) != 10 {
		t.Errorf("sent %d parcels, want one digest of 10", len(w.post.sent))
	}
}

// TestTwoCouriersTellOnce lets several notifiers run at the same time.
func TestTwoCouriersTellOnce(t *testing.T) {
	w := newWorld(t, nil)
	for i := range 6 {
		tpl := template(fmt.Sprint(i))
		w.observe(told(tpl, quality.Status, "PAUSED", w.now()))
	}
	var wg sync.WaitGroup
	for i := range 4 {
		c := *w.courier
		c.Holder = fmt.Sprint("courier ", i)
		wg.Go(func() {
			for range 3 {
				_ = c.Flush(context.Background()) // what others hold is theirs
			}
		})
	}
	wg.Wait()
	w.pass(2 * time.Minute)
	w.flush()
	seen := map[string]int{}
	for _, p := range w.post.sent {
		for _, a := range p.Alerts {
			seen[a.ID]++
		}
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("alert %s was told %d times", id, n)
		}
	}
	if len(seen) != 6 {
		t.Errorf("told %d alerts, want 6", len(seen))
	}
}

// TestLogIsWrittenAfterTheCommits fails the commit of a poll that saw a change: its time must
// not be in the log, where it would confirm the value that had already changed.
func TestLogIsWrittenAfterTheCommits(t *testing.T) {
	failing := false
	var f *tabletest.Faulty
	w := newWorld(t, func(tab store.Table) store.Table { f = &tabletest.Faulty{Table: tab}; return f })
	refuse := &refusing{Table: f, when: func(a store.Action) bool { return failing && strings.HasPrefix(a.Item.SK, "STATE#") }}
	w.store = store.New(refuse, 0, w.now)
	w.watcher.Store = w.store
	w.watcher.Interval = time.Minute
	tpl := template("1")
	w.meta.set(tpl, quality.Status, "APPROVED")
	w.enrol()
	w.tick()
	first := w.now()
	w.meta.set(tpl, quality.Status, "PAUSED")
	failing = true
	w.pass(7 * time.Minute)
	if err := w.watcher.Tick(t.Context()); err == nil {
		t.Fatal("the poll succeeded although its commit failed")
	}
	failing = false
	w.run(10 * time.Minute)
	rows := w.history(tpl, quality.Status)
	if len(rows) != 2 || !rows[1].NotBefore.Equal(first) || rows[1].At.Before(first.Add(7*time.Minute)) {
		t.Errorf("history = %+v, want PAUSED not before %s", rows, first)
	}
}

// TestSecondWriterReadsAgain: two writers that read the same version do not both write. What
// they write raises no alert, whose key alone would keep the second out.
func TestSecondWriterReadsAgain(t *testing.T) {
	w := newWorld(t, nil)
	tpl := template("1")
	w.observe(told(tpl, quality.Status, "APPROVED", w.now()))
	apply := func(value string, at time.Time) quality.Change {
		t.Helper()
		states, heads, err := w.store.Load(t.Context(), []quality.Subject{tpl})
		if err != nil {
			t.Fatal(err)
		}
		ch, need := quality.DefaultRules.Apply(quality.Input{State: states[tpl], Heads: heads["1"], Points: []quality.Point{told(tpl, quality.Status, value, at).Point}, Now: w.now()})
		if need != nil {
			t.Fatalf("needs %v", need)
		}
		return ch
	}
	one, two := apply("PENDING", w.now().Add(time.Second)), apply("IN_APPEAL", w.now().Add(2*time.Second))
	for i, ch := range []quality.Change{one, two} {
		again, err := w.store.Commit(t.Context(), []quality.Change{ch})
		if err != nil || len(again) != i {
			t.Errorf("commit %d returned %v, %v; want %d subjects to read again", i+1, again, err, i)
		}
	}
	if v := w.state(tpl).Cells[quality.Status].Current.Value; v != "PENDING" {
		t.Errorf("current value = %s, want that of the first writer", v)
	}
}

// refusing fails writes that hold certain actions.
type refusing struct {
	store.Table
	when func(store.Action) bool
}

func (r *refusing) Write(ctx context.Context, actions ...store.Action) error {
	if slices.ContainsFunc(actions, r.when) {
		return errDown
	}
	return r.Table.Write(ctx, actions...)
}

// TestDuplicatePostWritesNothing counts writes: readings, whatever they were, cost reads only
// when they come again.
func TestDuplicatePostWritesNothing(t *testing.T) {
	var f *tabletest.Faulty
	w := newWorld(t, func(tab store.Table) store.Table { f = &tabletest.Faulty{Table: tab}; return f })
	var rs []quality.Reading
	for i := range 200 {
		rs = append(rs, told(template(fmt.Sprint(i)), quality.Status, "PAUSED", w.now().Add(-time.Hour)))
	}
	rs = append(rs, told(quality.AccountSubject("1"), quality.Restriction("X"), quality.RestrictionActive, w.now()), told(template("undated"), quality.Status, "PAUSED", time.Time{}),
		told(template("ahead"), quality.Status, "PAUSED", w.now().Add(time.Hour)))
	w.observe(rs...)
	before := f.Counts().Writes
	w.pass(time.Minute)
	w.observe(rs...)
	w.observe(rs[:100]...)
	if f.Counts().Writes != before {
		t.Errorf("%d writes for duplicates", f.Counts().Writes-before)
	}
}

// TestOrderDoesNotDependOnClocks lets the writer of an incident's second alert have a clock that
// is behind the first one's.
func TestOrderDoesNotDependOnClocks(t *testing.T) {
	for value, want := range map[string][]string{
		"DISABLED": {"firing template_status warning", "escalated template_status critical"},
		"APPROVED": {"passed template_status warning"},
	} {
		w := newWorld(t, nil)
		w.observe(told(template("1"), quality.Status, "PAUSED", w.now().Add(-time.Minute)))
		w.pass(-5 * time.Second)
		w.observe(told(template("1"), quality.Status, value, w.now()))
		w.pass(time.Minute)
		w.flush()
		if d := cmp.Diff(want, w.post.said()); d != "" {
			t.Errorf("after %s (-want +got):\n%s", value, d)
		}
	}
}

// TestWhatABodyAsksForIsAsked loses the answer to its commit, or fails what comes after.
func TestWhatABodyAsksForIsAsked(t *testing.T) {
	for n := 1; n <= 3; n++ {
		for name, set := range map[string]func(*tabletest.Faulty, int){
			"lost answer": func(f *tabletest.Faulty, n int) { f.After = tabletest.Nth(n, store.ErrAmbiguous) },
			"failure":     func(f *tabletest.Faulty, n int) { f.Before = tabletest.Nth(n, errDown) },
		} {
			var f *tabletest.Faulty
			w := newWorld(t, func(tab store.Table) store.Table { f = &tabletest.Faulty{Table: tab}; return f })
			w.meta.set(number("1"), quality.QualityRating, "GREEN")
			w.enrol()
			w.tick()
			w.pass(time.Minute)
			d := delivery(told(number("1"), quality.Flagged, quality.Yes, w.now()))
			d.Asks = []quality.Ask{{WABAID: "1", Class: quality.Numbers}}
			set(f, f.Counts().Writes+n)
			for try := 0; w.watcher.Observe(t.Context(), d) != nil; try++ {
				if try == 3 {
					t.Fatal("never acknowledged")
				}
			}
			s, err := w.store.Schedule(t.Context(), "1")
			if c := s.Classes[quality.Numbers]; err != nil || !c.Due.Equal(w.now().Add(30*time.Second)) {
				t.Errorf("%s at write %d: numbers are due %s, want in 30 s (%v)", name, n, c.Due, err)
			}
		}
	}
}

// TestOneSubjectDoesNotStopTheClocks refuses every write of one state.
func TestOneSubjectDoesNotStopTheClocks(t *testing.T) {
	refused := false
	w := newWorld(t, func(tab store.Table) store.Table {
		return &refusing{Table: tab, when: func(a store.Action) bool { return refused && a.Item.SK == "STATE#template#1" }}
	})
	w.observe(told(template("1"), quality.Status, "PAUSED", w.now()), told(template("2"), quality.Status, "PAUSED", w.now()))
	refused = true
	w.pass(25 * time.Hour)
	if err := w.watcher.Tick(t.Context()); !errors.Is(err, errDown) {
		t.Errorf("Tick = %v, want what refused the write", err)
	}
	w.flush()
	want := []string{"firing template_status warning", "firing template_status warning", "reminder template_status warning"}
	got := w.post.said()
	slices.Sort(got)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}
}

// TestOneRefusedAlertDoesNotParkItsDigest refuses whatever holds one alert of a burst.
func TestOneRefusedAlertDoesNotParkItsDigest(t *testing.T) {
	w := newWorld(t, nil)
	var parked []string
	w.courier.Parked = func(_ context.Context, a quality.Alert) error {
		parked = append(parked, a.SubjectID)
		return nil
	}
	w.post.fail = func(p quality.Parcel) error {
		if slices.ContainsFunc(p.Alerts, func(a quality.Alert) bool { return a.SubjectID == "3" }) {
			return fmt.Errorf("bad name: %w", quality.ErrRefused)
		}
		return nil
	}
	var rs []quality.Reading
	for i := range 6 {
		rs = append(rs, told(template(fmt.Sprint(i)), quality.Status, "PAUSED", w.now()))
	}
	w.observe(rs...)
	for range 8 {
		_ = w.courier.Flush(t.Context()) // refusals are errors until the alert is parked
		w.pass(time.Minute)
	}
	if d := cmp.Diff([]string{"3"}, parked); d != "" {
		t.Errorf("parked (-want +got):\n%s", d)
	}
	if n := len(w.post.said()); n != 5 {
		t.Errorf("%d alerts told, want the other 5", n)
	}
}

// TestWhatWasAcceptedOfADigestIsNotToldAgain lets SNS fail in the middle of a parcel.
func TestWhatWasAcceptedOfADigestIsNotToldAgain(t *testing.T) {
	w := newWorld(t, nil)
	half := func(p quality.Parcel) error {
		n := len(p.Alerts) / 2
		w.post.sent = append(w.post.sent, quality.Parcel{Form: p.Form, Alerts: p.Alerts[:n]})
		partly := &quality.PartlySentError{Err: errors.New("SNS is down")}
		for _, a := range p.Alerts[:n] {
			partly.Sent = append(partly.Sent, a.ID)
		}
		return partly
	}
	w.post.fail = half
	var rs []quality.Reading
	for i := range 10 {
		rs = append(rs, told(template(fmt.Sprint(i)), quality.Status, "PAUSED", w.now()))
	}
	w.observe(rs...)
	if err := w.courier.Flush(t.Context()); err == nil {
		t.Error("flush succeeded though half of it was not accepted")
	}
	w.post.fail = nil
	w.pass(time.Minute)
	w.flush()
	told := map[string]int{}
	for _, p := range w.post.sent {
		for _, a := range p.Alerts {
			told[a.SubjectID]++
		}
	}
	for id, n := range told {
		if n != 1 {
			t.Errorf("alert of template %s was told %d times", id, n)
		}
	}
	if len(told) != 10 {
		t.Errorf("%d alerts told, want 10", len(told))
	}
}

// slow is a table whose writes take as long as one of DynamoDB's. It counts those under way. Under
// synctest a write ends only when everything waits, so all that may be under way at once are.
type slow struct {
	store.Table
	mu       sync.Mutex
	now, top int
}

func (s *slow) Write(ctx context.Context, actions ...store.Action) error {
	s.mu.Lock()
	s.now++
	s.top = max(s.top, s.now)
	s.mu.Unlock()
	time.Sleep(5 * time.Millisecond)
	defer func() {
		s.mu.Lock()
		s.now--
		s.mu.Unlock()
	}()
	return s.Table.Write(ctx, actions...)
}

// TestBacklogDrainsTogether delivers what waited while SNS was down: many incidents of many
// accounts at the same time, each incident in order.
func TestBacklogDrainsTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := &slow{}
		w := newWorld(t, func(tab store.Table) store.Table { table.Table = tab; return table })
		values := []string{"PAUSED", "DISABLED", "PAUSED"}
		for i, value := range values {
			var rs []quality.Reading
			for j := range 120 {
				s := quality.Subject{Kind: quality.Template, WABAID: fmt.Sprint(1 + j%4), ID: fmt.Sprint(j)}
				rs = append(rs, told(s, quality.Status, value, w.now()))
			}
			w.observe(rs...)
			w.pass(time.Duration(i+1) * time.Minute)
		}
		table.top = 0
		w.flush()
		last := map[string]int{}
		alerts := 0
		for _, p := range w.post.sent {
			for _, a := range p.Alerts {
				if a.Revision != last[*a.IncidentID]+1 {
					t.Errorf("%s: revision %d after %d", a.ID, a.Revision, last[*a.IncidentID])
				}
				last[*a.IncidentID] = a.Revision
				alerts++
			}
		}
		if alerts < 240 || len(last) != 120 {
			t.Errorf("%d alerts of %d incidents told", alerts, len(last))
		}
		if table.top < 8 || table.top > 16 {
			t.Errorf("%d writes at a time, want many but no more than 16", table.top)
		}
		left, err := w.store.Unsent(t.Context(), w.now().Add(time.Hour), 1000)
		if err != nil || len(left) > 0 {
			t.Errorf("%d alerts left (%v)", len(left), err)
		}
	})
}

// TestBacklogIsToldAsWhatBecameOfIt sweeps an alert whose incident ended meanwhile, in an alert
// that is itself too young to be swept.
func TestBacklogIsToldAsWhatBecameOfIt(t *testing.T) {
	w := newWorld(t, nil)
	w.observe(told(template("1"), quality.Status, "PAUSED", w.now()))
	w.pass(8 * time.Minute)
	w.observe(told(template("1"), quality.Status, "APPROVED", w.now()), told(template("2"), quality.Status, "PAUSED", w.now()))
	w.pass(4 * time.Minute)
	if err := w.courier.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"passed template_status warning"}, w.post.said()); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}
}
