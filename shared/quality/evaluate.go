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
		var over []stretch
		if r.Once {
			found, over = w.without(r, found, view, replay)
		}
		for _, f := range found {
			if p, wait := w.fire(r, f, view, replay); wait {
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
		w.remember(r, over)
		w.voids(r, view)
	}
	w.s.Pending = pending
	w.dropOrphans(rs)
	w.s.Past = recent(w.s.Past)
}

// recent are the newest stretches that were told, and of rules that end once and for all the newest
// of each: without it they would begin again.
func recent(past []Span) []Span {
	if len(past) <= maxPast {
		return past
	}
	old, out := past[:len(past)-maxPast], past[len(past)-maxPast:]
	for i, p := range slices.Backward(old) {
		newer := slices.ContainsFunc(past[i+1:], func(q Span) bool { return q.Rule == p.Rule && q.Key == p.Key && !q.Told.IsZero() })
		if !p.Told.IsZero() && !newer {
			out = slices.Insert(slices.Clone(out), 0, p)
		}
	}
	return out
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

// evidence gathers what a rule reads, and what puts a subject out of use, for a replay: history where
// it was rebuilt, elsewhere what the cells remember.
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
				if last := c.Known.NotBefore; before.Value == c.Known.From && last.After(before.At) {
					obs = append(obs, observation{last, before.Value, Seen, nil, true})
				}
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

// without leaves out of what a rule finds that which has ended already and nobody has said since. Of
// what a replay says so it returns the stretches: they are to be remembered.
func (w *work) without(r Rule, found []Finding, v View, replay []stretch) (left []Finding, over []stretch) {
	for _, f := range found {
		said := v.newest(f.Signal)
		st := slices.IndexFunc(replay, func(st stretch) bool {
			return !st.open && st.retired == "" && st.finding.Key == f.Key && st.to.After(said)
		})
		switch {
		case f.Announced:
			left = append(left, f)
		case slices.ContainsFunc(w.s.Open, func(inc Incident) bool { return inc.Rule == r.ID && inc.Key == f.Key }):
			left = append(left, f)
		case slices.ContainsFunc(w.s.Past, func(p Span) bool { return p.Rule == r.ID && p.Key == f.Key && !p.Told.Before(said) }):
		case st >= 0:
			over = append(over, replay[st])
		default:
			left = append(left, f)
		}
	}
	return left, over
}

// remember keeps how what a rule finds has ended, also if that was too long ago to be told.
func (w *work) remember(r Rule, over []stretch) {
	for _, st := range over {
		span := Span{Rule: r.ID, Key: st.finding.Key, From: st.from, To: st.to, Told: justBefore(st.to), Reason: st.reason}
		if !slices.Contains(w.s.Past, span) {
			w.s.Past = append(w.s.Past, span)
		}
	}
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
