package quality

import (
	"maps"
	"slices"
	"time"
)

// Evidence is what is known of one signal over a span of time, from which its rows are made.
type Evidence struct {
	// Points of the signal, both tracks, in any order, each once.
	Points []Point
	// Presence are the seen points of the subject's presence; they say when the log covers it.
	Presence []Point
	// Log of the signal's class, ascending.
	Log []LogEntry
	// From is where the evidence begins to be complete. What is older is there only as the
	// newest point of each track, and the newest log entry, before it. Zero: it is all there.
	From time.Time
}

// bridged reports whether the newest log entry before From speaks for the signal. If it does
// not, an older one might, and From is too late to tell when the value was last confirmed.
func (ev Evidence) bridged(k Kind, sig Signal) bool {
	var last *LogEntry
	for i := range ev.Log {
		if ev.Log[i].At.Before(ev.From) {
			last = &ev.Log[i]
		}
	}
	if last == nil {
		return true
	}
	if k != PhoneNumber && k != Template {
		return !slices.Contains(last.Without, sig)
	}
	present := Point{}
	for _, p := range ev.Presence {
		if !p.At.After(last.At) && !p.At.Before(present.At) {
			present = p
		}
	}
	return present.Value == Present && !slices.Contains(last.Without, sig)
}

// observation is one moment at which somebody said what a value was.
type observation struct {
	at    time.Time
	value string
	track Track
	attrs map[string]string
	point bool // as opposed to an entry of the log
}

// observations returns what was said of a signal, in order: points, and for every log entry
// what the track seen then said. Repeats of one reading are left out.
func observations(k Kind, sig Signal, ev Evidence) []observation {
	return observe(k, sig, ev, func(out []observation, o observation) []observation { return append(out, o) })
}

// outline returns the observations that rows of the signal alone are made of: of log entries that
// follow each other only the first and the last two, since a webhook of the same second hides the
// last. A year of polls has a hundred thousand of them.
func outline(k Kind, sig Signal, ev Evidence) []observation {
	return observe(k, sig, ev, func(out []observation, o observation) []observation {
		if n := len(out); n >= 3 && !out[n-1].point && !out[n-2].point && !out[n-3].point {
			out[n-2], out[n-1] = out[n-1], o
			return out
		}
		return append(out, o)
	})
}

// observe gathers observations; confirm adds those that log entries stand for.
func observe(k Kind, sig Signal, ev Evidence, confirm func([]observation, observation) []observation) []observation {
	points := effective(sig, ev.Points)
	slices.SortFunc(points, func(a, b Point) int { return comparePoints(k, a, b) })
	presence := slices.Clone(ev.Presence)
	slices.SortFunc(presence, func(a, b Point) int { return a.At.Compare(b.At) })
	listed := k == PhoneNumber || k == Template

	var out []observation
	var seen Point
	var i, j int
	present := !listed
	_, restriction := sig.RestrictionType()
	put := func(p Point) {
		if p.Track == Seen {
			seen = p
		}
		if restriction && p.Attrs[AttrUntil] == "" {
			// It has no end, whatever those before it had.
			p.Attrs = maps.Clone(p.Attrs)
			if p.Attrs == nil {
				p.Attrs = map[string]string{}
			}
			p.Attrs[AttrUntil] = ""
		}
		out = append(out, observation{p.At, p.Value, p.Track, p.Attrs, true})
	}
	for _, e := range ev.Log {
		for ; i < len(points) && points[i].At.Before(e.At); i++ {
			put(points[i])
		}
		for ; j < len(presence) && !presence[j].At.After(e.At); j++ {
			present = !listed || presence[j].Value == Present
		}
		// Seen comes before told within a second.
		for ; i < len(points) && points[i].At.Equal(e.At) && points[i].Track == Seen; i++ {
			put(points[i])
		}
		if present && !seen.At.IsZero() && seen.At.Before(e.At) && !slices.Contains(e.Without, sig) {
			out = confirm(out, observation{at: e.At, value: seen.Value, track: Seen, attrs: seen.Attrs})
		}
	}
	for ; i < len(points); i++ {
		put(points[i])
	}
	return out
}

// effective leaves out repeats. An equal ban (same date) or restriction (same expiry) that was
// told within 8 days before is the same reading, which keeps its earliest time: nothing says
// whether a redelivery keeps the time of the first. What comes 8 days after that time is a reading
// of its own, however often it was repeated between; and what has neither date nor expiry, after a
// day: it looks the same when it is imposed again, which nobody may miss.
func effective(sig Signal, points []Point) []Point {
	if !collapses(sig) {
		return slices.Clone(points)
	}
	var out []Point
	for _, p := range slices.SortedStableFunc(slices.Values(points), func(a, b Point) int { return a.At.Compare(b.At) }) {
		repeat := p.Track == Told && slices.ContainsFunc(out, func(q Point) bool {
			return q.Track == Told && q.At.Before(p.At) && p.At.Sub(q.At) < repeatedWithin(sig, p, q, out) && sameReading(sig, p, q)
		})
		if !repeat {
			out = append(out, p)
		}
	}
	return out
}

