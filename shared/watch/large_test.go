package watch_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/store"
	"github.com/wabawatch/wabawatch/shared/store/tabletest"
)

// TestOneSubjectWithMoreThanACommitHolds sends a thousand changes of one template in one body.
// All are stored, nothing fires that the newest of them contradicts, and a copy writes nothing.
func TestOneSubjectWithMoreThanACommitHolds(t *testing.T) {
	var f *tabletest.Faulty
	w := newWorld(t, func(tab store.Table) store.Table { f = &tabletest.Faulty{Table: tab}; return f })
	const n = 1001
	var rs []quality.Reading
	for i := range n {
		value := []string{"APPROVED", "PAUSED"}[i%2]
		rs = append(rs, told(template("1"), quality.Status, value, w.now().Add(time.Duration(i-n)*time.Second)))
	}
	slices.Reverse(rs)
	w.observe(rs...)
	if rows := w.history(template("1"), quality.Status); len(rows) != n {
		t.Errorf("history has %d rows, want %d", len(rows), n)
	}
	before := f.Counts().Writes
	w.observe(rs...)
	if f.Counts().Writes != before {
		t.Errorf("%d writes for the copy", f.Counts().Writes-before)
	}
	w.flush()
	for _, said := range w.post.said() {
		if said != "passed template_status warning" {
			t.Errorf("told %q of a template that is approved", said)
		}
	}
}

// TestManyIncidentsOfOneSubject opens more incidents than one commit holds alerts, and lets one
// fact end them all.
func TestManyIncidentsOfOneSubject(t *testing.T) {
	w := newWorld(t, nil)
	account := quality.AccountSubject("1")
	const n = 150
	var rs []quality.Reading
	for i := range n {
		rs = append(rs, told(account, quality.Restriction(fmt.Sprintf("KIND_%d", i)), quality.RestrictionActive, w.now()))
	}
	w.observe(rs...)
	if open := len(w.state(account).Open); open != n {
		t.Fatalf("%d incidents are open, want %d", open, n)
	}
	w.flush()
	w.pass(5 * time.Hour)
	w.tick() // all want a reminder
	w.flush()
	w.pass(time.Minute)
	w.observe(told(account, quality.RestrictionLifted, "LIFTED", w.now()))
	w.flush()
	count := map[string]int{}
	for _, said := range w.post.said() {
		count[said]++
	}
	for _, want := range []string{"firing account_restricted critical", "reminder account_restricted critical", "resolved account_restricted critical"} {
		if count[want] != n {
			t.Errorf("%q was told %d times, want %d (all: %v)", want, count[want], n, count)
		}
	}
	if st := w.state(account); len(st.Open) != 0 || !st.Due.IsZero() && !st.Due.After(w.now()) {
		t.Errorf("%d incidents are open, due %s", len(st.Open), st.Due)
	}
}

// TestManyUnknownThings sends as many unknown things as one body may report.
func TestManyUnknownThings(t *testing.T) {
	w := newWorld(t, nil)
	d := quality.Delivery{WABAIDs: []string{"1"}}
	for i := range 200 {
		d.Unknown = append(d.Unknown, quality.Novelty{Kind: fmt.Sprintf("field:f%d", i), WABAID: "1", Raw: "{}", At: w.now()})
	}
	if err := w.watcher.Observe(context.Background(), d); err != nil {
		t.Fatal(err)
	}
	w.flush()
	if n := len(w.post.said()); n != 200 {
		t.Errorf("%d kinds were told, want 200", n)
	}
}

