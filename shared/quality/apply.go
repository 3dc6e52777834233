package quality

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"time"
)

// Input is what there is to apply to one subject.
type Input struct {
	State State
	// Heads are the ends of the account's logs as they are stored.
	Heads Heads
	// Polled is the poll under way, if any: it is not in the log before everything else is stored.
	Polled map[Class]LogEntry
	// Points to add, of this subject, in any order.
	Points []Point
	Name   string
	Refs   map[string]string
	// Evidence holds what an earlier Need asked for.
	Evidence map[Signal]Evidence
	Now      time.Time
	// FirstLook names the classes that have never been polled successfully before.
	FirstLook map[Class]bool
	// Noticed are facts that were told of the subject while it went by another name.
	Noticed []NoticeMark
}

// Need names the signals whose evidence is missing, and since when; a zero time asks for all.
type Need map[Signal]time.Time

// Change is what to store after Apply.
type Change struct {
	State  State
	Points []Point
	Alerts []Alert
	// Write is false when there is nothing to store: duplicates change nothing.
	Write bool
	// Recheck is set while an incident waits for a second poll to contradict a young webhook.
	Recheck bool
	// Disagree lists the classes whose polls a new point contradicts.
	Disagree []Class
	// More is set when there is more to tell than one change holds: apply again once it is stored.
	More bool
}

// Apply adds points to a subject and evaluates the rules. It returns either what to store or
// what evidence it needs to decide: then the caller reads it and calls again. Points that are
// known already are dropped, wherever in time they lie.
func (rs Rules) Apply(in Input) (Change, Need) {
	w := &work{in: in, s: in.State.Clone(), need: Need{}, touched: map[Signal]bool{}, obs: map[Signal][]observation{}, rebuilt: map[Signal][]Row{}}
	w.settleLog()
	w.add()
	w.lookBack(rs)
	if len(w.need) > 0 {
		w.widen(rs)
		return Change{}, w.need
	}
	w.name()
	w.evaluate(rs)
	w.notices(rs)
	if len(w.added) > 0 {
		w.forget()
	}
	w.s.Ruleset = Ruleset
	w.s.Due = w.due
	if w.more {
		w.s.Due = in.Now // should nobody apply again at once, the clock does
	}
	return w.change(), nil
}

// work is one call of Apply.
type work struct {
	in      Input
	s       State
	need    Need
	added   []Point
	touched map[Signal]bool
	obs     map[Signal][]observation // of signals made from evidence
	rebuilt map[Signal][]Row         // their known rows
	alerts  []Alert
	due     time.Time
	recheck bool
	more    bool // some incidents wait for the next change
}

// settleLog brings cells up to date with log entries that came after them.
func (w *work) settleLog() {
	kind := w.s.Subject.Kind
	for _, sig := range slices.Sorted(maps.Keys(w.s.Cells)) {
		c := w.s.Cells[sig]
		class := ClassOf(kind, sig)
		if class == "" || c.Told.IsZero() || c.Seen.IsZero() || !w.s.Covered() {
			continue
		}
		head := w.in.Heads[class]
		last, _ := head.Confirmed(sig)
		if !c.Told.At.Before(last) && w.s.Logged[class].Before(last) {
			// The entry confirms what was in force before webhooks that came while the poll ran.
			w.fromEvidence(sig, nil, last)
			continue
		}
		now, _, _ := w.s.Current(sig, w.in.Heads)
		if now.Value == c.Current.Value {
			continue
		}
		at, exact := head.firstAfter(sig, c.Told.At)
		if !exact || at.IsZero() {
			w.fromEvidence(sig, nil, c.Told.At)
			continue
		}
		c.observe(c.Seen.Value, at, Seen, c.Seen.Attrs, c.Told.At)
		w.s.Cells[sig] = c
		w.touched[sig] = true
	}
}

