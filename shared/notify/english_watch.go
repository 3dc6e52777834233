package notify

import "github.com/wabawatch/wabawatch/shared/quality"

// englishWatch is what there is to say about watching itself, and of rules without words.
var englishWatch = map[string]ruleWords{
	quality.RuleWatchBlind: {
		Topic: "the failing polls",
		Cases: map[string]phrase{
			"FORBIDDEN": {
				"The poll of {subject} {is} refused by Meta, because the token may not read it", "polling {is} refused: no permission",
				"The ratings and limits of this account are not seen. That nothing is told does not mean that all is well.",
				"Give the token's system user access to the account. Assign it in Meta Business settings, with full control, and see that the token has whatsapp_business_management.",
			},
			"MISSING": {
				"The poll of {subject} {is} answered by Meta as if the account did not exist", "polling {is} refused: not found",
				"The account was deleted, is no longer shared with this app, or its id is wrong. wabawatch sees nothing of it.",
				"Check its id, and whether it is still shared with you: the list of watched accounts has the one, Meta Business settings the other.",
			},
			"UNLISTED": {
				"{subject} {is} unable to list the accounts of the business portfolio", "discovery of accounts {is} failing",
				"Accounts that are new to the portfolio are not watched. Those that are known already are polled as before.",
				"Give the token the permission business_management. Give its system user a role in the portfolio, or name the accounts to watch by their ids instead.",
			},
			"": {
				"The poll of {subject} {is} failing", "polling {is} failing",
				"Ratings and limits shown for it are out of date. That nothing is told does not mean that all is well; webhooks still count.",
				"Look at Meta's status (metastatus.com) and at the log of the poller. Until it works look at WhatsApp Manager yourself.",
			},
		},
		Over: phrase{
			"Polls of {subject} succeed again", "polls succeed again",
			"Ratings and limits are up to date.", "Nothing needs doing: what changed meanwhile is told by itself.",
		},
		Overs: map[string]phrase{"UNLISTED": {
			"{subject} is able to list the accounts of the business portfolio again", "discovery of accounts works again",
			"Accounts that are new to the portfolio are found and watched again.", "Nothing needs doing: those that were added meanwhile are found by themselves.",
		}},
		Reasons: map[string]phrase{quality.ReasonUnwatched: {
			"The incident about {topic} of {subject} is closed, because the configuration no longer asks for polls of it",
			"no longer watched: {topic}",
			"Only the configuration of wabawatch has changed. Ratings, limits and health of the account are not watched any more; what webhooks say still is.",
			"Nothing needs doing. If this was not meant, put the account back among those to watch, or undo the change of {rule} in WABAWATCH_RULES.",
		}},
	},
	quality.RuleWatchToken: {
		Topic: "the access token",
		Cases: map[string]phrase{
			"INVALID": {
				"The access token of {subject} {is} refused by Meta{reason}", "access token {is} INVALID",
				"No account is polled. That nothing is told does not mean that all is well; webhooks still count.",
				"Make a new token and store it as the secret access-token. Make it for the system user in Meta Business settings, with whatsapp_business_management.",
			},
			"MISSING_SCOPE": {
				"The access token of {subject} {is} without the permission {scopes}", "access token lacks {scopes}",
				"Polls are refused. That nothing is told does not mean that all is well.",
				"Make a new token and store it as the secret access-token. Make it for the system user in Meta Business settings, with {scopes}.",
			},
			"EXPIRED": {
				"The access token of {subject} {is} past its end, {deadline}", "access token has EXPIRED",
				"No account is polled. That nothing is told does not mean that all is well; webhooks still count.",
				"Make a new token and store it as the secret access-token. Make it for the system user in Meta Business settings, best as one that never expires.",
			},
			"EXPIRING": {
				"The access token of {subject} {is} valid only until {deadline}", "access token expires on {deadline}",
				"After that no account is polled.",
				"Make a new token and store it as the secret access-token before then. Make it for the system user in Meta Business settings, best as one that never expires.",
			},
			quality.Unchecked: {
				"The access token of {subject} can no longer be checked", "access token cannot be checked",
				"It was good when Meta last told. Should it end or lose a permission, polls will stop without a warning before.",
				"Look at the token in Meta's access token debugger. If it is good, the log says why Meta does not answer the question.",
			},
			"": {
				"The access token of {subject} {is} {value}", "access token {is} {value}",
				"Polls may be refused.", "Look at the token in Meta's access token debugger, and make a new one if it says so.",
			},
		},
		Over: phrase{
			"The access token of {subject} is good again", "access token is good again",
			"Accounts are polled again.", "Nothing needs doing: what changed meanwhile is told by itself.",
		},
		Overs: map[string]phrase{quality.Unchecked: {
			"The access token of {subject} can be checked again", "access token can be checked again",
			"It is good.", "Nothing needs doing.",
		}, "VALID": {
			"The access token of {subject} no longer ends soon", "access token no longer ends soon",
			"It was replaced or prolonged, and accounts are polled with it.", "Nothing needs doing.",
		}},
	},
	"watch_subscription": {
		Topic: "the missing subscription",
		Cases: map[string]phrase{"": {
			"This app {is} not subscribed to {subject}", "webhooks not subscribed",
			"Meta sends no webhooks for the account. Templates, restrictions and bans are told late or not at all.",
			"Run wabawatch subscribe for the account.",
		}},
		Over: phrase{
			"This app is subscribed to {subject} again", "webhooks are subscribed again",
			"Webhooks arrive again.", "Nothing needs doing.",
		},
	},
	"watch_missed": {
		Topic: "lost webhooks",
		Cases: map[string]phrase{"": {
			"The stream of webhooks of {subject} {is} incomplete: polls saw changes that no webhook told", "webhooks were lost",
			"Webhooks get lost between Meta and wabawatch. What only they tell, such as restrictions, may be lost too.",
			"Check in the app's settings at Meta that the callback URL is wabawatch's and that all fields are subscribed; look at the webhook's log for refused signatures.",
		}},
		Over: phrase{
			"All changes of {subject} are told by webhook again", "no webhook was lost lately",
			"For a day no change was seen that no webhook told.", "Nothing needs doing.",
		},
	},
	quality.RuleWatchUnknown: {
		Topic: "the unknown thing",
		Cases: map[string]phrase{"REFUSED": {
			"Meta refuses to tell wabawatch a field that it watches ({value})", "Meta refuses a field that is watched: {value}",
			"What the field would tell is not watched for as long as Meta refuses it. Its kind is told once.",
			"Compare WABAWATCH_GRAPH_VERSION with the versions that Meta supports, and the permissions of the token with the README; until then look the field up in WhatsApp Manager.",
		}, "": {
			"Meta sent something that this version of wabawatch does not know: {value}", "Meta sent something new: {value}",
			"It is stored as it came and changes nothing else. Its kind is told once.",
			"Look at Meta's changelog, and whether a newer version of wabawatch knows it.",
		}},
	},
	quality.RuleWatchTest: {
		Topic: "the test",
		Cases: map[string]phrase{
			"ALERT": {
				"This test alert of wabawatch was sent on request", "alerts of wabawatch arrive",
				"Alerts reach you by this channel.", "Nothing needs doing. Check that every person on duty got it.",
			},
			"": {
				"Meta's test arrived and your webhook works", "Meta's test arrived, your webhook works",
				"Meta can reach the callback URL, and the signature is right.",
				"Nothing needs doing. Subscribe the app to the accounts if that is still open.",
			},
		},
	},
	quality.RuleFirstLook: {
		Topic: "the first look",
		Cases: map[string]phrase{"": {
			"The first look at {subject} brought up things to know{count}", "first look: things to know{count}",
			"A first look, or one with a new rule, finds what may be old; it is told together, once.",
			"Go through them, the critical ones first. From now on only changes are told.",
		}},
	},
	"": {
		Topic: "the rule {rule}",
		Cases: map[string]phrase{"": {
			"The rule {rule} {is} true of {subject}: {value}{was}", "{rule}: {value}{was}",
			"This version has no words for the rule.", "Look at the page of wabawatch, and at WhatsApp Manager.",
		}},
		Over: phrase{
			"The rule {rule} is no longer true of {subject}{now}", "{rule} is over{now}",
			"This version has no words for the rule.", "Nothing needs doing.",
		},
	},
}
