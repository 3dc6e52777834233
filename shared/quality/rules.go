package quality

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Rule is a level condition over a subject's current values: it holds or it does not.
type Rule struct {
	ID    string
	Kinds []Kind
	// Reads reports whether the rule looks at a signal.
	Reads func(Signal) bool
	// Holds returns what holds in a view: usually at most one finding, and one per type for
	// restrictions and account alerts.
	Holds func(Rule, View) []Finding
	// For is how long the rule must hold before it fires.
	For time.Duration
	// KeepFiringFor is how long it must not hold before it resolves, or eases.
	KeepFiringFor time.Duration
	// Repeat is the interval of reminders by severity; absent: the default of the severity;
	// negative: never.
	Repeat map[Severity]time.Duration
	// Severity replaces the severity of single values.
	Severity map[string]Severity
	// Once rules that have ended stay so until a webhook says again what made them hold: what
	// ended them is a level that may go.
	Once bool
	// Notice, if not none, is the severity of a rule that tells one-time facts and holds never.
	Notice Severity
	// Off disables the rule.
	Off bool
	// Since is the ruleset that introduced the rule.
	Since int
}

// Finding is one thing that a rule finds to hold.
type Finding struct {
	// Key tells the findings of one rule apart; "" where there is only one.
	Key      string
	Severity Severity
	Signal   Signal
	Row      Row
	// Until is when it will end by itself; zero if it will not.
	Until time.Time
	// UntilReason is why it will have ended then.
	UntilReason string
	// Again are times at which it is told again, besides the reminders.
	Again []time.Time
	// Silent findings are told when they begin and end, and not in between.
	Silent bool
}

// Rules is the table of rules in force.
type Rules []Rule

// Ruleset counts changes of DefaultRules that add rules. A rule newer than the state it looks
// at finds old things: they are told as a first look.
const Ruleset = 1

// repeatInterval is how often an incident that lasts is told again.
var repeatInterval = map[Severity]time.Duration{Critical: 4 * time.Hour, Warning: 24 * time.Hour}

// The values that make a rule hold, by severity. They also rank values that are equally new:
// configuration may change what is told, never what is so.
var (
	ratingLevels   = levels{Warning: {Yellow}, Critical: {Red}, NoSeverity: {Green}}
	healthLevels   = levels{Warning: {"LIMITED"}, Critical: {"BLOCKED"}, NoSeverity: {"AVAILABLE"}}
	numberStatus   = levels{Critical: {"BANNED", "DISCONNECTED", "UNLINKED", "OFFLINE"}, Warning: {"RESTRICTED", "RATE_LIMITED"}, NoSeverity: {"CONNECTED", "LINKED", "PENDING", "UNVERIFIED", "MIGRATED", "DELETED", "FLAGGED"}}
	nameLevels     = levels{Warning: {"DECLINED", "EXPIRED"}, NoSeverity: {"APPROVED", "AVAILABLE_WITHOUT_REVIEW", "PENDING_REVIEW", "NONE"}}
	decisionLevels = levels{Warning: {"REJECTED"}, NoSeverity: {"APPROVED", "DEFERRED", "PENDING"}}
	templateStatus = levels{Warning: {"PAUSED", "REJECTED"}, Critical: {"DISABLED"}, NoSeverity: {"APPROVED", "ARCHIVED", "DELETED", "IN_APPEAL", "LIMIT_EXCEEDED", "PENDING", "PENDING_DELETION"}}
	banLevels      = levels{Warning: {"SCHEDULE_FOR_DISABLE"}, Critical: {"DISABLE"}, NoSeverity: {"REINSTATE"}}
	reviewLevels   = levels{Critical: {"REJECTED"}, NoSeverity: {"APPROVED", "DEFERRED", "PENDING"}}
	offboardLevels = levels{Critical: {"ACCOUNT_OFFBOARDED", "ACCOUNT_DELETED", "PARTNER_REMOVED"}, NoSeverity: {"ACCOUNT_RECONNECTED", "PARTNER_ADDED"}}
	flaggedLevels  = levels{Critical: {Yes}}
	flaggedWarning = levels{Warning: {Yes}}
	tokenLevels    = levels{Critical: {"INVALID", "MISSING_SCOPE"}}
	pollLevels     = levels{Critical: {"BLIND", string(FailForbidden), string(FailMissing), Unlisted}}
)

