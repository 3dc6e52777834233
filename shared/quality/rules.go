package quality

import (
	"slices"
	"time"
)

// Names of the rules. A rule's id is stable: consumers filter by it.
const (
	RuleNumberQuality     = "number_quality"
	RuleNumberFlagged     = "number_flagged"
	RuleNumberStatus      = "number_status"
	RuleNumberName        = "number_name"
	RuleNumberHealth      = "number_health"
	RuleNumberSecurity    = "number_security" // notice
	RuleAccountHealth     = "account_health"
	RuleTemplateQuality   = "template_quality"
	RuleTemplateStatus    = "template_status"
	RuleTemplateFlagged   = "template_flagged"
	RuleTemplateCategory  = "template_category" // notice
	RuleTemplateLimit     = "template_limit"    // notice: the account is at its template cap
	RuleAccountRestricted = "account_restricted"
	RuleAccountDisabled   = "account_disabled"
	RuleAccountViolation  = "account_violation" // notice
	RuleAccountReview     = "account_review"
	RuleAccountOffboarded = "account_offboarded"
	RuleAccountAlert      = "account_alert" // incident, or notice when informational
	RuleLimitLowered      = "limit_lowered" // notice
	RuleLimitRaised       = "limit_raised"  // notice
	RuleWatchBlind        = "watch_blind"
	RuleWatchToken        = "watch_token"
	RuleWatchUnknown      = "watch_unknown" // notice
	RuleWatchTest         = "watch_test"    // notice: Meta's test button, or `wabawatch test-alert`
	RuleFirstLook         = "first_look"    // notice that heads the summary of a first look
)

// Rules is the table of rules in force.
type Rules []Rule

// Ruleset counts changes of DefaultRules that add rules. A rule newer than the state it looks
// at finds old things: they are told as a first look.
const Ruleset = 1

// DefaultRules is what wabawatch watches for, and how.
var DefaultRules = Rules{
	level(RuleNumberQuality, PhoneNumber, QualityRating, ratingLevels).keep(time.Hour),
	level(RuleNumberFlagged, PhoneNumber, Flagged, flaggedLevels).ends(endAfter, ReasonDay7).orStatus("FLAGGED").again(3*24*time.Hour, 6*24*time.Hour),
	level(RuleNumberStatus, PhoneNumber, Status, numberStatus).unseen(Warning),
	either(RuleNumberName, PhoneNumber, part{NameStatus, nameLevels, 0}, part{NameDecision, decisionLevels, endAfter}),
	level(RuleNumberHealth, PhoneNumber, CanSendMessage, healthLevels),
	level(RuleAccountHealth, Account, CanSendMessage, healthLevels).asked(),
	level(RuleTemplateQuality, Template, QualityScore, ratingLevels).keep(time.Hour),
	level(RuleTemplateStatus, Template, Status, templateStatus).never("REJECTED", "DISABLED").overdue(),
	level(RuleTemplateFlagged, Template, Flagged, flaggedWarning).ends(endAfter, ReasonNotRepeated).curedBy(QualityScore, Green),
	restricted(),
	level(RuleAccountDisabled, Account, BanState, banLevels).untilHealthy("SCHEDULE_FOR_DISABLE"),
	level(RuleAccountReview, Account, ReviewStatus, reviewLevels).asked(),
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
	if i < 0 || rs[i].Off {
		return NoSeverity
	}
	return rs[i].severity(value, rs[i].Notice)
}
