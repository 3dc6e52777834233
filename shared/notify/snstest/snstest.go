// Package snstest is a strict stand-in for Amazon SNS, for tests: one topic that accepts what
// SNS would accept, refuses what SNS would refuse, keeps what it accepted, and fails when told
// to. It delivers nothing.
//
// It speaks the query protocol of the service as the AWS SDK sends it, and knows the actions
// Publish, ListSubscriptionsByTopic and GetTopicAttributes. Signatures are not checked.
package snstest

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"

	"github.com/wabawatch/wabawatch/shared/notify"
)

// Step is what happens to one call of Publish.
type Step int

// The steps of a script.
const (
	Pass           Step = iota // judged as SNS would
	Fail                       // not accepted, 500 InternalError
	Throttle                   // not accepted, 400 Throttled
	Deny                       // not accepted, 403 AuthorizationError
	Drop                       // not accepted, the connection breaks
	Hang                       // not accepted, no answer until the caller gives up
	AcceptThenFail             // accepted, 500 InternalError: the answer is lost
	AcceptThenHang             // accepted, no answer until the caller gives up
	AcceptThenDrop             // accepted, the connection breaks
)

// Topic is one topic of SNS, as an http.Handler for every path. It is safe for concurrent use.
type Topic struct {
	arn string

	mu                 sync.Mutex
	script             []Step
	accepted           []Publication
	attempts           int
	looks              int
	confirmed, pending int
	looksFail          int
	lags               bool
}

// Publication is a message that the topic accepted.
type Publication struct {
	ID      string
	Subject string
	// Texts are the message by protocol; only "default" if it had no structure.
	Texts      map[string]string
	Attributes map[string]notify.Attribute
	// Bytes is what the message counted as.
	Bytes int
	// Lost says that whoever published it was not told that it was accepted.
	Lost bool
}

// New returns a topic with one confirmed subscription.
func New(arn string) *Topic { return &Topic{arn: arn, confirmed: 1} }

// Script says what happens to the next calls of Publish, one step each; afterwards they pass.
func (t *Topic) Script(steps ...Step) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.script = steps
}

// Subscriptions sets how many subscriptions are confirmed and how many wait for it.
func (t *Topic) Subscriptions(confirmed, pending int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.confirmed, t.pending = confirmed, pending
}

// CountLags makes the count of confirmed subscriptions stay at 0 while the list shows them.
func (t *Topic) CountLags(lags bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lags = lags
}

// FailLooks makes the next n questions about the topic fail.
func (t *Topic) FailLooks(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.looksFail = n
}

// Accepted returns the messages that were accepted, in order.
func (t *Topic) Accepted() []Publication {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]Publication(nil), t.accepted...)
}

// Attempts counts the calls of Publish, whatever became of them.
func (t *Topic) Attempts() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.attempts
}

// Looks counts the questions about the topic and its subscriptions.
func (t *Topic) Looks() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.looks
}

// fault is an error as SNS answers it.
type fault struct {
	status  int
	code    string
	message string
}

func invalid(format string, args ...any) *fault {
	return &fault{http.StatusBadRequest, "InvalidParameter", "Invalid parameter: " + fmt.Sprintf(format, args...)}
}

// ServeHTTP answers one call.
func (t *Topic) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 8<<20))
	if err != nil {
		return // the caller went away
	}
	form, err := url.ParseQuery(string(body))
	if r.Method != http.MethodPost || err != nil {
		answerFault(w, &fault{http.StatusBadRequest, "MalformedInput", "not a query of SNS"})
		return
	}
	switch form.Get("Action") {
	case "Publish":
		t.publish(w, r, form)
	case "ListSubscriptionsByTopic":
		t.look(w, form, t.subscriptions)
	case "GetTopicAttributes":
		t.look(w, form, func(url.Values) any { return t.attributes() })
	default:
		answerFault(w, &fault{http.StatusBadRequest, "InvalidAction", "this stand-in does not know " + form.Get("Action")})
	}
}

func (t *Topic) publish(w http.ResponseWriter, r *http.Request, form url.Values) {
	step := t.next()
	switch step {
	case Fail:
		answerFault(w, &fault{http.StatusInternalServerError, "InternalError", "scripted"})
		return
	case Throttle:
		answerFault(w, &fault{http.StatusBadRequest, "Throttled", "scripted"})
		return
	case Deny:
		answerFault(w, &fault{http.StatusForbidden, "AuthorizationError", "scripted"})
		return
	case Drop:
		panic(http.ErrAbortHandler)
	case Hang:
		<-r.Context().Done()
		return
	}
	p, f := judge(form, t.arn)
	if f != nil {
		answerFault(w, f)
		return
	}
	p.Lost = step != Pass
	t.mu.Lock()
	p.ID = fmt.Sprintf("00000000-0000-4000-8000-%012d", len(t.accepted)+1)
	t.accepted = append(t.accepted, p)
	t.mu.Unlock()
	switch step {
	case AcceptThenFail:
		answerFault(w, &fault{http.StatusInternalServerError, "InternalError", "scripted, after accepting"})
	case AcceptThenHang:
		<-r.Context().Done()
	case AcceptThenDrop:
		panic(http.ErrAbortHandler)
	default:
		answer(w, http.StatusOK, published{Result: publishResult{p.ID}, Metadata: metadata})
	}
}