// DefaultRules is what wabawatch watches for, and how.
var DefaultRules = Rules{
	level(RuleNumberQuality, PhoneNumber, QualityRating, ratingLevels).keep(time.Hour),
	level(RuleNumberFlagged, PhoneNumber, Flagged, flaggedLevels).ends(endAfter, ReasonDay7).orStatus("FLAGGED").again(3*24*time.Hour, 6*24*time.Hour),
	level(RuleNumberStatus, PhoneNumber, Status, numberStatus).unseen(Warning),
	either(RuleNumberName, PhoneNumber, part{NameStatus, nameLevels, 0}, part{NameDecision, decisionLevels, endAfter}),
	level(RuleNumberHealth, PhoneNumber, CanSendMessage, healthLevels),
	level(RuleAccountHealth, Account, CanSendMessage, healthLevels),
	level(RuleTemplateQuality, Template, QualityScore, ratingLevels).keep(time.Hour),
	level(RuleTemplateStatus, Template, Status, templateStatus).never("REJECTED", "DISABLED").overdue(),
	level(RuleTemplateFlagged, Template, Flagged, flaggedWarning).ends(endAfter, ReasonNotRepeated).curedBy(QualityScore, Green),
	restricted(),
	level(RuleAccountDisabled, Account, BanState, banLevels).untilHealthy(),
	level(RuleAccountReview, Account, ReviewStatus, reviewLevels),
	level(RuleAccountOffboarded, Account, Offboarded, offboardLevels).untilHealthy(),
	accountAlert(),
	level(RuleWatchBlind, Account, Poll, pollLevels).of(Deployment),
	token(),
	notice(RuleNumberSecurity, Critical),
	notice(RuleTemplateCategory, Warning),
	notice(RuleTemplateLimit, Warning),
	notice(RuleAccountViolation, Warning),
	notice(RuleLimitLowered, Warning),
	notice(RuleLimitRaised, Info),
	notice(RuleWatchUnknown, Info),
	notice(RuleWatchTest, Info),
}

// notice is a rule that tells facts without an end; see eventNotice and changeRule for which.
func notice(id string, sev Severity) Rule {
	return Rule{ID: id, Notice: sev, Since: 1, Reads: func(Signal) bool { return false }}
}

// notice is how bad a fact is that a rule tells; none if nobody wants to hear of it.
func (rs Rules) notice(id, value string) Severity {
	i := slices.IndexFunc(rs, func(r Rule) bool { return r.ID == id })
	switch {
	case i < 0 || rs[i].Off:
		return NoSeverity
	case rs[i].Notice == NoSeverity: // of a rule with incidents, what is none of them
		return Info
	}
	return rs[i].severity(value, rs[i].Notice)
}

// levels lists values by the severity they have; those under NoSeverity are known and healthy.
type levels map[Severity][]string

func (l levels) of(value string) (s Severity, listed bool) {
	for _, s := range []Severity{Critical, Warning, Info, NoSeverity} {
		if slices.Contains(l[s], value) {
			return s, true
		}
	}
	return NoSeverity, false
}

// severity is what a value means to the rule: what the configuration says, or the default.
func (r Rule) severity(value string, otherwise Severity) Severity {
	if s, ok := r.Severity[value]; ok {
		return s
	}
	if s, ok := r.Severity["*"]; ok && otherwise != NoSeverity {
		return s
	}
	return otherwise
}

