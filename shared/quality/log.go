package quality

import (
	"slices"
	"time"
)

// LogEntry is one successful, complete poll in the log of its class: at At the poll saw, for
// every subject then present, exactly what the track seen says, save for the signals in Without.
type LogEntry struct {
	At      time.Time
	Without []Signal
}

// Head is the end of the log of one class: what is needed to tell how far the track seen is
// confirmed without reading the log. The zero value is an empty log.
type Head struct {
	Last, Prev time.Time
	// Lagging holds signals that one of the two newest entries did without, and the two newest
	// entries that had them.
	Lagging map[Signal]Lag
}

// Lag is the newest and the second newest confirmation of one signal.
type Lag struct{ Last, Prev time.Time }

// Confirmed returns the times of the newest and the second newest entry that covered s; zero
// where there was none.
func (h Head) Confirmed(s Signal) (last, prev time.Time) {
	if l, ok := h.Lagging[s]; ok {
		return l.Last, l.Prev
	}
	return h.Last, h.Prev
}

// Append returns the head after e, which must be newer than Last.
func (h Head) Append(e LogEntry) Head {
	next := Head{Last: e.At, Prev: h.Last}
	set := func(s Signal, l Lag) {
		if next.Lagging == nil {
			next.Lagging = map[Signal]Lag{}
		}
		next.Lagging[s] = l
	}
	for _, s := range e.Without {
		last, prev := h.Confirmed(s)
		set(s, Lag{last, prev})
	}
	for s, l := range h.Lagging {
		// A signal that is back lags until the two newest entries both had it.
		if !slices.Contains(e.Without, s) && !l.Last.Equal(h.Last) {
			set(s, Lag{e.At, l.Last})
		}
	}
	return next
}

// Heads are the ends of an account's logs.
type Heads map[Class]Head

// firstAfter returns the first of at most two known confirmations of s later than t. exact is
// false when an older entry, which a head does not know, might lie between.
func (h Head) firstAfter(s Signal, t time.Time) (at time.Time, exact bool) {
	last, prev := h.Confirmed(s)
	switch {
	case !last.After(t):
		return time.Time{}, true
	case !prev.After(t):
		return last, true
	}
	return prev, false
}
