package quality

// Class is a kind of poll with a cadence of its own.
type Class string

// The poll classes.
const (
	Numbers   Class = "numbers"
	Templates Class = "templates"
	AccountOf Class = "account" // the WABA node: review, verification, limit
	Health    Class = "health"
	Self      Class = "self" // our token; class of the deployment
)

// Classes lists the classes of an account in the order they are polled.
var Classes = []Class{Numbers, Templates, AccountOf, Health}

// ClassOf says which poll covers a signal of a kind of subject; "" if none does.
func ClassOf(k Kind, s Signal) Class {
	if s == CanSendMessage {
		return Health
	}
	switch k {
	case PhoneNumber:
		switch s {
		case QualityRating, Status, NameStatus, VerifiedName, Throughput, CodeVerification, OfficialAccount, Presence:
			return Numbers
		}
	case Template:
		switch s {
		case Status, QualityScore, Category, CorrectCategory, Presence:
			return Templates
		}
	case Account:
		switch s {
		case ReviewStatus, BusinessVerification, AccountStatus:
			return AccountOf
		}
	case Portfolio:
		if s == MessagingLimit {
			return AccountOf
		}
	case Deployment:
		if s == Token {
			return Self
		}
	}
	return ""
}