// add merges the new points, signal by signal; presence last, since it says what the log covers.
func (w *work) add() {
	by := map[Signal][]Point{}
	known := map[PointKey]bool{}
	for _, p := range w.in.Points {
		if k := p.Key(); !known[k] {
			known[k] = true
			by[p.Signal] = append(by[p.Signal], p)
		}
	}
	order := slices.SortedFunc(maps.Keys(by), func(a, b Signal) int {
		return cmp.Or(cmp.Compare(presenceLast(a), presenceLast(b)), cmp.Compare(a, b))
	})
	for _, sig := range order {
		w.addSignal(sig, by[sig])
	}
}

func presenceLast(s Signal) int {
	if s == Presence {
		return 1
	}
	return 0
}

func (w *work) addSignal(sig Signal, points []Point) {
	c, exists := w.s.Cells[sig]
	if !exists {
		w.fromEvidence(sig, points, time.Time{})
		return
	}
	points = slices.DeleteFunc(points, func(p Point) bool { return c.has(p) })
	if len(points) == 0 {
		return
	}
	last := w.s.lastObserved(sig, w.in.Heads)
	// What a lifting ends is told by the readings of every type: of one that expired and came again
	// a cell remembers one row.
	if _, again := w.obs[sig]; !again && len(points) == 1 && points[0].At.After(last) && !collapses(sig) && !restarts(w.s.Subject.Kind, sig) && sig != RestrictionLifted {
		p := points[0]
		w.setCell(sig, p, last)
		w.added = append(w.added, p)
		w.touched[sig] = true
		return
	}
	from := slices.MinFunc(points, func(a, b Point) int { return a.At.Compare(b.At) }).At
	w.fromEvidence(sig, points, from)
}

// setCell adds a point that is newer than everything known of its signal.
func (w *work) setCell(sig Signal, p Point, last time.Time) {
	c := w.s.Cells[sig]
	if sig == Presence && p.Value != Present {
		w.freeze(p)
	}
	c.observe(p.Value, p.At, p.Track, p.Attrs, last)
	c.mark(p)
	w.put(sig, c)
}

// freeze remembers how far polls confirmed the other signals of a subject that is listed no more.
func (w *work) freeze(p Point) {
	if !w.s.Covered() {
		return
	}
	for sig, c := range w.s.Cells {
		if sig == Presence || c.Seen.IsZero() {
			continue
		}
		c.Seen.Until, _ = w.s.Confirmed(sig, w.in.Heads)
		w.s.Cells[sig] = c
	}
}

func (w *work) put(sig Signal, c Cell) {
	if w.s.Cells == nil {
		w.s.Cells = map[Signal]Cell{}
	}
	w.s.Cells[sig] = c
}

// fromEvidence rebuilds a cell from its history since from, and adds points to it. Signals
// that polls do not cover have few points: all of them are read.
func (w *work) fromEvidence(sig Signal, points []Point, from time.Time) {
	kind := w.s.Subject.Kind
	c, exists := w.s.Cells[sig]
	if ClassOf(kind, sig) == "" {
		from = time.Time{}
	}
	ev, ok := w.in.Evidence[sig]
	if exists && (!ok || from.Before(ev.From)) {
		if old, asked := w.need[sig]; asked && old.Before(from) {
			from = old
		}
		w.need[sig] = from
		return
	}
	ev = w.s.Complete(sig, ev)
	stored := map[PointKey]bool{}
	for _, p := range ev.Points {
		stored[p.Key()] = true
	}
	fresh := slices.DeleteFunc(slices.Clone(points), func(p Point) bool { return stored[p.Key()] })
	if len(points) > 0 && len(fresh) == 0 {
		return // duplicates, all of them
	}
	ev.Points = append(slices.Clone(ev.Points), fresh...)
	obs := observations(kind, sig, ev)
	if len(obs) == 0 {
		return
	}
	if !ev.From.IsZero() && exists && !ev.bridged(kind, sig) || !c.rebuild(rows(obs, anyValue, 0), knownRows(kind, sig, obs), obs, ev.From, ev.From.IsZero() || !exists) {
		w.need[sig] = time.Time{}
		return
	}
	if collapses(sig) {
		c.Told = Mark{}
	}
	for _, p := range effective(sig, ev.Points) {
		if newer(kind, p, sig, c) {
			if sig == Presence && p.Value != Present {
				w.freeze(p)
			}
			c.mark(p)
		}
	}
	if collapses(sig) {
		c.Told.Until = repeated(sig, c.Told, ev.Points)
	}
	w.put(sig, c)
	w.obs[sig] = obs
	w.rebuilt[sig] = knownRows(kind, sig, obs)
	w.added = append(w.added, fresh...)
	w.touched[sig] = true
}

