package whatsapp

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// template is the template that a change names. Its id may exceed what a floating point number
// holds: it is read as the digits it was sent as.
func (c *change) template() (s quality.Subject, err error) {
	id := c.text("message_template_id")
	if !isID(id) || strings.Trim(id, "0") == "" {
		return quality.Subject{}, lacking("no template id")
	}
	return quality.Subject{Kind: quality.Template, WABAID: c.waba, ID: id}, nil
}

// tell makes a reading of a template, with its name and language.
func (c *change) tell(s quality.Subject, sig quality.Signal, value string, attrs ...string) {
	r := c.add(s, sig, value, attrs...)
	if value == "PAUSED" {
		r.Lasts = pauses[r.Attrs[quality.AttrTitle]]
	}
	r.Name = c.text("message_template_name")
	if language := c.text("message_template_language"); language != "" {
		r.Refs = map[string]string{quality.RefLanguage: strings.ReplaceAll(quality.Clip(language, 20), "-", "_")}
	}
}

// pauses is how long a pause lasts, by its title. One by pacing has no end of its own.
//
// Source: Meta, template pausing, checked 2026-11.
var pauses = map[string]time.Duration{"FIRST_PAUSE": 3 * time.Hour, "SECOND_PAUSE": 6 * time.Hour}

// templateStatus maps events to fixed points, whatever was before. message_template_category
// is no reading: while a review runs it is what was asked for, not what is.
//
// Source: Meta, webhook reference message_template_status_update, checked 2026-11.
func (c *change) templateStatus() error {
	event := upper(c.text("event"))
	if event == "" && c.raw("new_quality_score") != nil {
		return c.templateQuality() // an old sample of Meta's names the wrong field
	}
	s, err := c.template()
	if err != nil {
		return err
	}
	if event == "" {
		return lacking("no event of a template")
	}
	title, attrs := c.templateDetails(event)
	if title == "UNPAUSE" && event != "APPROVED" || event == "UNPAUSE" || event == "UNPAUSED" {
		c.tell(s, quality.Status, "APPROVED", append(attrs, quality.AttrEvent, event)...)
		return nil
	}
	switch event {
	case "APPROVED":
		c.tell(s, quality.Status, event, attrs...)
		c.tell(s, quality.Flagged, quality.No)
	case "REINSTATED":
		c.tell(s, quality.Status, "APPROVED", append(attrs, quality.AttrEvent, event)...)
		c.tell(s, quality.Flagged, quality.No)
	case "PENDING", "REJECTED", "PAUSED", "DISABLED", "IN_APPEAL", "PENDING_DELETION", "DELETED":
		c.tell(s, quality.Status, event, attrs...)
	case "FLAGGED":
		c.tell(s, quality.Flagged, quality.Yes, attrs...)
	case "LOCKED":
		c.tell(s, quality.Locked, quality.Yes, attrs...)
	case "UNLOCKED":
		c.tell(s, quality.Locked, quality.No, attrs...)
	case "ARCHIVED":
		c.tell(s, quality.Archived, quality.Yes, attrs...)
	case "UNARCHIVED":
		c.tell(s, quality.Archived, quality.No, attrs...)
	case "LIMIT_EXCEEDED":
		c.tell(s, quality.LimitExceeded, event, attrs...)
	default:
		c.tell(s, quality.Status, event, attrs...) // and is reported as an unknown status
		c.ask(c.waba, quality.Templates)           // since it may be no status at all
	}
	return nil
}

// Enums that are details of an event of a template. LOCKED has titles that nobody documents.
//
// Source: Meta, webhook reference message_template_status_update, checked 2026-11.
var (
	templateReasons = []string{
		"ABUSIVE_CONTENT", "INCORRECT_CATEGORY", "INVALID_FORMAT", "PROMOTIONAL", "SCAM", "TAG_CONTENT_MISMATCH", "NONE", "CATEGORY_NOT_AVAILABLE",
	}
	templateTitles     = []string{"FIRST_PAUSE", "SECOND_PAUSE", "RATE_LIMITING_PAUSE", "UNPAUSE", "DISABLED"}
	templateCategories = knownValues[valueSet{quality.Template, quality.Category}]
)