// repeatedWithin is how long after a reading a like one is its copy. One that was followed by another
// of the same value, for another reason or time, is not imposed again.
func repeatedWithin(sig Signal, p, like Point, kept []Point) time.Duration {
	followed := slices.ContainsFunc(kept, func(o Point) bool {
		return o.Value == p.Value && o.At.After(like.At) && !sameReading(sig, o, p)
	})
	if p.Attrs[term(sig)] == "" && !followed {
		return undatedRepeatFor
	}
	return repeatFor
}

// repeated is when the reading of a told mark was last repeated; zero if it was not.
func repeated(sig Signal, m Mark, points []Point) (at time.Time) {
	if !collapses(sig) || m.IsZero() {
		return time.Time{}
	}
	for _, p := range points {
		if p.Track == Told && p.At.After(m.At) && sameReading(sig, p, Point{Value: m.Value, Attrs: m.Attrs}) {
			at = later(at, p.At)
		}
	}
	return at
}

func collapses(sig Signal) bool {
	_, restriction := sig.RestrictionType()
	return restriction || sig == BanState
}

// term is the detail that tells one ban, or restriction, from the next.
func term(sig Signal) string {
	if sig == BanState {
		return AttrDate
	}
	return AttrUntil
}

func sameReading(sig Signal, a, b Point) bool {
	return a.Value == b.Value && a.Attrs[term(sig)] == b.Attrs[term(sig)] && a.Attrs[AttrViolation] == b.Attrs[AttrViolation]
}

// rows collapses observations: one row per change. Within a second the last observation is
// the one in force. keep says which values count. Where a row is over after a while, a like
// reading after that begins another; 0 for never.
func rows(obs []observation, keep func(string) bool, overAfter time.Duration) []Row {
	var out []Row
	c := collapse{keep: keep, overAfter: overAfter}
	for len(obs) > 0 {
		n := second(obs)
		if c.add(obs[:n]) {
			out = append(out, c.row)
		} else if len(out) > 0 {
			out[len(out)-1] = c.row
		}
		obs = obs[n:]
	}
	return out
}

// second counts the observations at the beginning that are of one moment.
func second(obs []observation) int {
	n := 1
	for n < len(obs) && obs[n].at.Equal(obs[0].at) {
		n++
	}
	return n
}

// collapse makes rows of observations, one moment after the other.
type collapse struct {
	keep      func(string) bool
	overAfter time.Duration
	row       Row       // in force; zero before the first
	last      time.Time // when it was last observed
}

// add takes the observations of one moment, and reports whether they begin a row.
func (c *collapse) add(obs []observation) (begins bool) {
	for i := len(obs) - 1; i >= 0; i-- {
		o := obs[i]
		if !c.keep(o.value) {
			continue
		}
		before := c.row
		over := !before.IsZero() && c.overAfter > 0 && !o.at.Before(before.At.Add(c.overAfter))
		begins = before.IsZero() || before.Value != o.value || over
		switch {
		case begins:
			c.row = Row{Value: o.value, At: o.at, Track: o.track, Attrs: united(nil, o.attrs)}
			if !before.IsZero() && before.Value != o.value {
				c.row.From, c.row.NotBefore = before.Value, c.last
			}
		case o.point:
			c.row.Attrs = united(before.Attrs, o.attrs)
		}
		c.last = o.at
		break
	}
	return begins
}

// knownRows are the rows that rules read. The 7 days of Flagged run from the first reading: one
// that comes after them is another flagging, although nobody said that the first was over.
func knownRows(k Kind, sig Signal, obs []observation) []Row {
	return rows(obs, Known, overAfter(k, sig))
}

func overAfter(k Kind, sig Signal) time.Duration {
	if restarts(k, sig) {
		return endAfter
	}
	return 0
}

func restarts(k Kind, sig Signal) bool { return k == PhoneNumber && sig == Flagged }

func united(old, more map[string]string) map[string]string {
	if len(more) == 0 {
		return old
	}
	out := maps.Clone(old)
	if out == nil {
		out = make(map[string]string, len(more))
	}
	maps.Copy(out, more)
	maps.DeleteFunc(out, func(_, v string) bool { return v == "" })
	return out
}

func anyValue(string) bool { return true }

// History returns the rows of a signal, oldest first, from complete evidence or from a span of
// it. Of a span, the first row is the value in force when it begins; its At is the newest
// observation before the span, unless it is also the first ever.
func History(k Kind, sig Signal, ev Evidence) []Row {
	return rows(outline(k, sig, ev), anyValue, 0)
}
