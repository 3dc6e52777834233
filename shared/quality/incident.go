package quality

import (
	"maps"
	"slices"
	"strconv"
	"time"
)

// Incident is a rule that holds for a subject, from when it began to hold until it no longer does.
type Incident struct {
	// ID is fixed when the incident opens and never computed again.
	ID   string
	Rule string
	Key  string
	// Severity is what was told last, Worst the worst that was told.
	Severity, Worst Severity
	Signal          Signal
	Value, From     string
	// At is when Value began, Since when the rule began to hold.
	At        time.Time `json:",omitzero"`
	Since     time.Time `json:",omitzero"`
	NotBefore time.Time `json:",omitzero"`
	Track     Track
	Attrs     map[string]string `json:",omitempty"`
	// OpenedAt is when we learnt of it.
	OpenedAt time.Time `json:",omitzero"`
	// ResolvingAt and EasingAt are since when the rule has not held, or has been less bad; zero
	// while it holds as told.
	ResolvingAt time.Time `json:",omitzero"`
	EasingAt    time.Time `json:",omitzero"`
	// Until is when it ends by itself, and why; zero if it does not.
	Until       time.Time `json:",omitzero"`
	UntilReason string    `json:",omitempty"`
	// ToldAt is when the newest alert of it was made, Revision how many there were.
	ToldAt   time.Time `json:",omitzero"`
	Revision int
	Silent   bool `json:",omitempty"`
}

// fire opens or continues an incident. wait is true while the rule's `for` has not passed.
func (w *work) fire(r Rule, f Finding, v View, replay []stretch) (p Pending, wait bool) {
	i := slices.IndexFunc(w.s.Open, func(inc Incident) bool { return inc.Rule == r.ID && inc.Key == f.Key })
	if i >= 0 {
		inc := &w.s.Open[i]
		if since := w.heldSince(r, f, v, replay, inc); since.Before(inc.Since) {
			inc.Since = since // which late news may make earlier
		}
		w.goOn(r, inc, f, v)
		return Pending{}, false
	}
	if p, wait := w.wait(r, f.Key); wait {
		return p, true
	}
	if w.full() {
		return Pending{}, false
	}
	inc := Incident{
		ID: w.newID(r.ID, f.Key), Rule: r.ID, Key: f.Key, Severity: f.Severity, Worst: f.Severity, OpenedAt: w.in.Now,
		Since: w.heldSince(r, f, v, replay, nil),
	}
	inc.adopt(f)
	w.tellIncident(&inc, Firing, r, f)
	w.s.Open = append(w.s.Open, inc)
	w.dueIncident(r, inc, f)
	return Pending{}, false
}

// terms is what makes another of what a webhook tells, although its value and severity are the same: a
// second pause, a restriction for longer or for something else.
func (inc *Incident) terms() string {
	switch {
	case inc.Track != Told:
		return ""
	case inc.Rule == RuleTemplateStatus && inc.Attrs[AttrTitle] == "SECOND_PAUSE":
		return inc.Attrs[AttrTitle] // not its end, which is reckoned from the time of the webhook
	case inc.Rule == RuleAccountRestricted:
		return inc.Attrs[AttrUntil] + "|" + inc.Attrs[AttrViolation]
	}
	return ""
}

// heldSince is since when a rule has held without a break; inc is its incident if one is open.
func (w *work) heldSince(r Rule, f Finding, v View, replay []stretch, inc *Incident) time.Time {
	since := f.Row.At
	if inc != nil {
		since = inc.Since
	}
	for _, st := range replay {
		// A row may have begun long before: what was over and is told again holds since then.
		if st.open && st.finding.Key == f.Key && (inc == nil || st.from.Before(since)) {
			since = st.from
		}
	}
	switch last := w.lastPast(r, f.Key); {
	case !last.To.After(since) || f.Announced:
		return since
	case inc != nil:
		return inc.Since
	default:
		return w.resumed(f, v, last)
	}
}

// lastPast is the stretch of a rule that ended last of those that were told; zero if there is none.
func (w *work) lastPast(r Rule, key string) (last Span) {
	for _, p := range w.s.Past {
		if p.Rule == r.ID && p.Key == key && p.To.After(last.To) {
			last = p
		}
	}
	return last
}

// wait reports whether a rule has yet to hold for as long as its `for` demands.
func (w *work) wait(r Rule, key string) (p Pending, wait bool) {
	if r.For <= 0 {
		return Pending{}, false
	}
	p = Pending{r.ID, key, w.in.Now}
	for _, old := range w.s.Pending {
		if old.Rule == r.ID && old.Key == key {
			p.Since = old.Since
		}
	}
	if fires := p.Since.Add(r.For); w.in.Now.Before(fires) {
		w.dueAt(fires)
		return p, true
	}
	return Pending{}, false
}

