package notify

import "github.com/wabawatch/wabawatch/shared/quality"

// englishNumbers is what there is to say about phone numbers. What it says of Meta's conduct is the state of November 2026.
// Source: Meta, pages on quality rating, messaging limits, phone numbers, display names, two-step verification, checked 2026-11.
var englishNumbers = map[string]ruleWords{
	quality.RuleNumberQuality: {
		Topic: "the low quality rating",
		Cases: map[string]phrase{
			"YELLOW": {
				"The quality rating of {subject} {is} YELLOW, medium{was}", "quality {is} YELLOW{was}",
				"Users blocked, reported or muted this number more than usual in the last 7 days. Sending goes on and the messaging limit stays, but it is not raised while the rating is below GREEN, and at RED templates get paused.",
				"Find the template or campaign that started before the fall and send less of it; keep to people who opted in lately. Compare the quality of the templates in WhatsApp Manager.",
			},
			"RED": {
				"The quality rating of {subject} {is} RED, low{was}", "quality {is} RED{was}",
				"Many users blocked or reported this number in the last 7 days. A low rating no longer lowers the messaging limit (since 7 October 2025), but it stops raises for the whole portfolio, gets templates paused, and can lead to restrictions.",
				"Stop marketing sends from this number now; service and utility messages may go on. Find the template or campaign that annoyed people, by template quality and by the reasons for blocking in WhatsApp Manager. Start again in small numbers, to recent opt-ins only: new feedback counts most, so the rating can recover within days.",
			},
			"": {
				"The quality rating of {subject} {is} {value}{was}", "quality {is} {value}{was}",
				"The rating follows how users reacted to this number in the last 7 days.",
				"Look at the number and its templates in WhatsApp Manager, and send less marketing until the rating is GREEN.",
			},
		},
		Over: phrase{
			"The quality rating of {subject} is no longer {value}{now}", "quality is no longer {value}{now}",
			"Users have reacted better lately.", "Raise the volume step by step, and leave out what made it fall.",
		},
		Reasons: map[string]phrase{quality.ReasonNoRating: englishNoRating},
	},
	quality.RuleNumberFlagged: {
		Topic: "the state Flagged",
		Cases: map[string]phrase{
			"FLAGGED": {
				"The status of {subject} {is} FLAGGED{was}", "number {is} FLAGGED",
				"Flagged meant low quality under the rules until October 2025: 7 days to recover, or the limit fell by one tier. Meta says that numbers are no longer flagged, so this account may still be under the old rules. Its 7 days end on {deadline}.",
				"Check the quality rating and the limit in WhatsApp Manager. If the rating is low, stop marketing sends from this number until it recovers; if it is fine, ask Meta's support why the status says this.",
			},
			"FLAGGED/PAST": {
				"The status of {subject} {is} FLAGGED{was}, though its 7 days ended on {deadline}", "number {is} FLAGGED, its 7 days are over",
				"By the rules until October 2025 a number is Connected again after 7 days: with its old limit if the rating recovered in time, otherwise one tier lower. This one is not, so its status, or what Meta shows of it, is stuck.",
				"Compare the limit with the one before, in WhatsApp Manager. If the rating is low, stop marketing sends from this number until it recovers; ask Meta's support why the status has not changed.",
			},
			"": {
				"The number {subject} {is} reported as Flagged{limit}", "number {is} reported as Flagged",
				"Flagged meant low quality under the rules until October 2025: 7 days to recover, or the limit fell by one tier. Meta no longer flags numbers, so an older account or a relay sent this. Its 7 days end on {deadline}.",
				"Check the quality rating and the limit in WhatsApp Manager. If the rating is low, stop marketing sends from this number until it recovers; if it is fine, ask whoever relays your webhooks why they sent it.",
			},
		},
		Over: phrase{
			"The number {subject} is no longer reported as Flagged{limit}", "no longer Flagged",
			"The number was unflagged.", "Check that the messaging limit is what it was.",
		},
		Overs: map[string]phrase{"FLAGGED": {
			"The status of {subject} is no longer FLAGGED{now}", "number is no longer FLAGGED{now}",
			"By the old rule that is so when the rating has recovered, and also after 7 days without that; then the limit is one tier lower.",
			"Check that the messaging limit is what it was; see whether the quality rating is still low.",
		}},
		Reasons: map[string]phrase{quality.ReasonDay7: {
			"The 7 days of {subject} as Flagged are over{limit}", "7 days of Flagged are over",
			"By the old rule the number is Connected again: with its old limit if the rating recovered in time, otherwise one tier lower. By the rules since October 2025 nothing happens to the limit.",
			"Compare the limit with the one before, in WhatsApp Manager; where wabawatch polls, it tells a lowered limit by itself.",
		}},
	},
	quality.RuleNumberStatus: {
		Topic: "the status",
		Cases: map[string]phrase{
			"BANNED": {
				"The status of {subject} {is} BANNED{was}", "number {is} BANNED",
				"The number can neither send nor receive. Meta bans for breaches of policy.",
				"Stop all sends from this number and route customers to another channel. Read the reason in Business Support Home and request a review there; decisions usually take 24 to 48 hours.",
			},
			"DISCONNECTED": {
				"The status of {subject} {is} DISCONNECTED{was}", "number {is} DISCONNECTED",
				"The number can neither send nor receive: it was deregistered, or the phone of a shared (coexistence) number lost its link.",
				"Link or register the number again, and pause campaigns until then. If it lives in the WhatsApp Business app too, open the app and link it there; otherwise register it by API with its PIN.",
			},
			"UNLINKED": {
				"The status of {subject} {is} UNLINKED{was}", "number {is} UNLINKED",
				"The number can neither send nor receive until it is linked again.",
				"Connect the number again in WhatsApp Manager, Phone numbers; pause campaigns until then.",
			},
			"OFFLINE": {
				"The status of {subject} {is} OFFLINE{was}", "number {is} OFFLINE",
				"The number can neither send nor receive. Mostly its phone or its registration is gone.",
				"Pause campaigns until the status is CONNECTED. Check the phone of a shared number, then register the number again.",
			},
			"RESTRICTED": {
				"The status of {subject} {is} RESTRICTED{was}", "number {is} RESTRICTED",
				"The number may not start new conversations for now: it has used up its limit for 24 hours, or Meta restricts it. Answers to customers usually still go out.",
				"Hold back campaigns from this number. Look in Business Support Home for the reason and the end, and request a review if it is wrong.",
			},
			"RATE_LIMITED": {
				"The status of {subject} {is} RATE_LIMITED{was}", "number {is} RATE_LIMITED",
				"Meta limits how much this number may send; what exceeds it fails.",
				"Slow down sends from this number and hold back retries; check its quality rating and the spam errors (131048) in your sender.",
			},
			"FLAGGED": {
				"The status of {subject} {is} FLAGGED{was}", "number status {is} FLAGGED",
				"This is Meta's old state for low quality. It has not been used since October 2025, so an older account or a relay reports it.",
				"Check the quality rating and the messaging limit in WhatsApp Manager, and stop marketing sends if the rating is low.",
			},
			"": {
				"The status of {subject} {is} {value}{was}, which wabawatch does not know", "number status {is} {value}{was}",
				"Only a number that is CONNECTED can send and receive; whether this one can is not known.",
				"Send one test message from the number, and look at it in WhatsApp Manager.",
			},
		},
		Over: phrase{
			"The status of {subject} is no longer {value}{now}", "number is no longer {value}{now}",
			"Only a number that is CONNECTED can send and receive.", "Once it is CONNECTED, send one test message. Then send those of the queued messages that still matter.",
		},
	},
	quality.RuleNumberName: {
		Topic: "the display name",
		Cases: map[string]phrase{
			"DECLINED": {
				"The display name of {subject} {is} declined by Meta", "display name {is} DECLINED",
				"Without an approved name users see only the number, and the number's messaging can stay limited.",
				"Choose a name that is the brand's, as on its web site, and submit it in WhatsApp Manager, Phone numbers, Profile.",
			},
			"EXPIRED": {
				"The approval of the display name of {subject} {has} expired", "display name {has} EXPIRED",
				"The approved name was not put into use in time.",
				"Submit the name again in WhatsApp Manager and, once approved, register the number again.",
			},
			"REJECTED": {
				"The display name{wish} requested for {subject} {is} rejected by Meta{reason}", "display name {is} REJECTED",
				"The former name stays; without an approved name messaging can stay limited.",
				"Choose a name that is the brand's, as on its web site, without slogans, extra punctuation or a person's name, and submit it again in WhatsApp Manager.",
			},
			"": {
				"The display name of {subject} {is} {value}{was}", "display name {is} {value}",
				"Without an approved name users see only the number.", "Look at the name in WhatsApp Manager, Phone numbers, Profile.",
			},
		},
		Over: phrase{
			"The display name of {subject} is no longer {value}{now}", "display name is no longer {value}{now}",
			"The name is accepted, or a newer request replaced it.", "If a new name was approved, register the number again so that users see it.",
		},
	},
	quality.RuleNumberHealth: {Topic: "the limits on sending", Cases: englishHealth, Over: englishHealthOver},
	quality.RuleNumberSecurity: {
		Topic: "the two-step PIN",
		Cases: map[string]phrase{
			"PIN_CHANGED": {
				"The two-step verification PIN of {subject} was changed", "two-step PIN was changed",
				"Whoever knows the PIN can register the number elsewhere.",
				"Unless your team did it, set a new PIN at once: WhatsApp Manager has it among the settings of the number. Then remove people you do not know from your Meta Business settings, and renew your access tokens.",
			},
			"PIN_RESET_REQUEST": {
				"Somebody asked to reset the two-step verification PIN of {subject}", "reset of the two-step PIN was requested",
				"Somebody may be trying to take the number over; a reset can follow.",
				"Unless your team asked, set a new PIN at once: WhatsApp Manager has it among the settings of the number. Do not open the link in Meta's e-mail about the reset, and remove people you do not know from your Meta Business settings.",
			},
			"PIN_REQUEST_SUCCESS": englishPINReset,
			"PIN_RESET_SUCCESS":   englishPINReset,
			"": {
				"Meta reported {value} for the two-step verification of {subject}", "two-step PIN: {value}",
				"It concerns who can register the number.", "Unless your team did it, set a new PIN at once: WhatsApp Manager has it among the settings of the number. Then check who has access.",
			},
		},
	},
}