// level is a rule over one signal.
func level(id string, k Kind, sig Signal, ls levels) Rule {
	return Rule{
		ID: id, Kinds: []Kind{k}, Since: 1,
		Reads: func(s Signal) bool { return s == sig },
		Holds: func(r Rule, v View) []Finding {
			row, ok := v.Known(sig)
			if !ok {
				return nil
			}
			sev, _ := ls.of(row.Value)
			if sev = r.severity(row.Value, sev); sev == NoSeverity {
				return nil
			}
			return []Finding{{Severity: sev, Signal: sig, Row: row}}
		},
	}
}

// wrap changes what a rule finds, one finding at a time.
func (r Rule) wrap(f func(Rule, View, Finding) (Finding, bool)) Rule {
	holds := r.Holds
	r.Holds = func(r Rule, v View) []Finding {
		var out []Finding
		for _, found := range holds(r, v) {
			if found, ok := f(r, v, found); ok {
				out = append(out, found)
			}
		}
		return out
	}
	return r
}

// of makes a rule hold for another kind of subject as well.
func (r Rule) of(k Kind) Rule {
	r.Kinds = append(r.Kinds, k)
	return r
}

// keep makes a rule that was true go on firing for d after it became false.
func (r Rule) keep(d time.Duration) Rule {
	r.KeepFiringFor = d
	return r
}

// never stops reminders of single values.
func (r Rule) never(values ...string) Rule {
	return r.wrap(func(r Rule, _ View, f Finding) (Finding, bool) {
		if slices.Contains(values, f.Row.Value) {
			f.Silent = true
		}
		return f, true
	})
}

// orStatus makes a rule hold as well while the status is a value, which polls may still see of old
// accounts. That lasts until the status changes.
func (r Rule) orStatus(value string) Rule {
	reads, holds := r.Reads, r.Holds
	r.Reads = func(s Signal) bool { return s == Status || reads(s) }
	r.Holds = func(r Rule, v View) []Finding {
		if found := holds(r, v); found != nil {
			return found
		}
		row, ok := v.Known(Status)
		if sev := r.severity(value, Critical); ok && row.Value == value && sev != NoSeverity {
			return []Finding{{Severity: sev, Signal: Status, Row: row}}
		}
		return nil
	}
	return r
}

// again tells a finding again when it is that old.
func (r Rule) again(ages ...time.Duration) Rule {
	return r.wrap(func(_ Rule, _ View, f Finding) (Finding, bool) {
		for _, d := range ages {
			f.Again = append(f.Again, f.Row.At.Add(d))
		}
		return f, true
	})
}

// pauseSlack is how long after its end a pause may be seen to have ended: the cadence of the polls
// of templates, and some.
const pauseSlack = 45 * time.Minute

// overdue tells a pause again that should be over and is not. One by pacing has no end.
func (r Rule) overdue() Rule {
	return r.wrap(func(_ Rule, v View, f Finding) (Finding, bool) {
		d, ends := map[string]time.Duration{"FIRST_PAUSE": 3 * time.Hour, "SECOND_PAUSE": 6 * time.Hour}[f.Row.Attrs[AttrTitle]]
		if f.Row.Value == "PAUSED" && ends {
			until := parseTime(f.Row.Attrs[AttrUntil])
			if until.IsZero() {
				until = v.newest(f.Signal).Add(d)
			}
			f.Again = append(f.Again, until.Add(pauseSlack))
		}
		return f, true
	})
}

// ends makes a rule false d after the value began or, if the reason is that nobody repeats it,
// was last told.
func (r Rule) ends(d time.Duration, reason string) Rule {
	return r.wrap(func(_ Rule, v View, f Finding) (Finding, bool) {
		from := f.Row.At
		if reason == ReasonNotRepeated {
			from = v.newest(f.Signal)
		}
		f.Until, f.UntilReason = from.Add(d), reason
		return f, v.At.Before(f.Until)
	})
}

// curedBy makes a rule false once a poll has seen value of sig after the finding was last told.
func (r Rule) curedBy(sig Signal, value string) Rule {
	reads := r.Reads
	r.Once = true
	r.Reads = func(s Signal) bool { return s == sig || reads(s) }
	return r.wrap(func(_ Rule, v View, f Finding) (Finding, bool) {
		seen, at, _ := v.Seen(sig)
		return f, !(seen == value && at.After(v.newest(f.Signal)))
	})
}

