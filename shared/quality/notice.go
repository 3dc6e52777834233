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
	slices.SortStableFunc(w.added, func(a, b Point) int { return a.At.Compare(b.At) })
	for _, p := range w.added {
		rule := eventNotice(p)
		if sev := rs.notice(rule, p.Value); sev != NoSeverity {
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
	if _, ok := p.Signal.AlertType(); ok && p.Value != "RESOLVED" && alertSeverity(p.Attrs) == Info {
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

// changeNotices tells the changes of a signal whose every change is news.
func (w *work) changeNotices(rs Rules, sig Signal) {
	rows := w.rebuilt[sig]
	if rows == nil {
		rows = []Row{w.s.Cells[sig].Known}
	}
	for i, r := range rows {
		if r.From == "" && i == 0 {
			r.From = before(sig, r) // what the first webhook itself says it was
		}
		// A correct category is an announcement already when it is first told.
		if r.IsZero() || r.From == "" && sig != CorrectCategory && r.Attrs[AttrEvent] == "" || r.At.Before(w.in.Now.Add(-oldNews)) {
			continue
		}
		var end time.Time
		if i+1 < len(rows) {
			end = rows[i+1].At
		}
		// A reading that moves a change that was told to an earlier time is no new change.
		told := slices.ContainsFunc(w.s.Notices, func(m NoticeMark) bool {
			return m.Signal == sig && m.Value == noticed(r.Value) && !m.At.Before(r.NotBefore) && (end.IsZero() || m.At.Before(end))
		})
		if told {
			continue
		}
		rule := changeRule(sig, r)
		sev := rs.notice(rule, r.Value)
		if sev == NoSeverity {
			continue
		}
		repeated := slices.ContainsFunc(w.s.Notices, func(m NoticeMark) bool { return m.Signal == sig && m.Value == noticed(r.Value) })
		a := w.notice(rule, sev, sig, r.Value, r.At)
		a.From, a.To, a.At, a.NotBefore, a.Source, a.Details = text(r.From), text(r.Value), r.At, instant(r.NotBefore), source(r.Track), r.Attrs
		if sig == CorrectCategory {
			a.From = text(w.s.Cells[Category].Known.Value)
			if old := r.Attrs[AttrPrevious]; old != "" {
				a.From = text(old)
			}
		}
		a.Repeated = repeated
		w.tell(a)
	}
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
