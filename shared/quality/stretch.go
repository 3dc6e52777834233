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
}

// stretches replays a rule over observations, and returns by key when it held between the
// first observation and now.
func stretches(r Rule, k Kind, obs map[Signal][]observation, now time.Time) []stretch {
	instants := []time.Time{now}
	for sig, all := range obs {
		if !r.Reads(sig) && sig != Status && sig != Archived && sig != Presence {
			continue
		}
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
	var done []stretch
	running := map[string]*stretch{}
	var last time.Time
	for len(instants) > 0 {
		slices.SortFunc(instants, time.Time.Compare)
		at := instants[0]
		instants = instants[1:]
		if at.After(now) || at.Equal(last) {
			continue
		}
		last = at
		v := past(k, at, obs)
		var found []Finding
		if v.Retired() == "" {
			found = r.Holds(r, v)
		}
		for key, run := range running {
			if !slices.ContainsFunc(found, func(f Finding) bool { return f.Key == key }) {
				run.to = at
				done = append(done, *run)
				delete(running, key)
			}
		}
		for _, f := range found {
			if f.Until.After(at) {
				instants = append(instants, f.Until)
			}
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
