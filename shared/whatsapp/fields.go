package whatsapp

import (
	"strings"
	"unicode"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// skipped are the fields about messages, people, calls and payments. They are accepted, and
// nothing of them is kept but that the account was named. business_status_update is not among
// them: nobody documents what it says, so it is kept as unknown.
//
// Source: Meta, webhooks overview and the app dashboard's list of fields, checked 2026-11.
var skipped = map[string]bool{
	"messages": true, "message_echoes": true, "smb_message_echoes": true, "smb_app_state_sync": true, "history": true, "standby": true,
	"messaging_handovers": true, "calls": true, "consumer_profile": true, "user_preferences": true, "group_lifecycle_update": true,
	"group_participants_update": true, "group_settings_update": true, "group_status_update": true, "flows": true,
	"automatic_events": true, "tracking_events": true, "payment_configuration_update": true, "account_settings_update": true,
	"business_username_update": true, "partner_solutions": true,
}

// fields parse the changes that say something of accounts, numbers or templates.
var fields = map[string]func(*change) error{
	"phone_number_quality_update":         (*change).phoneNumberQuality,
	"phone_number_name_update":            (*change).phoneNumberName,
	"security":                            (*change).security,
	"business_capability_update":          (*change).capability,
	"account_alerts":                      (*change).accountAlert,
	"account_review_update":               (*change).accountReview,
	"account_update":                      (*change).accountUpdate,
	"message_template_status_update":      (*change).templateStatus,
	"message_template_quality_update":     (*change).templateQuality,
	"message_template_components_update":  (*change).templateComponents,
	"template_category_update":            (*change).templateCategory,
	"template_correct_category_detection": (*change).templateCorrectCategory,
}

// maxDigits is the length of the longest phone number that is believed: E.164 has 15 digits.
const maxDigits = 20

// number is the number that a member names. Webhooks name numbers by their digits only; in a
// text, what people write between them is left out.
func (c *change) number(member string) (s quality.Subject, ok bool) {
	v := c.raw(member)
	written := scalar(v)
	digits := quality.Digits(written)
	if digits == "" || len(digits) > maxDigits || strings.ContainsFunc(written, unicode.IsLetter) || v.Kind() == '0' && digits != written {
		return quality.Subject{}, false
	}
	return quality.Subject{Kind: quality.PhoneNumber, WABAID: c.waba, ID: digits}, true
}

// limit tells a messaging limit. It belongs to the portfolio, which webhooks do not name: the
// account stands for it. event is the webhook's own word for which way the limit moved.
func (c *change) limit(tier, old, event string) {
	if old != "" {
		old = NormaliseTier(old)
	}
	portfolio := quality.Subject{Kind: quality.Portfolio, WABAID: c.waba, ID: c.waba}
	c.add(portfolio, quality.MessagingLimit, NormaliseTier(tier), quality.AttrOldLimit, old, quality.AttrEvent, event)
}

// phoneNumberQuality carries no rating, whatever its name says: so its account is polled. The
// events about quality and limits are of the past, and may still come from relays.
//
// Source: Meta, webhook reference phone_number_quality_update, state of 2026-05-21, checked 2026-11.
func (c *change) phoneNumberQuality() error {
	c.ask(c.waba, quality.Numbers, quality.AccountOf)
	event := upper(c.text("event"))
	limit := c.text("max_daily_conversations_per_business")
	if limit == "" {
		limit = c.text("current_limit")
	}
	if limit != "" {
		moved := ""
		if event == "UPGRADE" || event == "DOWNGRADE" {
			moved = event
		}
		c.limit(limit, c.text("old_limit"), moved)
		limit = NormaliseTier(limit)
	}
	number, ok := c.number("display_phone_number")
	if !ok || event == "" {
		c.odd("malformed:" + c.field) // its limit counts all the same
		return nil
	}
	switch event {
	case "FLAGGED":
		c.add(number, quality.Flagged, quality.Yes, quality.AttrLimit, limit)
	case "UNFLAGGED":
		c.add(number, quality.Flagged, quality.No, quality.AttrLimit, limit)
	case "THROUGHPUT_UPGRADE":
		c.add(number, quality.Throughput, "HIGH", quality.AttrEvent, event)
	case "ONBOARDING":
		c.add(number, quality.Throughput, "STANDARD", quality.AttrEvent, event)
	case "UPGRADE", "DOWNGRADE":
	default:
		c.unknownEvent(event)
	}
	return nil
}

// Source: Meta, webhook reference phone_number_name_update, checked 2026-11.
func (c *change) phoneNumberName() error {
	number, ok := c.number("display_phone_number")
	decision := c.text("decision")
	if !ok || decision == "" {
		return lacking("no decision about a number")
	}
	decision = c.check("phone_number.name_decision", decision, "APPROVED", "DEFERRED", "PENDING", "REJECTED")
	c.check("phone_number.rejection_reason", c.text("rejection_reason"), "NONE", "NAME_EMPLOYEE_ISSUE", "NAME_ENDCLIENT_NOTRELATED",
		"NAME_FORMAT_UNACCEPTABLE", "NAME_INDIVIDUAL_ISSUE", "NAME_NOT_CONSISTENT", "UNKNOWN")
	c.add(number, quality.NameDecision, decision, quality.AttrRequested, c.text("requested_verified_name"), quality.AttrReason, c.text("rejection_reason"))
	return nil
}

// security does not keep who asked: that is a person. Every event is one of the PIN, so an
// unknown one is told as well.
//
// Source: Meta, webhook reference security, checked 2026-11.
func (c *change) security() error {
	number, ok := c.number("display_phone_number")
	event := upper(c.text("event"))
	if !ok || event == "" {
		return lacking("no event of a number")
	}
	switch event {
	case "PIN_RESET_SUCCESS": // an older spelling
		event = "PIN_REQUEST_SUCCESS"
	case "PIN_CHANGED", "PIN_RESET_REQUEST", "PIN_REQUEST_SUCCESS":
	default:
		c.unknownEvent(event)
	}
	c.add(number, quality.PIN, event)
	return nil
}

// capability tells the messaging limit and how many numbers the account may have. The limit per
// phone number is that of payloads up to v23, when limits belonged to numbers.
//
// Source: Meta, webhook reference business_capability_update, checked 2026-11.
func (c *change) capability() error {
	limit := c.text("max_daily_conversations_per_business")
	if limit == "" {
		limit = c.text("max_daily_conversation_per_phone")
	}
	numbers := c.text("max_phone_numbers_per_waba")
	if numbers == "" {
		numbers = c.text("max_phone_numbers_per_business")
	}
	if limit == "" && numbers == "" {
		return lacking("no capability")
	}
	if limit != "" {
		c.limit(limit, "", "")
	}
	if numbers != "" {
		c.add(quality.AccountSubject(c.waba), quality.PhoneNumberCap, numbers)
	}
	return nil
}

// accountAlert comes with its members inside alert_info or, in relays and of old, beside it.
// Whatever it is about, it concerns the account: the ids of its entities are of several kinds.
//
// Source: Meta, webhook reference account_alerts, checked 2026-11.
func (c *change) accountAlert() error {
	info := c.part("alert_info")
	if info.text("alert_type") == "" {
		info = c.object
	}
	kind := info.text("alert_type")
	if kind == "" {
		return lacking("no alert type")
	}
	kind = c.check("account.alert_type", kind, "INCREASED_CAPABILITIES_ELIGIBILITY_DEFERRED", "INCREASED_CAPABILITIES_ELIGIBILITY_FAILED",
		"INCREASED_CAPABILITIES_ELIGIBILITY_NEED_MORE_INFO", "OBA_APPROVED", "OBA_REJECTED", "PROFILE_PICTURE_LOST")
	entity, id := c.text("entity_type"), c.text("entity_id")
	c.check("account.alert_entity", entity, "BUSINESS", "PHONE_NUMBER", "CURRENT_STATUS_ID", "WABA")
	status := "ACTIVE" // what is sent without a status is news
	if s := info.text("alert_status"); s != "" {
		status = c.check("account.alert_status", s, "ACTIVE", "NONE", "RESOLVED")
	}
	severity := upper(info.text("alert_severity"))
	if severity == "INFO" {
		severity = "INFORMATIONAL"
	}
	severity = c.check("account.alert_severity", severity, "CRITICAL", "WARNING", "INFORMATIONAL")
	sig := quality.AlertOf(token(upper(entity)), token(id), token(kind))
	c.add(quality.AccountSubject(c.waba), sig, status, quality.AttrSeverity, severity,
		quality.AttrDescription, info.text("alert_description"), quality.AttrEntity, strings.TrimSpace(entity+" "+id))
	return nil
}

// token is a text that becomes part of a signal's name: short, and without what names use to
// tell their parts apart.
func token(s string) string {
	return quality.Clip(strings.Map(func(r rune) rune {
		if r == '.' || r == '/' || r == '#' || r <= ' ' {
			return '_'
		}
		return r
	}, s), 80)
}

// Source: Meta, webhook reference account_review_update, checked 2026-11.
func (c *change) accountReview() error {
	decision := c.text("decision")
	if decision == "" {
		return lacking("no decision")
	}
	c.add(quality.AccountSubject(c.waba), quality.ReviewStatus, decision)
	return nil
}