// next takes the next step of the script.
func (t *Topic) next() Step {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.attempts++
	if len(t.script) == 0 {
		return Pass
	}
	s := t.script[0]
	t.script = t.script[1:]
	return s
}

// look answers a question about the topic.
func (t *Topic) look(w http.ResponseWriter, form url.Values, reply func(url.Values) any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.looks++
	switch {
	case t.looksFail > 0:
		t.looksFail--
		answerFault(w, &fault{http.StatusInternalServerError, "InternalError", "scripted"})
	case form.Get("TopicArn") != t.arn:
		answerFault(w, noTopic)
	default:
		answer(w, http.StatusOK, reply(form))
	}
}

func (t *Topic) attributes() any {
	confirmed := t.confirmed
	if t.lags {
		confirmed = 0
	}
	return attributesAnswer{Entries: []entry{
		{"TopicArn", t.arn},
		{"SubscriptionsConfirmed", strconv.Itoa(confirmed)},
		{"SubscriptionsPending", strconv.Itoa(t.pending)},
		{"SubscriptionsDeleted", "0"},
	}, Metadata: metadata}
}

// pageSize is small, so that a few subscriptions take several pages.
const pageSize = 2

// subscriptions lists those that wait for confirmation before the confirmed ones.
func (t *Topic) subscriptions(form url.Values) any {
	from, _ := strconv.Atoi(form.Get("NextToken")) // none is the first page
	out := subscriptionsAnswer{Metadata: metadata}
	for i := from; i < t.pending+t.confirmed && i < from+pageSize; i++ {
		s := subscription{ARN: "PendingConfirmation", Owner: "123456789012", Protocol: "email", Endpoint: fmt.Sprintf("on-call-%d@example.com", i+1), TopicARN: t.arn}
		if i >= t.pending {
			s.ARN = t.arn + ":" + fmt.Sprintf("00000000-0000-4000-9000-%012d", i+1)
		}
		out.Members = append(out.Members, s)
	}
	if next := from + pageSize; next < t.pending+t.confirmed {
		out.NextToken = strconv.Itoa(next)
	}
	return out
}

var noTopic = &fault{http.StatusNotFound, "NotFound", "Topic does not exist"}

type published struct {
	XMLName  xml.Name      `xml:"http://sns.amazonaws.com/doc/2010-03-31/ PublishResponse"`
	Result   publishResult `xml:"PublishResult"`
	Metadata meta          `xml:"ResponseMetadata"`
}

type publishResult struct {
	MessageID string `xml:"MessageId"`
}

type attributesAnswer struct {
	XMLName  xml.Name `xml:"http://sns.amazonaws.com/doc/2010-03-31/ GetTopicAttributesResponse"`
	Entries  []entry  `xml:"GetTopicAttributesResult>Attributes>entry"`
	Metadata meta     `xml:"ResponseMetadata"`
}

type subscriptionsAnswer struct {
	XMLName   xml.Name       `xml:"http://sns.amazonaws.com/doc/2010-03-31/ ListSubscriptionsByTopicResponse"`
	Members   []subscription `xml:"ListSubscriptionsByTopicResult>Subscriptions>member"`
	NextToken string         `xml:"ListSubscriptionsByTopicResult>NextToken,omitempty"`
	Metadata  meta           `xml:"ResponseMetadata"`
}

type subscription struct {
	ARN      string `xml:"SubscriptionArn"`
	Owner    string
	Protocol string
	Endpoint string
	TopicARN string `xml:"TopicArn"`
}

type entry struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

type meta struct {
	RequestID string `xml:"RequestId"`
}

var metadata = meta{"00000000-0000-4000-8000-000000000000"}

type errorAnswer struct {
	XMLName xml.Name `xml:"http://sns.amazonaws.com/doc/2010-03-31/ ErrorResponse"`
	Type    string   `xml:"Error>Type"`
	Code    string   `xml:"Error>Code"`
	Message string   `xml:"Error>Message"`
	ID      string   `xml:"RequestId"`
}

func answerFault(w http.ResponseWriter, f *fault) {
	kind := "Sender"
	if f.status >= http.StatusInternalServerError {
		kind = "Receiver"
	}
	answer(w, f.status, errorAnswer{Type: kind, Code: f.code, Message: f.message, ID: metadata.RequestID})
}

func answer(w http.ResponseWriter, status int, v any) {
	body, err := xml.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, nil
	}
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a caller that is gone is the caller's affair
}