// TestMoreKindsThanAStateHolds invents thousands of kinds of restrictions and alerts, with long
// texts. What fits is kept and watched, the rest is kept as unknown, and the body is acknowledged.
func TestMoreKindsThanAStateHolds(t *testing.T) {
	for _, tc := range []struct{ n, text int }{{3000, 0}, {300, 500}, {40, 6000}} {
		w := newWorld(t, nil)
		account := quality.AccountSubject("1")
		text := strings.Repeat("<", tc.text)
		var rs []quality.Reading
		for i := range tc.n {
			r := told(account, quality.AlertOf("WABA", fmt.Sprint(i), "KIND"), "ACTIVE", w.now())
			r.Attrs = map[string]string{quality.AttrSeverity: "WARNING", quality.AttrDescription: text}
			r.Raw = fmt.Sprintf(`{"i":%d}`, i)
			rs = append(rs, r)
		}
		rs = append(rs, told(account, quality.ReviewStatus, "REJECTED", w.now()))
		w.observe(rs...)
		w.observe(rs...)
		st := w.state(account)
		if len(st.Open) < 3 || len(st.Open) > tc.n || st.Cells[quality.ReviewStatus].Current.Value != "REJECTED" {
			t.Errorf("%d kinds: %d incidents, review %q", tc.n, len(st.Open), st.Cells[quality.ReviewStatus].Current.Value)
		}
		if known, err := w.store.KnownNovelties(t.Context(), []string{"beyond:account_alert"}); err != nil || !known["beyond:account_alert"] {
			t.Errorf("%d kinds: what had no room is not kept as unknown (%v)", tc.n, err)
		}
		first := told(account, quality.AlertOf("WABA", "0", "KIND"), "RESOLVED", w.now().Add(time.Second))
		w.observe(first)
		if n := len(w.state(account).Open); n != len(st.Open)-1 {
			t.Errorf("%d kinds: %d incidents after one was resolved, want %d", tc.n, n, len(st.Open)-1)
		}
		w.pass(25 * time.Hour)
		w.tick() // reminders
		w.pass(8 * 24 * time.Hour)
		w.tick()
		if n := len(w.state(account).Open); n > 1 {
			t.Errorf("%d kinds: %d incidents after their time", tc.n, n)
		}
	}
}

// TestManyNoticesOfOneSubject changes a PIN more often than a state can remember.
func TestManyNoticesOfOneSubject(t *testing.T) {
	w := newWorld(t, nil)
	var rs []quality.Reading
	for i := range 300 {
		r := told(number("1"), quality.PIN, strings.Repeat("X", 400), w.now().Add(-time.Duration(i)*time.Second))
		rs = append(rs, r)
	}
	w.observe(rs[:150]...)
	w.observe(rs...)
	if n := len(w.state(number("1")).Notices); n > 200 {
		t.Errorf("%d marks", n)
	}
}

// TestManyAccountsInOneBody enrols several accounts at a time: one after the other, a relay's
// body that names hundreds would outlast the request.
func TestManyAccountsInOneBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := &slow{}
		w := newWorld(t, func(tab store.Table) store.Table { table.Table = tab; return table })
		var rs []quality.Reading
		for i := range 60 {
			rs = append(rs, told(quality.Subject{Kind: quality.PhoneNumber, WABAID: fmt.Sprint(i), ID: "1"}, quality.Flagged, quality.Yes, w.now()))
		}
		w.observe(rs...)
		if table.top < 4 {
			t.Errorf("%d writes at a time", table.top)
		}
		accounts, err := w.store.Accounts(t.Context())
		if err != nil || len(accounts) != 60 {
			t.Errorf("%d accounts, %v; want 60", len(accounts), err)
		}
	})
}

// TestLateCopiesReadTheirOwnKeysOnly sends readings again that newer ones have overtaken.
func TestLateCopiesReadTheirOwnKeysOnly(t *testing.T) {
	f := &tabletest.Faulty{}
	w := newWorld(t, func(tab store.Table) store.Table { f.Table = tab; return f })
	var old, young []quality.Reading
	for i := range 200 {
		old = append(old, told(template(fmt.Sprint(i)), quality.Status, "PAUSED", w.now().Add(-time.Hour)))
		young = append(young, told(template(fmt.Sprint(i)), quality.Status, "APPROVED", w.now()))
	}
	w.observe(young...)
	w.observe(old...)
	before := f.Counts()
	w.observe(old...)
	after := f.Counts()
	if q, n := after.Queries-before.Queries, after.Writes-before.Writes; q > 0 || n > 0 {
		t.Errorf("%d queries and %d writes for copies", q, n)
	}
	if rows := w.history(template("7"), quality.Status); len(rows) != 2 {
		t.Errorf("history = %+v, want 2 rows", rows)
	}
}