// goOn continues an incident whose rule still holds, and tells if it became worse or better, or
// that it lasts.
func (w *work) goOn(r Rule, inc *Incident, f Finding, v View) {
	now := w.in.Now
	inc.ResolvingAt = time.Time{}
	if f.Severity.Level() < inc.Severity.Level() && w.contradictedOnce(r, inc, v) {
		w.dueIncident(r, *inc, f)
		return
	}
	before := inc.terms()
	inc.adopt(f)
	switch {
	case f.Severity != inc.Severity && w.full():
	case f.Severity.Level() > inc.Severity.Level():
		inc.EasingAt, inc.Severity = time.Time{}, f.Severity
		if f.Severity.Level() > inc.Worst.Level() {
			inc.Worst = f.Severity
		}
		w.tellIncident(inc, Escalated, r, f)
	case f.Severity.Level() < inc.Severity.Level():
		if inc.EasingAt.IsZero() {
			inc.EasingAt = now
		}
		if !now.Before(inc.EasingAt.Add(r.KeepFiringFor)) {
			inc.EasingAt, inc.Severity = time.Time{}, f.Severity
			w.tellIncident(inc, Eased, r, f)
		}
	default:
		inc.EasingAt = time.Time{}
		every := r.repeat(*inc)
		again := slices.ContainsFunc(f.Again, func(t time.Time) bool { return inc.ToldAt.Before(t) && !now.Before(t) }) ||
			inc.terms() != "" && before != inc.terms() // paused or restricted again before the first time was over
		if every > 0 && (again || !now.Before(inc.ToldAt.Add(every))) && !w.full() {
			w.tellIncident(inc, Reminder, r, f)
		}
	}
	w.dueIncident(r, *inc, f)
}

// resumed is since when a rule holds again, of which an incident was closed although its value had not
// changed: then the value has held for longer than the rule.
func (w *work) resumed(f Finding, v View, last Span) time.Time {
	since := later(last.To, v.heard(f.Signal))
	switch last.Reason {
	case ReasonRetired:
		for _, sig := range []Signal{Status, Archived, Presence} {
			since = later(since, w.s.Cells[sig].Current.At)
		}
	case ReasonNoRating:
		since = later(since, w.s.Cells[f.Signal].Current.At)
	}
	return since
}

// adopt takes over what a rule finds now.
func (inc *Incident) adopt(f Finding) {
	inc.Signal, inc.Value, inc.From = f.Signal, f.Row.Value, f.Row.From
	title := inc.Attrs[AttrTitle]
	inc.At, inc.NotBefore, inc.Track, inc.Attrs = f.Row.At, f.Row.NotBefore, f.Row.Track, f.Row.Attrs
	if title == "SECOND_PAUSE" && inc.Attrs[AttrTitle] == "FIRST_PAUSE" { // a copy of what was before
		inc.Attrs = united(inc.Attrs, map[string]string{AttrTitle: title})
	}
	if inc.At.Before(inc.Since) { // told again after it was over, with no other value between
		inc.At, inc.From, inc.NotBefore = inc.Since, "", time.Time{}
	}
	inc.Until, inc.UntilReason, inc.Silent = f.Until, f.UntilReason, f.Silent
}

// cease handles an open incident whose rule no longer holds. Its ID is empty when it is over.
func (w *work) cease(r Rule, inc *Incident, v View, retired string) {
	reason := ceasedFor(r, inc, v)
	if reason == "" && (w.contradictedOnce(r, inc, v) || w.keepsFiring(r, inc)) || w.full() {
		return
	}
	a := w.resolved(r, inc, v, reason, retired)
	w.tell(a)
	// It ended when its rule no longer held, which may be long before that was known: what began and
	// ended between the two is news.
	end := a.At
	if reason != "" && reason == inc.UntilReason {
		end = inc.Until
	}
	span := Span{Rule: inc.Rule, Key: inc.Key, From: inc.Since, To: later(end, inc.Since), Reason: reason}
	if retired == "" && r.Once {
		span.Told = v.newest(inc.Signal)
		if now := v.levels[inc.Signal].known; Rank(w.s.Subject.Kind, inc.Signal, now.Value) <= 1 {
			span.Told = justBefore(now.At) // the better value is its end
		}
	}
	w.s.Past = append(w.s.Past, span)
	inc.ID = ""
}

