package quality

import (
	"maps"
	"slices"
	"time"
)

// Diff returns the points that a poll adds to a subject: one for each signal whose track seen
// says something else, or for which a webhook has since said something else. Where it adds
// nothing, the log entry of the poll stands for it.
//
// seeing is nil if the poll did not list the subject: then only its presence changes, and only
// if the poll was complete. gone confirms a subject's absence by other means.
func (s State) Diff(seeing *Seeing, poll LogEntry, class Class, complete, gone bool, heads Heads) []Point {
	at := poll.At
	kind := s.Subject.Kind
	var out []Point
	add := func(sig Signal, o Observed) {
		last, _ := s.Confirmed(sig, heads)
		out = append(out, Point{Subject: s.Subject, Signal: sig, Value: o.Value, At: at, Track: Seen, NotBefore: last, Attrs: o.Attrs, Raw: o.Raw})
	}
	listed := kind == PhoneNumber || kind == Template
	if seeing == nil {
		if !complete || !listed || ClassOf(kind, Presence) != class {
			return nil
		}
		switch s.Cells[Presence].Seen.Value {
		case Gone:
		case Missing:
			if gone {
				add(Presence, Observed{Value: Gone})
			}
		default:
			add(Presence, Observed{Value: Missing})
		}
		return out
	}
	back := listed && class == ClassOf(kind, Presence) && !s.Covered()
	values := seeing.Values
	if listed && class == ClassOf(kind, Presence) {
		values = maps.Clone(values)
		if values == nil {
			values = map[Signal]Observed{}
		}
		values[Presence] = Observed{Value: Present}
	}
	for _, sig := range slices.Sorted(maps.Keys(values)) {
		o, c := values[sig], s.Cells[sig]
		confirmed, _ := s.Confirmed(sig, heads)
		overtaken := !c.Told.At.Before(confirmed) && c.Told.At.Before(at) && c.Told.Value != o.Value
		if back || c.Seen.IsZero() || canonical(c.Seen.Value, c.Seen.Attrs) != canonical(o.Value, o.Attrs) || overtaken {
			add(sig, o)
		}
	}
	for _, sig := range slices.Sorted(maps.Keys(s.Cells)) {
		c := s.Cells[sig]
		_, there := values[sig]
		if there || sig == Presence || ClassOf(kind, sig) != class || c.Seen.IsZero() || !Known(c.Seen.Value) || slices.Contains(poll.Without, sig) {
			continue
		}
		// The field was asked for and is not there: for rules that is no reading.
		add(sig, Observed{Value: Unknown})
	}
	return out
}

// Unsettled reports whether a poll of a class must look at the rules of a subject although it
// adds nothing: its tracks disagree, an incident is open, a webhook came while the poll before
// was under way, there are rules that never looked at it, or its time has come.
func (s State) Unsettled(class Class, heads Heads, now time.Time) bool {
	if len(s.Open) > 0 || s.Version > 0 && s.Ruleset < Ruleset || !s.Due.IsZero() && !s.Due.After(now) {
		return true
	}
	for sig, c := range s.Cells {
		if ClassOf(s.Subject.Kind, sig) != class || c.Told.IsZero() || c.Seen.IsZero() {
			continue
		}
		if m, _, _ := s.Current(sig, heads); m.Value != c.Current.Value || !c.Told.At.Before(heads[class].Last) {
			return true
		}
	}
	return false
}
