package whatsapp

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// conversational are the fields about messages, people and calls. They are accepted, and
// nothing of them is kept.
var conversational = []string{
	"messages", "message_echoes", "smb_message_echoes", "smb_app_state_sync", "history", "standby", "messaging_handovers", "calls",
	"consumer_profile", "user_preferences", "group_lifecycle_update", "group_participants_update", "group_settings_update",
	"group_status_update", "flows", "automatic_events", "tracking_events", "payment_configuration_update", "account_settings_update",
	"business_username_update", "business_status_update", "partner_solutions",
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

func (c *change) number(display string) (quality.Subject, error) {
	d := quality.Digits(display)
	if d == "" || len(d) > 20 {
		return quality.Subject{}, malformed("no phone number")
	}
	return quality.Subject{Kind: quality.PhoneNumber, WABAID: c.waba, ID: d}, nil
}

func (c *change) portfolio() quality.Subject {
	return quality.Subject{Kind: quality.Portfolio, WABAID: c.waba, ID: c.waba}
}

// phoneNumberQuality carries no rating, whatever its name says: its account is polled.
//
// Source: Meta, webhook reference phone_number_quality_update, state of 2026-05-21, checked 2026-11.
func (c *change) phoneNumberQuality() error {
	var v struct {
		Display scalar `json:"display_phone_number"`
		Event   scalar `json:"event"`
		Limit   scalar `json:"max_daily_conversations_per_business"`
		Current scalar `json:"current_limit"`
		Old     scalar `json:"old_limit"`
	}
	if err := c.decode(&v); err != nil {
		return err
	}
	number, err := c.number(string(v.Display))
	if err != nil {
		return err
	}
	c.d.Asks = append(c.d.Asks, quality.Ask{WABAID: c.waba, Class: quality.Numbers}, quality.Ask{WABAID: c.waba, Class: quality.AccountOf})
	limit := string(v.Limit)
	if limit == "" {
		limit = string(v.Current)
	}
	old := ""
	if v.Old != "" {
		old = NormaliseTier(string(v.Old))
	}
	switch v.Event {
	case "FLAGGED":
		c.add(number, quality.Flagged, quality.Yes, quality.AttrLimit, limit)
	case "UNFLAGGED":
		c.add(number, quality.Flagged, quality.No, quality.AttrLimit, limit)
	case "THROUGHPUT_UPGRADE":
		c.add(number, quality.Throughput, "HIGH")
	case "ONBOARDING":
		c.add(number, quality.Throughput, "STANDARD")
	case "UPGRADE", "DOWNGRADE":
	default:
		c.unknownEvent(string(v.Event))
	}
	if limit != "" {
		c.add(c.portfolio(), quality.MessagingLimit, NormaliseTier(limit), quality.AttrOldLimit, old, quality.AttrPhoneNumber, number.ID)
	}
	return nil
}

// Source: Meta, webhook reference phone_number_name_update, checked 2026-11.
func (c *change) phoneNumberName() error {
	var v struct {
		Display   scalar `json:"display_phone_number"`
		Decision  scalar `json:"decision"`
		Requested scalar `json:"requested_verified_name"`
		Reason    scalar `json:"rejection_reason"`
	}
	if err := c.decode(&v); err != nil {
		return err
	}
	number, err := c.number(string(v.Display))
	if err != nil || v.Decision == "" {
		return malformed("no decision about a number")
	}
	c.add(number, quality.NameDecision, string(v.Decision), quality.AttrRequested, string(v.Requested), quality.AttrReason, string(v.Reason))
	return nil
}

// security does not keep who asked: that is a person.
//
// Source: Meta, webhook reference security, checked 2026-11.
func (c *change) security() error {
	var v struct {
		Display scalar `json:"display_phone_number"`
		Event   scalar `json:"event"`
	}
	if err := c.decode(&v); err != nil {
		return err
	}
	number, err := c.number(string(v.Display))
	if err != nil || v.Event == "" {
		return malformed("no event of a number")
	}
	event := string(v.Event)
	switch event {
	case "PIN_RESET_SUCCESS": // an older spelling
		event = "PIN_REQUEST_SUCCESS"
	case "PIN_CHANGED", "PIN_RESET_REQUEST", "PIN_REQUEST_SUCCESS":
	default:
		c.unknownEvent(event)
	}
	r := c.add(number, quality.PIN, event)
	r.Raw = "" // it names a person
	return nil
}

// Source: Meta, webhook reference business_capability_update, checked 2026-11.
func (c *change) capability() error {
	var v struct {
		PerBusiness scalar `json:"max_daily_conversations_per_business"`
		PerPhone    scalar `json:"max_daily_conversation_per_phone"`
		CapBusiness scalar `json:"max_phone_numbers_per_business"`
		CapWABA     scalar `json:"max_phone_numbers_per_waba"`
	}
	if err := c.decode(&v); err != nil {
		return err
	}
	limit := v.PerBusiness
	if limit == "" {
		limit = v.PerPhone
	}
	if limit != "" {
		c.add(c.portfolio(), quality.MessagingLimit, NormaliseTier(string(limit)))
	}
	numbers := v.CapWABA
	if numbers == "" {
		numbers = v.CapBusiness
	}
	if numbers != "" {
		c.add(quality.AccountSubject(c.waba), quality.PhoneNumberCap, string(numbers))
	}
	if limit == "" && numbers == "" {
		c.unknownEvent("no known capability")
	}
	return nil
}

// accountAlert comes with its members inside alert_info or, in relays and of old, beside it.
//
// Source: Meta, webhook reference account_alerts, checked 2026-11.
func (c *change) accountAlert() error {
	type info struct {
		Severity    scalar `json:"alert_severity"`
		Status      scalar `json:"alert_status"`
		Type        scalar `json:"alert_type"`
		Description scalar `json:"alert_description"`
	}
	var v struct {
		EntityType scalar         `json:"entity_type"`
		EntityID   scalar         `json:"entity_id"`
		Info       jsontext.Value `json:"alert_info"`
		info
	}
	if err := c.decode(&v); err != nil {
		return err
	}
	in := v.info
	if !absent(v.Info) {
		if err := json.Unmarshal(v.Info, &in, lenient); err != nil {
			return err
		}
	}
	if in.Type == "" {
		return malformed("no alert type")
	}
	status := strings.ToUpper(string(in.Status))
	switch status {
	case "ACTIVE", "NONE", "RESOLVED":
	case "":
		status = "ACTIVE"
	default:
		c.unknownEvent("status " + status)
	}
	severity := strings.ToUpper(string(in.Severity))
	switch severity {
	case "INFO":
		severity = "INFORMATIONAL"
	case "CRITICAL", "WARNING", "INFORMATIONAL":
	default:
		c.unknownEvent("severity " + severity)
	}
	sig := quality.AlertOf(clip(v.EntityType), clip(v.EntityID), clip(in.Type))
	c.add(quality.AccountSubject(c.waba), sig, status, quality.AttrSeverity, severity, quality.AttrDescription, string(in.Description),
		quality.AttrEntity, strings.TrimSpace(string(v.EntityType)+" "+string(v.EntityID)))
	return nil
}

func clip(s scalar) string { return quality.Clip(cleanText(string(s)), 100) }

// Source: Meta, webhook reference account_review_update, checked 2026-11.
func (c *change) accountReview() error {
	var v struct {
		Decision scalar `json:"decision"`
	}
	if err := c.decode(&v); err != nil {
		return err
	}
	if v.Decision == "" {
		return malformed("no decision")
	}
	c.add(quality.AccountSubject(c.waba), quality.ReviewStatus, string(v.Decision))
	return nil
}

// template is what every change of a template says of it.
type template struct {
	ID       scalar `json:"message_template_id"`
	Name     scalar `json:"message_template_name"`
	Language scalar `json:"message_template_language"`
}

// subject identifies the template. Its id may exceed what a floating point number holds: it is
// read as the digits it was sent as.
func (t template) subject(c *change) (quality.Subject, error) {
	if !isID(string(t.ID)) {
		return quality.Subject{}, malformed("no template id")
	}
	return quality.Subject{Kind: quality.Template, WABAID: c.waba, ID: string(t.ID)}, nil
}

// named gives the readings of a template its name and language.
func (c *change) named(t template) {
	for i := range c.readings {
		if r := &c.readings[i]; r.Subject.Kind == quality.Template {
			r.Name = quality.Clip(cleanText(string(t.Name)), quality.MaxTextRunes)
			if t.Language != "" {
				r.Refs = map[string]string{quality.RefLanguage: strings.ReplaceAll(clip(t.Language), "-", "_")}
			}
		}
	}
}

// pauses is how long a pause lasts, by its title. One by pacing has no end of its own.
//
// Source: Meta, template pausing, checked 2026-11.
var pauses = map[string]time.Duration{"FIRST_PAUSE": 3 * time.Hour, "SECOND_PAUSE": 6 * time.Hour}

// Source: Meta, webhook reference message_template_status_update, checked 2026-11.
func (c *change) templateStatus() error {
	var v struct {
		template
		Event   scalar         `json:"event"`
		Score   scalar         `json:"new_quality_score"`
		Reason  scalar         `json:"reason"`
		Disable jsontext.Value `json:"disable_info"`
		Other   jsontext.Value `json:"other_info"`
		Reject  jsontext.Value `json:"rejection_info"`
	}
	if err := c.decode(&v); err != nil {
		return err
	}
	if v.Event == "" && v.Score != "" {
		return c.templateQuality() // an old sample of Meta's names the wrong field
	}
	s, err := v.subject(c)
	if err != nil || v.Event == "" {
		return malformed("no event of a template")
	}
	var other struct {
		Title       scalar `json:"title"`
		Description scalar `json:"description"`
	}
	var reject struct {
		Reason         scalar `json:"reason"`
		Recommendation scalar `json:"recommendation"`
	}
	var disable struct {
		Date jsontext.Value `json:"disable_date"`
	}
	for raw, into := range map[*jsontext.Value]any{&v.Other: &other, &v.Reject: &reject, &v.Disable: &disable} {
		if raw.Kind() == '{' {
			_ = json.Unmarshal(*raw, into, lenient) // a detail that is broken is left out
		}
	}
	description := string(other.Description)
	if description == "" {
		description = strings.TrimSpace(string(reject.Reason) + " " + string(reject.Recommendation))
	}
	event := string(v.Event)
	if other.Title == "UNPAUSE" && (event == "UNPAUSE" || event == "UNPAUSED" || event == "PAUSED") {
		event = "APPROVED"
	}
	attrs := []string{quality.AttrReason, string(v.Reason), quality.AttrTitle, string(other.Title), quality.AttrDescription, description}
	switch event {
	case "APPROVED":
		c.add(s, quality.Status, event, attrs...)
		c.add(s, quality.Flagged, quality.No)
	case "PAUSED":
		until := ""
		if d, ok := pauses[string(other.Title)]; ok && !c.at.IsZero() {
			until = rfc3339(c.at.Add(d), true)
		}
		c.add(s, quality.Status, event, append(attrs, quality.AttrUntil, until)...)
	case "DISABLED":
		c.add(s, quality.Status, event, append(attrs, quality.AttrDate, rfc3339(wireTime(disable.Date)))...)
	case "PENDING", "REJECTED", "IN_APPEAL", "PENDING_DELETION", "DELETED":
		c.add(s, quality.Status, event, attrs...)
	case "FLAGGED":
		c.add(s, quality.Flagged, quality.Yes, attrs...)
	case "REINSTATED":
		c.add(s, quality.Flagged, quality.No)
		c.add(s, quality.Status, "APPROVED", append(attrs, quality.AttrEvent, event)...)
	case "LOCKED":
		c.add(s, quality.Locked, quality.Yes, attrs...)
	case "UNLOCKED":
		c.add(s, quality.Locked, quality.No, attrs...)
	case "ARCHIVED":
		c.add(s, quality.Archived, quality.Yes, attrs...)
	case "UNARCHIVED":
		c.add(s, quality.Archived, quality.No, attrs...)
	case "LIMIT_EXCEEDED":
		c.add(s, quality.LimitExceeded, event, attrs...)
	case "UNPAUSED", "UNPAUSE":
		c.add(s, quality.Status, "APPROVED", append(attrs, quality.AttrEvent, event)...)
	default:
		c.add(s, quality.Status, event, attrs...)
		c.unknownEvent(event)
	}
	c.named(v.template)
	return nil
}

// Source: Meta, webhook reference message_template_quality_update, checked 2026-11.
func (c *change) templateQuality() error {
	var v struct {
		template
		Previous scalar `json:"previous_quality_score"`
		New      scalar `json:"new_quality_score"`
	}
	if err := c.decode(&v); err != nil {
		return err
	}
	s, err := v.subject(c)
	if err != nil || v.New == "" {
		return malformed("no score of a template")
	}
	c.add(s, quality.QualityScore, string(v.New), quality.AttrPrevious, string(v.Previous))
	c.named(v.template)
	return nil
}

// templateComponents keeps a digest only: what the template says is not ours to store.
//
// Source: Meta, webhook reference message_template_components_update, checked 2026-11.
func (c *change) templateComponents() error {
	var v struct {
		template
		Element scalar         `json:"message_template_element"`
		Title   scalar         `json:"message_template_title"`
		Footer  scalar         `json:"message_template_footer"`
		Buttons jsontext.Value `json:"message_template_buttons"`
	}
	if err := c.decode(&v); err != nil {
		return err
	}
	s, err := v.subject(c)
	if err != nil {
		return err
	}
	buttons := v.Buttons.Clone()
	if !absent(buttons) {
		_ = buttons.Canonicalize(lenient) // it was valid a moment ago
	}
	h := sha256.New()
	for _, part := range []string{string(v.Title), string(v.Element), string(v.Footer), string(buttons)} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	r := c.add(s, quality.Components, hex.EncodeToString(h.Sum(nil)[:8]))
	r.Raw = ""
	c.named(v.template)
	return nil
}

// templateCategory has two shapes. Ahead of a change, new_category is what the category still
// is and correct_category what it will be.
//
// Source: Meta, webhook reference template_category_update, checked 2026-11.
func (c *change) templateCategory() error {
	var v struct {
		template
		New       scalar         `json:"new_category"`
		Previous  scalar         `json:"previous_category"`
		Correct   scalar         `json:"correct_category"`
		Timestamp jsontext.Value `json:"category_update_timestamp"`
	}
	if err := c.decode(&v); err != nil {
		return err
	}
	s, err := v.subject(c)
	if err != nil || v.New == "" && v.Correct == "" {
		return malformed("no category of a template")
	}
	if v.New != "" {
		c.add(s, quality.Category, string(v.New), quality.AttrPrevious, string(v.Previous))
	}
	if v.Correct != "" {
		c.add(s, quality.CorrectCategory, string(v.Correct), quality.AttrPrevious, string(v.New), quality.AttrDate, rfc3339(wireTime(v.Timestamp)))
	}
	c.named(v.template)
	return nil
}

// Source: Meta, Direct Send, integrity and content guidelines, checked 2026-11.
func (c *change) templateCorrectCategory() error {
	var v struct {
		template
		Category scalar `json:"category"`
		Correct  scalar `json:"correct_category"`
	}
	if err := c.decode(&v); err != nil {
		return err
	}
	s, err := v.subject(c)
	if err != nil || v.Correct == "" {
		return malformed("no correct category of a template")
	}
	c.add(s, quality.CorrectCategory, string(v.Correct), quality.AttrPrevious, string(v.Category))
	c.named(v.template)
	return nil
}
