package watch

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

const (
	mergeTries    = 16
	mergeParallel = 8
	maxActions    = 90 // of one subject in one commit
	maxPoints     = 40 // the oldest, beside which go as many of the newest
)

// incoming is what there is to merge into one subject.
type incoming struct {
	name string
	refs map[string]string
	// told are points to add as they are.
	told []quality.Point
	// points are computed anew from every state that is read: what a poll adds depends on it.
	points    func(quality.State, quality.Heads) []quality.Point
	polled    map[quality.Class]quality.LogEntry
	firstLook map[quality.Class]bool
	// noticed are facts that were told already.
	noticed []quality.NoticeMark
}

// outcome is what a merge did.
type outcome struct {
	alerts  []quality.Alert
	refused []quality.Point // for which a state had no room
	recheck bool
	open    map[quality.Subject][]quality.Incident // of subjects that were written
}

// add takes in a part that was stored.
func (o *outcome) add(p part) {
	o.recheck = o.recheck || p.Recheck
	o.refused = append(o.refused, p.refused...)
	if p.Write {
		o.alerts = append(o.alerts, p.Alerts...)
		o.open[p.State.Subject] = p.State.Open
	}
}

// loaded is what was read of some subjects.
type loaded struct {
	states map[quality.Subject]quality.State
	heads  map[string]quality.Heads
}

// merge applies what came in to each subject and commits it. Subjects whose state somebody
// else changed meanwhile are read and merged again, a bounded number of times. What is too much
// for one commit goes in several. before, if not nil, is called before points are committed,
// with the classes that they disagree with, each once.
func (w *Watcher) merge(ctx context.Context, in map[quality.Subject]incoming, have *loaded, before func(asks map[quality.Ask]bool) error) (outcome, error) {
	out := outcome{open: map[quality.Subject][]quality.Incident{}}
	todo := make([]quality.Subject, 0, len(in))
	for s := range in {
		todo = append(todo, s)
	}
	left := maps.Clone(in) // what is not stored yet
	asked := map[quality.Ask]bool{}
	for tries := 0; len(todo) > 0; {
		if tries == mergeTries {
			return out, fmt.Errorf("merge %d subjects, first %s: %w", len(todo), todo[0], ErrConflict)
		}
		if tries > 0 {
			if err := backOff(ctx, tries); err != nil {
				return out, err
			}
		}
		if have == nil {
			states, heads, err := w.Store.Load(ctx, todo)
			if err != nil {
				return out, err
			}
			have = &loaded{states, heads}
		}
		parts, err := w.applyAll(ctx, todo, left, have)
		if err != nil {
			return out, err
		}
		have = nil
		changes := make([]quality.Change, len(parts))
		news := false
		for i, p := range parts {
			changes[i], news = p.Change, news || len(p.Points) > 0
		}
		if asks := disagreements(parts, asked); before != nil && news {
			if err := before(asks); err != nil {
				return out, err
			}
		}
		again, err := w.Store.Commit(ctx, changes)
		if err != nil {
			return out, err
		}
		unfinished := w.takeStored(ctx, parts, again, left, &out)
		todo = append(again, unfinished...)
		if tries++; len(unfinished) > 0 {
			tries = 0 // the next round is no repetition
		}
	}
	return out, nil
}

// takeStored takes in the parts that were stored, all but those of again, and returns the subjects of
// which more is left to store: it is then what left holds.
func (w *Watcher) takeStored(ctx context.Context, parts []part, again []quality.Subject, left map[quality.Subject]incoming, out *outcome) (unfinished []quality.Subject) {
	redo := make(map[quality.Subject]bool, len(again))
	for _, s := range again {
		redo[s] = true
	}
	for _, p := range parts {
		s := p.State.Subject
		if redo[s] {
			continue
		}
		out.add(p)
		if p.Write {
			w.logChange(ctx, p.Change)
		}
		if len(p.rest) > 0 || p.More {
			inc := left[s]
			inc.told = p.rest
			left[s] = inc
			unfinished = append(unfinished, s)
		}
	}
	return unfinished
}

// disagreements are the polls that parts contradict, less those in asked, to which they are added.
func disagreements(parts []part, asked map[quality.Ask]bool) map[quality.Ask]bool {
	asks := map[quality.Ask]bool{}
	for _, p := range parts {
		for _, class := range p.Disagree {
			if a := (quality.Ask{WABAID: p.State.Subject.WABAID, Class: class}); !asked[a] {
				asks[a], asked[a] = true, true
			}
		}
	}
	return asks
}

// part is what one commit stores of what came in for a subject.
type part struct {
	quality.Change
	rest    []quality.Point // for the next commit
	refused []quality.Point // for which the state has no room
}

