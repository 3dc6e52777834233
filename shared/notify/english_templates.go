package notify

import "github.com/wabawatch/wabawatch/shared/quality"

// englishTemplates is what there is to say about templates. What it says of Meta's conduct is the state of November 2026.
// Source: Meta, pages on template quality, pausing, pacing and categories, checked 2026-11.
var englishTemplates = map[string]ruleWords{
	quality.RuleTemplateQuality: {
		Topic: "the low quality",
		Cases: map[string]phrase{
			"YELLOW": {
				"The quality of {subject} {is} YELLOW, medium{was}", "quality {is} YELLOW{was}",
				"Users react badly to this template. At RED Meta pauses it.",
				"Send less of it, to people who expect it, and test a better text as a new template beside it.",
			},
			"RED": {
				"The quality of {subject} {is} RED, low{was}", "quality {is} RED{was}",
				"At this quality Meta pauses the template: 3 hours the first time, 6 hours the second, and the third time it is disabled.",
				"Stop sends with it now, before the next pause. Use another template for what must go out, and rework text, audience and frequency before you return.",
			},
			"": {
				"The quality of {subject} {is} {value}{was}", "quality {is} {value}{was}",
				"The quality follows how users reacted to the template.", "Look at the template in WhatsApp Manager, and send less of it.",
			},
		},
		Over: phrase{
			"The quality of {subject} is no longer {value}{now}", "quality is no longer {value}{now}",
			"Users have reacted better lately.", "Raise the volume step by step.",
		},
		Reasons: map[string]phrase{quality.ReasonNoRating: englishNoRating},
	},
	quality.RuleTemplateStatus: {
		Topic: "the status",
		Cases: map[string]phrase{
			"PAUSED/FIRST_PAUSE": {
				"{subject} {is} paused by Meta for the first time", "paused for 3 h (first time)",
				"Sends with it fail (132015) for 3 hours; then it resumes by itself. The second pause takes 6 hours, the third disables it.",
				"Take it out of running campaigns: what is sent with it is lost. Before it resumes, narrow the audience or rework the text; an edit sends it to review.",
			},
			"PAUSED/SECOND_PAUSE": {
				"{subject} {is} paused by Meta for the second time", "paused for 6 h (second time)",
				"Sends with it fail (132015) for 6 hours; then it resumes by itself. The next pause disables it.",
				"Do not resume the same sends: replace the template or rework it now, and send it only to people who expect it.",
			},
			"PAUSED/RATE_LIMITING_PAUSE": {
				"{subject} {is} paused by Meta while pacing it", "paused by pacing",
				"The first users reacted badly, so Meta dropped what it had held back. A pause by pacing does not end by itself.",
				"Rework the text or the audience; then unpause it by hand in WhatsApp Manager or by API, 5 minutes after the pause at the earliest (a template of Direct Send cannot be unpaused). Count the messages that failed with 132015 as not sent.",
			},
			"PAUSED/OVERDUE": {
				"{subject} {is} still paused, though its pause should have ended by {deadline}", "paused past its end",
				"A pause of 3 or 6 hours ends by itself; this one did not, or the news of its end was lost.",
				"Look at the template in WhatsApp Manager. Unpause it there or by API if you want it back.",
			},
			"PAUSED": {
				"{subject} {is} paused by Meta{reason}", "{is} PAUSED",
				"Sends with it fail (132015). The first pause for low quality takes 3 hours, the second 6; those end by themselves. A pause by pacing does not.",
				"Take it out of running campaigns. If it is still paused after 6 hours, unpause it by hand in WhatsApp Manager or by API.",
			},
			"DISABLED": {
				"{subject} {is} disabled by Meta{reason}", "{is} DISABLED",
				"Sends with it fail (132016), and it does not come back by itself. A third pause for low quality disables a template.",
				"Move what must go out to another template now. Then appeal in Business Support Home, or write a new template; a copy of the same text will fare the same.",
			},
			"REJECTED/INCORRECT_CATEGORY": {
				"{subject} {is} rejected by Meta{reason}", "REJECTED: wrong category",
				"It cannot be sent. Meta thinks that its text belongs to another category.",
				"Submit it with the category that fits the text, mostly MARKETING, or take out all that promotes; appeal in Business Support Home if Meta is wrong.",
			},
			"REJECTED/INVALID_FORMAT": {
				"{subject} {is} rejected by Meta{reason}", "REJECTED: invalid format",
				"It cannot be sent. Variables, samples or buttons do not follow the rules.",
				"Check that variables are numbered in order, do not begin or end the text, and have samples; then submit it again.",
			},
			"REJECTED": {
				"{subject} {is} rejected by Meta{reason}", "{is} REJECTED{reason}",
				"It cannot be sent.",
				"Read the reason in WhatsApp Manager, change the text and submit it again, or appeal in Business Support Home. Use another template meanwhile.",
			},
			"": {
				"The status of {subject} {is} {value}{was}", "status {is} {value}{was}",
				"Only an APPROVED template can be sent.", "Look at the template in WhatsApp Manager.",
			},
		},
		Over: phrase{
			"The status of {subject} is no longer {value}{now}", "is no longer {value}{now}",
			"Only an APPROVED template can be sent.", "Once it is APPROVED, begin with a small volume. Send it to people who expect it, and watch its quality.",
		},
		Overs: map[string]phrase{"PAUSED": {
			"The status of {subject} is no longer PAUSED{now}", "is no longer PAUSED{now}",
			"Only an APPROVED template can be sent.", "Once it is APPROVED, begin with a small volume: the second pause is longer than the first, and the third one disables the template.",
		}},
	},
	quality.RuleTemplateFlagged: {
		Topic: "the warning (FLAGGED)",
		Cases: map[string]phrase{"": {
			"{subject} {is} flagged by Meta after negative feedback", "{is} FLAGGED",
			"The template can still be sent, but more negative feedback can get it paused or disabled.",
			"Send less of it now, to people who expect it, and prepare a better text.",
		}},
		Over: phrase{
			"{subject} is no longer flagged", "no longer FLAGGED",
			"The feedback is better.", "Raise the volume step by step.",
		},
	},
	quality.RuleTemplateCategory: {
		Topic: "the category",
		Cases: map[string]phrase{
			"MARKETING": {
				"The category of {subject} changed{old} to MARKETING", "category is now MARKETING{was}",
				"Every message with it now costs the marketing rate, in most countries well above the one for utility, and the limit of marketing messages per user applies.",
				"Recalculate the cost of what sends it. You have 60 days to request a review in WhatsApp Manager; or take out all that promotes and submit a new utility template.",
			},
			"UTILITY": {
				"The category of {subject} changed{old} to UTILITY", "category is now UTILITY{was}",
				"Every message with it now costs the utility rate, in most countries below the one for marketing.",
				"Check that the text promotes nothing, or Meta will move it back; recalculate the cost.",
			},
			"AUTHENTICATION": {
				"The category of {subject} changed{old} to AUTHENTICATION", "category is now AUTHENTICATION{was}",
				"Every message with it now costs the authentication rate, for some countries the international one.",
				"Check that it carries a one-time code and nothing else; recalculate the cost.",
			},
			"ANNOUNCED": {
				"A change of the category of {subject}{old} to {to}{effective} was announced by Meta", "category will change{old} to {to}",
				"From then on every message with it costs the rate of the new category; marketing is in most countries the dearest.",
				"If the text is in its category rightly, request a review in WhatsApp Manager before the change, or within 60 days after it. Otherwise plan for the new rate, or stop sends with it.",
			},
			"SUSPECTED": {
				"Meta takes the content of {subject} for {to}{instead}", "content looks like {to} to Meta",
				"Nothing has changed yet. Meta may put it into that category, which changes what every message with it costs; a template of Direct Send that goes on like this leads to restrictions.",
				"Bring the text in line with its category, or send it as {to}. If it is in its category rightly, request a review in WhatsApp Manager.",
			},
			"": {
				"The category of {subject} changed{old} to {to}", "category is now {to}{was}",
				"The category decides what a message costs.", "Recalculate the cost of what sends it, and request a review in WhatsApp Manager if it is wrong.",
			},
		},
	},
	quality.RuleTemplateLimit: {
		Topic: "the number of templates",
		Cases: map[string]phrase{"": {
			"The account of {subject} has reached its limit of templates", "account is at its template limit",
			"No template can be added: 250 are allowed to an unverified business, 6,000 to a verified one with an approved display name.",
			"Delete templates that nobody uses; a deleted name is blocked for 30 days. Verify the business in Meta Business settings to get more.",
		}},
	},
}
