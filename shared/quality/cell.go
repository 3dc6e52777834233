package quality

import (
	"slices"
	"time"
)

// has reports whether a cell's marks hold exactly this point.
func (c Cell) has(p Point) bool {
	m := c.Told
	if p.Track == Seen {
		m = c.Seen
	}
	return m.At.Equal(p.At) && canonical(m.Value, m.Attrs) == canonical(p.Value, p.Attrs)
}

// points returns the marks of a cell as the points they came from, without evidence.
func (c Cell) points(s Subject, sig Signal) []Point {
	var out []Point
	for track, m := range map[Track]Mark{Told: c.Told, Seen: c.Seen} {
		if !m.IsZero() {
			out = append(out, Point{Subject: s, Signal: sig, Track: track, Value: m.Value, At: m.At, Attrs: m.Attrs})
		}
	}
	return out
}

// Complete adds to evidence what the state remembers of the newest points of a signal: they
// outlive their items in the table.
func (s State) Complete(sig Signal, ev Evidence) Evidence {
	stored := map[PointKey]bool{}
	for _, p := range ev.Points {
		stored[p.Key()] = true
	}
	for _, p := range s.Cells[sig].points(s.Subject, sig) {
		if !stored[p.Key()] {
			ev.Points = append(slices.Clone(ev.Points), p)
		}
	}
	return ev
}

// mark makes a point the newest of its track.
func (c *Cell) mark(p Point) {
	m := Mark{Value: p.Value, At: p.At, Attrs: p.Attrs}
	if p.Track == Seen {
		c.Seen = m
	} else {
		c.Told = m
	}
}

// observe adds an observation that is newer than all others of the cell, of which the newest
// was at last.
func (c *Cell) observe(value string, at time.Time, track Track, attrs map[string]string, last time.Time) {
	lastKnown := last
	if !c.Current.IsZero() && !Known(c.Current.Value) {
		lastKnown = c.KnownAt
	}
	c.KnownAt = time.Time{}
	if !Known(value) {
		c.KnownAt = lastKnown
	}
	c.Current = c.Current.next(value, at, track, attrs, last)
	if Known(value) {
		c.Known = c.Known.next(value, at, track, attrs, lastKnown)
	}
}

// next is the row in force after an observation at at.
func (r Row) next(value string, at time.Time, track Track, attrs map[string]string, last time.Time) Row {
	if !r.IsZero() && r.Value == value {
		r.Attrs = united(r.Attrs, attrs)
		return r
	}
	n := Row{Value: value, At: at, Track: track, Attrs: united(nil, attrs)}
	if !r.IsZero() {
		n.From, n.NotBefore = r.Value, last
	}
	return n
}

// rebuild takes the rows in force from the end of a history. If that does not reach back to the
// first point, a row that began before from may have begun earlier than it seems: then what
// the cell remembers decides, and if it cannot, rebuild returns false and all of it is needed.
func (c *Cell) rebuild(all, known []Row, obs []observation, from time.Time, complete bool) bool {
	current, ok := c.Current.carried(all, from, complete)
	if !ok {
		return false
	}
	if !complete && slices.ContainsFunc(obs, func(o observation) bool { return !Known(o.value) }) {
		// The last confirmation of a known value may lie anywhere before an unknown one.
		return false
	}
	remembered := c.Known
	if len(known) > 0 || complete {
		if remembered, ok = c.Known.carried(known, from, complete); !ok {
			return false
		}
	}
	c.Current, c.Known, c.KnownAt = current, remembered, time.Time{}
	if !Known(current.Value) {
		for _, o := range obs {
			if Known(o.value) {
				c.KnownAt = o.at
			}
		}
	}
	return true
}

func (r Row) carried(rows []Row, from time.Time, complete bool) (Row, bool) {
	n := len(rows)
	if n == 0 {
		return Row{}, complete
	}
	last := rows[n-1]
	switch {
	case complete || !last.At.Before(from):
		return last, true
	case r.Value == last.Value && !r.At.After(last.At):
		r.Attrs = united(r.Attrs, last.Attrs)
		return r, true
	}
	return Row{}, false
}
