package notify

import "github.com/wabawatch/wabawatch/shared/quality"

// englishAccounts is what there is to say about accounts and portfolios. What it says of Meta's
// conduct is the state of November 2026.
// Source: Meta, account_update, account_alerts, policy enforcement, messaging limits, checked 2026-11.
var englishAccounts = map[string]ruleWords{
	quality.RuleAccountHealth: {Topic: "the limits on sending", Cases: englishHealth, Over: englishHealthOver},
	quality.RuleAccountRestricted: {
		Topic: "the restriction of {type}",
		Cases: map[string]phrase{
			"RESTRICTED_BIZ_INITIATED_MESSAGING": {
				"A restriction of {type} {is} in force for {subject}", "starting conversations {is} forbidden{until}",
				"Templates sent outside a customer's 24-hour window fail; answers inside it still go out.",
				"Stop campaigns and retries now: they only fail. Read the policy named in Business Support Home, mend the cause, and request a review there; decisions usually take 24 to 48 hours, and for spam there may be none.",
			},
			"RESTRICTED_CUSTOMER_INITIATED_MESSAGING": {
				"A restriction of {type} {is} in force for {subject}", "answering customers {is} forbidden{until}",
				"No message goes out, not even an answer.",
				"Tell customers of another channel. Stop your senders, and request a review in Business Support Home; decisions usually take 24 to 48 hours.",
			},
			"RESTRICTED_ADD_PHONE_NUMBER_ACTION": {
				"A restriction of {type} {is} in force for {subject}", "adding phone numbers {is} forbidden{until}",
				"Messages still go out; no number can be added.",
				"Put off adding numbers. Treat it as a warning: look up the violation in Business Support Home and mend it, since the next step concerns sending.",
			},
			"RESTRICTED_UTILITY_TEMPLATES": {
				"A restriction of {type} {is} in force for {subject}", "creating utility templates {is} forbidden{until}",
				"Utility templates held too much marketing. What exists can still be sent; the first time takes 7 days, the next 30.",
				"Submit what promotes as MARKETING; clean up the utility templates you have.",
			},
			"RESTRICTED_DIRECT_SEND_UTILITY_TEMPLATES": {
				"A restriction of {type} {is} in force for {subject}", "Direct Send {is} restricted{until}",
				"Messages by Direct Send fail (139200) or are capped (131064), because its utility category was used for other content.",
				"Send by approved templates meanwhile. Send as utility only what a customer's order or request calls for.",
			},
			"RESTRICTED_DIRECT_SEND_UTILITY_TEMPLATES/RATE_LIMIT": {
				"A restriction of {type} {is} in force for {subject}", "Direct Send {is} capped{until}",
				"Direct Send of utility messages has a cap on its volume; what exceeds it fails (131064). The next steps are 7 and 30 days without, then none for good.",
				"Send by approved templates what exceeds it. Send as utility only what a customer's order or request calls for.",
			},
			"RESTRICTED_DIRECT_SEND_UTILITY_TEMPLATES/STRIKE_1": {
				"A restriction of {type} {is} in force for {subject}", "no Direct Send for 7 days{until}",
				"Utility messages by Direct Send fail (139200) for 7 days. The next time it is 30 days, then for good.",
				"Send by approved templates meanwhile. Send as utility only what a customer's order or request calls for.",
			},
			"RESTRICTED_DIRECT_SEND_UTILITY_TEMPLATES/STRIKE_2": {
				"A restriction of {type} {is} in force for {subject}", "no Direct Send for 30 days{until}",
				"Utility messages by Direct Send fail (139200) for 30 days. The next time it is for good.",
				"Send by approved templates meanwhile. Send as utility only what a customer's order or request calls for.",
			},
			"RESTRICTED_DIRECT_SEND_UTILITY_TEMPLATES/OFFBOARD": {
				"{subject} {is} excluded from {type} for good", "Direct Send {is} ended for good",
				"Utility messages by Direct Send fail (139200) from now on.",
				"Move what you sent so to approved templates now; ask in Business Support Home whether a review is possible.",
			},
			"RESTRICTED_BUSINESS_INITIATED_CALLING": {
				"A restriction of {type} {is} in force for {subject}", "no calls to users{until}",
				"Your calls to users fail. Calls from users and messages are not concerned.",
				"Stop calls to users, and write instead. Find the reason in Business Support Home; when it is over, call only those who agreed to it, and not at odd hours.",
			},
			"RESTRICTED_USER_INITIATED_CALLING": {
				"A restriction of {type} {is} in force for {subject}", "no calls from users{until}",
				"Users cannot call you. Your own calls and messages are not concerned.",
				"Show users another way to reach you. Find the reason in Business Support Home; set calling hours that somebody covers, and have enough people to pick up before it ends.",
			},
			"RESTRICTED_BIZ_INITIATED_AND_USER_INITIATED_CALLING": {
				"A restriction of {type} {is} in force for {subject}", "no calls at all{until}",
				"Neither your calls to users nor calls from users go through. Messages are not concerned.",
				"Stop calls, and show users another way to reach you. Find the reason in Business Support Home; when it is over, call only those who agreed to it, and have enough people to pick up.",
			},
			"RESTRICTED_USER_INITIATED_CALLING_CALL_BUTTON_HIDDEN": {
				"A restriction of {type} {is} in force for {subject}", "call button {is} hidden{until}",
				"Too few calls of users were picked up, so Meta hides the button that calls you. Messages are not concerned.",
				"Show users another way to reach you. Set calling hours that somebody covers, and have enough people to pick up.",
			},
			"": {
				"A restriction of {type} {is} in force for {subject}", "restricted: {type}{until}",
				"A part of what the account may do is taken away for now.",
				"Stop campaigns, and read the reason in Business Support Home. Request a review there; decisions usually take 24 to 48 hours.",
			},
		},
		Over: phrase{
			"The restriction of {type} for {subject} was lifted", "restriction lifted: {type}",
			"What was restricted works again.", "Try it once. Then raise the volume step by step: the next restriction is longer.",
		},
		Reasons: map[string]phrase{quality.ReasonExpired: {
			"The restriction of {type} for {subject} has reached its end date", "restriction has expired: {type}",
			"By the date Meta gave, what was restricted works again.",
			"Try it once. Then raise the volume step by step: the next restriction is longer.",
		}},
	},
	quality.RuleAccountDisabled: {
		Topic: "the ban",
		Cases: map[string]phrase{
			"SCHEDULE_FOR_DISABLE": {
				"{subject} {is} to be disabled by Meta, which named no day", "{is} to be disabled, no day named",
				"Once that is done no number and no template of the account works.",
				"Request a review in Business Support Home today. Say what you have mended; decisions usually take 24 to 48 hours. Prepare another channel now.",
			},
			"SCHEDULE_FOR_DISABLE/DATED": {
				"{subject} {is} to be disabled by Meta{effective}", "{is} to be disabled{effective}",
				"From that day on no number and no template of the account works.",
				"Request a review in Business Support Home today. Say what you have mended; decisions usually take 24 to 48 hours. Prepare another channel for that day.",
			},
			"DISABLE": {
				"{subject} {is} disabled by Meta{effective}", "{is} DISABLED",
				"No number of the account can send or receive.",
				"Stop your senders and route customers to another channel. Request a review in Business Support Home.",
			},
			"": {
				"The ban state of {subject} {is} {value}{effective}", "ban state {is} {value}",
				"This state is new to wabawatch; it may mean that the account stops working.",
				"Look at the account in Business Support Home.",
			},
		},
		Over: phrase{
			"The ban state of {subject} is no longer {value}{now}", "ban state is no longer {value}{now}",
			"Unless another ban has taken its place, the account may be used again.", "Look at the account in Business Support Home. Then send one test message.",
		},
		Overs: map[string]phrase{
			"DISABLE/REINSTATE": {
				"{subject} is no longer disabled by Meta", "no longer disabled",
				"The account may be used again.", "Send one test message, then raise the volume step by step.",
			},
			"SCHEDULE_FOR_DISABLE/REINSTATE": {
				"The disabling that Meta announced for {subject} was called off", "announced ban was called off",
				"The account can be used as before.", "Keep to what you mended for it: the next ban may come without notice.",
			},
		},
		Reasons: map[string]phrase{quality.ReasonNotRepeated: {
			"The incident about the announced ban of {subject} is closed, because nothing was heard of it for 30 days", "no news for 30 days of the announced ban",
			"Only a webhook told of it, and no later one called it off: the ban may still come, or have come.",
			"Treat the ban as coming; Business Support Home tells whether it is settled.",
		}},
	},
	quality.RuleAccountViolation: {
		Topic: "the violation",
		Cases: map[string]phrase{
			"DIRECT_SEND": {
				"Meta warned {subject} about its use of Direct Send ({value})", "warning about Direct Send",
				"Messages sent as utility look like something else. Next come a cap on volume, then 7 and 30 days without Direct Send, then none for good.",
				"Send as utility only what a customer's order or request calls for; all that promotes needs a marketing template.",
			},
			"CALLING": {
				"Meta warned {subject} about the quality of its calls ({value})", "warning about calling",
				"Calls that annoy, or that nobody picks up, lead to a restriction of calling. Messages are not concerned.",
				"Call only users who agreed to it, and set calling hours that somebody covers.",
			},
			"CALLING/TO_USERS": {
				"Meta warned {subject} about the quality of its calls to users ({value})", "warning about calls to users",
				"Calls that annoy people lead to a restriction of calling users. Messages are not concerned.",
				"Call only users who agreed to it, at hours when they expect it.",
			},
			"CALLING/FROM_USERS": {
				"Meta warned {subject} about the quality of the calls it gets from users ({value})", "warning about calls from users",
				"Calls that nobody picks up, or that go badly, lead to a restriction: the call button is hidden, or users cannot call. Messages are not concerned.",
				"Set calling hours that somebody covers, and have enough people to pick up.",
			},
			"UNSPECIFIED": {
				"Meta recorded a policy violation of {subject}, without saying which", "policy violation, not said which",
				"This is the warning stage. More violations stop templates for 1 or 3 days, then all sending for 5, 7 or 30 days, and in the end disable the account.",
				"Find out in Business Support Home which message or product broke which policy, remove it from templates, catalogue and profile, and request a review if it is wrong.",
			},
			"": {
				"Meta recorded a policy violation ({value}) of {subject}", "policy violation: {value}",
				"This is the warning stage. More violations stop templates for 1 or 3 days, then all sending for 5, 7 or 30 days, and in the end disable the account.",
				"Read in Business Support Home which message or product broke the policy, remove it from templates, catalogue and profile, and request a review if it is wrong.",
			},
		},
	},
	quality.RuleAccountReview: {
		Topic: "the review",
		Cases: map[string]phrase{"": {
			"{subject} {is} rejected in Meta's review{was}", "{is} REJECTED in review",
			"The account breaks the commerce or business policy in Meta's eyes, and cannot be used as it is.",
			"Read the reason in Business Support Home. Mend web site, catalogue and business data, and appeal there.",
		}},
		Over: phrase{
			"The review of {subject} is no longer {value}{now}", "review is no longer {value}{now}",
			"Meta has decided anew, or is about to.", "Send one test message if it is APPROVED; wait for the decision if it is PENDING.",
		},
	},
	quality.RuleAccountOffboarded: {
		Topic: "the lost connection",
		Cases: map[string]phrase{
			"ACCOUNT_OFFBOARDED": {
				"{subject} {is} disconnected from the Cloud API{reason}", "{is} disconnected from the API",
				"A number shared with the WhatsApp Business app lost its link, mostly by a new phone or a new registration; nothing goes out by API.",
				"Pause campaigns until the API is linked again. Open the WhatsApp Business app on its phone and link it there (Embedded Signup).",
			},
			"ACCOUNT_DELETED": {
				"{subject} {is} deleted", "{is} DELETED",
				"Its numbers and templates are gone for the API.",
				"Stop your senders. If nobody on your side deleted it, look up who did in the activity log of Meta Business settings, and write to Meta's support at once.",
			},
			"PARTNER_REMOVED/ACCOUNT_DISCONNECTED": englishUnlinked,
			"PARTNER_REMOVED/BUSINESS_DOWNGRADE":   englishUnlinked,
			"PARTNER_REMOVED/CHANGE_NUMBER":        englishUnlinked,
			"PARTNER_REMOVED/USER_RE_REGISTERED":   englishUnlinked,
			"PARTNER_REMOVED/COMPANION_INACTIVITY": englishInactive,
			"PARTNER_REMOVED/PRIMARY_INACTIVITY":   englishInactive,
			"PARTNER_REMOVED": {
				"{subject} {is} no longer shared with this app{reason}", "{is} no longer shared with us",
				"Neither polls nor sends work any more for it.",
				"Ask the owner whether it was meant. If not, have it shared again; if it was, remove it from the list of watched accounts.",
			},
			"": {
				"The connection of {subject} {is} reported by Meta as {value}{reason}", "connection: {value}",
				"The connection to the account may be lost.", "Look at the account in WhatsApp Manager.",
			},
		},
		Over: phrase{
			"The connection to {subject} is back", "connection is back",
			"The account can be used again.", "Send one test message, and check that webhooks arrive.",
		},
	},
	quality.RuleAccountAlert: {
		Topic: "Meta's alert{of_entity} ({type})",
		Cases: map[string]phrase{
			"INCREASED_CAPABILITIES_ELIGIBILITY_DEFERRED": {
				"The raise of the messaging limit of {subject} {is} deferred by Meta", "raise of the limit {is} deferred",
				"The limit stays as it is for now; Meta looks again after more use.",
				"Keep sending wanted messages for some days; complete the business verification if it is open.",
			},
			"INCREASED_CAPABILITIES_ELIGIBILITY_FAILED": {
				"The raise of the messaging limit of {subject} {is} denied by Meta", "raise of the limit {is} denied",
				"The limit stays as it is. Mostly the quality of numbers or templates was not high enough.",
				"Bring all numbers and templates to GREEN, use at least half of the limit in 7 days, and it is considered again. From 250 users, verify the business.",
			},
			"INCREASED_CAPABILITIES_ELIGIBILITY_NEED_MORE_INFO": {
				"The raise of the messaging limit of {subject} {is} waiting for information that Meta asked for", "raise of the limit needs information",
				"The limit stays as it is until you answer.",
				"Open WhatsApp Manager or Business Support Home and supply what Meta asks for, mostly the business verification.",
			},
			"OBA_APPROVED": {
				"The Official Business Account {is} granted to {entity} by Meta", "Official Business Account{of_entity} {is} granted",
				"Users see the name with a verified badge.", "Nothing needs doing.",
			},
			"OBA_REJECTED": {
				"The Official Business Account {is} denied to {entity} by Meta", "Official Business Account{of_entity} {is} denied",
				"The number goes on as before, without the badge.", "Apply again after 30 days, with more evidence that the brand is well known.",
			},
			"PROFILE_PICTURE_LOST": {
				"The profile picture of {entity} {is} lost", "profile picture{of_entity} {is} lost",
				"Users see no picture, and trust the number less.", "Upload the picture again in WhatsApp Manager, Phone numbers, Profile.",
			},
			"": {
				"Meta's alert {type} {is} active for {entity}", "Meta's alert{of_entity}: {type}",
				"This alert is new to wabawatch; Meta's words are with it.", "Look at the account in WhatsApp Manager and Business Support Home.",
			},
		},
		Over: phrase{
			"Meta's alert for {entity} is over: {type}", "Meta's alert{of_entity} is over: {type}",
			"The cause is settled in Meta's eyes.", "Nothing needs doing.",
		},
		Reasons: map[string]phrase{quality.ReasonNotRepeated: {
			"The incident about {topic} of {subject} is closed, because nothing was heard of it for 7 days", "no news for 7 days{of_entity}: {type}",
			"Only a webhook told of this, and no later one said that it is over: the matter may still stand.",
			"Treat it as open; WhatsApp Manager or Business Support Home tells whether it is settled.",
		}},
	},
	quality.RuleLimitLowered: {
		Topic: "the messaging limit",
		Cases: map[string]phrase{"": {
			"The messaging limit of {subject} fell from {from_words} to {to_words}", "limit fell from {from} to {to}",
			"That is how many different users all numbers of the portfolio together may write to outside their 24-hour windows; messages to more of them fail. Quality alone no longer lowers the limit, so an enforcement or a change of the portfolio is the likely cause.",
			"Cut campaigns to the new limit, the most valuable first. Look in Business Support Home for an enforcement, and ask Meta's support if there is none.",
		}},
	},
	quality.RuleLimitRaised: {
		Topic: "the messaging limit",
		Cases: map[string]phrase{"": {
			"The messaging limit of {subject} rose from {from_words} to {to_words}", "limit rose from {from} to {to}",
			"That is how many different users all numbers of the portfolio together may write to outside their 24-hour windows.",
			"Nothing needs doing; raise the volume step by step, so that the quality keeps up.",
		}},
	},
}

// englishUnlinked and englishInactive are about a number that lives in the WhatsApp Business app too.
var englishUnlinked = phrase{
	"{subject} {is} unlinked from this app{reason}", "{is} unlinked from this app",
	"A number shared with the WhatsApp Business app lost its link to the API: nothing goes out by API, and polls fail.",
	"Find out who holds the phone and whether it was meant. If not, link the number again from the WhatsApp Business app (Embedded Signup); pause campaigns until then.",
}

var englishInactive = phrase{
	"{subject} {is} unlinked from this app{reason}", "{is} unlinked from this app",
	"A number shared with the WhatsApp Business app was idle too long, so WhatsApp cut its link to the API: nothing goes out by API, and polls fail.",
	"Pause campaigns until the number is linked again. Open the WhatsApp Business app on its phone, link it there (Embedded Signup), and have somebody open the app every week.",
}
