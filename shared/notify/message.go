package notify

import "fmt"

// MaxBytes is what SNS takes of one message, attributes included.
// Source: AWS, SNS Publish: 262,144 bytes unless the topic allows more, checked 2026-11.
const MaxBytes = 262144

// Message is one publish: the same alerts for every kind of subscription.
type Message struct {
	// Subject is at most 99 characters of printable ASCII.
	Subject string
	// Email is plain text in several lines.
	Email string
	// SMS is one part of GSM-7.
	SMS string
	// Default is JSON for programs: queues, functions, streams.
	Default string
	// HTTPS is JSON of AWS's custom notification, which its chat applications show.
	HTTPS string
	// Attributes are what filter policies see; see SMSFilterPolicy.
	Attributes map[string]Attribute
	// AlertIDs are the alerts this message tells, in order.
	AlertIDs []string
}

// Body is the message in SNS's MessageStructure json: one text for each protocol.
func (m Message) Body() (string, error) {
	body, err := encode(map[string]string{"default": m.Default, "email": m.Email, "sms": m.SMS, "https": m.HTTPS, "http": m.HTTPS})
	if err != nil {
		return "", fmt.Errorf("encode message: %w", err)
	}
	return body, nil
}

// Bytes is what the message counts as: its body and the names, types and values of attributes.
func (m Message) Bytes() (int, error) {
	body, err := m.Body()
	if err != nil {
		return 0, err
	}
	n := len(body)
	for name, a := range m.Attributes {
		n += len(name) + len(a.Type) + len(a.Value)
	}
	return n, nil
}
