package quality

import (
	"slices"
	"time"
)

// stretch is a span of time in which a rule held without a break.
type stretch struct {
	finding  Finding // as it was at its worst
	from, to time.Time
	open     bool // still holds at the end of the replay
	// reason is why it ended, if not because the value changed, and retired what the subject then was.
	reason, retired string
}

// stretches replays a rule over observations, and returns by key when it held between the
// first observation and now.
func stretches(r Rule, k Kind, obs map[Signal][]observation, now time.Time) []stretch {
	instants := []time.Time{now}
	for _, all := range obs {
		for i, o := range all {
			// A confirmation changes nothing but for rules that count polls.
			if i == 0 || o.point || all[i-1].point || all[i-1].value != o.value || len(all) < 64 {
				instants = append(instants, o.at)
			}
			if !Known(o.value) {
				instants = append(instants, o.at.Add(endAfter))
			}
		}
	}
	slices.SortFunc(instants, time.Time.Compare)
	var done []stretch
	running := map[string]*stretch{}
	latest := map[string]Finding{}
	over := map[string]time.Time{} // when what ends once and for all has ended
	var last time.Time
	film := newReplay(k, obs)
	for len(instants) > 0 {
		at := instants[0]
		instants = instants[1:]
		if at.After(now) || at.Equal(last) {
			continue
		}
		last = at
		v := film.until(at)
		var found []Finding
		if v.Retired() == "" {
			found = slices.DeleteFunc(r.Holds(r, v), func(f Finding) bool {
				return r.Once && !f.Announced && v.newest(f.Signal).Before(over[f.Key])
			})
		}
		for key, run := range running {
			if !slices.ContainsFunc(found, func(f Finding) bool { return f.Key == key }) {
				inc := Incident{Rule: r.ID}
				inc.adopt(latest[key])
				run.to, run.reason, run.retired = at, ceasedFor(r, &inc, v), v.Retired()
				if run.retired == "" {
					over[key] = at
				}
				done = append(done, *run)
				delete(running, key)
			}
		}
		for _, f := range found {
			if f.Until.After(at) {
				i, _ := slices.BinarySearchFunc(instants, f.Until, time.Time.Compare)
				instants = slices.Insert(instants, i, f.Until)
			}
			latest[f.Key] = f
			run := running[f.Key]
			if run == nil {
				run = &stretch{finding: f, from: at}
				running[f.Key] = run
			} else if f.Severity.Level() > run.finding.Severity.Level() {
				run.finding = f
			}
		}
	}
	for _, run := range running {
		run.to, run.open = now, true
		done = append(done, *run)
	}
	slices.SortFunc(done, func(a, b stretch) int { return a.from.Compare(b.from) })
	return done
}

// replay makes views of moments in the past from observations by signal, one moment after the
// other: what is remembered of a signal moves on with its observations, however many there are.
type replay struct {
	view    View
	signals map[Signal]*replayed
}

// replayed is one signal of a replay.
type replayed struct {
	left   []observation // that are yet to come
	known  collapse
	every  collapse
	told   map[string]time.Time // newest reading by a webhook, by value
	viewed viewed
}

func newReplay(k Kind, obs map[Signal][]observation) *replay {
	r := &replay{view: View{Kind: k, levels: make(map[Signal]viewed, len(obs))}, signals: make(map[Signal]*replayed, len(obs))}
	for sig, all := range obs {
		r.signals[sig] = &replayed{
			left: all, known: collapse{keep: Known, overAfter: overAfter(k, sig)}, every: collapse{keep: anyValue}, told: map[string]time.Time{},
		}
	}
	return r
}

// until returns the view of a moment that is no earlier than the one before. Signals without
// observations are left out. The view is valid until the next call.
func (r *replay) until(at time.Time) View {
	r.view.At = at
	for sig, s := range r.signals {
		moved := false
		for len(s.left) > 0 && !s.left[0].at.After(at) {
			s.next()
			moved = true
		}
		if moved {
			r.view.levels[sig] = s.viewed
		}
	}
	return r.view
}

// next takes in the observations of one moment.
func (s *replayed) next() {
	n := second(s.left)
	s.known.add(s.left[:n])
	s.every.add(s.left[:n])
	l := &s.viewed
	for _, o := range s.left[:n] {
		if o.track == Told {
			s.told[o.value] = o.at
			continue
		}
		if o.value != l.seen {
			l.seenAt = time.Time{}
		}
		l.seen, l.seenBefore, l.seenAt = o.value, l.seenAt, o.at
	}
	s.left = s.left[n:]
	l.known, l.told, l.unknownSince = s.known.row, s.told[s.known.row.Value], time.Time{}
	if !Known(s.every.row.Value) {
		l.unknownSince = s.every.row.At
	}
}
