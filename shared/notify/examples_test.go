package notify

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// at is when things happen in examples: on a Friday, at night in Paris.
var at = time.Date(2026, 11, 20, 2, 5, 0, 0, time.UTC)

func ptr[T any](v T) *T { return &v }

// example is an alert of a rule, of the kind of subject it is about.
func example(rule string, event quality.Event, sev quality.Severity, from, to string, details ...string) quality.Alert {
	a := quality.Alert{
		Schema: quality.AlertSchema, ID: "5f0c1d9a4b7e21d300aa.2", Event: event, Rule: rule, Severity: sev, WABAID: ptr("1182736455"),
		At: at, Source: "webhook", CreatedAt: at.Add(2 * time.Second), Revision: 1,
	}
	if from != "" {
		a.From = &from
	}
	if to != "" {
		a.To = &to
	}
	for i := 0; i+1 < len(details); i += 2 {
		if a.Details == nil {
			a.Details = map[string]string{}
		}
		a.Details[details[i]] = details[i+1]
	}
	if r := a.Details[quality.AttrReason]; r != "" {
		a.Reason = &r
	}
	if event != quality.Notice {
		a.IncidentID, a.IncidentSince, a.Revision = ptr("5f0c1d9a4b7e21d300aa"), ptr(at), 2
	}
	switch event {
	case quality.Reminder:
		a.CreatedAt, a.Source = at.Add(28*time.Hour), "clock"
	case quality.Resolved:
		a.At, a.CreatedAt = at.Add(3*time.Hour), at.Add(3*time.Hour)
	case quality.Passed:
		if a.Details == nil {
			a.Details = map[string]string{}
		}
		a.Details[quality.DetailEnded] = at.Add(40 * time.Minute).Format(time.RFC3339)
		a.CreatedAt = at.Add(2 * time.Hour)
	}
	setSubject(&a)
	return a
}

func setSubject(a *quality.Alert) {
	account := func() { a.SubjectKind, a.SubjectID, a.SubjectName = quality.Account, "1182736455", "Example Group" }
	switch a.Rule {
	case quality.RuleNumberQuality, quality.RuleNumberFlagged, quality.RuleNumberStatus, quality.RuleNumberName, quality.RuleNumberHealth, quality.RuleNumberSecurity:
		a.SubjectKind, a.SubjectID, a.SubjectName = quality.PhoneNumber, "12025550101", "Example Ltd"
	case quality.RuleTemplateQuality, quality.RuleTemplateStatus, quality.RuleTemplateFlagged, quality.RuleTemplateCategory, quality.RuleTemplateLimit:
		a.SubjectKind, a.SubjectID, a.SubjectName = quality.Template, "1584930276415311", "spring_sale"
	case quality.RuleLimitLowered, quality.RuleLimitRaised:
		a.SubjectKind, a.SubjectID, a.SubjectName = quality.Portfolio, "900112233445566", ""
	case quality.RuleWatchToken, quality.RuleWatchTest, quality.RuleWatchUnknown:
		a.SubjectKind, a.SubjectID, a.WABAID = quality.Deployment, "deployment", nil
	default:
		account()
	}
	switch a.Rule {
	case quality.RuleAccountRestricted:
		a.Signal = ptr(quality.Restriction("RESTRICTED_BIZ_INITIATED_MESSAGING"))
	case quality.RuleAccountAlert:
		a.Signal = ptr(quality.AlertOf("BUSINESS", "900112233445566", "INCREASED_CAPABILITIES_ELIGIBILITY_FAILED"))
	case quality.RuleTemplateCategory:
		a.Signal = ptr(quality.Category)
	}
}

// polled is an alert that a poll gave rise to, up to five minutes after it happened.
func polled(a quality.Alert) quality.Alert {
	a.Source, a.NotBefore = "poll", ptr(a.At.Add(-5*time.Minute))
	return a
}

// because is a resolved alert that ended for a reason, by the clock.
func because(a quality.Alert, reason string) quality.Alert {
	a.To, a.Reason, a.Source = nil, &reason, "clock"
	return a
}

// late is an alert of what ended for a reason, 7 days on, before it was told.
func late(rule string, sev quality.Severity, v, reason string, details ...string) quality.Alert {
	a := example(rule, quality.Passed, sev, "", v, details...)
	a.Reason, a.CreatedAt = &reason, at.Add(7*24*time.Hour+2*time.Hour)
	a.Details[quality.DetailEnded] = at.Add(7 * 24 * time.Hour).Format(time.RFC3339)
	return a
}