// applyAll applies what came in to each subject, reading evidence where it is needed. Of a
// subject with more than one commit holds the oldest points are applied.
func (w *Watcher) applyAll(ctx context.Context, todo []quality.Subject, in map[quality.Subject]incoming, have *loaded) ([]part, error) {
	parts := make([]part, len(todo))
	var lacking []int
	needs := make([]quality.Need, len(todo))
	inputs := make([]quality.Input, len(todo))
	for i, s := range todo {
		state, ok := have.states[s]
		if !ok {
			state = quality.State{Subject: s}
		}
		heads := have.heads[s.WABAID]
		inc := in[s]
		q := quality.Input{State: state, Heads: heads, Polled: inc.polled, Name: inc.name, Refs: inc.refs, Now: w.Now().UTC().Truncate(time.Millisecond), FirstLook: inc.firstLook, Points: inc.told, Noticed: inc.noticed}
		if inc.points != nil {
			q.Points = inc.points(state, heads)
		}
		inputs[i] = q
		if parts[i], needs[i] = w.applyPart(q); needs[i] != nil {
			lacking = append(lacking, i)
		}
	}
	lacking, err := w.dropStored(ctx, lacking, inputs, func(i int) bool {
		parts[i], needs[i] = w.applyPart(inputs[i])
		return needs[i] != nil
	})
	if err != nil {
		return nil, err
	}
	err = each(ctx, mergeParallel, lacking, func(ctx context.Context, i int) error {
		q := inputs[i]
		q.Evidence = map[quality.Signal]quality.Evidence{}
		for range 4 {
			ev, err := w.Store.Evidence(ctx, todo[i], needs[i])
			if err != nil {
				return err
			}
			maps.Copy(q.Evidence, ev)
			if parts[i], needs[i] = w.applyPart(q); needs[i] == nil {
				return nil
			}
		}
		return fmt.Errorf("history of %s does not settle: still needs %v", todo[i], needs[i])
	})
	return parts, err
}

// dropStored takes what webhooks told before out of the inputs that lack evidence, and returns
// those that, applied again, still do. Most late readings are copies, and a look at their own
// keys costs less than the history around them.
func (w *Watcher) dropStored(ctx context.Context, lacking []int, inputs []quality.Input, apply func(int) bool) ([]int, error) {
	var told []quality.Point
	for _, i := range lacking {
		for _, p := range inputs[i].Points {
			if p.Track == quality.Told {
				told = append(told, p)
			}
		}
	}
	if len(told) == 0 {
		return lacking, nil
	}
	stored, err := w.Store.Stored(ctx, told)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(lacking, func(i int) bool {
		fresh := slices.DeleteFunc(slices.Clone(inputs[i].Points), func(p quality.Point) bool { return stored[p.Subject][p.Key()] })
		if len(fresh) == len(inputs[i].Points) {
			return false
		}
		inputs[i].Points = fresh
		return !apply(i)
	}), nil
}

// applyPart applies as many points as one commit holds. With the oldest go the newest of the
// same signals, so that no part fires what a later one takes back.
func (w *Watcher) applyPart(q quality.Input) (part, quality.Need) {
	all, refused := q.State.Admit(q.Points)
	if q.Points = all; len(all) <= maxPoints {
		ch, need := w.Rules.Apply(q)
		if need != nil || actions(ch) <= maxActions {
			return part{Change: ch, refused: refused}, need
		}
	}
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b quality.Point) int { return a.At.Compare(b.At) })
	newest := map[quality.Signal]int{}
	for i, p := range all {
		newest[p.Signal] = i
	}
	for n := min(len(all), maxPoints); ; n /= 2 {
		q.Points = slices.Clone(all[:n])
		with := map[quality.Signal]bool{}
		for _, p := range all[:n] {
			if i := newest[p.Signal]; i >= n && !with[p.Signal] {
				with[p.Signal] = true
				q.Points = append(q.Points, all[i])
			}
		}
		ch, need := w.Rules.Apply(q)
		if need != nil || n <= 1 || actions(ch) <= maxActions {
			return part{ch, all[n:], refused}, need
		}
	}
}

// actions counts the items that a change writes.
func actions(ch quality.Change) int { return 1 + len(ch.Points) + len(ch.Alerts) }

func (w *Watcher) logChange(ctx context.Context, ch quality.Change) {
	for _, p := range ch.Points {
		w.Log.InfoContext(ctx, "point added", "subject", p.Subject.String(), "signal", string(p.Signal), "value", quality.Clip(p.Value, 80), "track", string(p.Track), "at", p.At)
	}
	for _, a := range ch.Alerts {
		w.Log.InfoContext(ctx, "alert raised", "alert", a.ID, "rule", a.Rule, "event", string(a.Event), "severity", string(a.Severity), "subject", ch.State.Subject.String())
	}
}
