package quality

import (
	"time"
)

// Event says why an alert is told.
type Event string

// The events of an alert.
const (
	Firing    Event = "firing"    // an incident began
	Escalated Event = "escalated" // it became worse
	Eased     Event = "eased"     // it became less bad, and lasts
	Reminder  Event = "reminder"  // it lasts
	Resolved  Event = "resolved"  // it ended
	Passed    Event = "passed"    // it began and ended before we heard of it
	Notice    Event = "notice"    // a fact without an end
)

// AlertSchema names the shape of Alert's JSON.
const AlertSchema = "wabawatch.alert/1"

// Alert is one thing that is told, in the shape consumers get it: by SNS, and from /v1/alerts.
// Fields that do not apply are null.
type Alert struct {
	Schema string `json:"schema"`
	// ID is stable: a repeated delivery carries the same one.
	ID          string    `json:"id"`
	IncidentID  *string   `json:"incident_id"`
	Event       Event     `json:"event"`
	Rule        string    `json:"rule"`
	Severity    Severity  `json:"severity"` // of a resolved one: the worst that was told
	WABAID      *string   `json:"waba_id"`
	SubjectKind Kind      `json:"subject_kind"`
	SubjectID   string    `json:"subject_id"`
	SubjectName string    `json:"subject_name"`
	Signal      *Signal   `json:"signal"`
	From        *string   `json:"from"`
	To          *string   `json:"to"`
	At          time.Time `json:"at"` // when the value changed
	// NotBefore is the last time the value before was confirmed; null if it never was.
	NotBefore *time.Time `json:"not_before"`
	Source    string     `json:"source"` // webhook, poll, or clock
	Summary   string     `json:"summary"`
	Advice    string     `json:"advice"`
	Reason    *string    `json:"reason"`
	CreatedAt time.Time  `json:"created_at"`
	// Revision counts the alerts of one incident from 1; consumers keep the greatest.
	Revision      int        `json:"revision"`
	IncidentSince *time.Time `json:"incident_since"`
	// Details are attributes of the fact: pause title, until when, Meta's codes and solutions.
	Details map[string]string `json:"details,omitempty"`
	// FirstLook marks an incident found by an account's first poll or by a rule that is new: it
	// is told in one summary per account.
	FirstLook bool `json:"first_look,omitempty"`
	// Repeated marks a notice whose like, with another time, was told within 8 days.
	Repeated bool `json:"possibly_repeated,omitempty"`
	// PreviousAt is CreatedAt of the alert before this one of the same incident; zero for the
	// first. With the incident's id it finds that alert, which must go out first.
	PreviousAt time.Time `json:"-"`
	// FoldedFirst is the id of the firing alert that a folded passed alert stands for.
	FoldedFirst string `json:"folded_id,omitempty"`
}

// Wire is the alert as others get it: their times are whole seconds, as all of Meta's are.
func (a Alert) Wire() Alert {
	a.CreatedAt = a.CreatedAt.Truncate(time.Second)
	return a
}

// Reasons with which an incident resolves, besides the value having changed.
const (
	ReasonRetired     = "retired"           // the subject was deleted, migrated, archived or is gone; Details say which
	ReasonNoRating    = "no longer rated"   // UNKNOWN for 7 days
	ReasonNotRepeated = "not repeated"      // only a webhook said so, 7 days ago, or 30 of an announced ban
	ReasonExpired     = "expired"           // its own date has come
	ReasonHealthy     = "found healthy"     // two polls found the account healthy
	ReasonDay7        = "day 7"             // the 7 days of Flagged are over
	ReasonUnwatched   = "no longer watched" // the configuration wants to hear no more of it; the value has not changed
)

// TestAlert is an alert that says it is one: it proves that alerts arrive.
func TestAlert(now time.Time, id string) Alert {
	d := DeploymentSubject()
	return Alert{
		Schema: AlertSchema, ID: id + ".1", Event: Notice, Rule: RuleWatchTest, Severity: Critical, SubjectKind: d.Kind, SubjectID: d.ID,
		At: now.Truncate(time.Second), Source: "clock", CreatedAt: now, Revision: 1, Details: map[string]string{"test": "true"},
	}
}
