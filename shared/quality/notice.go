package quality

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"
)

// notices tells the one-time facts among what was added.
func (w *work) notices(rs Rules) {
	now := w.in.Now
	if len(w.added) > 0 { // duplicates write nothing, not even that a mark is old
		w.s.Notices = slices.DeleteFunc(w.s.Notices, func(m NoticeMark) bool { return m.At.Before(now.Add(-repeatFor)) })
	}
	for _, m := range w.in.Noticed {
		if !slices.Contains(w.s.Notices, m) {
			w.s.Notices = append(w.s.Notices, m)
		}
	}
	slices.SortStableFunc(w.added, func(a, b Point) int { return a.At.Compare(b.At) })
	for _, p := range w.added {
		rule := eventNotice(p)
		sev := rs.notice(rule, p.Value)
		if rule == RuleAccountAlert {
			sev = w.alertNotice(rs, p)
		}
		if sev != NoSeverity {
			w.noticeOf(p, rule, sev)
		}
	}
	for _, sig := range []Signal{Category, CorrectCategory, MessagingLimit} {
		if w.touched[sig] {
			w.changeNotices(rs, sig)
		}
	}
	if n := len(w.s.Notices); n > maxNotices {
		slices.SortStableFunc(w.s.Notices, func(a, b NoticeMark) int { return a.At.Compare(b.At) })
		w.s.Notices = w.s.Notices[n-maxNotices:]
	}
}

// alertNotice is how bad an alert of Meta's is that has no end: mere information, or one that was never
// active, like the refusal of a request. What ends an incident is told by that.
func (w *work) alertNotice(rs Rules, p Point) Severity {
	i := slices.IndexFunc(rs, func(r Rule) bool { return r.ID == RuleAccountAlert })
	open := slices.ContainsFunc(w.in.State.Open, func(inc Incident) bool { return inc.Rule == RuleAccountAlert && inc.Key == string(p.Signal) })
	if i < 0 || rs[i].Off || open {
		return NoSeverity
	}
	sev := rs[i].severity(p.Attrs[AttrSeverity], alertSeverity(p.Attrs))
	if sev.Level() >= Warning.Level() && (p.Value == "ACTIVE" || w.valueBefore(p) == "ACTIVE") {
		return NoSeverity
	}
	return sev
}

// valueBefore is the value that an added point of a webhook's replaced.
func (w *work) valueBefore(p Point) string {
	all, read := w.obs[p.Signal]
	if !read {
		return w.in.State.Cells[p.Signal].Known.Value
	}
	value := ""
	for _, o := range all {
		if o.at.Before(p.At) {
			value = o.value
		}
	}
	return value
}

// maxNotices bounds the notices that a state remembers: the newest facts.
const maxNotices = 200

// noticed is a value as a mark of a notice has it, which keeps long ones short.
func noticed(value string) string {
	if len(value) <= 80 {
		return value
	}
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:])
}

// eventNotice says which rule a point is a notice of, if any.
func eventNotice(p Point) (rule string) {
	switch p.Signal {
	case PIN:
		return RuleNumberSecurity
	case Violation:
		return RuleAccountViolation
	case LimitExceeded:
		return RuleTemplateLimit
	case UnknownThing:
		return RuleWatchUnknown
	case TestButton:
		return RuleWatchTest
	}
	if _, ok := p.Signal.AlertType(); ok && p.Value != "RESOLVED" {
		return RuleAccountAlert
	}
	return ""
}

func (w *work) noticeOf(p Point, rule string, sev Severity) {
	if p.At.Before(w.in.Now.Add(-oldNews)) {
		return
	}
	value := p.Value
	if n := p.Attrs[AttrPhoneNumber]; n != "" {
		value += "/" + n // the like about another number is another fact
	}
	like := func(m NoticeMark) bool { return m.Signal == p.Signal && m.Value == noticed(value) }
	repeated := slices.ContainsFunc(w.s.Notices, like)
	if repeated && p.Signal == UnknownThing {
		return
	}
	if slices.ContainsFunc(w.s.Notices, func(m NoticeMark) bool { return like(m) && m.At.Equal(p.At) }) {
		return
	}
	a := w.notice(rule, sev, p.Signal, value, p.At)
	a.From, a.To, a.At, a.Source, a.Details = text(p.Attrs[AttrPrevious]), text(p.Value), p.At, source(p.Track), p.Attrs
	if p.Signal == UnknownThing && strings.HasPrefix(p.Value, "refused:") {
		a.Source = source(Seen) // only a poll can find that
	}
	a.Repeated = repeated
	if reason := p.Attrs[AttrReason]; reason != "" {
		a.Reason = &reason
	}
	w.tell(a)
}

// notice begins a notice and remembers that it was told.
func (w *work) notice(rule string, sev Severity, sig Signal, value string, at time.Time) Alert {
	a := w.alert(Notice, rule, sev, sig)
	a.ID = w.newID(rule, string(sig)+"\x00"+value+"\x00"+strconv.FormatInt(at.Unix(), 10)) + ".1"
	w.s.Notices = append(w.s.Notices, NoticeMark{sig, noticed(value), at})
	return a
}