// templateDetails are the attributes of an event of a template, and the title it has.
func (c *change) templateDetails(event string) (title string, attrs []string) {
	other, rejection := c.part("other_info"), c.part("rejection_info")
	title = upper(other.text("title"))
	c.check("template.reason", c.text("reason"), templateReasons...)
	c.check("template.category", c.text("message_template_category"), templateCategories...)
	if event != "LOCKED" {
		c.check("template.title", title, templateTitles...)
	}
	description := other.text("description")
	if description == "" {
		description = rejection.text("reason")
	}
	until := ""
	if d, ok := pauses[title]; ok && event == "PAUSED" && !c.at.IsZero() {
		until = c.at.Add(d).Format(time.RFC3339)
	}
	return title, []string{
		quality.AttrReason, c.text("reason"), quality.AttrTitle, title, quality.AttrDescription, description,
		quality.AttrRemediation, rejection.text("recommendation"), quality.AttrDate, stamp(c.part("disable_info").raw("disable_date")),
		quality.AttrUntil, until,
	}
}

// Source: Meta, webhook reference message_template_quality_update, checked 2026-11.
func (c *change) templateQuality() error {
	s, err := c.template()
	if err != nil {
		return err
	}
	score := c.text("new_quality_score")
	if score == "" {
		return lacking("no score of a template")
	}
	previous := c.text("previous_quality_score")
	if _, known := settle(quality.Template, quality.QualityScore, previous); !known && previous != "" {
		c.odd(noveltyValue(quality.Template, quality.QualityScore, previous))
	}
	c.tell(s, quality.QualityScore, score, quality.AttrPrevious, previous)
	return nil
}

// buttonTypes are the kinds of buttons of a template.
//
// Source: Meta, webhook reference message_template_components_update, checked 2026-11.
var buttonTypes = []string{
	"CATALOG", "COPY_CODE", "EXTENSION", "FLOW", "MPM", "ORDER_DETAILS", "OTP", "PHONE_NUMBER", "POSTBACK", "REMINDER", "SEND_LOCATION",
	"SPM", "QUICK_REPLY", "URL", "VOICE_CALL",
}

// templateComponents tells that a template was edited: a digest of what it says, and nothing of
// the text.
//
// Source: Meta, webhook reference message_template_components_update, checked 2026-11.
func (c *change) templateComponents() error {
	s, err := c.template()
	if err != nil {
		return err
	}
	var b []byte
	for _, name := range []string{"message_template_title", "message_template_element", "message_template_footer", "message_template_buttons"} {
		if v := c.raw(name); v != nil {
			b = append(b, name...)
			b, _ = appendCanonical(b, v, 0) // the whole value is no deeper than allowed
		}
	}
	if b == nil {
		return lacking("no components of a template")
	}
	c.json, c.proof = nil, outline(c.json)
	for _, v := range c.list("message_template_buttons") {
		button, _ := parseObject(v)
		c.check("template.button_type", button.text("message_template_button_type"), buttonTypes...)
	}
	sum := sha256.Sum256(b)
	c.tell(s, quality.Components, hex.EncodeToString(sum[:8]))
	return nil
}

// templateCategory has two shapes. Ahead of a change, new_category is what the category still
// is and correct_category what it will be.
//
// Source: Meta, webhook reference template_category_update, checked 2026-11.
func (c *change) templateCategory() error {
	s, err := c.template()
	if err != nil {
		return err
	}
	current, correct := c.text("new_category"), c.text("correct_category")
	if current == "" && correct == "" {
		return lacking("no category of a template")
	}
	previous := c.text("previous_category")
	if correct != "" {
		previous = ""
	}
	if current != "" {
		c.tell(s, quality.Category, current, quality.AttrPrevious, previous)
	}
	if correct != "" && upper(correct) != upper(current) {
		c.tell(s, quality.CorrectCategory, correct, quality.AttrPrevious, current, quality.AttrDate, stamp(c.raw("category_update_timestamp")))
	}
	return nil
}

// templateCorrectCategory tells that content seems to be in the wrong category; the category
// itself did not change.
//
// Source: Meta, Direct Send, integrity and content guidelines, checked 2026-11.
func (c *change) templateCorrectCategory() error {
	s, err := c.template()
	if err != nil {
		return err
	}
	correct := c.text("correct_category")
	if correct == "" {
		return lacking("no correct category of a template")
	}
	c.tell(s, quality.CorrectCategory, correct, quality.AttrPrevious, c.text("category"))
	return nil
}