func signal(a quality.Alert, s quality.Signal) quality.Alert {
	a.Signal = &s
	return a
}

// values are what each rule is told about, by severity.
var values = map[string]map[string]quality.Severity{
	quality.RuleNumberQuality:     {"YELLOW": quality.Warning, "RED": quality.Critical, "ORANGE": quality.Warning},
	quality.RuleNumberFlagged:     {"YES": quality.Critical},
	quality.RuleNumberStatus:      {"BANNED": quality.Critical, "DISCONNECTED": quality.Critical, "UNLINKED": quality.Critical, "OFFLINE": quality.Critical, "RESTRICTED": quality.Warning, "RATE_LIMITED": quality.Warning, "FLAGGED": quality.Warning, "SLEEPING": quality.Warning},
	quality.RuleNumberName:        {"DECLINED": quality.Warning, "EXPIRED": quality.Warning, "REJECTED": quality.Warning, "ODD": quality.Warning},
	quality.RuleNumberHealth:      {"LIMITED": quality.Warning, "BLOCKED": quality.Critical, "ODD": quality.Warning},
	quality.RuleAccountHealth:     {"LIMITED": quality.Warning, "BLOCKED": quality.Critical, "ODD": quality.Warning},
	quality.RuleTemplateQuality:   {"YELLOW": quality.Warning, "RED": quality.Critical, "ORANGE": quality.Warning},
	quality.RuleTemplateStatus:    {"PAUSED": quality.Warning, "DISABLED": quality.Critical, "REJECTED": quality.Warning, "ODD": quality.Warning},
	quality.RuleTemplateFlagged:   {"YES": quality.Warning},
	quality.RuleAccountRestricted: {"ACTIVE": quality.Critical},
	quality.RuleAccountDisabled:   {"SCHEDULE_FOR_DISABLE": quality.Warning, "DISABLE": quality.Critical, "ODD": quality.Warning},
	quality.RuleAccountReview:     {"REJECTED": quality.Critical},
	quality.RuleAccountOffboarded: {"ACCOUNT_OFFBOARDED": quality.Critical, "ACCOUNT_DELETED": quality.Critical, "PARTNER_REMOVED": quality.Critical, "ODD": quality.Critical},
	quality.RuleAccountAlert:      {"ACTIVE": quality.Warning},
	quality.RuleWatchBlind:        {"BLIND": quality.Critical, "FORBIDDEN": quality.Critical, "MISSING": quality.Critical, "UNLISTED": quality.Critical},
	quality.RuleWatchToken:        {"INVALID": quality.Critical, "MISSING_SCOPE": quality.Critical, quality.Unchecked: quality.Warning, "VALID": quality.Warning},

	quality.RuleNumberSecurity:   {"PIN_CHANGED": quality.Critical, "PIN_RESET_REQUEST": quality.Critical, "PIN_REQUEST_SUCCESS": quality.Critical, "PIN_RESET_SUCCESS": quality.Critical, "ODD": quality.Critical},
	quality.RuleTemplateCategory: {"MARKETING": quality.Warning, "UTILITY": quality.Warning, "AUTHENTICATION": quality.Warning, "ODD": quality.Warning},
	quality.RuleTemplateLimit:    {"LIMIT_EXCEEDED": quality.Warning},
	quality.RuleAccountViolation: {"SCAM": quality.Warning, "DIRECT_SEND_UTILITY_CATEGORY_ABUSE_WARN": quality.Warning, "USER_INITIATED_CALLS_LOW_PICKUP_RATE": quality.Warning, "LOW_BUSINESS_INITIATED_CALLING_QUALITY": quality.Warning, "LOW_CALLING_QUALITY": quality.Warning, "UNSPECIFIED": quality.Warning},
	quality.RuleLimitLowered:     {"TIER_2K": quality.Warning},
	quality.RuleLimitRaised:      {"TIER_100K": quality.Info},
	quality.RuleWatchUnknown:     {"field:account_dreams": quality.Info, "refused:phone_number.quality_rating": quality.Info},
	quality.RuleWatchTest:        {"RECEIVED": quality.Info},
	quality.RuleFirstLook:        {"": quality.Critical},
}

