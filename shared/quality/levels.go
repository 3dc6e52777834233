package quality

import "slices"

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
	tokenLevels    = levels{Critical: {"INVALID", "MISSING_SCOPE"}, Warning: {Unchecked}}
	pollLevels     = levels{Critical: {"BLIND", string(FailForbidden), string(FailMissing), Unlisted}}
)

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

// Rank orders the values of a signal by how bad they are for the customer: 0 no reading, 1
// healthy, 2 not known to this version, 3 what a rule calls a warning, 4 what it calls critical.
func Rank(k Kind, s Signal, value string) int {
	if !Known(value) {
		return 0
	}
	switch severityOf(k, s, value) {
	case Critical:
		return 4
	case Warning:
		return 3
	case unseen:
		return 2
	}
	return 1
}

// unseen is the severity of a value that the tables of a closed signal do not name.
const unseen Severity = "unseen"

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
