package quality

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
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

// evaluate compares what holds now with the incidents that are open.
func (w *work) evaluate(rs Rules) {
	now, kind := w.in.Now, w.s.Subject.Kind
	heads := w.in.Heads
	if len(w.in.Polled) > 0 {
		heads = maps.Clone(heads)
		if heads == nil {
			heads = Heads{}
		}
		for class, e := range w.in.Polled {
			if e.At.After(heads[class].Last) {
				heads[class] = heads[class].Append(e)
			}
		}
	}
	view := w.s.view(now, heads)
	retired := view.Retired()
	var pending []Pending
	for _, r := range rs {
		if !slices.Contains(r.Kinds, kind) {
			continue
		}
		var found []Finding
		if retired == "" && !r.Off {
			found = r.Holds(r, view)
		}
		var replay []stretch
		if w.wasTouched(r) && !r.Off {
			replay = stretches(r, kind, w.evidence(r, heads), now)
		}
		if r.Once {
			found = slices.DeleteFunc(found, func(f Finding) bool { return w.ended(r, f, view) })
		}
		for _, f := range found {
			if p, wait := w.fire(r, f, replay); wait {
				pending = append(pending, p)
			}
		}
		for i := range w.s.Open {
			inc := &w.s.Open[i]
			if inc.Rule == r.ID && !slices.ContainsFunc(found, func(f Finding) bool { return f.Key == inc.Key }) {
				w.cease(r, inc, view, retired)
			}
		}
		w.s.Open = slices.DeleteFunc(w.s.Open, func(inc Incident) bool { return inc.ID == "" })
		w.pass(r, replay)
		w.voids(r, view)
	}
	w.s.Pending = pending
	w.dropOrphans(rs)
	if n := len(w.s.Past); n > maxPast {
		w.s.Past = w.s.Past[n-maxPast:]
	}
}

// dropOrphans forgets incidents of rules that no longer exist: nobody could ever resolve them.
func (w *work) dropOrphans(rs Rules) {
	w.s.Open = slices.DeleteFunc(w.s.Open, func(inc Incident) bool {
		return !slices.ContainsFunc(rs, func(r Rule) bool { return r.ID == inc.Rule })
	})
}

func (w *work) wasTouched(r Rule) bool {
	for sig := range w.touched {
		if r.Reads(sig) {
			return true
		}
	}
	return false
}

// evidence gathers what a rule reads, for a replay: history where it was rebuilt, elsewhere
// what the cells remember.
func (w *work) evidence(r Rule, heads Heads) map[Signal][]observation {
	out := map[Signal][]observation{}
	for sig, c := range w.s.Cells {
		// Of signals that come one per type each is judged by itself: those that nothing was added
		// to have nothing new to tell, however many there are.
		if !r.Reads(sig) || manifold(sig) && !w.touched[sig] && !w.touched[RestrictionLifted] {
			continue
		}
		if obs, ok := w.obs[sig]; ok {
			out[sig] = obs
			continue
		}
		var obs []observation
		if !c.Known.IsZero() {
			before := w.in.State.Cells[sig].Known
			if !before.IsZero() && before.At.Before(c.Known.At) {
				obs = append(obs, observation{before.At, before.Value, before.Track, before.Attrs, true})
			}
			obs = append(obs, observation{c.Known.At, c.Known.Value, c.Known.Track, c.Known.Attrs, true})
			if c.Told.Value == c.Known.Value && c.Told.At.After(c.Known.At) {
				obs = append(obs, observation{c.Told.At, c.Told.Value, Told, c.Told.Attrs, true})
			}
		}
		if !c.Current.IsZero() && !Known(c.Current.Value) {
			obs = append(obs, observation{c.Current.At, c.Current.Value, c.Current.Track, c.Current.Attrs, true})
		}
		if last, before := w.s.Confirmed(sig, heads); c.Seen.Value == c.Current.Value && !last.IsZero() {
			for _, at := range []time.Time{before, last} {
				if at.After(c.Current.At) {
					obs = append(obs, observation{at, c.Seen.Value, Seen, nil, true})
				}
			}
		}
		slices.SortStableFunc(obs, func(a, b observation) int { return a.at.Compare(b.at) })
		if len(obs) > 0 {
			out[sig] = obs
		}
	}
	return out
}

