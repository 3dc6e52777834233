package notify

import "github.com/wabawatch/wabawatch/shared/quality"

// english is the catalogue every other is compared with. What it says of
// rules is in the files beside this one, by kind of subject.
var english = catalogue{
	Name:       "English",
	Severities: map[quality.Severity]string{quality.Critical: "CRITICAL", quality.Warning: "WARNING", quality.Info: "INFO", quality.NoSeverity: "INFO"},
	Events: map[quality.Event]frame{
		quality.Firing:    {"", "{state}, {since}{ends}"},
		quality.Escalated: {"WORSE", "{state}, {since}{ends}; this is worse than what was told before"},
		quality.Eased:     {"BETTER", "{state}, {since}{ends}; this is better than what was told before, but not over"},
		quality.Reminder:  {"STILL", "{state}, {since}{ends}; this has lasted {lasted}"},
		quality.Resolved:  {"RESOLVED", "{state}, {on}; it began on {began} and lasted {lasted}"},
		quality.Passed:    {"ALREADY OVER", "{state}, {stretch}; it was over before it could be told{because}"},
		quality.Notice:    {"", "{state}, {on}"},
	},
	Subjects: map[quality.Kind]naming{
		quality.Account:     {"Account", "account {name} ({id})", "account {id}", "account {name}", "account {id}"},
		quality.PhoneNumber: {"Phone number", "{name} (+{id})", "+{id}", "{name} +{id}", "+{id}"},
		quality.Template:    {"Template", `template "{name}"{language}`, "template {id}{language}", "template {name}{language}", "template {id}{language}"},
		quality.Portfolio:   {"Portfolio", "business portfolio {name} ({id})", "business portfolio {id}", "portfolio {name}", "portfolio {id}"},
		portfolioOf:         {"Portfolio", "the business portfolio of account {id}", "the business portfolio of account {id}", "portfolio of account {id}", "portfolio of account {id}"},
		quality.Deployment:  {"About", "this installation of wabawatch", "this installation of wabawatch", "wabawatch", "wabawatch"},
		"":                  {"About", "{name} ({id})", "{id}", "{name}", "{id}"},
	},
	Rules: union(englishNumbers, englishTemplates, englishAccounts, englishWatch),
	Reasons: map[string]phrase{
		quality.ReasonRetired: {
			"{subject} is {retired}, so the incident about {topic} is closed",
			"is {retired}; this was about {topic}",
			"It is out of use, so this does no more harm.",
			"Check that this was intended: if nobody on your side did it, look up who did in the activity log of your Meta Business settings.",
		},
		quality.ReasonNoRating: {
			"The incident about {topic} of {subject} is closed, because Meta has said UNKNOWN for 7 days (before: {value})",
			"{topic}: UNKNOWN for 7 days, last {value}",
			"Nobody has said that it is over: the matter may still stand.",
			"Treat it as open; WhatsApp Manager or Business Support Home tells whether it is settled.",
		},
		quality.ReasonNotRepeated: {
			"The incident about {topic} of {subject} is closed, because nothing was heard of it for 7 days",
			"no news for 7 days of {topic}",
			"Only a webhook told of this, and no later one said that it is over: the matter may still stand.",
			"Treat it as open; WhatsApp Manager or Business Support Home tells whether it is settled.",
		},
		quality.ReasonExpired: {
			"The incident about {topic} of {subject} is closed, because its own end date has come",
			"{topic}: its end date has come",
			"The date that Meta gave has passed.",
			"Send one test message before you start a campaign; if it is refused, open a case in Business Support Home.",
		},
		quality.ReasonHealthy: {
			"The incident about {topic} of {subject} is closed, because two polls found the account healthy",
			"{topic}: account found healthy",
			"The account can be read, is not rejected, and may send.",
			"Send one test message before you start a campaign.",
		},
		quality.ReasonDay7: {
			"The incident about {topic} of {subject} is closed, because its 7 days are over",
			"{topic}: its 7 days are over",
			"The time that Meta gave has passed.",
			"Look at the present state in WhatsApp Manager.",
		},
		quality.ReasonUnwatched: {
			"The incident about {topic} of {subject} is closed, because the configuration no longer watches for it",
			"no longer watched: {topic}",
			"Only the configuration of wabawatch has changed. The state itself has not: what was told of it stands, but no reminder follows, and no word when it ends.",
			"Deal with it as before. If this was not meant, undo the change of {rule} in WABAWATCH_RULES, on AWS in the parameter Rules.",
		},
	},
	Whys: map[string]why{
		quality.ReasonRetired:     {"it is {retired}", "{retired}"},
		quality.ReasonNoRating:    {"Meta has said UNKNOWN for 7 days", "UNKNOWN for 7 days"},
		quality.ReasonNotRepeated: {"nothing was heard of it for 7 days", "no news for 7 days"},
		quality.ReasonExpired:     {"its own end date had come", "its end date came"},
		quality.ReasonHealthy:     {"two polls found the account healthy", "account found healthy"},
		quality.ReasonDay7:        {"its 7 days were over", "its 7 days were over"},
		quality.ReasonUnwatched:   {"the configuration no longer watches for it", "no longer watched"},
	},
	Closed: map[quality.Event]frame{
		quality.Resolved: {"CLOSED", "{state}, {on}; it began on {began}"},
		quality.Passed:   {"CLOSED", "{state}, from {began} on; before it could be told the incident was closed on {ended}, because {why}"},
	},
	Values: map[string]string{
		"TIER_50": "50 users in 24 h (TIER_50)", "TIER_250": "250 users in 24 h (TIER_250)", "TIER_1K": "1,000 users in 24 h (TIER_1K)",
		"TIER_2K": "2,000 users in 24 h (TIER_2K)", "TIER_10K": "10,000 users in 24 h (TIER_10K)", "TIER_100K": "100,000 users in 24 h (TIER_100K)",
		"TIER_UNLIMITED": "unlimited (TIER_UNLIMITED)",

		"RESTRICTED_BIZ_INITIATED_MESSAGING":                   "starting conversations",
		"RESTRICTED_CUSTOMER_INITIATED_MESSAGING":              "answering customers",
		"RESTRICTED_ADD_PHONE_NUMBER_ACTION":                   "adding phone numbers",
		"RESTRICTED_UTILITY_TEMPLATES":                         "creating utility templates",
		"RESTRICTED_DIRECT_SEND_UTILITY_TEMPLATES":             "Direct Send of utility messages",
		"RESTRICTED_BUSINESS_INITIATED_CALLING":                "calling users",
		"RESTRICTED_USER_INITIATED_CALLING":                    "calls from users",
		"RESTRICTED_BIZ_INITIATED_AND_USER_INITIATED_CALLING":  "all calling",
		"RESTRICTED_USER_INITIATED_CALLING_CALL_BUTTON_HIDDEN": "the call button",

		"INCREASED_CAPABILITIES_ELIGIBILITY_DEFERRED":       "raise of the messaging limit deferred",
		"INCREASED_CAPABILITIES_ELIGIBILITY_FAILED":         "raise of the messaging limit denied",
		"INCREASED_CAPABILITIES_ELIGIBILITY_NEED_MORE_INFO": "raise of the messaging limit needs information",
		"OBA_APPROVED": "Official Business Account granted", "OBA_REJECTED": "Official Business Account denied", "PROFILE_PICTURE_LOST": "profile picture lost",

		"USER": "the user", "SYSTEM": "WhatsApp itself",

		"NAME_EMPLOYEE_ISSUE": "it names an employee", "NAME_ENDCLIENT_NOTRELATED": "it does not belong to the business",
		"NAME_FORMAT_UNACCEPTABLE": "its format breaks the rules", "NAME_INDIVIDUAL_ISSUE": "it names an individual",
		"NAME_NOT_CONSISTENT": "it does not match the brand in public", "UNKNOWN": "not said by Meta",

		"ABUSIVE_CONTENT": "abusive content", "INCORRECT_CATEGORY": "wrong category", "INVALID_FORMAT": "invalid format",
		"PROMOTIONAL": "promotional content", "SCAM": "scam", "TAG_CONTENT_MISMATCH": "language or category does not match the content",
		"CATEGORY_NOT_AVAILABLE": "category not available", "NONE": "",

		"ACCOUNT_DISCONNECTED": "it was disconnected in the app", "BUSINESS_DOWNGRADE": "the WhatsApp Business app was downgraded",
		"CHANGE_NUMBER": "the number was changed in the app", "COMPANION_INACTIVITY": "about 30 days without use of the link",
		"PRIMARY_INACTIVITY": "about 14 days without use of the phone", "USER_RE_REGISTERED": "the number was registered anew on a phone",

		"APP_NOT_INSTALLED": "the app was removed", "USER_CHECKPOINTED": "the user must log in at Facebook and pass a check",
		"PASSWORD_CHANGED": "the user's password was changed", "EXPIRED": "it has expired", "UNCONFIRMED_USER": "the user is not confirmed",
		"INVALIDATED": "it was invalidated",

		"MIGRATED": "moved to another account", "DELETED": "deleted", "PENDING_DELETION": "being deleted", "ARCHIVED": "archived", "GONE": "no longer listed",
	},
	Words: words{
		Months: [12]string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"},
		Date:   "{day} {month} {year}", ShortDate: "{day} {month}",
		Is: "is", Was: "was", Has: "has", Had: "had", NotKnown: "unknown",
		Since: "since {at}", SinceBetween: "since some time between {span}", FirstSeen: "first seen on {at}", AsOf: "as of {at}",
		Day: "d", Hour: "h", Minute: "min", UnderMinute: "less than a minute",
		On: "on {at}", OnBetween: "between {span}", Stretch: "from {began} until {ended}", And: " and ",
		FragmentWas: " (before: {was})", FragmentNow: ": now {now}", FragmentOld: " from {old}", FragmentInstead: ", not for {instead}", FragmentWish: ` "{wish}"`, FragmentUntil: ", until {until}", FragmentEnds: ", until {until}, {left} from now", FragmentNoEnd: ", with no end given", FragmentReason: " (reason: {reason})", FragmentCount: " ({count})",
		FragmentEffective: " (on {effective})", FragmentLimit: "; the messaging limit reported with it was {limit}",
		NumberOf: "the phone number with the id {number} of {subject}", OfNumber: " of number id {number}", SomeNumberOf: "a phone number of {subject}", OfSomeNumber: " of a number",
		FragmentBecause: ": {because}", FragmentThen: ", then {brief}",
		PassedMeaning: "It is over; this is for your records.",
		ClosedStretch: "from {began} on, closed on {ended}", PastEnd: "{until}, which has passed", OutOfUse: "out of use",
		MayBeOlder:    "; it was found at a first look and may be older",
		MayBeRepeated: "; Meta said the same with another time within 8 days, so this is possibly repeated",
		RepeatedHead:  " (possibly repeated)",

		Labelled: "{label}: {value}",
		Severity: "Severity", Event: "Event", Rule: "Rule", Account: "Account", Change: "Change", SinceLabel: "When", Until: "Until", Source: "Known from",
		Reason: "Reason", MetaSays: "Meta says", MetaAdvises: "Meta advises", Codes: "Meta's codes", Scopes: "Lacks", Limit: "Messaging limit", Incident: "Incident since",
		Polls: "Failing polls", By: "Done by", Violation: "Violation", Number: "Number", Concerns: "Concerns",
		Sources: map[string]string{"webhook": "a webhook of Meta's", "poll": "a poll of Meta's API", "clock": "the clock"},
		EventNames: map[quality.Event]string{
			quality.Firing: "firing (it began)", quality.Escalated: "escalated (it became worse)", quality.Eased: "eased (it became less bad)",
			quality.Reminder: "reminder (it lasts)", quality.Resolved: "resolved (it is over)", quality.Passed: "passed (it was over before it could be told)",
			quality.Notice: "notice (told once)",
		},
		ClosedNames: map[quality.Event]string{
			quality.Resolved: "resolved (closed; that is no proof that it is over)", quality.Passed: "passed (closed before it could be told; that is no proof that it is over)",
		},
		Means: "What it means", Do: "What to do", Link: "More", Happened: "What happened", MeansAndDo: "What it means, and what to do", ForAlerts: "For {numbers}:",
		Tuning: "Severities, delays and reminders of each rule are set in WABAWATCH_RULES, on AWS by the parameter Rules.",
		ID:     "Alert {id}", RevisionOf: ", number {revision} of incident {incident}", Repeat: "The same alert id again is a repeat of this message.",
		DigestHead:     counted{"{n} alert: {heads}", "{n} alerts: {heads}"},
		DigestWhat:     counted{"{n} alert for {subject}, {severity}.", "{n} alerts for {subject}, the worst {severity}."},
		SummaryHead:    counted{"first look, {n} finding: {heads}", "first look, {n} findings: {heads}"},
		SummaryWhat:    counted{"The first look at {subject} found {n} thing to know, {severity}.", "The first look at {subject} found {n} things to know, the worst {severity}."},
		SummaryMeaning: "A first look, or one with a new rule, finds what may be old; it is told together, once.",
		Part:           "part {k} of {parts}", Several: "several accounts",
		ParkedSubject: "wabawatch: an alert was given up",
		ParkedText: `wabawatch could not publish an alert and has given it up: SNS refused it several times.

Alert {id}
Rule {rule}, event {event}, severity {severity}

It is kept: GET /v1/alerts shows it, and the notifier's log says why it was refused.
`,
		Test: "TEST", TestWhat: "This is a test: alerts of wabawatch arrive here.",
	},
}
