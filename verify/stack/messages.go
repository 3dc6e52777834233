package stack

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Message is what a subscriber gets.
type Message struct {
	ID, Subject string
	// Text is what the subscriber reads: the text for its protocol.
	Text string
	// Texts are all texts by protocol; only default if the message has no structure.
	Texts      map[string]string
	Attributes map[string]string
}

// Alert is an alert in a message, as far as tests ask. What is null there is "" here.
type Alert struct {
	ID, Event, Rule, Severity, Summary, Advice string
	Signal, From, To, Source, Reason           string
	Subject                                    string `json:"subject_id"`
	WABA                                       string `json:"waba_id"`
	Incident                                   string `json:"incident_id"`
	Revision                                   int
	Since                                      time.Time `json:"incident_since"`
}

func (a Alert) String() string { return a.Event + " " + a.Rule + " " + a.Subject }

// Alerts are the alerts of a message, as a program that subscribes reads them.
func (m Message) Alerts() ([]Alert, error) {
	var body struct {
		Schema string
		Alerts []Alert
	}
	if err := json.Unmarshal([]byte(m.Texts["default"]), &body); err != nil {
		return nil, fmt.Errorf("message %s: %w", m.Texts["default"], err)
	}
	if body.Schema != "wabawatch.alerts/1" {
		return nil, fmt.Errorf("message %s has schema %q", m.ID, body.Schema)
	}
	return body.Alerts, nil
}

// Received returns what a subscription got since the last call, in no certain order. It is the
// template's by logical id, or Everything.
func (s *Stack) Received(subscription string) []Message {
	s.t.Helper()
	if s.Topics != nil {
		return s.receivedStrictly(subscription)
	}
	bodies := s.drain(subscription)
	if len(bodies) == 0 {
		return nil
	}
	var out []Message
	published := s.published()
	for _, body := range bodies {
		var envelope struct {
			MessageID, Subject string
			MessageAttributes  map[string]struct{ Value string }
		}
		if err := json.Unmarshal([]byte(body), &envelope); err != nil {
			s.t.Fatalf("message %s: %v", body, err)
		}
		m := Message{ID: envelope.MessageID, Subject: envelope.Subject, Texts: texts(published[envelope.MessageID]), Attributes: map[string]string{}}
		for name, a := range envelope.MessageAttributes {
			m.Attributes[name] = a.Value
		}
		out = append(out, s.addressed(m, subscription))
	}
	return out
}

// Alerts returns the alerts that came by a subscription since the last call, as "event rule
// subject", in no certain order.
func (s *Stack) Alerts(subscription string) []string {
	s.t.Helper()
	var out []string
	for _, m := range s.Received(subscription) {
		alerts, err := m.Alerts()
		if err != nil {
			s.t.Fatal(err)
		}
		for _, a := range alerts {
			out = append(out, a.String())
		}
	}
	return out
}

// FailureMessages returns what came into the failure queue since the last call.
func (s *Stack) FailureMessages() []string {
	s.t.Helper()
	return s.drain(Failures)
}

// addressed sets the text that a subscription's protocol gets.
func (s *Stack) addressed(m Message, subscription string) Message {
	text, ok := m.Texts[s.Deployment.Subscriptions[subscription].Protocol]
	if !ok {
		text = m.Texts["default"]
	}
	m.Text = text
	return m
}

// drain empties a queue.
func (s *Stack) drain(id string) []string {
	s.t.Helper()
	url, ok := s.queues[id]
	if !ok {
		s.t.Fatalf("there is no queue or subscription %s", id)
	}
	var out []string
	for {
		got, err := s.sqs.ReceiveMessage(s.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10})
		if err != nil {
			s.t.Fatal(err)
		}
		if len(got.Messages) == 0 {
			return out
		}
		for _, m := range got.Messages {
			out = append(out, aws.ToString(m.Body))
			if _, err := s.sqs.DeleteMessage(s.t.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}); err != nil {
				s.t.Fatal(err)
			}
		}
	}
}

// published asks moto for the messages as they were published, by id: to a queue it delivers the
// default text alone, and what e-mail would say is nowhere else.
func (s *Stack) published() map[string]string {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.aws.servers.Moto+"/moto-api/data.json", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	var data struct {
		SNS struct {
			Topic []struct {
				Sent [][]any `json:"sent_notifications"`
			}
		}
	}
	if err := json.Unmarshal(raw, &data); err != nil {
		s.t.Fatalf("moto's data: %v", err)
	}
	out := map[string]string{}
	for _, topic := range data.SNS.Topic {
		for _, sent := range topic.Sent {
			id, _ := sent[0].(string)
			out[id], _ = sent[1].(string)
		}
	}
	return out
}

// texts reads a message of structure json; any other is its own default.
func texts(message string) map[string]string {
	var t map[string]string
	if strings.HasPrefix(message, "{") && json.Unmarshal([]byte(message), &t) == nil && t["default"] != "" {
		return t
	}
	return map[string]string{"default": message}
}