// ended reports whether what a rule finds has ended already, and nobody has said it since.
func (w *work) ended(r Rule, f Finding, v View) bool {
	same := func(rule, key string) bool { return rule == r.ID && key == f.Key }
	return !slices.ContainsFunc(w.s.Open, func(inc Incident) bool { return same(inc.Rule, inc.Key) }) &&
		slices.ContainsFunc(w.s.Past, func(p Span) bool { return same(p.Rule, p.Key) && !p.Told.Before(v.newest(f.Signal)) })
}

// fire opens or continues an incident. wait is true while the rule's `for` has not passed.
func (w *work) fire(r Rule, f Finding, replay []stretch) (p Pending, wait bool) {
	i := slices.IndexFunc(w.s.Open, func(inc Incident) bool { return inc.Rule == r.ID && inc.Key == f.Key })
	if i >= 0 {
		inc := &w.s.Open[i]
		if since := w.heldSince(r, f, replay, inc); since.Before(inc.Since) {
			inc.Since = since // which late news may make earlier
		}
		w.goOn(r, inc, f)
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
		Since: w.heldSince(r, f, replay, nil),
	}
	inc.adopt(f)
	w.tellIncident(&inc, Firing, r, f)
	w.s.Open = append(w.s.Open, inc)
	w.dueIncident(r, inc, f)
	return Pending{}, false
}

// heldSince is since when a rule has held without a break; inc is its incident if one is open.
func (w *work) heldSince(r Rule, f Finding, replay []stretch, inc *Incident) time.Time {
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
	return w.resumed(r, f, since)
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
func (w *work) goOn(r Rule, inc *Incident, f Finding) {
	now := w.in.Now
	inc.ResolvingAt = time.Time{}
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
		again := slices.ContainsFunc(f.Again, func(t time.Time) bool { return inc.ToldAt.Before(t) && !now.Before(t) })
		if every > 0 && (again || !now.Before(inc.ToldAt.Add(every))) && !w.full() {
			w.tellIncident(inc, Reminder, r, f)
		}
	}
	w.dueIncident(r, *inc, f)
}

// maxTold bounds the alerts about incidents of one change, which is one transaction: a lifting
// may end a hundred restrictions at once.
const maxTold = 50

// full reports whether the next alert about an incident has to wait for the next change. Rules
// are levels, so nothing is lost by looking again.
func (w *work) full() bool {
	full := len(w.alerts) >= maxTold
	w.more = w.more || full
	return full
}

// resumed is since when a rule holds again, of which an incident was closed for another reason than
// its value: no longer rated, or out of use. Then the value has held for longer than the rule.
func (w *work) resumed(r Rule, f Finding, since time.Time) time.Time {
	closed := slices.ContainsFunc(w.s.Past, func(p Span) bool {
		return p.Rule == r.ID && p.Key == f.Key && !p.From.After(since) && p.To.After(since)
	})
	if !closed {
		return since
	}
	for _, sig := range []Signal{f.Signal, Archived, Presence} {
		since = later(since, w.s.Cells[sig].Current.At)
	}
	return since
}

// adopt takes over what a rule finds now.
func (inc *Incident) adopt(f Finding) {
	inc.Signal, inc.Value, inc.From = f.Signal, f.Row.Value, f.Row.From
	inc.At, inc.NotBefore, inc.Track, inc.Attrs = f.Row.At, f.Row.NotBefore, f.Row.Track, f.Row.Attrs
	if inc.At.Before(inc.Since) { // told again after it was over, with no other value between
		inc.At, inc.From, inc.NotBefore = inc.Since, "", time.Time{}
	}
	inc.Until, inc.UntilReason, inc.Silent = f.Until, f.UntilReason, f.Silent
}

// repeat is the interval of reminders of an incident; 0 or less for never.
func (r Rule) repeat(inc Incident) time.Duration {
	if inc.Silent {
		return 0
	}
	if d, ok := r.Repeat[inc.Severity]; ok {
		return d
	}
	return repeatInterval[inc.Severity]
}

// cease handles an open incident whose rule no longer holds. Its ID is empty when it is over.
func (w *work) cease(r Rule, inc *Incident, v View, retired string) {
	reason := w.ceasedFor(inc, v, retired)
	if reason == "" && (w.contradictedOnce(inc, v) || w.keepsFiring(r, inc)) || w.full() {
		return
	}
	w.tell(w.resolved(r, inc, v, reason, retired))
	span := Span{Rule: inc.Rule, Key: inc.Key, From: inc.Since, To: later(w.in.Now, inc.Since)}
	if retired == "" && r.Once {
		span.Told = v.newest(inc.Signal)
	}
	w.s.Past = append(w.s.Past, span)
	inc.ID = ""
}

