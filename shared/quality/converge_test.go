package quality

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

var t0 = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

func at(s int) time.Time { return t0.Add(time.Duration(s) * time.Second) }

// ledger is the smallest store there can be: it keeps what a store keeps, of one subject.
type ledger struct {
	t      fataler
	rules  Rules
	state  State
	points []Point
	log    map[Class][]LogEntry
	heads  Heads
	alerts []Alert
}

type fataler interface {
	Helper()
	Logf(format string, args ...any)
	Fatalf(format string, args ...any)
}

func newLedger(t fataler, s Subject) *ledger {
	return &ledger{t: t, rules: DefaultRules, state: State{Subject: s}, log: map[Class][]LogEntry{}, heads: Heads{}}
}

func (l *ledger) apply(now time.Time, polled map[Class]LogEntry, points func(State) []Point) Change {
	l.t.Helper()
	in := Input{State: l.state, Heads: l.heads, Polled: polled, Now: now, Points: points(l.state)}
	ch, need := l.rules.Apply(in)
	for range 4 {
		if need == nil {
			break
		}
		if in.Evidence == nil {
			in.Evidence = map[Signal]Evidence{}
		}
		for sig, from := range need {
			in.Evidence[sig] = l.evidence(sig, from)
		}
		ch, need = l.rules.Apply(in)
	}
	if need != nil {
		l.t.Fatalf("still needs %v", need)
	}
	l.t.Logf("apply now=%d points=%s", now.Unix()-t0.Unix(), brief(in.Points))
	if ch.Write {
		l.state = ch.State
		l.points = append(l.points, ch.Points...)
		l.alerts = append(l.alerts, ch.Alerts...)
	}
	return ch
}

func brief(points []Point) string {
	var b strings.Builder
	for _, p := range points {
		fmt.Fprintf(&b, "%s:%s=%s@%d ", p.Track, p.Signal, p.Value, p.At.Unix()-t0.Unix())
	}
	return b.String()
}

// evidence cuts as a store does: complete since from, and the newest before.
func (l *ledger) evidence(sig Signal, from time.Time) Evidence {
	ev := Evidence{From: from}
	for _, track := range []Track{Told, Seen} {
		var before *Point
		for _, p := range l.points {
			if p.Signal != sig || p.Track != track {
				continue
			}
			if !p.At.Before(from) {
				ev.Points = append(ev.Points, p)
			} else if before == nil || comparePoints(p.Subject.Kind, *before, p) < 0 {
				before = &p
			}
		}
		if before != nil {
			ev.Points = append(ev.Points, *before)
		}
	}
	for _, p := range l.points {
		if p.Signal == Presence {
			ev.Presence = append(ev.Presence, p)
		}
	}
	all := l.log[ClassOf(l.state.Subject.Kind, sig)]
	n, _ := slices.BinarySearchFunc(all, from, func(e LogEntry, t time.Time) int { return e.At.Compare(t) })
	ev.Log = all[max(0, n-1):]
	return ev
}

func (l *ledger) told(now time.Time, points ...Point) Change {
	l.t.Helper()
	return l.apply(now, nil, func(State) []Point { return points })
}

// poll sees values; landing happens after the commit and before the log is written.
func (l *ledger) poll(when time.Time, class Class, seeing *Seeing, without []Signal, landing func()) {
	l.t.Helper()
	e := LogEntry{At: when, Without: without}
	gone := l.state.Cells[Presence].Seen.Value == Missing
	if l.state.Unsettled(class, l.heads, when) || len(l.state.Diff(seeing, e, class, true, gone, l.heads)) > 0 {
		l.apply(when, map[Class]LogEntry{class: e}, func(s State) []Point { return s.Diff(seeing, e, class, true, gone, l.heads) })
	}
	if landing != nil {
		landing()
	}
	l.t.Logf("log %d without %v", when.Unix()-t0.Unix(), without)
	l.log[class] = append(l.log[class], e)
	l.heads[class] = l.heads[class].Append(e)
}

// A said is one observation of the reference: somebody said that a signal had a value.
type said struct {
	at    time.Time
	value string
	seen  bool
}

// reference computes rows from everything that was said, the slow and obvious way.
func reference(k Kind, sig Signal, all []said, keep func(string) bool) []Row {
	slices.SortFunc(all, func(a, b said) int {
		return comparePoints(k, Point{Signal: sig, At: a.at, Value: a.value, Track: trackOf(a)}, Point{Signal: sig, At: b.at, Value: b.value, Track: trackOf(b)})
	})
	byTime := map[time.Time]said{}
	var times []time.Time
	for _, s := range all {
		if !keep(s.value) {
			continue
		}
		if _, ok := byTime[s.at]; !ok {
			times = append(times, s.at)
		}
		byTime[s.at] = s
	}
	var out []Row
	for i, t := range times {
		s := byTime[t]
		if len(out) > 0 && out[len(out)-1].Value == s.value {
			continue
		}
		r := Row{Value: s.value, At: t, Track: trackOf(s)}
		if len(out) > 0 {
			r.From, r.NotBefore = out[len(out)-1].Value, times[i-1]
		}
		out = append(out, r)
	}
	return out
}

