package notify

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

const (
	maxName   = 60  // runes of a name in a sentence
	maxCode   = 80  // runes of a value or code
	maxReason = 300 // runes of an explanation in a list of facts
)

// facts are an alert as words need it: cleaned, and escaped for one medium.
type facts struct {
	a   *quality.Alert
	w   Writer
	c   *catalogue
	esc escape

	maxName  int                 // runes of the name
	alphabet func(string) string // spells names, before they are cut
	from, to string              // codes
	until    time.Time
	now      time.Time // when the alert was made
}

func (w Writer) facts(a *quality.Alert, esc escape) facts {
	f := facts{a: a, w: w, c: w.catalogue(), esc: esc, now: a.CreatedAt, maxName: maxName, alphabet: plain}
	if f.now.IsZero() {
		f.now = a.At
	}
	f.from, f.to = f.code(deref(a.From)), f.code(deref(a.To))
	f.until = f.end()
	return f
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// code cleans a value that Meta chose from a list of its own.
func (f facts) code(s string) string { return name(s, maxCode) }

func (f facts) detail(key string) string { return f.a.Details[key] }

// metaSays are Meta's own words, cleaned, each behind its label. Of an offboarding the
// description is who did it.
func (f facts) metaSays() [][2]string {
	l := f.c.Words
	description := f.detail(quality.AttrDescription)
	if f.a.Rule == quality.RuleAccountOffboarded {
		description = ""
	}
	out := [][2]string{{l.MetaSays, clean(description, maxReason)}, {l.MetaAdvises, clean(join(f.detail(quality.AttrSolutions), f.detail(quality.AttrRemediation)), maxReason)}}
	return slices.DeleteFunc(out, func(said [2]string) bool { return said[1] == "" })
}

// value is what the incident or notice is about: of a resolved one what held.
func (f facts) value() string {
	if f.a.Event == quality.Resolved {
		return f.from
	}
	return f.to
}

// end is when the fact ends by itself; zero if that is not known, or if it is over already.
func (f facts) end() time.Time {
	if f.a.Event == quality.Passed || f.a.Event == quality.Resolved {
		return time.Time{}
	}
	if t := parseTime(f.detail(quality.AttrUntil)); !t.IsZero() {
		return t
	}
	switch {
	case f.a.Rule == quality.RuleTemplateStatus && f.detail(quality.AttrTitle) == "FIRST_PAUSE":
		return f.a.At.Add(3 * time.Hour)
	case f.a.Rule == quality.RuleTemplateStatus && f.detail(quality.AttrTitle) == "SECOND_PAUSE":
		return f.a.At.Add(6 * time.Hour)
	case f.a.Rule == quality.RuleNumberFlagged:
		return f.a.At.Add(7 * 24 * time.Hour)
	}
	return time.Time{}
}

// past reports whether the end of the fact was over when the alert was made, and the fact not.
func (f facts) past() bool { return !f.until.IsZero() && f.now.After(f.until) }

func parseTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// reason is Meta's reason for the fact; an incident's reason for having ended is none.
func (f facts) reason() string {
	if r := f.detail(quality.AttrReason); r != "" || f.a.Event == quality.Resolved || f.ending() != "" {
		return r
	}
	return deref(f.a.Reason)
}

// ending is why an incident ended; "" if a new value ended it, and while it lasts.
func (f facts) ending() string {
	if f.a.Event != quality.Resolved && f.a.Event != quality.Passed {
		return ""
	}
	reason := deref(f.a.Reason)
	if _, ok := f.c.Whys[reason]; !ok {
		return ""
	}
	return reason
}

// closed reports whether an incident ended for a reason that is no proof that the matter is over.
func (f facts) closed() bool {
	switch f.ending() {
	case quality.ReasonRetired, quality.ReasonNoRating, quality.ReasonNotRepeated, quality.ReasonUnwatched:
		return true
	}
	return false
}

// cases are the keys under which a catalogue may speak of this alert, the most telling first.
func (f facts) cases() []string {
	v := strings.ToUpper(f.value())
	keys := []string{v, ""}
	with := func(details ...string) []string {
		var out []string
		for _, d := range details {
			if d = strings.ToUpper(strings.TrimSpace(d)); d != "" {
				out = append(out, v+"/"+strings.ReplaceAll(d, " ", "_"))
			}
		}
		return append(out, keys...)
	}
	switch f.a.Rule {
	case quality.RuleTemplateStatus:
		if v == "PAUSED" && f.past() {
			return with("OVERDUE")
		}
		return with(f.detail(quality.AttrTitle), f.reason())
	case quality.RuleNumberFlagged:
		if f.past() {
			return with("PAST")
		}
	case quality.RuleAccountDisabled:
		if f.effective() != "" {
			return with("DATED")
		}
	case quality.RuleNumberName, quality.RuleAccountOffboarded:
		return with(f.reason())
	case quality.RuleNumberHealth, quality.RuleAccountHealth:
		return with(strings.Split(f.detail(quality.AttrCodes), ",")...)
	case quality.RuleWatchUnknown:
		if strings.HasPrefix(v, "REFUSED:") {
			return []string{"REFUSED", ""}
		}
	case quality.RuleWatchToken:
		return f.tokenCases(v, with)
	case quality.RuleTemplateCategory:
		if f.signal() == quality.CorrectCategory {
			if f.detail(quality.AttrDate) == "" {
				return []string{"SUSPECTED", ""}
			}
			return []string{"ANNOUNCED", ""}
		}
		return keys
	case quality.RuleAccountRestricted:
		t, _ := f.signal().RestrictionType()
		why := strings.ToUpper(f.detail(quality.AttrViolation))
		for _, stage := range []string{"RATE_LIMIT", "STRIKE_1", "STRIKE_2", "OFFBOARD"} {
			if strings.HasSuffix(why, "_ABUSE_"+stage) {
				return []string{t + "/" + stage, t, ""}
			}
		}
		return []string{t, ""}
	case quality.RuleAccountAlert:
		t, _ := f.signal().AlertType()
		return []string{t, ""}
	case quality.RuleAccountViolation:
		return violationCases(v)
	case quality.RuleWatchTest:
		if f.detail("test") != "" {
			return []string{"ALERT", ""}
		}
	}
	return keys
}

func (f facts) tokenCases(v string, with func(...string) []string) []string {
	switch {
	case v == "INVALID" || v == "MISSING_SCOPE" || v == quality.Unchecked:
		return with(f.reason())
	case !f.until.IsZero() && !f.now.Before(f.until):
		return []string{"EXPIRED", ""}
	case !f.until.IsZero():
		return []string{"EXPIRING", ""}
	}
	return []string{""}
}

// violationCases sorts violations by what there is to do about them.
func violationCases(v string) []string {
	switch {
	case strings.HasPrefix(v, "DIRECT_SEND"):
		return []string{v, "DIRECT_SEND", ""}
	case strings.Contains(v, "BUSINESS_INITIATED_CALL"):
		return []string{v, "CALLING/TO_USERS", ""}
	case strings.Contains(v, "USER_INITIATED_CALL"):
		return []string{v, "CALLING/FROM_USERS", ""}
	case strings.Contains(v, "CALL"):
		return []string{v, "CALLING", ""}
	}
	return []string{v, ""}
}

func (f facts) signal() quality.Signal {
	if f.a.Signal == nil {
		return ""
	}
	return *f.a.Signal
}

// subjectName is what people call the subject; "" if nobody said, or if it says no more than
// the id.
func (f facts) subjectName(max int) string {
	n := name(f.alphabet(clean(f.a.SubjectName, maxName)), max)
	if n == f.a.SubjectID || f.a.SubjectKind == quality.PhoneNumber && n != "" && strings.Trim(n, "+0123456789 ()-.[]/") == "" {
		return ""
	}
	return n
}

// portfolioOf stands for a portfolio whose id is not known: it goes by that of its account.
const portfolioOf quality.Kind = "portfolio of an account"

// kind is what the subject is called.
func (f facts) kind() quality.Kind {
	if f.a.SubjectKind == quality.Portfolio && f.a.SubjectID == deref(f.a.WABAID) {
		return portfolioOf
	}
	return f.a.SubjectKind
}

// subject names the subject in a sentence, or in a headline if short.
func (f facts) subject(short bool) string {
	n, ok := f.c.Subjects[f.kind()]
	if !ok {
		n = f.c.Subjects[""]
	}
	v := map[string]string{
		"name": f.esc(f.subjectName(f.maxName)), "id": f.esc(clean(f.a.SubjectID, maxCode)), "waba": f.esc(clean(deref(f.a.WABAID), maxCode)),
		"language": "",
	}
	if l := name(f.alphabet(clean(f.detail(quality.AttrLanguage), 20)), 20); l != "" && f.a.SubjectKind == quality.Template {
		v["language"] = " (" + f.esc(l) + ")"
	}
	text := n.Named
	switch {
	case v["name"] == "" && short:
		text = n.ShortBare
	case v["name"] == "":
		text = n.Bare
	case short:
		text = n.Short
	}
	return fill(text, v)
}

// values are what placeholders stand for.
func (f facts) values() map[string]string {
	a, c := f.a, f.c.Words
	known := func(s string) string { return cmp.Or(s, c.NotKnown) }
	v := map[string]string{
		"subject": f.subject(false), "rule": f.esc(clean(a.Rule, maxCode)), "waba": f.esc(clean(deref(a.WABAID), maxCode)),
		"from": known(f.esc(f.from)), "to": known(f.esc(f.to)), "from_words": known(f.esc(f.c.word(f.from))), "to_words": known(f.esc(f.c.word(f.to))),
		"value": known(f.esc(f.value())), "is": c.Is, "has": c.Has,
		"scopes":  f.esc(f.code(f.detail(quality.AttrScopes))),
		"retired": cmp.Or(f.esc(f.c.word(f.code(f.detail(quality.DetailRetired)))), c.OutOfUse),
		"since":   f.since(), "on": f.on(), "stretch": f.stretch(), "lasted": f.lasted(), "began": f.began(), "ended": f.ended(),
	}
	switch a.Event {
	case quality.Passed, quality.Resolved, quality.Notice:
		v["is"], v["has"] = c.Was, c.Had
	}
	kind, ok := f.signal().RestrictionType()
	if !ok {
		kind, _ = f.signal().AlertType()
	}
	v["type"] = known(f.esc(f.c.word(f.code(kind))))
	if a.Rule == quality.RuleWatchToken && v["scopes"] == "" {
		v["scopes"] = "whatsapp_business_management"
	}
	fragment := func(key, text, value string) {
		v[key] = ""
		if value != "" {
			v[key] = fill(text, map[string]string{key: value})
		}
	}
	was := ""
	if f.from != "" && f.from != f.to {
		was = f.esc(f.from)
	}
	v["entity"], v["of_entity"] = v["subject"], ""
	if entity, ofEntity := f.entity(); entity != "" {
		v["entity"], v["of_entity"] = fill(entity, v), fill(ofEntity, v)
	}
	v["topic"] = fill(f.c.topic(a.Rule), v)
	v["why"], v["brief"] = fill(f.c.Whys[f.ending()].Full, v), fill(f.c.Whys[f.ending()].Brief, v)
	fragment("because", c.FragmentBecause, v["why"])
	fragment("was", c.FragmentWas, was)
	fragment("old", c.FragmentOld, was)
	fragment("instead", c.FragmentInstead, was)
	now := ""
	if f.to != "" && f.to != f.from {
		now = f.esc(f.to)
	}
	fragment("now", c.FragmentNow, now)
	until := ""
	if !f.until.IsZero() {
		until = f.w.stamp(f.until)
	}
	v["deadline"] = known(until)
	fragment("until", c.FragmentUntil, until)
	v["ends"] = ""
	switch {
	case until != "" && f.timed():
		v["ends"] = fill(c.FragmentEnds, map[string]string{"until": until, "left": c.lasting(f.until.Sub(f.now))})
	case until == "" && f.a.Rule == quality.RuleAccountRestricted && f.a.Event != quality.Passed:
		v["ends"] = c.FragmentNoEnd
	}
	fragment("wish", c.FragmentWish, f.esc(name(f.detail(quality.AttrRequested), maxName)))
	fragment("count", c.FragmentCount, f.esc(name(f.detail("incidents"), 10)))
	fragment("reason", c.FragmentReason, f.esc(f.c.word(f.code(f.reason()))))
	fragment("effective", c.FragmentEffective, f.effective())
	fragment("limit", c.FragmentLimit, f.limit())
	return v
}

// entity names the phone number that an alert of Meta's about an account concerns, in a sentence
// and behind a word of a headline; "" if it concerns the account. Its id there is not the one it
// is known by. Of an entry that joins a number to an account not even that is told.
func (f facts) entity() (named, brief string) {
	if f.a.Rule != quality.RuleAccountAlert {
		return "", ""
	}
	kind, id, _ := strings.Cut(clean(f.detail(quality.AttrEntity), maxCode), " ")
	if parts := strings.Split(string(f.signal()), "."); kind == "" && len(parts) == 4 { // see quality.AlertOf
		kind, id = parts[2], parts[3]
	}
	switch c := f.c.Words; {
	case strings.EqualFold(kind, "PHONE_NUMBER") && id != "":
		number := map[string]string{"number": f.esc(f.code(id)), "subject": "{subject}"}
		return fill(c.NumberOf, number), fill(c.OfNumber, number)
	case strings.EqualFold(kind, "PHONE_NUMBER") || strings.EqualFold(kind, "CURRENT_STATUS_ID"):
		return c.SomeNumberOf, c.OfSomeNumber
	}
	return "", ""
}

// timed reports whether the fact is one that its end belongs to.
func (f facts) timed() bool {
	return (f.a.Rule == quality.RuleAccountRestricted || f.a.Rule == quality.RuleTemplateStatus) && f.now.Before(f.until)
}

// untilBriefly is the end for a headline, as a fragment and alone.
func (f facts) untilBriefly() (fragment, deadline string) {
	if f.until.IsZero() {
		return "", f.c.Words.NotKnown
	}
	deadline = f.w.brief(f.until)
	if f.past() {
		return "", deadline
	}
	return fill(f.c.Words.FragmentUntil, map[string]string{"until": deadline}), deadline
}

// effective is the day on which something announced will happen, in Meta's prose if need be.
func (f facts) effective() string {
	d := cmp.Or(f.detail(quality.AttrDate), f.detail(quality.AttrUntil))
	if t := parseTime(d); !t.IsZero() {
		return f.w.stamp(t)
	}
	return f.esc(f.code(d))
}

// limit is the messaging limit that came with an event.
func (f facts) limit() string {
	now, old := f.detail(quality.AttrLimit), f.detail(quality.AttrOldLimit)
	s := f.c.word(f.code(now))
	if now != "" && old != "" && old != now {
		s = f.c.word(f.code(old)) + " -> " + s
	}
	return f.esc(s)
}