// healthy is what a rule's signal says when all is well.
var healthy = map[string]string{
	quality.RuleNumberQuality: "GREEN", quality.RuleTemplateQuality: "GREEN", quality.RuleNumberStatus: "CONNECTED", quality.RuleNumberName: "APPROVED",
	quality.RuleNumberHealth: "AVAILABLE", quality.RuleAccountHealth: "AVAILABLE", quality.RuleTemplateStatus: "APPROVED", quality.RuleAccountDisabled: "REINSTATE",
	quality.RuleAccountReview: "APPROVED", quality.RuleAccountOffboarded: "ACCOUNT_RECONNECTED", quality.RuleWatchBlind: "OK", quality.RuleWatchToken: "VALID",
	quality.RuleLimitLowered: "TIER_10K", quality.RuleLimitRaised: "TIER_10K", quality.RuleTemplateCategory: "UTILITY", quality.RuleAccountAlert: "NONE",
}

// isIncident reports whether a rule has incidents; account_alert has notices as well.
func isIncident(rule string) bool {
	return slices.ContainsFunc(quality.DefaultRules, func(r quality.Rule) bool { return r.ID == rule && r.Notice == quality.NoSeverity })
}

var incidentEvents = []quality.Event{quality.Firing, quality.Escalated, quality.Eased, quality.Reminder, quality.Resolved, quality.Passed}

// ofRule are the alerts of one rule that are worth reading one by one.
func ofRule(rule string) []quality.Alert {
	var out []quality.Alert
	add := func(a quality.Alert) { out = append(out, a) }
	for _, v := range slices.Sorted(maps.Keys(values[rule])) {
		sev := values[rule][v]
		if isIncident(rule) {
			add(polled(example(rule, quality.Firing, sev, healthy[rule], v)))
		} else {
			add(example(rule, quality.Notice, sev, healthy[rule], v))
		}
	}
	if isIncident(rule) {
		v := slices.Sorted(maps.Keys(values[rule]))[0]
		for _, e := range incidentEvents[1:] {
			from, to := healthy[rule], v
			if e == quality.Resolved {
				from, to = v, healthy[rule]
			}
			add(example(rule, e, values[rule][v], from, to))
		}
		add(because(example(rule, quality.Resolved, quality.Critical, v, "", "retired", "DELETED"), quality.ReasonRetired))
	}
	return append(out, special(rule)...)
}

