package quality

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"
)

// newID makes the id of an incident or notice that opens with this commit.
func (w *work) newID(rule, key string) string {
	s := w.s.Subject
	h := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%s\x00%s\x00%d", s.Kind, s.WABAID, s.ID, rule, key, w.s.Version+1))
	return hex.EncodeToString(h[:10])
}

// tellIncident makes the next alert of an incident.
func (w *work) tellIncident(inc *Incident, e Event, r Rule, f Finding) {
	a := w.alert(e, r.ID, inc.Severity, inc.Signal)
	inc.Revision++
	id, since := inc.ID, inc.Since
	a.IncidentID, a.IncidentSince = &id, &since
	a.Revision, a.ID = inc.Revision, inc.ID+"."+strconv.Itoa(inc.Revision)
	a.From, a.To, a.At, a.NotBefore, a.Source = text(inc.From), text(inc.Value), inc.At, instant(inc.NotBefore), source(inc.Track)
	if e == Reminder {
		a.Source = "clock"
	}
	a.Details = maps.Clone(inc.Attrs)
	if reason := inc.Attrs[AttrReason]; reason != "" {
		a.Reason = &reason
	}
	if e == Firing {
		class := ClassOf(w.s.Subject.Kind, f.Signal)
		a.FirstLook = f.Row.Track == Seen && w.in.FirstLook[class] || w.in.State.Version > 0 && r.Since > w.in.State.Ruleset
		// What has no date looks like a late copy of what has ended; not telling it might hide the next.
		last := w.lastPast(r, inc.Key)
		a.Repeated = collapses(f.Signal) && f.Row.Attrs[term(f.Signal)] == "" && !last.To.IsZero() && inc.OpenedAt.Sub(last.To) < repeatFor
	}
	a.PreviousAt = inc.ToldAt
	inc.ToldAt = w.in.Now
	w.tell(a)
}

// alert begins an alert about the subject.
func (w *work) alert(e Event, rule string, sev Severity, sig Signal) Alert {
	s := w.s.Subject
	a := Alert{
		Schema: AlertSchema, Event: e, Rule: rule, Severity: sev, SubjectKind: s.Kind, SubjectID: s.ID, SubjectName: w.s.Name,
		WABAID: text(s.WABAID), CreatedAt: w.in.Now, Revision: 1,
	}
	if sig != "" {
		a.Signal = &sig
	}
	return a
}

func (w *work) tell(a Alert) {
	// Versions of a template share its name: the language tells them apart.
	if l := w.s.Refs[RefLanguage]; l != "" && a.SubjectKind == Template {
		a.Details = united(a.Details, map[string]string{AttrLanguage: l})
	}
	w.alerts = append(w.alerts, a)
}

func text(s string) *string {
	if s = strings.TrimSpace(s); s == "" {
		return nil
	}
	return &s
}

func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func source(t Track) string {
	if t == Seen {
		return "poll"
	}
	return "webhook"
}