// ceasedFor is why a rule no longer holds, if not because the value has changed.
func (w *work) ceasedFor(inc *Incident, v View, retired string) (reason string) {
	level := v.levels[inc.Signal]
	switch {
	case retired != "":
		return ReasonRetired
	case v.void(level):
		return ReasonNoRating
	case !inc.Until.IsZero() && !w.in.Now.Before(inc.Until):
		return inc.UntilReason
	case level.known.Value == inc.Value && !level.known.At.After(inc.At) && (inc.Rule == RuleAccountDisabled || inc.Rule == RuleAccountOffboarded):
		return ReasonHealthy
	}
	return ""
}

// contradictedOnce reports whether a young webhook is contradicted by one poll only. Graph may answer
// from a cache that is older than the webhook.
func (w *work) contradictedOnce(inc *Incident, v View) bool {
	cell, heard := w.s.Cells[inc.Signal], inc.OpenedAt
	if cell.Told.Value == inc.Value {
		heard = later(heard, cell.Told.At) // it may have become worse long after it began
	}
	if inc.Track != Told || v.levels[inc.Signal].known.Track != Seen || !w.in.Now.Before(heard.Add(youngFor)) {
		return false
	}
	// The point of seen is the first poll that contradicts it; there may be any number between that
	// and the newest.
	_, at, _ := v.Seen(inc.Signal)
	if first := cell.Seen.At; first.After(inc.At) && at.Sub(first) >= twoPolls {
		return false
	}
	w.recheck = true
	w.dueAt(heard.Add(youngFor))
	return true
}

// keepsFiring reports whether an incident has to go on for a while although its rule does not hold.
func (w *work) keepsFiring(r Rule, inc *Incident) bool {
	if r.KeepFiringFor <= 0 || r.Off {
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
	a.From, a.At, a.Source = text(inc.Value), w.in.Now, "clock"
	lifted := v.newest(RestrictionLifted)
	switch {
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
	if retired != "" {
		a.Details = united(a.Details, map[string]string{"retired": retired})
	}
	a.PreviousAt = inc.ToldAt
	return a
}

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
		a.Details = united(maps.Clone(f.Row.Attrs), map[string]string{DetailEnded: st.to.Format(time.RFC3339)})
		w.tell(a)
		span := Span{Rule: r.ID, Key: f.Key, From: st.from, To: st.to}
		if r.Once {
			span.Told = st.to
		}
		w.s.Past = append(w.s.Past, span)
	}
}

// DetailEnded is the detail of a passed alert that says when the stretch was over, RFC 3339.
const DetailEnded = "ended_at"

// voids wakes the subject when UNKNOWN ends what a rule reads.
func (w *work) voids(r Rule, v View) {
	for _, inc := range w.s.Open {
		if l := v.levels[inc.Signal]; inc.Rule == r.ID && !l.unknownSince.IsZero() {
			w.dueAt(l.unknownSince.Add(endAfter))
		}
	}
	if r.ID == RuleWatchToken && slices.Contains(r.Kinds, w.s.Subject.Kind) {
		if row, ok := v.Known(Token); ok {
			if until := parseTime(row.Attrs[AttrUntil]); !until.IsZero() {
				w.dueAt(until.Add(-tokenWarning))
				w.dueAt(until)
			}
		}
	}
}

// dueIncident wakes the subject for the next thing that time does to an incident.
func (w *work) dueIncident(r Rule, inc Incident, f Finding) {
	if every := r.repeat(inc); every > 0 {
		w.dueAt(inc.ToldAt.Add(every))
		for _, t := range f.Again {
			w.dueAt(t)
		}
	}
	if !inc.EasingAt.IsZero() {
		w.dueAt(inc.EasingAt.Add(r.KeepFiringFor))
	}
	w.dueAt(inc.Until)
}

// dueAt wakes the subject at t, unless t has passed or is zero. It is a whole second, as it is
// stored: otherwise the state would differ from what was read, and a duplicate write it again.
func (w *work) dueAt(t time.Time) {
	if t.After(w.in.Now) {
		if whole := t.Truncate(time.Second); whole.Before(t) {
			t = whole.Add(time.Second)
		}
		w.due = sooner(w.due, t)
	}
}

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