// untilHealthy makes a rule false once two polls after it was last told found the account
// healthy: it can be read, it was not rejected, and Meta lets it send.
func (r Rule) untilHealthy() Rule {
	reads := r.Reads
	r.Once = true
	r.Reads = func(s Signal) bool { return s == CanSendMessage || s == ReviewStatus || reads(s) }
	return r.wrap(func(_ Rule, v View, f Finding) (Finding, bool) {
		send, _, sentBefore := v.Seen(CanSendMessage)
		review, _, _ := v.Seen(ReviewStatus)
		healthy := Known(send) && send != "BLOCKED" && review != "REJECTED" && sentBefore.After(v.newest(f.Signal))
		return f, !healthy
	})
}

// unseen gives values that no level names a severity of their own.
func (r Rule) unseen(sev Severity) Rule {
	holds := r.Holds
	r.Holds = func(r Rule, v View) []Finding {
		if found := holds(r, v); found != nil {
			return found
		}
		row, ok := v.Known(Status)
		if !ok {
			return nil
		}
		if _, listed := numberStatus.of(row.Value); listed {
			return nil
		}
		if sev := r.severity(row.Value, sev); sev != NoSeverity {
			return []Finding{{Severity: sev, Signal: Status, Row: row}}
		}
		return nil
	}
	return r
}

// part is one signal of a rule that reads several.
type part struct {
	signal Signal
	levels levels
	ends   time.Duration // 0: lasts
}

// either is a rule that holds while any of its parts does, as bad as the worst.
func either(id string, k Kind, parts ...part) Rule {
	rules := make([]Rule, len(parts))
	for i, p := range parts {
		rules[i] = level(id, k, p.signal, p.levels)
		if p.ends > 0 {
			rules[i] = rules[i].ends(p.ends, ReasonNotRepeated)
		}
	}
	return Rule{
		ID: id, Kinds: []Kind{k}, Since: 1,
		Reads: func(s Signal) bool {
			return slices.ContainsFunc(parts, func(p part) bool { return p.signal == s })
		},
		Holds: func(r Rule, v View) []Finding {
			var worst []Finding
			for _, part := range rules {
				part.Severity = r.Severity
				for _, f := range part.Holds(part, v) {
					if worst == nil || f.Severity.Level() > worst[0].Severity.Level() {
						worst = []Finding{f}
					}
				}
			}
			return worst
		},
	}
}

// restricted holds for every type of restriction that is newer than the last lifting and whose
// expiry is ahead. One without an expiry ends when nobody repeats it.
func restricted() Rule {
	isRestriction := func(s Signal) bool { _, ok := s.RestrictionType(); return ok }
	return Rule{
		ID: RuleAccountRestricted, Kinds: []Kind{Account, PhoneNumber}, Since: 1,
		Reads: func(s Signal) bool { return s == RestrictionLifted || isRestriction(s) },
		Holds: func(r Rule, v View) []Finding {
			var out []Finding
			lifted, _ := v.Known(RestrictionLifted)
			for _, sig := range slices.Sorted(maps.Keys(v.levels)) {
				row, ok := v.Known(sig)
				if !isRestriction(sig) || !ok || !v.newest(sig).After(v.newest(RestrictionLifted)) && !lifted.IsZero() {
					continue
				}
				f := Finding{Key: string(sig), Severity: r.severity(row.Value, Critical), Signal: sig, Row: row,
					Until: parseTime(row.Attrs[AttrUntil]), UntilReason: ReasonExpired}
				if f.Until.IsZero() {
					f.Until, f.UntilReason = v.newest(sig).Add(endAfter), ReasonNotRepeated
				}
				if v.At.Before(f.Until) && f.Severity != NoSeverity {
					out = append(out, f)
				}
			}
			return out
		},
	}
}

