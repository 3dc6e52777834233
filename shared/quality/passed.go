package quality

import (
	"maps"
	"slices"
	"strconv"
	"time"
)

// pass tells the stretches of a rule that were over before anybody was told.
func (w *work) pass(r Rule, replay []stretch) {
	for _, st := range replay {
		f := st.finding
		if st.open || f.Severity.Level() < Warning.Level() || st.to.Before(w.in.Now.Add(-oldNews)) || st.to.Sub(st.from) < r.For {
			continue
		}
		// What no new reading is a part of was told in its time, also if that is forgotten.
		news := slices.ContainsFunc(w.added, func(p Point) bool { return r.Reads(p.Signal) && !p.At.Before(st.from) && !p.At.After(st.to) })
		told := !news || slices.ContainsFunc(w.s.Past, func(p Span) bool {
			return p.Rule == r.ID && p.Key == f.Key && !p.To.Before(st.from) && !p.From.After(st.to)
		}) || slices.ContainsFunc(w.s.Open, func(inc Incident) bool {
			return inc.Rule == r.ID && inc.Key == f.Key && !inc.Since.After(st.to)
		})
		if told {
			continue
		}
		id := w.newID(r.ID, f.Key+"@"+strconv.FormatInt(st.from.Unix(), 10))
		a := w.alert(Passed, r.ID, f.Severity, f.Signal)
		a.IncidentID, a.IncidentSince, a.Revision, a.ID = &id, &st.from, 1, id+".1"
		a.From, a.To, a.At, a.NotBefore, a.Source = text(f.Row.From), text(f.Row.Value), f.Row.At, instant(f.Row.NotBefore), source(f.Row.Track)
		a.Details = united(maps.Clone(f.Row.Attrs), map[string]string{DetailEnded: st.to.Format(time.RFC3339), DetailRetired: st.retired})
		if st.reason != "" {
			a.Reason = &st.reason
		}
		w.tell(a)
		span := Span{Rule: r.ID, Key: f.Key, From: st.from, To: st.to, Reason: st.reason}
		if r.Once && st.retired == "" {
			span.Told = justBefore(st.to)
		}
		w.s.Past = append(w.s.Past, span)
	}
}

// Details of alerts about what is over: when it ended, RFC 3339, and what the subject is that is out of
// use, DELETED for instance.
const (
	DetailEnded   = "ended_at"
	DetailRetired = "retired"
)
