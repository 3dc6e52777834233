package quality

import "strings"

// Signal is one named property of a subject. Its values are an open set of strings, spelled
// as Meta spells them.
type Signal string

// The signals that have one name. Restriction and AlertOf make those that come one per type.
const (
	// Of phone numbers.
	QualityRating    Signal = "quality_rating"           // GREEN, YELLOW, RED, UNKNOWN (polls only)
	Status           Signal = "status"                   // of numbers and of templates
	NameStatus       Signal = "name_status"              // APPROVED, DECLINED, EXPIRED ... (polls)
	NameDecision     Signal = "name_decision"            // APPROVED, REJECTED ... (webhooks)
	VerifiedName     Signal = "verified_name"            // the display name itself
	Throughput       Signal = "throughput"               // STANDARD, HIGH, NOT_APPLICABLE
	CodeVerification Signal = "code_verification_status" // VERIFIED, NOT_VERIFIED, EXPIRED
	OfficialAccount  Signal = "is_official_business_account"
	PIN              Signal = "pin" // PIN_CHANGED, PIN_RESET_REQUEST, PIN_REQUEST_SUCCESS (webhooks)

	// Of templates.
	QualityScore    Signal = "quality_score" // GREEN, YELLOW, RED, UNKNOWN
	Category        Signal = "category"      // MARKETING, UTILITY, AUTHENTICATION
	CorrectCategory Signal = "correct_category"
	Locked          Signal = "locked"     // YES, NO (webhooks)
	Archived        Signal = "archived"   // YES, NO (webhooks)
	Components      Signal = "components" // digest of the text (webhooks)
	LimitExceeded   Signal = "limit_exceeded"

	// Of numbers and templates.
	Flagged  Signal = "flagged"  // YES, NO (webhooks)
	Presence Signal = "presence" // PRESENT, MISSING, GONE (polls)

	// Of accounts and numbers.
	CanSendMessage Signal = "can_send_message" // AVAILABLE, LIMITED, BLOCKED

	// Of accounts.
	ReviewStatus         Signal = "review_status" // APPROVED, REJECTED, PENDING, DEFERRED
	BusinessVerification Signal = "business_verification_status"
	PhoneNumberCap       Signal = "phone_number_cap"
	BanState             Signal = "ban_state"          // SCHEDULE_FOR_DISABLE, DISABLE, REINSTATE
	RestrictionLifted    Signal = "restriction_lifted" // the violation type that says so
	Violation            Signal = "violation"          // the violation type
	Offboarded           Signal = "offboarded"         // ACCOUNT_OFFBOARDED, ACCOUNT_DELETED, PARTNER_REMOVED; ACCOUNT_RECONNECTED, PARTNER_ADDED end it
	Poll                 Signal = "poll"               // our own: OK, BLIND, or why the account cannot be polled; of the deployment: OK, UNLISTED
	Subscription         Signal = "subscription"       // our own: whether our app is subscribed
	AccountStatus        Signal = "account_status"     // the status member of the WABA node, where Meta sends it

	// Of portfolios.
	MessagingLimit Signal = "messaging_limit" // TIER_250 ... TIER_UNLIMITED

	// Of the deployment.
	Token        Signal = "token"   // VALID, INVALID, MISSING_SCOPE, UNCHECKED
	UnknownThing Signal = "unknown" // the kind of thing Meta sent and we do not know
	TestButton   Signal = "test"    // Meta's test button was pressed
)

const (
	restrictionPrefix = "restriction."
	alertPrefix       = "account_alert."
)

// Restriction is the signal of one type of restriction, on an account or on a number. Its
// value is ACTIVE; the expiry is an attribute.
func Restriction(restrictionType string) Signal { return Signal(restrictionPrefix + restrictionType) }

// AlertOf is the signal of one type of account alert about one entity.
func AlertOf(entityType, entityID, alertType string) Signal {
	return Signal(alertPrefix + alertType + "." + entityType + "." + entityID)
}

// RestrictionType returns the type s restricts; ok is false for other signals.
func (s Signal) RestrictionType() (t string, ok bool) {
	return strings.CutPrefix(string(s), restrictionPrefix)
}

// AlertType returns the type of account alert of s; ok is false for other signals.
func (s Signal) AlertType() (t string, ok bool) {
	rest, ok := strings.CutPrefix(string(s), alertPrefix)
	if !ok {
		return "", false
	}
	t, _, _ = strings.Cut(rest, ".")
	return t, true
}

// Values that several packages name.
const (
	Unknown = "UNKNOWN" // of any signal: Meta has not said, or has stopped saying

	Green  = "GREEN"
	Yellow = "YELLOW"
	Red    = "RED"

	Yes = "YES"
	No  = "NO"

	Present = "PRESENT"
	Missing = "MISSING"
	Gone    = "GONE"

	RestrictionActive = "ACTIVE"

	Unasked   = "UNASKED"   // of polls and of presence: nobody asks for them any more
	Unchecked = "UNCHECKED" // of the token: it was good when it could last be looked at
	Unlisted  = "UNLISTED"  // of the deployment's polls: the portfolio's accounts cannot be listed
)

// Known reports whether a value is a reading for rules. UNKNOWN is kept and shown, and rules
// read the newest other value.
func Known(value string) bool { return value != "" && value != Unknown }

// Names of attributes: details of one fact, carried by its point.
const (
	AttrReason      = "reason"       // why, in Meta's words or enum
	AttrTitle       = "title"        // of a pause: FIRST_PAUSE, SECOND_PAUSE, RATE_LIMITING_PAUSE
	AttrDescription = "description"  // Meta's explanation
	AttrUntil       = "until"        // RFC 3339: end of a pause, expiry of a restriction or token; "none" for a token without
	AttrDate        = "date"         // a date in Meta's own prose, or RFC 3339
	AttrRemediation = "remediation"  // what Meta says helps
	AttrSeverity    = "severity"     // of an account alert: CRITICAL, WARNING, INFORMATIONAL
	AttrPrevious    = "previous"     // the value before, as the webhook itself says
	AttrViolation   = "violation"    // violation type behind a restriction
	AttrCodes       = "codes"        // Meta's error codes, comma separated
	AttrSolutions   = "solutions"    // Meta's possible solutions
	AttrScopes      = "scopes"       // scopes that a token lacks
	AttrRequested   = "requested"    // requested display name
	AttrEntity      = "entity"       // entity an account alert is about
	AttrLimit       = "limit"        // messaging limit that came with an event
	AttrOldLimit    = "old_limit"    // the limit before it
	AttrEvent       = "event"        // the event's own name where it maps to another value
	AttrPhoneNumber = "phone_number" // digits, where a fact of the account names one
	AttrLanguage    = "language"
)