// accountAlert holds for every alert of Meta's that is active and no mere information.
func accountAlert() Rule {
	isAlert := func(s Signal) bool { _, ok := s.AlertType(); return ok }
	return Rule{
		ID: RuleAccountAlert, Kinds: []Kind{Account}, Since: 1,
		Reads: isAlert,
		Holds: func(r Rule, v View) []Finding {
			var out []Finding
			for _, sig := range slices.Sorted(maps.Keys(v.levels)) {
				row, ok := v.Known(sig)
				if !isAlert(sig) || !ok || row.Value != "ACTIVE" {
					continue
				}
				f := Finding{Key: string(sig), Severity: r.severity(row.Attrs[AttrSeverity], alertSeverity(row.Attrs)), Signal: sig, Row: row,
					Until: v.newest(sig).Add(endAfter), UntilReason: ReasonNotRepeated}
				if f.Severity.Level() >= Warning.Level() && v.At.Before(f.Until) {
					out = append(out, f)
				}
			}
			return out
		},
	}
}

func alertSeverity(attrs map[string]string) Severity {
	switch strings.ToUpper(attrs[AttrSeverity]) {
	case "CRITICAL":
		return Critical
	case "WARNING":
		return Warning
	}
	return Info
}

// tokenWarning is how long before its expiry a token is worth a warning.
const tokenWarning = 14 * 24 * time.Hour

// token holds when polls are, or soon will be, refused for the token's sake.
func token() Rule {
	r := level(RuleWatchToken, Deployment, Token, tokenLevels)
	bad := r.Holds
	r.Holds = func(r Rule, v View) []Finding {
		if found := bad(r, v); found != nil {
			return found
		}
		row, ok := v.Known(Token)
		until := parseTime(row.Attrs[AttrUntil])
		if !ok || until.IsZero() {
			return nil
		}
		// Time alone made it so, not the change to VALID.
		f := Finding{Signal: Token, Row: row}
		f.Row.From, f.Row.NotBefore = "", time.Time{}
		switch {
		case !v.At.Before(until):
			f.Severity = r.severity("EXPIRED", Critical)
			f.Row.At = later(row.At, until)
		case !v.At.Before(until.Add(-tokenWarning)):
			f.Severity = r.severity("EXPIRING", Warning)
			f.Row.At = later(row.At, until.Add(-tokenWarning))
		}
		if f.Severity == NoSeverity {
			return nil
		}
		return []Finding{f}
	}
	return r
}

func parseTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// severityOf is the default severity of a value, for Rank.
func severityOf(k Kind, s Signal, value string) Severity {
	if _, ok := s.RestrictionType(); ok {
		return Critical
	}
	if _, ok := s.AlertType(); ok {
		if value == "ACTIVE" {
			return Warning
		}
		return NoSeverity
	}
	ls, strict := levels(nil), false
	switch {
	case s == QualityRating || s == QualityScore:
		ls, strict = ratingLevels, true
	case s == Status && k == PhoneNumber && value == "FLAGGED": // has a rule of its own
		return Critical
	case s == Status && k == PhoneNumber:
		ls, strict = numberStatus, true
	case s == Status:
		ls, strict = templateStatus, true
	case s == NameStatus:
		ls, strict = nameLevels, true
	case s == NameDecision:
		ls, strict = decisionLevels, true
	case s == CanSendMessage:
		ls, strict = healthLevels, true
	case s == BanState:
		ls, strict = banLevels, true
	case s == ReviewStatus:
		ls, strict = reviewLevels, true
	case s == Offboarded:
		ls, strict = offboardLevels, true
	case s == MessagingLimit:
		if _, ok := limit(value); !ok {
			return unseen
		}
		return NoSeverity
	case s == Flagged:
		ls = flaggedWarning
	case s == Token:
		ls = tokenLevels
	case s == Poll:
		ls = pollLevels
	}
	sev, listed := ls.of(value)
	if !listed && strict {
		return unseen
	}
	return sev
}
