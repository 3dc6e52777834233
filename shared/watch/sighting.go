package watch

import (
	"context"
	"slices"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// take merges a sighting. quick reports whether something is happening to a number.
func (r *run) take(ctx context.Context, class quality.Class, sighting quality.Sighting, entry quality.LogEntry, complete bool, sched Schedule) (out outcome, quick bool, err error) {
	states, err := r.Store.Account(ctx, r.wabaID)
	if err != nil {
		return out, false, err
	}
	l := look{class: class, entry: entry, complete: complete && sighting.Complete, heads: sched.Heads(), now: r.Now().UTC()}
	if l.complete {
		l.polled = map[quality.Class]quality.LogEntry{class: entry}
	}
	// A first look is an account's: what is wrong with the token is told by itself.
	l.first = map[quality.Class]bool{class: sched.Classes[class].Head.Last.IsZero() && r.wabaID != ""}
	have := &loaded{states: make(map[quality.Subject]quality.State, len(states)), heads: map[string]quality.Heads{r.wabaID: l.heads}}
	for _, s := range states {
		have.states[s.Subject] = s
	}
	in, err := r.unlike(ctx, l, sighting.Subjects, states, have)
	if err != nil {
		return out, false, err
	}
	out, err = r.merge(ctx, in, have, nil)
	if err != nil {
		return out, false, err
	}
	if err := r.takeUnknown(ctx, sighting.Unknown, false, l.now); err != nil {
		return out, false, err
	}
	for _, s := range states {
		open := s.Open
		if written, ok := out.open[s.Subject]; ok {
			open = written
		}
		quick = quick || happening(s.Subject, open, l.now)
	}
	for s, open := range out.open {
		quick = quick || happening(s, open, l.now)
	}
	return out, quick, nil
}

// look is what a poll's comparison with the states needs to know of the poll.
type look struct {
	class    quality.Class
	entry    quality.LogEntry
	complete bool
	heads    quality.Heads
	now      time.Time
	polled   map[quality.Class]quality.LogEntry // entry, if it will be written
	first    map[quality.Class]bool
}

// unlike finds what a poll saw or missed that differs from the states, or makes their rules worth
// a look. Subjects that were never seen before are added to have.
func (r *run) unlike(ctx context.Context, l look, seen []quality.Seeing, states []quality.State, have *loaded) (map[quality.Subject]incoming, error) {
	in := map[quality.Subject]incoming{}
	listed := map[quality.Subject]bool{}
	for i := range seen {
		see := &seen[i]
		listed[see.Subject] = true
		s, ok := have.states[see.Subject]
		if !ok {
			s = quality.State{Subject: see.Subject}
			have.states[see.Subject] = s
		}
		renamed := see.Name != "" && see.Name != s.Name || !hasRefs(s, see.Refs)
		if inc, news := l.compare(s, see, false); news || renamed {
			inc.name, inc.refs = see.Name, see.Refs
			in[see.Subject] = inc
		}
	}
	for _, s := range states {
		if listed[s.Subject] {
			continue
		}
		gone, err := r.gone(ctx, l.class, s)
		if err != nil {
			return nil, err
		}
		if inc, news := l.compare(s, nil, gone); news {
			in[s.Subject] = inc
		}
	}
	return in, nil
}

// compare is what a poll adds to a subject, now and if somebody else changes it meanwhile. news is
// false if that is nothing, and rules need not look either. see is nil if it was not listed.
func (l look) compare(s quality.State, see *quality.Seeing, gone bool) (in incoming, news bool) {
	points := func(s quality.State, h quality.Heads) []quality.Point {
		return s.Diff(see, l.entry, l.class, l.complete, gone, h)
	}
	news = s.Unsettled(l.class, l.heads, l.now) || len(points(s, l.heads)) > 0
	return incoming{polled: l.polled, firstLook: l.first, points: points}, news
}

// happening reports whether an incident on a polled signal of a number is young.
func happening(s quality.Subject, open []quality.Incident, now time.Time) bool {
	return s.Kind == quality.PhoneNumber && slices.ContainsFunc(open, func(inc quality.Incident) bool {
		return quality.ClassOf(s.Kind, inc.Signal) == quality.Numbers && now.Before(inc.OpenedAt.Add(quickFor))
	})
}

func hasRefs(s quality.State, refs map[string]string) bool {
	for k, v := range refs {
		if v != "" && s.Refs[k] != v {
			return false
		}
	}
	return true
}

// gone reports whether a subject that was missing before, and is again, does not exist. Of a
// number Meta can be asked; if it cannot say, absence is not proven.
func (r *run) gone(ctx context.Context, class quality.Class, s quality.State) (bool, error) {
	if s.Cells[quality.Presence].Seen.Value != quality.Missing || quality.ClassOf(s.Subject.Kind, quality.Presence) != class {
		return false, nil
	}
	id := s.Refs[quality.RefPhoneNumberID]
	if s.Subject.Kind != quality.PhoneNumber || id == "" {
		return true, nil
	}
	exists, err := r.Source.NumberExists(ctx, id)
	if err != nil {
		r.Log.WarnContext(ctx, "cannot tell whether a number is gone", "subject", s.Subject.String(), "err", err)
		return false, nil
	}
	return !exists, nil
}