// englishHealth says what Meta's own assessment of a number or an account means.
// Source: Meta, messaging health status; error codes of the Cloud API, checked 2026-11.
var englishHealth = map[string]phrase{
	"LIMITED": {
		"Sending from {subject} {is} LIMITED by Meta{was}", "sending {is} LIMITED{was}",
		"Something about the number, the account or the business is unfinished; until it is settled the volume is small.",
		"Do what Meta advises; mostly the display name needs approval, or the business needs verification, in WhatsApp Manager.",
	},
	"BLOCKED/141006": {
		"Sending from {subject} {is} BLOCKED by Meta for a payment problem{was}", "sending {is} BLOCKED: payment",
		"Nothing that is charged goes out until the account can be billed.",
		"Mend the payment method in Billing of Meta Business settings: expired card, open invoice, missing method. Then send one test message.",
	},
	"BLOCKED/131042": {
		"Sending from {subject} {is} BLOCKED by Meta for a payment problem{was}", "sending {is} BLOCKED: payment",
		"Nothing that is charged goes out until the account can be billed.",
		"Mend the payment method in Billing of Meta Business settings: expired card, open invoice, missing method. Then send one test message.",
	},
	"BLOCKED/131031": {
		"Sending from {subject} {is} BLOCKED by Meta because the account is locked{was}", "sending {is} BLOCKED: account locked",
		"The account broke a policy, or its data could not be verified.",
		"Request a review in Business Support Home, where the reason is; stop your senders until it is decided.",
	},
	"BLOCKED": {
		"Sending from {subject} {is} BLOCKED by Meta{was}", "sending {is} BLOCKED",
		"No message goes out from it.",
		"Stop your senders and queue what must not be lost. Do what Meta advises, look for the reason in WhatsApp Manager and Business Support Home, and send one test message afterwards.",
	},
	"": {
		"Sending from {subject} {is} {value}{was}", "sending {is} {value}{was}",
		"This value is new to wabawatch; AVAILABLE is the healthy one.",
		"Send one test message, and look at the account in WhatsApp Manager.",
	},
}

var englishHealthOver = phrase{
	"Sending from {subject} is no longer {value}{now}", "sending is no longer {value}{now}",
	"At AVAILABLE Meta lets it send without limits of this kind.", "Send one test message. Then send those of the queued messages that still matter.",
}

var englishPINReset = phrase{
	"The two-step verification PIN of {subject} was reset", "two-step PIN was reset",
	"The number can now be registered without the old PIN.",
	"Unless your team did it, register the number with a new PIN at once. Then remove people you do not know from your Meta Business settings, and write to Meta's support.",
}

// englishNoRating is about a rating that Meta no longer gives, of a number or of a template.
var englishNoRating = phrase{
	"The incident about {topic} of {subject} is closed, because Meta has given no rating for 7 days (before: {value})",
	"no rating for 7 days, last {value}",
	"Meta rates what was sent in the last days. Too little was sent to rate; that is no proof of recovery.",
	"When you send again, begin with a small volume. Send to people who expect your message, and watch the rating.",
}