func trackOf(s said) Track {
	if s.seen {
		return Seen
	}
	return Told
}

var ignoreAttrs = cmpopts.IgnoreFields(Row{}, "Attrs")

// TestStateConverges is promise 2: whatever the order, grouping and duplication of webhooks, and
// whatever lands between the steps of a poll, the result is that of the sorted set.
func TestStateConverges(t *testing.T) {
	for _, tc := range []struct {
		kind   Kind
		class  Class
		signal Signal
		values []string
	}{
		{Template, Templates, Status, []string{"APPROVED", "PAUSED", "DISABLED", "REJECTED", Unknown}},
		{Template, Templates, QualityScore, []string{Green, Yellow, Red, Unknown}},
	} {
		t.Run(string(tc.signal), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) { converges(t, tc.kind, tc.class, tc.signal, tc.values) })
		})
	}
}

func converges(t *rapid.T, kind Kind, class Class, sig Signal, values []string) {
	subject := Subject{kind, "1", "7"}
	l := newLedger(t, subject)
	pick := rapid.SampledFrom(values)
	const span = 40
	var told []Point
	for range rapid.IntRange(0, 6).Draw(t, "told") {
		told = append(told, Point{Subject: subject, Signal: sig, Track: Told, Value: pick.Draw(t, "value"), At: at(rapid.IntRange(0, span).Draw(t, "at"))})
	}
	deliveries := slices.Clone(told)
	for range rapid.IntRange(0, 3).Draw(t, "copies") {
		if len(told) > 0 {
			deliveries = append(deliveries, rapid.SampledFrom(told).Draw(t, "copy"))
		}
	}
	deliveries = rapid.Permutation(deliveries).Draw(t, "order")
	deliver := func(now time.Time) {
		if n := rapid.IntRange(0, min(3, len(deliveries))).Draw(t, "batch"); n > 0 {
			l.told(now, deliveries[:n]...)
			deliveries = deliveries[n:]
		}
	}
	var all []said
	value := pick.Draw(t, "first")
	listed := true
	for s := 1; s < span; s += rapid.IntRange(1, 12).Draw(t, "gap") {
		if rapid.Bool().Draw(t, "changed") {
			value = pick.Draw(t, "now")
		}
		if rapid.IntRange(0, 7).Draw(t, "vanish") == 0 {
			listed = !listed
		}
		deliver(at(s))
		var without []Signal
		if rapid.IntRange(0, 7).Draw(t, "refused") == 0 {
			without = []Signal{sig}
		}
		see := &Seeing{Subject: subject, Values: map[Signal]Observed{sig: {Value: value}}}
		if without != nil {
			see.Values = nil
		}
		if !listed {
			see = nil
		}
		l.poll(at(s), class, see, without, func() { deliver(at(s)) })
		if listed && without == nil {
			all = append(all, said{at(s), value, true})
		}
	}
	for len(deliveries) > 0 {
		n := min(len(deliveries), rapid.IntRange(1, 3).Draw(t, "rest"))
		l.told(at(span+1), deliveries[:n]...)
		deliveries = deliveries[n:]
	}
	// One further poll of the class, which sees what there is.
	last := at(span + 5)
	l.poll(last, class, &Seeing{Subject: subject, Values: map[Signal]Observed{sig: {Value: value}}}, nil, nil)
	all = append(all, said{last, value, true})
	for _, p := range told {
		all = append(all, said{p.At, p.Value, false})
	}

	want := reference(kind, sig, slices.Clone(all), anyValue)
	got := History(kind, sig, l.evidence(sig, time.Time{}))
	if d := cmp.Diff(want, got, ignoreAttrs); d != "" {
		t.Fatalf("history (-want +got):\n%s", d)
	}
	if d := cmp.Diff(want[len(want)-1], l.state.Cells[sig].Current, ignoreAttrs); d != "" {
		t.Fatalf("current (-want +got):\n%s", d)
	}
	var wantKnown Row
	if known := reference(kind, sig, slices.Clone(all), func(v string) bool { return v != "UNKNOWN" }); len(known) > 0 {
		wantKnown = known[len(known)-1]
	}
	if d := cmp.Diff(wantKnown, l.state.Cells[sig].Known, ignoreAttrs); d != "" {
		t.Fatalf("known (-want +got):\n%s", d)
	}
	holds := fmt.Sprint(holding(l.rules, l.state.view(last, l.heads)))
	var fresh State
	fresh.Subject = subject
	fresh.Cells = map[Signal]Cell{sig: {Current: want[len(want)-1], Known: wantKnown}}
	if want := fmt.Sprint(holding(l.rules, fresh.view(last, nil))); want != holds {
		t.Fatalf("rules hold: %s, want %s", holds, want)
	}
	before := l.state
	if ch := l.told(last, told...); ch.Write {
		t.Fatalf("duplicates were written: %s", cmp.Diff(before, ch.State))
	}
}

func holding(rs Rules, v View) []string {
	var out []string
	for _, r := range rs {
		if !slices.Contains(r.Kinds, v.Kind) {
			continue
		}
		for _, f := range r.Holds(r, v) {
			out = append(out, r.ID+f.Key+string(f.Severity))
		}
	}
	return out
}
