package quality

import (
	"maps"
	"slices"
	"time"
)

// evaluate compares what holds now with the incidents that are open.
func (w *work) evaluate(rs Rules) {
	now, kind := w.in.Now, w.s.Subject.Kind
	heads := w.in.Heads
	if len(w.in.Polled) > 0 {
		heads = maps.Clone(heads)
		if heads == nil {
			heads = Heads{}
		}
		for class, e := range w.in.Polled {
			if e.At.After(heads[class].Last) {
				heads[class] = heads[class].Append(e)
			}
		}
	}
	view := w.s.view(now, heads)
	retired := view.Retired()
	var pending []Pending
	for _, r := range rs {
		if !slices.Contains(r.Kinds, kind) {
			continue
		}
		var found []Finding
		if retired == "" && !r.Off {
			found = r.Holds(r, view)
		}
		var replay []stretch
		if w.wasTouched(r) && !r.Off {
			replay = stretches(r, kind, w.evidence(r, heads), now)
		}
		if r.Once {
			found = slices.DeleteFunc(found, func(f Finding) bool { return w.ended(r, f, view) })
		}
		for _, f := range found {
			if p, wait := w.fire(r, f, replay); wait {
				pending = append(pending, p)
			}
		}
		for i := range w.s.Open {
			inc := &w.s.Open[i]
			if inc.Rule == r.ID && !slices.ContainsFunc(found, func(f Finding) bool { return f.Key == inc.Key }) {
				w.cease(r, inc, view, retired)
			}
		}
		w.s.Open = slices.DeleteFunc(w.s.Open, func(inc Incident) bool { return inc.ID == "" })
		w.pass(r, replay)
		w.voids(r, view)
	}
	w.s.Pending = pending
	w.dropOrphans(rs)
	if n := len(w.s.Past); n > maxPast {
		w.s.Past = w.s.Past[n-maxPast:]
	}
}

// dropOrphans forgets incidents of rules that no longer exist: nobody could ever resolve them.
func (w *work) dropOrphans(rs Rules) {
	w.s.Open = slices.DeleteFunc(w.s.Open, func(inc Incident) bool {
		return !slices.ContainsFunc(rs, func(r Rule) bool { return r.ID == inc.Rule })
	})
}

func (w *work) wasTouched(r Rule) bool {
	for sig := range w.touched {
		if r.Reads(sig) {
			return true
		}
	}
	return false
}

// evidence gathers what a rule reads, and what puts a subject out of use, for a replay: history where it was rebuilt, elsewhere
// what the cells remember.
func (w *work) evidence(r Rule, heads Heads) map[Signal][]observation {
	out := map[Signal][]observation{}
	for sig, c := range w.s.Cells {
		// Of signals that come one per type each is judged by itself: those that nothing was added
		// to have nothing new to tell, however many there are.
		if !r.Reads(sig) && !retires(sig) || manifold(sig) && !w.touched[sig] && !w.touched[RestrictionLifted] {
			continue
		}
		if obs, ok := w.obs[sig]; ok {
			out[sig] = obs
			continue
		}
		var obs []observation
		ev, read := w.in.Evidence[sig]
		if read {
			// It was read because the rule reads it with what was added: a cell remembers its end only.
			obs = observations(w.s.Subject.Kind, sig, w.s.Complete(sig, ev))
		} else if !c.Known.IsZero() {
			before := w.in.State.Cells[sig].Known
			if !before.IsZero() && before.At.Before(c.Known.At) {
				obs = append(obs, observation{before.At, before.Value, before.Track, before.Attrs, true})
			}
			obs = append(obs, observation{c.Known.At, c.Known.Value, c.Known.Track, c.Known.Attrs, true})
			if c.Told.Value == c.Known.Value && c.Told.At.After(c.Known.At) {
				obs = append(obs, observation{c.Told.At, c.Told.Value, Told, c.Told.Attrs, true})
			}
		}
		if !read && !c.Current.IsZero() && !Known(c.Current.Value) {
			obs = append(obs, observation{c.Current.At, c.Current.Value, c.Current.Track, c.Current.Attrs, true})
		}
		if last, before := w.s.Confirmed(sig, heads); c.Seen.Value == c.Current.Value && !last.IsZero() {
			for _, at := range []time.Time{before, last} {
				if at.After(c.Current.At) && !(read && slices.ContainsFunc(obs, func(o observation) bool { return o.at.Equal(at) })) {
					obs = append(obs, observation{at, c.Seen.Value, Seen, nil, true})
				}
			}
		}
		slices.SortStableFunc(obs, func(a, b observation) int { return a.at.Compare(b.at) })
		if len(obs) > 0 {
			out[sig] = obs
		}
	}
	return out
}

// ended reports whether what a rule finds has ended already, and nobody has said it since.
func (w *work) ended(r Rule, f Finding, v View) bool {
	same := func(rule, key string) bool { return rule == r.ID && key == f.Key }
	return !slices.ContainsFunc(w.s.Open, func(inc Incident) bool { return same(inc.Rule, inc.Key) }) &&
		slices.ContainsFunc(w.s.Past, func(p Span) bool { return same(p.Rule, p.Key) && !p.Told.Before(v.newest(f.Signal)) })
}

// maxTold bounds the alerts about incidents of one change, which is one transaction: a lifting
// may end a hundred restrictions at once.
const maxTold = 50

// full reports whether the next alert about an incident has to wait for the next change. Rules
// are levels, so nothing is lost by looking again.
func (w *work) full() bool {
	full := len(w.alerts) >= maxTold
	w.more = w.more || full
	return full
}

// voids wakes the subject when UNKNOWN ends what a rule reads.
func (w *work) voids(r Rule, v View) {
	for _, inc := range w.s.Open {
		if l := v.levels[inc.Signal]; inc.Rule == r.ID && !l.unknownSince.IsZero() {
			w.dueAt(l.unknownSince.Add(endAfter))
		}
	}
	if r.ID == RuleWatchToken && slices.Contains(r.Kinds, w.s.Subject.Kind) {
		if row, ok := v.Known(Token); ok {
			if until := parseTime(row.Attrs[AttrUntil]); !until.IsZero() {
				w.dueAt(until.Add(-tokenWarning))
				w.dueAt(until)
			}
		}
	}
}

// dueIncident wakes the subject for the next thing that time does to an incident.
func (w *work) dueIncident(r Rule, inc Incident, f Finding) {
	if every := r.repeat(inc); every > 0 {
		w.dueAt(inc.ToldAt.Add(every))
		for _, t := range f.Again {
			w.dueAt(t)
		}
	}
	if !inc.EasingAt.IsZero() {
		w.dueAt(inc.EasingAt.Add(r.KeepFiringFor))
	}
	w.dueAt(inc.Until)
}

// dueAt wakes the subject at t, unless t has passed or is zero. It is a whole second, as it is
// stored: otherwise the state would differ from what was read, and a duplicate write it again.
func (w *work) dueAt(t time.Time) {
	if t.After(w.in.Now) {
		if whole := t.Truncate(time.Second); whole.Before(t) {
			t = whole.Add(time.Second)
		}
		w.due = sooner(w.due, t)
	}
}
