package quality

import (
	"time"
)

// View is a subject at one moment, as rules see it.
type View struct {
	At     time.Time
	Kind   Kind
	levels map[Signal]viewed
}

// viewed is what a view knows of one signal.
type viewed struct {
	known        Row       // the newest row of a value other than UNKNOWN
	unknownSince time.Time // zero while the current value is known
	told         time.Time // newest reading of the known value by a webhook
	repeated     time.Time // newest repeat of that reading, which is no reading of its own
	seen         string
	seenAt       time.Time // newest confirmation of what polls saw
	seenBefore   time.Time // the one before it
}

// Known returns the row that rules read: the newest of a value other than UNKNOWN. ok is false
// if there is none, or when Meta has said UNKNOWN for 7 days.
func (v View) Known(s Signal) (r Row, ok bool) {
	l := v.levels[s]
	if l.known.IsZero() || v.void(l) {
		return Row{}, false
	}
	return l.known, true
}

func (v View) void(l viewed) bool {
	return !l.unknownSince.IsZero() && !v.At.Before(l.unknownSince.Add(endAfter))
}

// Seen returns what polls saw last, and the newest two confirmations of it.
func (v View) Seen(s Signal) (value string, at, before time.Time) {
	l := v.levels[s]
	return l.seen, l.seenAt, l.seenBefore
}

// newest is when a webhook last told the known value of a signal, or else when the row began.
func (v View) newest(s Signal) time.Time {
	l := v.levels[s]
	return later(l.known.At, l.told)
}

// heard is newest, or when that reading was last repeated.
func (v View) heard(s Signal) time.Time { return later(v.newest(s), v.levels[s].repeated) }

// Retired says why the subject is out of use: its status, that it was archived, that it is gone, or that
// nobody asks for it. "" while it is in use. Being retired is a level: any newer reading ends it.
func (v View) Retired() string {
	status, _ := v.Known(Status)
	switch status.Value {
	case "MIGRATED", "DELETED", "PENDING_DELETION", "ARCHIVED":
		return status.Value
	}
	// Only a webhook says so, and a poll that sees the status of before does not take it back.
	if a, ok := v.Known(Archived); ok && a.Value == Yes && !v.newest(Status).After(v.newest(Archived)) {
		return "ARCHIVED"
	}
	if p := v.levels[Presence]; p.known.Value == Gone || p.known.Value == Unasked {
		for s, l := range v.levels {
			if s != Presence && later(l.told, l.known.At).After(p.known.At) {
				return ""
			}
		}
		return p.known.Value
	}
	return ""
}

// retiredAt is since when the subject has been out of use.
func (v View) retiredAt() time.Time {
	archived, _ := v.Known(Archived)
	switch why := v.Retired(); {
	case why == "":
		return time.Time{}
	case v.levels[Status].known.Value == why:
		return v.levels[Status].known.At
	case archived.Value == Yes && why == "ARCHIVED":
		return archived.At
	}
	return v.levels[Presence].known.At
}

// OutOfUse says why a subject is out of use at now, as Retired does.
func (s State) OutOfUse(heads Heads, now time.Time) string { return s.view(now, heads).Retired() }

// unasked reports whether nobody asks any more for what polls would tell of a signal.
func (v View) unasked(s Signal) bool {
	return v.levels[Presence].known.Value == Unasked || v.levels[Poll].known.Value == Unasked && (s == Poll || ClassOf(v.Kind, s) != "")
}

// retires reports whether a signal may say that its subject is out of use.
func retires(s Signal) bool { return s == Status || s == Archived || s == Presence }

// view makes the view of a state at now. heads are the account's logs, with the poll under way
// if there is one.
func (s State) view(now time.Time, heads Heads) View {
	v := View{At: now, Kind: s.Subject.Kind, levels: make(map[Signal]viewed, len(s.Cells))}
	for sig, c := range s.Cells {
		l := viewed{known: c.Known, seen: c.Seen.Value}
		l.seenAt, l.seenBefore = s.Confirmed(sig, heads)
		if !Known(c.Current.Value) {
			l.unknownSince = c.Current.At
		}
		if c.Told.Value == c.Known.Value {
			l.told, l.repeated = c.Told.At, c.Told.Until
		}
		v.levels[sig] = l
	}
	return v
}
