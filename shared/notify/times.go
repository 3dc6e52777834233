package notify

import (
	"strconv"
	"strings"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// stamp is an instant to the minute, in UTC and beside it in the reader's zone.
func (w Writer) stamp(t time.Time) string {
	t = t.UTC()
	return w.day(t) + t.Format(" 15:04 UTC") + w.local(t, t)
}

// span is the time between two instants, in UTC and in the reader's zone.
func (w Writer) span(from, to time.Time) string {
	from, to = from.UTC(), to.UTC()
	and := w.catalogue().Words.And
	text := w.day(from) + from.Format(" 15:04") + and
	if !sameDay(from, to) {
		text += w.day(to) + " "
	}
	return text + to.Format("15:04 UTC") + w.local(from, to)
}

// local is the same in the reader's zone, in brackets; the day only where it is another.
func (w Writer) local(from, to time.Time) string {
	if w.Zone == nil {
		return ""
	}
	a, b := from.In(w.Zone), to.In(w.Zone)
	zone, offset := b.Zone()
	if offset == 0 && (zone == "UTC" || w.Zone == time.UTC) {
		return ""
	}
	if strings.HasPrefix(zone, "+") || strings.HasPrefix(zone, "-") {
		zone = "UTC" + zone // it has no name, only an offset
	}
	text := a.Format("15:04")
	if !sameDay(a, from) {
		text = w.day(a) + " " + text
	}
	if !from.Equal(to) {
		end := b.Format("15:04")
		if !sameDay(a, b) || sameDay(a, from) && !sameDay(b, to) {
			end = w.day(b) + " " + end
		}
		text += w.catalogue().Words.And + end
	}
	return " (" + text + " " + zone + ")"
}

// brief is an instant for a headline: without year and zone.
func (w Writer) brief(t time.Time) string {
	t = t.UTC()
	return w.shortDay(t) + t.Format(" 15:04 UTC")
}

func (w Writer) shortDay(t time.Time) string {
	c := w.catalogue().Words
	return fill(c.ShortDate, map[string]string{"day": strconv.Itoa(t.Day()), "month": c.Months[t.Month()-1]})
}

func (w Writer) day(t time.Time) string {
	c := w.catalogue().Words
	return fill(c.Date, map[string]string{"day": strconv.Itoa(t.Day()), "month": c.Months[t.Month()-1], "year": strconv.Itoa(t.Year())})
}

// sameDay compares the days as they are written.
func sameDay(a, b time.Time) bool {
	ay, am, ad := a.Date()
	by, bm, bd := b.Date()
	return ay == by && am == bm && ad == bd
}

// exact reports whether the time of the fact is known to the minute. A webhook says when it was;
// a poll finds what happened since the one before.
func (f facts) exact() bool {
	a := f.a
	return a.NotBefore == nil || !a.NotBefore.Truncate(time.Minute).Before(a.At.Truncate(time.Minute)) ||
		a.Source == "webhook" || a.Source == "clock" && f.toldOnly()
}

// toldOnly reports whether no poll could have told the fact: a reminder does not say who did.
func (f facts) toldOnly() bool {
	s := f.signal()
	return s != "" && s != quality.Poll && s != quality.Subscription && quality.ClassOf(f.a.SubjectKind, s) == ""
}

// since says from when on it has been so. What a poll saw without an earlier reading may be older.
func (f facts) since() string {
	c := f.c.Words
	switch a := f.a; {
	case a.Rule == quality.RuleWatchToken && f.value() == "VALID":
		// Nothing changed but the time.
		return fill(c.AsOf, map[string]string{"at": f.w.stamp(f.now)})
	case !f.exact():
		return fill(c.SinceBetween, map[string]string{"span": f.w.span(*a.NotBefore, a.At)})
	case a.NotBefore == nil && a.Source == "poll":
		return fill(c.FirstSeen, map[string]string{"at": f.w.stamp(a.At)})
	}
	return fill(c.Since, map[string]string{"at": f.w.stamp(f.a.At)})
}

// on says when a fact without an end was.
func (f facts) on() string {
	if !f.exact() {
		return fill(f.c.Words.OnBetween, map[string]string{"span": f.w.span(*f.a.NotBefore, f.a.At)})
	}
	return fill(f.c.Words.On, map[string]string{"at": f.w.stamp(f.a.At)})
}

// stretch says from when until when it was so, or from when on if its end is not known.
func (f facts) stretch() string {
	text := f.c.Words.Stretch
	if f.closed() {
		text = f.c.Words.ClosedStretch
	}
	return fill(text, map[string]string{"began": f.began(), "ended": f.ended()})
}

// moment is when, for an SMS.
func (f facts) moment() string {
	if f.a.Event != quality.Passed {
		return f.w.brief(f.a.At)
	}
	if f.closed() {
		return f.w.brief(f.beganAt())
	}
	began, ended := f.beganAt().UTC(), f.endedAt().UTC()
	if sameDay(began, ended) {
		return f.w.shortDay(began) + began.Format(" 15:04") + " - " + ended.Format("15:04 UTC")
	}
	return f.w.shortDay(began) + began.Format(" 15:04") + " - " + f.w.brief(ended)
}

// began is when the incident began.
func (f facts) began() string { return f.w.stamp(f.beganAt()) }

func (f facts) beganAt() time.Time {
	if f.a.IncidentSince != nil {
		return *f.a.IncidentSince
	}
	return f.a.At
}

// ended is when the incident was over.
func (f facts) ended() string { return f.w.stamp(f.endedAt()) }

func (f facts) endedAt() time.Time {
	switch f.a.Event {
	case quality.Resolved:
		return f.a.At
	case quality.Passed:
		if t := parseTime(f.detail(quality.DetailEnded)); !t.IsZero() {
			return t
		}
	}
	return f.now
}

// lasted is how long the incident has lasted.
func (f facts) lasted() string { return f.c.Words.lasting(f.endedAt().Sub(f.beganAt())) }

// lasting is a duration in its two greatest units.
func (w words) lasting(d time.Duration) string {
	if d < time.Minute {
		return w.UnderMinute
	}
	d = d.Round(time.Minute)
	left, parts := d, []string(nil)
	for _, unit := range []struct {
		is   time.Duration
		name string
	}{{24 * time.Hour, w.Day}, {time.Hour, w.Hour}, {time.Minute, w.Minute}} {
		if n := left / unit.is; n > 0 && len(parts) < 2 {
			parts = append(parts, strconv.Itoa(int(n))+" "+unit.name)
			left -= n * unit.is
		} else if len(parts) > 0 {
			break
		}
	}
	return strings.Join(parts, " ")
}
