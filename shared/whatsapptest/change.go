package whatsapptest

import (
	"maps"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Change is one change of a webhook body.
type Change struct {
	// WABAID is the id of the entry.
	WABAID string
	Field  string
	// At is the entry's time; the zero time leaves it out. A late delivery has an old one.
	At    time.Time
	Value map[string]any
}

// With returns the change with one member of its value set; nil removes it.
func (c Change) With(name string, value any) Change {
	c.Value = maps.Clone(c.Value)
	if value == nil {
		delete(c.Value, name)
	} else {
		c.Value[name] = value
	}
	return c
}

// Body is the body of one POST with all of changes. Neighbours of one account and time share
// an entry.
func Body(changes ...Change) []byte {
	var entries []any
	var last Change
	for i, c := range changes {
		one := object{"field": c.Field, "value": c.Value}
		if i > 0 && c.WABAID == last.WABAID && c.At.Equal(last.At) {
			e := entries[len(entries)-1].(object)
			e["changes"] = append(e["changes"].([]any), one)
			continue
		}
		e := object{"id": c.WABAID, "changes": []any{one}}
		if !c.At.IsZero() {
			e["time"] = c.At.Unix()
		}
		entries, last = append(entries, e), c
	}
	return encode(object{"object": "whatsapp_business_account", "entry": entries})
}

// templateValue names a template as webhooks do: its id is a JSON number.
func templateValue(t Template) map[string]any {
	return map[string]any{
		"message_template_id": jsontext.Value(t.ID), "message_template_name": t.Name, "message_template_language": t.Language,
	}
}

// TemplateStatus tells an event of a template: APPROVED, PAUSED, REJECTED, FLAGGED ...
func TemplateStatus(wabaID string, t Template, event string, at time.Time) Change {
	v := templateValue(t)
	v["event"], v["reason"] = event, "NONE"
	if t.Category != "" {
		v["message_template_category"] = t.Category
	}
	return Change{wabaID, "message_template_status_update", at, v}
}

// TemplatePaused tells a pause, with its title: FIRST_PAUSE, SECOND_PAUSE or RATE_LIMITING_PAUSE.
func TemplatePaused(wabaID string, t Template, title string, at time.Time) Change {
	description := map[string]string{
		"FIRST_PAUSE":  "Paused for 3 hours because of low quality.",
		"SECOND_PAUSE": "Paused for 6 hours because of low quality.",
	}[title]
	return TemplateStatus(wabaID, t, "PAUSED", at).With("other_info", object{"title": title, "description": description})
}

// TemplateQuality tells a new score of a template.
func TemplateQuality(wabaID string, t Template, from, to string, at time.Time) Change {
	v := templateValue(t)
	v["previous_quality_score"], v["new_quality_score"] = from, to
	return Change{wabaID, "message_template_quality_update", at, v}
}

// TemplateCategory announces, with a correct category, or tells a change of category.
func TemplateCategory(wabaID string, t Template, current, correct string, at time.Time) Change {
	v := templateValue(t)
	v["new_category"] = current
	if correct != "" {
		v["correct_category"] = correct
		v["category_update_timestamp"] = at.Add(24 * time.Hour).Unix()
	}
	return Change{wabaID, "template_category_update", at, v}
}

// PhoneQualityUpdate tells an event of a number: ONBOARDING, THROUGHPUT_UPGRADE, or of the
// past FLAGGED, UNFLAGGED ... Whatever the field's name says, there is no rating in it.
func PhoneQualityUpdate(wabaID, displayPhoneNumber, event, limit string, at time.Time) Change {
	v := map[string]any{"display_phone_number": digits(displayPhoneNumber), "event": event}
	if limit != "" {
		v["max_daily_conversations_per_business"] = limit
	}
	return Change{wabaID, "phone_number_quality_update", at, v}
}

// PhoneName tells the decision about a display name.
func PhoneName(wabaID, displayPhoneNumber, decision, requested string, at time.Time) Change {
	return Change{wabaID, "phone_number_name_update", at, map[string]any{
		"display_phone_number": digits(displayPhoneNumber), "decision": decision, "requested_verified_name": requested, "rejection_reason": nil,
	}}
}

// Security tells an event of a number's PIN.
func Security(wabaID, displayPhoneNumber, event string, at time.Time) Change {
	return Change{wabaID, "security", at, map[string]any{"display_phone_number": digits(displayPhoneNumber), "event": event}}
}

// AccountUpdate tells an event of an account. Most need more members: see With.
func AccountUpdate(wabaID, event string, at time.Time) Change {
	return Change{wabaID, "account_update", at, map[string]any{"event": event}}
}

// Restricted tells restrictions of an account, all until the same time; zero is for ever.
func Restricted(wabaID string, until, at time.Time, types ...string) Change {
	info := []any{}
	for _, t := range types {
		r := object{"restriction_type": t}
		if !until.IsZero() {
			r["expiration"] = until.Unix()
		}
		info = append(info, r)
	}
	return AccountUpdate(wabaID, "ACCOUNT_RESTRICTION", at).With("restriction_info", info)
}

// Banned tells a ban: SCHEDULE_FOR_DISABLE, DISABLE, or REINSTATE, which lifts it.
func Banned(wabaID, state string, date, at time.Time) Change {
	return AccountUpdate(wabaID, "DISABLED_UPDATE", at).
		With("ban_info", object{"waba_ban_state": state, "waba_ban_date": date.Format("January 2, 2006")})
}

// AccountReview tells the decision of a review.
func AccountReview(wabaID, decision string, at time.Time) Change {
	return Change{wabaID, "account_review_update", at, map[string]any{"decision": decision}}
}

// Capability tells a messaging limit, in any of Meta's spellings.
func Capability(wabaID string, limit any, at time.Time) Change {
	return Change{wabaID, "business_capability_update", at, map[string]any{
		"max_daily_conversations_per_business": limit, "max_phone_numbers_per_waba": 25,
	}}
}

// AccountAlert tells an alert of Meta's about a portfolio.
func AccountAlert(wabaID, portfolioID, severity, status, alertType string, at time.Time) Change {
	return Change{wabaID, "account_alerts", at, map[string]any{
		"entity_type": "BUSINESS", "entity_id": portfolioID,
		"alert_info": object{
			"alert_severity": severity, "alert_status": status, "alert_type": alertType, "alert_description": "A simulated alert.",
		},
	}}
}

// TestButton is what the test button of Meta's dashboard sends: an entry that names nobody.
func TestButton(at time.Time) Change {
	return Change{"0", "message_template_status_update", at, map[string]any{
		"event": "APPROVED", "message_template_id": 12345678, "message_template_name": "my_message_template", "message_template_language": "pt-BR",
	}}
}

// digits is a display number as webhooks spell it.
func digits(display string) string {
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, display)
}
