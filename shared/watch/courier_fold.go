package watch

import (
	"maps"
	"slices"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// sendings pairs each alert with the records that sending it settles. The alerts of an incident
// that began and ended before any of them was sent become one passed alert.
func (d *delivery) sendings(mine []Outgoing) []sending {
	by := map[string][]Outgoing{}
	for _, o := range mine {
		by[incident(o.Alert)] = append(by[incident(o.Alert)], o)
	}
	var out []sending
	done := map[string]bool{}
	for _, o := range mine {
		id := incident(o.Alert)
		if done[id] {
			continue
		}
		all := by[id]
		last := all[len(all)-1]
		if all[0].Alert.Event == quality.Firing && last.Alert.Event == quality.Resolved && len(all) == last.Alert.Revision {
			done[id] = true
			out = append(out, sending{d.passed(all), all})
			continue
		}
		out = append(out, sending{o.Alert, []Outgoing{o}})
	}
	return out
}

// passed is the one alert that tells of an incident which is over: what it was at its worst,
// under the id and revision of its last word.
func (d *delivery) passed(all []Outgoing) quality.Alert {
	first, last := all[0].Alert, all[len(all)-1].Alert
	worst := slices.MaxFunc(all[:len(all)-1], func(a, b Outgoing) int {
		return a.Alert.Severity.Level() - b.Alert.Severity.Level()
	}).Alert
	a := worst
	a.ID, a.Revision, a.CreatedAt = last.ID, last.Revision, last.CreatedAt
	a.Event, a.FoldedFirst, a.FirstLook = quality.Passed, first.ID, false
	a.Severity = last.Severity
	if last.Reason != nil { // why it ended says more than what Meta gave as its cause, which Details keep
		a.Reason = last.Reason
	}
	a.Details = maps.Clone(a.Details)
	if a.Details == nil {
		a.Details = map[string]string{}
	}
	a.Details[quality.DetailEnded] = last.At.UTC().Format(time.RFC3339)
	if was := last.Details[quality.DetailRetired]; was != "" {
		a.Details[quality.DetailRetired] = was
	}
	return a
}
