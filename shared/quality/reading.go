package quality

import "time"

// Reading is what one change of a webhook says about one signal. It becomes a point of the
// track told once its time is settled.
type Reading struct {
	// Point has Track Told. At is zero where the notification had no time.
	Point
	// Receipt is a digest of (field, entry id, entry.time, value). A reading without a time, or
	// dated too far ahead, takes the time at which this receipt was first seen.
	Receipt string
	// Lasts is how long the value lasts from At on, where that is known; the attribute "until" says
	// when it ends. A time that is settled later moves it.
	Lasts time.Duration
	// Name is what people call the subject (template name, display name); "" if not said.
	Name string
	// Refs are other identities of the subject: phone_number_id, display_phone_number, language.
	Refs map[string]string
}

// Names of refs.
const (
	RefPhoneNumberID = "phone_number_id"
	RefDisplay       = "display_phone_number"
	RefLanguage      = "language"
	RefPortfolioID   = "portfolio_id"
)

// Novelty is something Meta sent that this version does not know: a field, an event, an enum
// value, a body. It is stored, counted, and told once per Kind.
type Novelty struct {
	// Kind names the class of the thing, for people and as identity: "field:foo",
	// "event:account_update/NEW", "value:template.status/ODD", "body:not_json", "object:page".
	Kind   string
	WABAID string // "" if it has none
	Raw    string // evidence, capped
	At     time.Time
}

// Delivery is everything one signed webhook body asks of us. The zero value asks nothing.
type Delivery struct {
	Readings []Reading
	// WABAIDs are the accounts the body names, each once.
	WABAIDs []string
	// Asks are polls that the body makes due although no reading disagrees with anything.
	Asks    []Ask
	Unknown []Novelty
	// Test is set when Meta's test button sent it (entry id 0): it has no subject.
	Test bool
}

// Ask makes one class of one account due for polling.
type Ask struct {
	WABAID string
	Class  Class
}

// Sighting is the answer of one poll of one class of one account.
type Sighting struct {
	Class  Class
	WABAID string
	// At is the start of the first request, whole seconds UTC, corrected by the server's clock.
	At time.Time
	// Complete is false when the listing broke off: what is there counts, absence says nothing.
	Complete bool
	Subjects []Seeing
	// Without lists signals of this class that this poll could not ask for, because Meta refused
	// the field. The poll says nothing about them, for any subject.
	Without []Signal
	Unknown []Novelty
	// PortfolioID owns the account, where the answer said so.
	PortfolioID string
	Usage       Usage
}

// Seeing is one subject as a poll saw it.
type Seeing struct {
	Subject Subject
	Name    string
	Refs    map[string]string
	// Values holds the signals present in the answer.
	Values map[Signal]Observed
}

// Observed is one value with its details.
type Observed struct {
	Value string
	Attrs map[string]string
	Raw   string
}

// Usage is how much of Meta's call allowance is spent.
type Usage struct {
	// Percent is the greatest percentage that any usage header named, 0 to 100 and above.
	Percent int
	// RegainAfter is how long Meta said calls will be refused; zero if it did not say.
	RegainAfter time.Duration
}

// PollFailure says why a poll did not succeed.
type PollFailure string

// The failures of a poll.
const (
	FailToken     PollFailure = "TOKEN"     // the token is invalid or expired (codes 0, 190)
	FailForbidden PollFailure = "FORBIDDEN" // the token lacks a permission or the account is not shared (3, 10, 200-299)
	FailMissing   PollFailure = "MISSING"   // the object does not exist or is not visible (100/33, 803)
	FailThrottled PollFailure = "THROTTLED" // too many calls
	FailTemporary PollFailure = "TEMPORARY" // worth trying again later
	FailMalformed PollFailure = "MALFORMED" // an answer, or a refusal, that we cannot make sense of
)

// PollError is the error of a poll. Err never holds a token or a URL with one.
type PollError struct {
	Failure PollFailure
	// RetryAfter is how long to leave the account alone; zero: as the caller thinks best.
	RetryAfter time.Duration
	Usage      Usage
	Err        error
}

func (e *PollError) Error() string { return "poll " + string(e.Failure) + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *PollError) Unwrap() error { return e.Err }