// changeNotices tells the changes of a signal whose every change is news. A late one is not, if the one
// after it was told: it would contradict what people read last.
func (w *work) changeNotices(rs Rules, sig Signal) {
	rows := slices.Clone(w.rebuilt[sig])
	if rows == nil {
		rows = []Row{w.s.Cells[sig].Known}
	}
	if len(rows) > 0 && rows[0].From == "" {
		rows[0].From = before(sig, rows[0]) // what the first webhook itself says it was
	}
	marks, news := w.s.Notices, len(rows)
	for news > 0 && !noticedRow(marks, sig, rows, news-1) {
		news--
	}
	for _, r := range rows[news:] {
		w.changeNotice(rs, sig, r)
	}
}

// noticedRow reports whether a row was told. A reading that moves a change that was told to an earlier
// time is no new change.
func noticedRow(marks []NoticeMark, sig Signal, rows []Row, i int) bool {
	r, end := rows[i], time.Time{}
	if i+1 < len(rows) {
		end = rows[i+1].At
	}
	return slices.ContainsFunc(marks, func(m NoticeMark) bool {
		return m.Signal == sig && m.Value == noticed(changed(sig, r)) && !m.At.Before(r.NotBefore) && (end.IsZero() || m.At.Before(end))
	})
}

// changed is the fact that a row is: a category that polls found to be the correct one is announced by a
// webhook later, with the date from which it costs more.
func changed(sig Signal, r Row) string {
	if date := r.Attrs[AttrDate]; sig == CorrectCategory && date != "" {
		return r.Value + "/" + date
	}
	return r.Value
}

func (w *work) changeNotice(rs Rules, sig Signal, r Row) {
	at, track := r.At, r.Track
	for _, p := range w.added {
		if date := p.Attrs[AttrDate]; sig == CorrectCategory && p.Signal == sig && p.Value == r.Value && date != "" && p.At.After(at) {
			at, track = p.At, p.Track // the announcement, not the row, is news
		}
	}
	// A correct category is an announcement already when it is first told.
	if r.IsZero() || r.From == "" && sig != CorrectCategory && r.Attrs[AttrEvent] == "" || at.Before(w.in.Now.Add(-oldNews)) {
		return
	}
	rule := changeRule(sig, r)
	sev := rs.notice(rule, r.Value)
	if sev == NoSeverity {
		return
	}
	fact := changed(sig, r)
	// What a poll sees is a change of its own; a webhook may be a copy of one that came with another time.
	repeated := track == Told && slices.ContainsFunc(w.s.Notices, func(m NoticeMark) bool { return m.Signal == sig && m.Value == noticed(fact) })
	a := w.notice(rule, sev, sig, fact, at)
	a.From, a.To, a.At, a.NotBefore, a.Source, a.Details = text(r.From), text(r.Value), at, instant(r.NotBefore), source(track), r.Attrs
	if sig == CorrectCategory {
		a.From = text(w.s.Cells[Category].Known.Value)
		if old := r.Attrs[AttrPrevious]; old != "" {
			a.From = text(old)
		}
	}
	a.Repeated = repeated
	a.FirstLook = track == Seen && w.in.FirstLook[ClassOf(w.s.Subject.Kind, sig)]
	w.tell(a)
}

// before is the value that a webhook says its own replaces.
func before(sig Signal, r Row) string {
	switch sig {
	case Category:
		return r.Attrs[AttrPrevious]
	case MessagingLimit:
		return r.Attrs[AttrOldLimit]
	}
	return ""
}

func changeRule(sig Signal, r Row) (rule string) {
	if sig != MessagingLimit {
		if r.From == r.Value {
			return ""
		}
		return RuleTemplateCategory
	}
	from, ok1 := limit(r.From)
	to, ok2 := limit(r.Value)
	switch {
	case r.From == "" && ok2 && r.Attrs[AttrEvent] == "DOWNGRADE":
		return RuleLimitLowered
	case r.From == "" && ok2 && r.Attrs[AttrEvent] == "UPGRADE":
		return RuleLimitRaised
	case !ok1 || !ok2 || from == to:
		return ""
	case to < from:
		return RuleLimitLowered
	}
	return RuleLimitRaised
}

// limit orders messaging limits: users a day, or more than all of them for unlimited.
func limit(tier string) (n int, ok bool) {
	t, ok := strings.CutPrefix(tier, "TIER_")
	if !ok {
		return 0, false
	}
	if t == "UNLIMITED" {
		return 1 << 40, true
	}
	scale := 1
	if k, thousand := strings.CutSuffix(t, "K"); thousand {
		t, scale = k, 1000
	}
	n, err := strconv.Atoi(t)
	return n * scale, err == nil && n > 0
}
