package watch

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// gather reads the alerts, what a first look's heading stands for, and the unsent alerts before
// them of the same incidents; of a backlog those after them too, since what is over is told as
// such. Parts of a first look come with their heading or, if it never came, on their own.
func (c *Courier) gather(ctx context.Context, keys []AlertKey) ([]Outgoing, error) {
	have := map[AlertKey]bool{}
	out, err := c.unsent(ctx, keys, have)
	if err != nil {
		return nil, err
	}
	late := c.Now().Add(-backlogAfter)
	if slices.ContainsFunc(out, func(o Outgoing) bool { return o.Alert.Event == quality.Firing && o.Alert.CreatedAt.Before(late) }) {
		keys, err := c.Outbox.Later(ctx, out)
		if err != nil {
			return nil, err
		}
		more, err := c.unsent(ctx, keys, have)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	held := headless(out, c.Now().Add(-sweepAfter))
	return inOrder(slices.DeleteFunc(out, func(o Outgoing) bool { return held[o.Key] })), nil
}

// headless are the parts of a first look that wait for its heading: those younger than since of
// which there is no later news, which would have to wait with them.
func headless(out []Outgoing, since time.Time) map[AlertKey]bool {
	headed, news := headings(out), map[string]bool{}
	for _, o := range out {
		if !o.Alert.FirstLook {
			news[incident(o.Alert)] = true
		}
	}
	held := map[AlertKey]bool{}
	for _, o := range out {
		if a := o.Alert; a.FirstLook && !headed[account(a)] && !news[incident(a)] && a.CreatedAt.After(since) {
			held[o.Key] = true
		}
	}
	return held
}

// headings are the accounts of whose first look the heading is there.
func headings(out []Outgoing) map[string]bool {
	headed := map[string]bool{}
	for _, o := range out {
		if o.Alert.Rule == quality.RuleFirstLook {
			headed[account(o.Alert)] = true
		}
	}
	return headed
}

// unsent reads the alerts at keys that are not done with and not in have, and those they lead to.
func (c *Courier) unsent(ctx context.Context, keys []AlertKey, have map[AlertKey]bool) ([]Outgoing, error) {
	var out []Outgoing
	for n := 0; len(keys) > 0 && n < maxAncestors; n++ {
		keys = slices.DeleteFunc(slices.Clone(keys), func(k AlertKey) bool { return have[k] })
		read, err := c.Outbox.Outgoing(ctx, keys)
		if err != nil {
			return nil, err
		}
		for _, k := range keys {
			have[k] = true
		}
		keys = nil
		for _, o := range read {
			if o.Done() {
				continue
			}
			out = append(out, o)
			if o.Previous != (AlertKey{}) {
				keys = append(keys, o.Previous)
			}
			if o.Alert.Rule == quality.RuleFirstLook {
				members, err := c.Outbox.FirstLook(ctx, o)
				if err != nil {
					return nil, err
				}
				keys = append(keys, members...)
			}
		}
	}
	return out, nil
}

// inOrder sorts alerts by age, but those of one incident by revision: the clocks of those who
// made them may disagree.
func inOrder(out []Outgoing) []Outgoing {
	slices.SortStableFunc(out, func(a, b Outgoing) int { return a.Alert.CreatedAt.Compare(b.Alert.CreatedAt) })
	places := map[string][]int{}
	for i, o := range out {
		places[incident(o.Alert)] = append(places[incident(o.Alert)], i)
	}
	sorted := slices.Clone(out)
	for _, at := range places {
		by := slices.SortedStableFunc(slices.Values(at), func(a, b int) int { return cmp.Compare(out[a].Alert.Revision, out[b].Alert.Revision) })
		for n, i := range at {
			sorted[i] = out[by[n]]
		}
	}
	return sorted
}
