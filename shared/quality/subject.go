// Package quality is the domain of wabawatch: what WhatsApp thinks of a business, as
// subjects, signals and dated points, how two tracks of points become one history, which
// rules hold, and what there is to tell. Everything in it is a pure function of values and
// a time: it knows no clock, no network and no storage.
package quality

import (
	"strings"
)

// Kind says what sort of thing a subject is.
type Kind string

// The kinds of subject.
const (
	Account     Kind = "account"      // a WhatsApp Business Account (WABA)
	PhoneNumber Kind = "phone_number" // a business phone number
	Template    Kind = "template"     // a message template, one per name and language
	Portfolio   Kind = "portfolio"    // a business portfolio: owner of the messaging limit
	Deployment  Kind = "deployment"   // this installation: its token, and what it did not understand
)

// Subject is one thing that is watched. It is comparable and serves as a map key.
type Subject struct {
	Kind Kind
	// WABAID is the account the subject belongs to, as Meta's decimal string. It is empty for
	// the deployment. A portfolio has the account that first named it.
	WABAID string
	// ID identifies the subject within its account and kind: the WABA id, the digits of the
	// display phone number, the template id as a decimal string, the portfolio id (the WABA's
	// while that is unknown), or "deployment".
	ID string
}

// AccountSubject is the account itself.
func AccountSubject(wabaID string) Subject { return Subject{Account, wabaID, wabaID} }

// DeploymentSubject is this installation.
func DeploymentSubject() Subject { return Subject{Kind: Deployment, ID: "deployment"} }

// IsZero reports whether s names nothing.
func (s Subject) IsZero() bool { return s == Subject{} }

// String names s in logs and errors: kind, account and id, separated by slashes.
func (s Subject) String() string {
	if s.WABAID == "" || s.Kind == Account {
		return string(s.Kind) + "/" + s.ID
	}
	return string(s.Kind) + "/" + s.WABAID + "/" + s.ID
}

// Digits returns the decimal digits of a display phone number, so that "+1 202-555-0101"
// and "12025550101" are the same number. Meta's webhooks give digits, its API mostly does not.
func Digits(displayPhoneNumber string) string {
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, displayPhoneNumber)
}
