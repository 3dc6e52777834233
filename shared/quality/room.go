package quality

import (
	"cmp"
	"maps"
	"slices"
)

// maxKinds bounds what a state spends on signals of which Meta may invent any number, one for
// each type of restriction and for each alert about each entity. A state is one item of at most
// 400 KB; the signals that every subject of its kind has need their part of it.
const maxKinds = 240 << 10

// Admit divides points, which it leaves in order, into those for which a state has room and
// those for which it has not. What is there already may change and end. The rest is beyond
// anything Meta is known to send; it is to be kept as evidence elsewhere.
func (s State) Admit(points []Point) (in, out []Point) {
	var used map[Signal]int
	total := 0
	for i, p := range points {
		if !manifold(p.Signal) {
			if out != nil {
				in = append(in, p)
			}
			continue
		}
		if used == nil {
			used = map[Signal]int{}
			for sig, c := range s.Cells {
				if manifold(sig) {
					used[sig] = max(room(sig, c.Told), room(sig, c.Seen))
					total += used[sig]
				}
			}
		}
		if n := max(room(p.Signal, Mark{Value: p.Value, Attrs: p.Attrs}), used[p.Signal]); total-used[p.Signal]+n <= maxKinds {
			total += n - used[p.Signal]
			used[p.Signal] = n
			if out != nil {
				in = append(in, p)
			}
			continue
		}
		if out == nil {
			in = append(make([]Point, 0, len(points)), points[:i]...)
		}
		out = append(out, p)
	}
	if out == nil {
		return points, nil
	}
	return in, out
}

// maxOver is how many of those signals a state remembers although they are over.
const maxOver = 64

// forget drops what is over of such signals, the oldest first: a state must not grow with all
// that Meta ever sent. What is younger than a redelivery may be stays, and so do all points.
func (w *work) forget() {
	var over []Signal
	for sig, c := range w.s.Cells {
		open := slices.ContainsFunc(w.s.Open, func(inc Incident) bool { return inc.Signal == sig })
		if manifold(sig) && !open && c.Told.At.Before(w.in.Now.Add(-repeatFor)) {
			over = append(over, sig)
		}
	}
	if len(over) <= maxOver {
		return
	}
	slices.SortFunc(over, func(a, b Signal) int {
		return cmp.Or(w.s.Cells[a].Told.At.Compare(w.s.Cells[b].Told.At), cmp.Compare(a, b))
	})
	for _, sig := range over[:len(over)-maxOver] {
		delete(w.s.Cells, sig)
	}
}

// manifold reports whether Meta may invent signals like this one.
func manifold(sig Signal) bool {
	_, restriction := sig.RestrictionType()
	_, alert := sig.AlertType()
	return restriction || alert
}

// room is roughly what a signal takes of a state: its mark, its row, its incident.
func room(sig Signal, m Mark) int {
	n := 400 + 4*encoded(string(sig)) + 3*encoded(m.Value)
	for k, v := range maps.All(m.Attrs) {
		n += 3 * (encoded(k) + encoded(v) + 6)
	}
	return n
}

// encoded is the length of a text in JSON, at most.
func encoded(s string) int {
	n := len(s)
	for i := range len(s) {
		switch c := s[i]; {
		case c < 0x20 || c == '<' || c == '>' || c == '&':
			n += 5
		case c == '"' || c == '\\' || c >= 0x80:
			n++
		}
	}
	return n
}