// newer reports whether p should take the place of its track's mark.
func newer(k Kind, p Point, sig Signal, c Cell) bool {
	m := c.Told
	if p.Track == Seen {
		m = c.Seen
	}
	if m.IsZero() {
		return true
	}
	return comparePoints(k, p, Point{Signal: sig, Value: m.Value, At: m.At, Attrs: m.Attrs, Track: p.Track}) > 0
}

// lookBack asks for what else was observed since late readings of rules that end once and for all:
// what ended them may have come and gone.
func (w *work) lookBack(rs Rules) {
	for _, r := range rs {
		if !r.Once || !slices.Contains(r.Kinds, w.s.Subject.Kind) {
			continue
		}
		for _, p := range w.added {
			for sig := range w.s.Cells {
				if !r.Reads(p.Signal) || !r.Reads(sig) || sig == p.Signal || !w.s.lastObserved(sig, w.in.Heads).After(p.At) {
					continue
				}
				if ev, read := w.in.Evidence[sig]; read && !p.At.Before(ev.From) {
					continue
				}
				if from, asked := w.need[sig]; !asked || p.At.Before(from) {
					w.need[sig] = p.At
				}
			}
		}
	}
}

// widen asks for the evidence of everything that is read together with what is needed.
func (w *work) widen(rs Rules) {
	for sig, from := range maps.Clone(w.need) {
		for _, r := range rs {
			if !r.Reads(sig) || !slices.Contains(r.Kinds, w.s.Subject.Kind) {
				continue
			}
			for other := range w.s.Cells {
				if _, asked := w.need[other]; r.Reads(other) && !asked {
					w.need[other] = from
				}
			}
		}
	}
}

func (w *work) name() {
	if w.in.Name != "" {
		w.s.Name = w.in.Name
	}
	for k, v := range w.in.Refs {
		if v != "" && w.s.Refs[k] != v {
			if w.s.Refs == nil {
				w.s.Refs = map[string]string{}
			}
			w.s.Refs[k] = v
		}
	}
}

func (w *work) change() Change {
	ch := Change{State: w.s, Points: w.added, Alerts: w.alerts, Recheck: w.recheck, More: w.more}
	before := w.in.State
	after := w.s
	after.Logged, before.Logged = nil, nil
	ch.Write = len(w.added) > 0 || len(w.alerts) > 0 || !reflect.DeepEqual(normal(before), normal(after))
	if !ch.Write {
		return ch
	}
	ch.State.Version++
	if ch.State.Logged == nil {
		ch.State.Logged = map[Class]time.Time{}
	}
	for class, h := range w.in.Heads {
		if !h.Last.IsZero() && w.reads(class) {
			ch.State.Logged[class] = h.Last
		}
	}
	for _, p := range w.added {
		class := ClassOf(p.Subject.Kind, p.Signal)
		if p.Track == Told && class != "" && w.s.Cells[p.Signal].Seen.Value != p.Value && !slices.Contains(ch.Disagree, class) {
			ch.Disagree = append(ch.Disagree, class)
		}
	}
	return ch
}

func (w *work) reads(class Class) bool {
	for sig := range w.s.Cells {
		if ClassOf(w.s.Subject.Kind, sig) == class {
			return true
		}
	}
	return false
}

// normal makes empty and absent the same, for comparison.
func normal(s State) State {
	if len(s.Cells) == 0 {
		s.Cells = nil
	}
	if len(s.Refs) == 0 {
		s.Refs = nil
	}
	if len(s.Open) == 0 {
		s.Open = nil
	}
	if len(s.Pending) == 0 {
		s.Pending = nil
	}
	if len(s.Past) == 0 {
		s.Past = nil
	}
	if len(s.Notices) == 0 {
		s.Notices = nil
	}
	if s.Version == 0 {
		s.Ruleset = Ruleset
	}
	return s
}