// justBefore is the newest time of a reading that an end at t is the end of: within a second the worse
// value is in force, and may come after the better one.
func justBefore(t time.Time) time.Time { return t.Add(-time.Second) }

// ceasedFor is why a rule no longer holds, if not because the value has changed.
func ceasedFor(r Rule, inc *Incident, v View) (reason string) {
	level := v.levels[inc.Signal]
	same := level.known.Value == inc.Value && !level.known.At.After(inc.At)
	switch {
	case r.Off || same && r.ignores(inc) || v.unasked(inc.Signal):
		return ReasonUnwatched
	case v.Retired() != "":
		return ReasonRetired
	case v.void(level):
		return ReasonNoRating
	case !inc.Until.IsZero() && !v.At.Before(inc.Until):
		return inc.UntilReason
	case same && inc.Rule == RuleAccountDisabled && inc.Value == "SCHEDULE_FOR_DISABLE":
		return ReasonNotRepeated // of an incident that was stored before announcements had an end
	case same && (inc.Rule == RuleAccountDisabled || inc.Rule == RuleAccountOffboarded):
		return ReasonHealthy
	}
	return ""
}

// contradictedOnce reports whether a young webhook is contradicted by one poll only. Graph may answer
// from a cache that is older than the webhook.
func (w *work) contradictedOnce(r Rule, inc *Incident, v View) bool {
	cell, heard := w.s.Cells[inc.Signal], inc.OpenedAt
	if cell.Told.Value == inc.Value {
		heard = later(heard, cell.Told.At) // it may have become worse long after it began
	}
	if inc.Track != Told || !w.in.Now.Before(heard.Add(youngFor)) {
		return false
	}
	since := inc.At
	var first, last time.Time // polls that contradict it
	switch known := v.levels[inc.Signal].known; {
	case known.Track == Seen:
		// The point of seen is the first of them; there may be any number between that and the newest.
		_, last, _ = v.Seen(inc.Signal)
		first = cell.Seen.At
	case r.Cure != "" && known.Value == inc.Value:
		_, last, first = v.Seen(r.Cure)
		since = later(since, cell.Told.At)
	default:
		return false
	}
	if first.After(since) && last.Sub(first) >= twoPolls {
		return false
	}
	w.recheck = true
	w.dueAt(heard.Add(youngFor))
	return true
}

// keepsFiring reports whether an incident has to go on for a while although its rule does not hold.
func (w *work) keepsFiring(r Rule, inc *Incident) bool {
	if r.KeepFiringFor <= 0 {
		return false
	}
	if inc.ResolvingAt.IsZero() {
		inc.ResolvingAt = w.in.Now
	}
	end := inc.ResolvingAt.Add(r.KeepFiringFor)
	if !w.in.Now.Before(end) {
		return false
	}
	w.dueAt(end)
	return true
}

// resolved is the last alert of an incident.
func (w *work) resolved(r Rule, inc *Incident, v View, reason, retired string) Alert {
	to := v.levels[inc.Signal].known
	a := w.alert(Resolved, r.ID, inc.Worst, inc.Signal)
	id, since := inc.ID, inc.Since
	a.IncidentID, a.IncidentSince = &id, &since
	inc.Revision++
	a.Revision, a.ID = inc.Revision, inc.ID+"."+strconv.Itoa(inc.Revision)
	a.From, a.At, a.Source = text(inc.Value), w.in.Now.Truncate(time.Second), "clock"
	lifted := v.newest(RestrictionLifted)
	switch {
	case reason == ReasonRetired: // which may be known long after
		a.Reason, a.At = &reason, v.retiredAt()
	case reason != "":
		a.Reason = &reason
	case r.ID == RuleAccountRestricted && !lifted.Before(inc.At):
		row, _ := v.Known(RestrictionLifted)
		a.At, a.Source, a.Details = lifted, source(Told), maps.Clone(row.Attrs)
	case !to.IsZero() && (to.Value != inc.Value || to.At.After(inc.At)): // else something besides the value ended it
		a.To, a.At, a.NotBefore, a.Source, a.Details = text(to.Value), to.At, instant(to.NotBefore), source(to.Track), maps.Clone(to.Attrs)
	}
	if reason == ReasonDay7 {
		// The limit that came with the flag is what the one of today is compared with.
		a.Details = maps.Clone(inc.Attrs)
	}
	if reason == ReasonRetired {
		a.Details = united(a.Details, map[string]string{DetailRetired: retired})
	}
	a.At = later(a.At, inc.Since) // a poll and a webhook may be of one second
	a.PreviousAt = inc.ToldAt
	return a
}
