package quality

import (
	"maps"
	"time"
)

// StateVersion is the version of the encoding of State that this program writes.
const StateVersion = 1

// State is everything that is remembered of one subject besides its points: a cache that can
// be rebuilt from points and log, and the incidents, which cannot.
type State struct {
	Subject Subject
	Name    string
	Refs    map[string]string
	Cells   map[Signal]Cell
	// Logged is the end of each class's log that the cells take into account.
	Logged map[Class]time.Time

	Open    []Incident
	Pending []Pending
	// Past holds the newest stretches that were told, at most maxPast.
	Past    []Span
	Notices []NoticeMark

	// Ruleset is the newest set of rules that has looked at the subject.
	Ruleset int
	// Due is when time alone may change something; zero for never.
	Due time.Time
	// Version counts commits; 0 means the subject was never stored.
	Version int64
}

// Cell is what a state remembers of one signal.
type Cell struct {
	// Told and Seen are the newest point of each track.
	Told, Seen Mark
	// Current is the row in force; Known the newest row of a value other than UNKNOWN.
	Current, Known Row
	// KnownAt is when Known was last observed, while Current is UNKNOWN.
	KnownAt time.Time
}

// Agreed reports whether both tracks say the same, or only one says anything: then no entry of the
// log can change the value in force.
func (c Cell) Agreed() bool {
	return c.Told.IsZero() || c.Seen.IsZero() || c.Told.Value == c.Seen.Value
}

// Mark is the part of a point that a cell keeps. The zero Mark is no point.
type Mark struct {
	Value string
	At    time.Time
	Attrs map[string]string
	// Until, of a seen mark, is the last confirmation before polls stopped listing the subject; of a
	// told mark whose repeats are the same reading, the last of them.
	Until time.Time
}

// IsZero reports whether there is no point.
func (m Mark) IsZero() bool { return m.At.IsZero() }

// Row is one value in the history of a signal: both tracks sorted, equal neighbours collapsed.
type Row struct {
	Value string
	// From is the value of the row before; "" for the first.
	From string
	// At is when Value was first observed, NotBefore when From was last observed.
	At, NotBefore time.Time
	// Track says which track observed it first.
	Track Track
	// Attrs unites the details of the points that agree on Value, the later winning.
	Attrs map[string]string
}

// IsZero reports whether there is no row.
func (r Row) IsZero() bool { return r.At.IsZero() }

// Pending is a rule that holds, but not yet for as long as its `for` demands.
type Pending struct {
	Rule, Key string
	Since     time.Time
}

// Span is a stretch that was told, as incident or as passed.
type Span struct {
	Rule, Key string
	From, To  time.Time
	// Told is the newest reading that it had an end for; zero if the subject was out of use.
	Told time.Time `json:",omitzero"`
	// Reason is why it ended; "" if the value changed.
	Reason string `json:",omitempty"`
}

// NoticeMark remembers that a notice was told.
type NoticeMark struct {
	Signal Signal
	Value  string
	At     time.Time
}

const (
	maxPast          = 20
	repeatFor        = 8 * 24 * time.Hour  // a like reading within this time may be a redelivery
	undatedRepeatFor = 24 * time.Hour      // the same of one without date or expiry
	oldNews          = 48 * time.Hour      // what ended or happened longer ago is not told
	endAfter         = 7 * 24 * time.Hour  // webhook-only incidents, Flagged, and UNKNOWN
	announcedFor     = 30 * 24 * time.Hour // what will come, on a day that Meta gives in prose
	youngFor         = 10 * time.Minute    // a webhook this young is contradicted by two polls only
	twoPolls         = 55 * time.Second    // apart: a minute, less the schedule's slack
)

// Clone returns a copy that shares nothing that Apply changes.
func (s State) Clone() State {
	s.Cells = maps.Clone(s.Cells)
	s.Refs = maps.Clone(s.Refs)
	s.Logged = maps.Clone(s.Logged)
	s.Open = append([]Incident(nil), s.Open...)
	s.Pending = append([]Pending(nil), s.Pending...)
	s.Past = append([]Span(nil), s.Past...)
	s.Notices = append([]NoticeMark(nil), s.Notices...)
	return s
}

// Covered reports whether the polls' log speaks for the subject: numbers and templates are
// covered while the last complete poll listed them, everything else always.
func (s State) Covered() bool {
	switch s.Subject.Kind {
	case PhoneNumber, Template:
		return s.Cells[Presence].Seen.Value == Present
	}
	return true
}

// Confirmed returns when the track seen of a signal was last and second to last confirmed: by
// its newest point or by the log. Both are zero if no poll ever saw the signal.
func (s State) Confirmed(sig Signal, heads Heads) (last, prev time.Time) {
	seen := s.Cells[sig].Seen
	if seen.IsZero() {
		return time.Time{}, time.Time{}
	}
	if !s.Covered() {
		return later(seen.At, seen.Until), time.Time{}
	}
	l, p := heads[ClassOf(s.Subject.Kind, sig)].Confirmed(sig)
	// Entries from before the subject was listed, or listed again, do not speak for it.
	listedAt := s.Cells[Presence].Seen.At
	if l.After(seen.At) && !l.Before(listedAt) {
		if p.Before(listedAt) {
			p = seen.Until
		}
		return l, later(seen.At, p)
	}
	return later(seen.At, seen.Until), time.Time{}
}

// Current returns the value of a signal as it is best known: the newer of what webhooks told
// last and what polls saw or confirmed last. ok is false if neither ever spoke. At equal times
// told wins. Arrival order plays no part, so redelivery, replay and disorder are harmless.
func (s State) Current(sig Signal, heads Heads) (m Mark, track Track, ok bool) {
	c := s.Cells[sig]
	confirmedAt, _ := s.Confirmed(sig, heads)
	switch {
	case c.Told.IsZero():
		return c.Seen, Seen, !c.Seen.IsZero()
	case c.Told.At.Before(confirmedAt):
		return c.Seen, Seen, true
	}
	return c.Told, Told, true
}

// ConfirmedAt returns the newest observation that agrees with the current value of a signal.
func (s State) ConfirmedAt(sig Signal, heads Heads) time.Time {
	c := s.Cells[sig]
	at := c.Current.At
	if c.Told.Value == c.Current.Value {
		at = later(at, c.Told.At)
	}
	if seen, _ := s.Confirmed(sig, heads); c.Seen.Value == c.Current.Value {
		at = later(at, seen)
	}
	return at
}

// lastObserved is the time of the newest observation of a signal, whatever it said.
func (s State) lastObserved(sig Signal, heads Heads) time.Time {
	seen, _ := s.Confirmed(sig, heads)
	return later(s.Cells[sig].Told.At, seen)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// sooner returns the earlier of two times, of which the zero time means never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
