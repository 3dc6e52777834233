package quality

import "errors"

// Form says how a parcel of alerts is told.
type Form string

// The forms of a parcel.
const (
	Single   Form = "single"     // one alert
	Digest   Form = "digest"     // a burst for one account and severity; names each
	Summary  Form = "summary"    // what a first look found
	TestForm Form = "test_alert" // labelled as a test
)

// Parcel is what one publish carries.
type Parcel struct {
	Form   Form
	Alerts []Alert // at least one
}

// ErrRefused is wrapped by a publisher's error that no repetition can cure: the message, not
// the moment, is at fault.
var ErrRefused = errors.New("refused for good")

// PartlySentError is a publisher's error when some alerts of a parcel, which took several
// messages, were accepted all the same.
type PartlySentError struct {
	Sent []string // ids of alerts
	Err  error
}

func (e *PartlySentError) Error() string { return e.Err.Error() }

// Unwrap returns what became of the others.
func (e *PartlySentError) Unwrap() error { return e.Err }