// special are the alerts of a rule whose details matter.
func special(rule string) []quality.Alert {
	until := at.Add(72 * time.Hour).Format(time.RFC3339)
	fire := func(sev quality.Severity, to string, details ...string) quality.Alert {
		return example(rule, quality.Firing, sev, "", to, details...)
	}
	over := func(v, reason string) quality.Alert {
		return because(example(rule, quality.Resolved, quality.Critical, v, ""), reason)
	}
	switch rule {
	case quality.RuleNumberQuality:
		return []quality.Alert{over("RED", quality.ReasonNoRating), late(rule, quality.Critical, "RED", quality.ReasonNoRating), over("RED", quality.ReasonUnwatched), late(rule, quality.Critical, "RED", quality.ReasonUnwatched)}
	case quality.RuleNumberStatus:
		return []quality.Alert{
			over("BANNED", quality.ReasonNoRating), late(rule, quality.Critical, "BANNED", quality.ReasonNoRating), late(rule, quality.Critical, "BANNED", quality.ReasonRetired, "retired", "MIGRATED"),
			late(rule, quality.Critical, "BANNED", quality.ReasonRetired),
		}
	case quality.RuleAccountReview:
		return []quality.Alert{over("REJECTED", quality.ReasonNoRating)}
	case quality.RuleNumberFlagged:
		seen := polled(signal(fire(quality.Critical, "FLAGGED"), quality.Status))
		still := signal(example(rule, quality.Reminder, quality.Critical, "CONNECTED", "FLAGGED"), quality.Status)
		still.CreatedAt = at.Add(9 * 24 * time.Hour)
		return []quality.Alert{seen, still, example(rule, quality.Resolved, quality.Critical, "FLAGGED", "CONNECTED"), fire(quality.Critical, "YES", quality.AttrLimit, "TIER_1K", quality.AttrOldLimit, "TIER_10K"), over("YES", quality.ReasonDay7), because(example(rule, quality.Resolved, quality.Critical, "YES", "", quality.AttrLimit, "TIER_10K"), quality.ReasonDay7), late(rule, quality.Critical, "YES", quality.ReasonDay7)}
	case quality.RuleNumberName:
		return []quality.Alert{fire(quality.Warning, "REJECTED", quality.AttrReason, "NAME_FORMAT_UNACCEPTABLE", quality.AttrRequested, "Best Shop !!!"), over("REJECTED", quality.ReasonNotRepeated),
			late(rule, quality.Warning, "REJECTED", quality.ReasonNotRepeated, quality.AttrReason, "NAME_FORMAT_UNACCEPTABLE")}
	case quality.RuleNumberHealth:
		return []quality.Alert{
			fire(quality.Critical, "BLOCKED", quality.AttrCodes, "131042,141006", quality.AttrDescription, "There is an error with the payment method.", quality.AttrSolutions, "Add a valid payment method: https://business.facebook.com/billing"),
			fire(quality.Critical, "BLOCKED", quality.AttrCodes, "131031"),
		}
	case quality.RuleTemplateStatus:
		paused := fire(quality.Warning, "PAUSED")
		paused.NotBefore = ptr(at.Add(-25 * time.Minute))
		overdue := example(rule, quality.Reminder, quality.Warning, "APPROVED", "PAUSED", quality.AttrTitle, "FIRST_PAUSE")
		return []quality.Alert{
			fire(quality.Warning, "PAUSED", quality.AttrTitle, "FIRST_PAUSE", quality.AttrLanguage, "pt_BR"), fire(quality.Warning, "PAUSED", quality.AttrTitle, "SECOND_PAUSE"),
			fire(quality.Warning, "PAUSED", quality.AttrTitle, "RATE_LIMITING_PAUSE"), overdue, paused, example(rule, quality.Resolved, quality.Warning, "PAUSED", "APPROVED"),
			fire(quality.Warning, "REJECTED", quality.AttrReason, "INCORRECT_CATEGORY"), fire(quality.Warning, "REJECTED", quality.AttrReason, "INVALID_FORMAT"),
			fire(quality.Warning, "REJECTED", quality.AttrReason, "SCAM"),
		}
	case quality.RuleTemplateFlagged:
		return []quality.Alert{over("YES", quality.ReasonNotRepeated), late(rule, quality.Warning, "YES", quality.ReasonNotRepeated)}
	case quality.RuleTemplateCategory:
		return []quality.Alert{
			signal(example(rule, quality.Notice, quality.Warning, "UTILITY", "MARKETING", quality.AttrDate, until), quality.CorrectCategory),
			signal(example(rule, quality.Notice, quality.Warning, "", "MARKETING"), quality.CorrectCategory),
		}
	case quality.RuleAccountRestricted:
		var out []quality.Alert
		for _, t := range slices.Sorted(maps.Keys(englishAccounts[rule].Cases)) {
			if t != "" {
				kind, stage, staged := strings.Cut(t, "/")
				why := "SCAM"
				if staged {
					why = "DIRECT_SEND_UTILITY_CATEGORY_ABUSE_" + stage
				}
				out = append(out, signal(fire(quality.Critical, "ACTIVE", quality.AttrUntil, until, quality.AttrRemediation, "Read the commerce policy.", quality.AttrViolation, why), quality.Restriction(kind)))
			}
		}
		number := fire(quality.Critical, "ACTIVE")
		number.SubjectKind, number.SubjectID, number.SubjectName = quality.PhoneNumber, "12025550101", ""
		return append(out, number, signal(fire(quality.Critical, "ACTIVE"), quality.Restriction("RESTRICTED_DREAMING")), over("ACTIVE", quality.ReasonExpired), over("ACTIVE", quality.ReasonNotRepeated),
			late(rule, quality.Critical, "ACTIVE", quality.ReasonExpired, quality.AttrUntil, at.Add(7*24*time.Hour).Format(time.RFC3339)), late(rule, quality.Critical, "ACTIVE", quality.ReasonNotRepeated))
	case quality.RuleAccountDisabled:
		// Of a ban that follows an announcement the reading before is that announcement.
		disabled, still := signal(fire(quality.Critical, "DISABLE"), quality.BanState), signal(example(rule, quality.Reminder, quality.Critical, "SCHEDULE_FOR_DISABLE", "DISABLE"), quality.BanState)
		disabled.NotBefore, still.NotBefore = ptr(at.Add(-7*24*time.Hour)), ptr(at.Add(-7*24*time.Hour))
		reinstated := func(v string) quality.Alert { return example(rule, quality.Resolved, quality.Critical, v, "REINSTATE") }
		return []quality.Alert{disabled, still, reinstated("DISABLE"), reinstated("SCHEDULE_FOR_DISABLE"), fire(quality.Warning, "SCHEDULE_FOR_DISABLE", quality.AttrDate, "November 27, 2026"), over("DISABLE", quality.ReasonHealthy), over("SCHEDULE_FOR_DISABLE", quality.ReasonNotRepeated),
			late(rule, quality.Critical, "DISABLE", quality.ReasonHealthy), late(rule, quality.Warning, "SCHEDULE_FOR_DISABLE", quality.ReasonNotRepeated)}
	case quality.RuleAccountOffboarded:
		return []quality.Alert{
			fire(quality.Critical, "PARTNER_REMOVED", quality.AttrReason, "PRIMARY_INACTIVITY", quality.AttrDescription, "SYSTEM", quality.AttrPhoneNumber, "12025550101"),
			fire(quality.Critical, "PARTNER_REMOVED", quality.AttrReason, "CHANGE_NUMBER", quality.AttrDescription, "USER"),
			late(rule, quality.Critical, "ACCOUNT_OFFBOARDED", quality.ReasonHealthy),
		}
	case quality.RuleWatchBlind:
		found := example(rule, quality.Resolved, quality.Critical, quality.Unlisted, "OK")
		found.SubjectKind, found.SubjectID, found.SubjectName, found.WABAID = quality.Deployment, "deployment", "", nil
		return []quality.Alert{fire(quality.Critical, "BLIND", quality.AttrReason, "numbers: outage, templates: outage"), found}
	case quality.RuleLimitLowered:
		unknown := example(rule, quality.Notice, quality.Warning, "TIER_10K", "TIER_2K")
		unknown.SubjectID = *unknown.WABAID
		return []quality.Alert{unknown}
	case quality.RuleAccountAlert:
		var out []quality.Alert
		for _, t := range slices.Sorted(maps.Keys(englishAccounts[rule].Cases)) {
			out = append(out, signal(example(rule, quality.Notice, quality.Info, "", "ACTIVE", quality.AttrDescription, "In Meta's words."), quality.AlertOf("BUSINESS", "9", t)))
		}
		for _, t := range []string{"PROFILE_PICTURE_LOST", "OBA_REJECTED"} {
			for _, entity := range []string{"PHONE_NUMBER", "CURRENT_STATUS_ID"} {
				out = append(out, signal(fire(quality.Warning, "ACTIVE", quality.AttrEntity, entity+" 204857390112345"), quality.AlertOf(entity, "204857390112345", t)))
			}
		}
		out = append(out, signal(over("ACTIVE", quality.ReasonNotRepeated), quality.AlertOf("PHONE_NUMBER", "204857390112345", "PROFILE_PICTURE_LOST")))
		return append(out, over("ACTIVE", quality.ReasonNotRepeated), late(rule, quality.Warning, "ACTIVE", quality.ReasonNotRepeated))
	case quality.RuleWatchToken:
		gone := at.Add(-time.Hour).Format(time.RFC3339)
		return []quality.Alert{example(rule, quality.Resolved, quality.Warning, "VALID", "VALID"), fire(quality.Warning, "VALID", quality.AttrUntil, until), fire(quality.Critical, "VALID", quality.AttrUntil, gone), fire(quality.Critical, "INVALID", quality.AttrReason, "PASSWORD_CHANGED", quality.AttrCodes, "190")}
	case quality.RuleWatchTest:
		return []quality.Alert{quality.TestAlert(at, "test-1")}
	case quality.RuleFirstLook:
		return []quality.Alert{example(rule, quality.Notice, quality.Critical, "", "", "incidents", "3", "rules", "number_quality,template_status")}
	case quality.RuleTemplateQuality:
		again := example(rule, quality.Firing, quality.Critical, "", "RED")
		again.FirstLook, again.Source = true, "poll"
		return []quality.Alert{again, over("RED", quality.ReasonNoRating)}
	case quality.RuleNumberSecurity:
		twice := example(rule, quality.Notice, quality.Critical, "", "PIN_CHANGED")
		twice.Repeated = true
		return []quality.Alert{twice}
	}
	return nil
}
