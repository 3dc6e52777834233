package sns_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/wabawatch/wabawatch/shared/awscall"
	"github.com/wabawatch/wabawatch/shared/notify"
	"github.com/wabawatch/wabawatch/shared/notify/sns"
	"github.com/wabawatch/wabawatch/shared/notify/snstest"
	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/watch"
)

var _ watch.Publisher = (*sns.Publisher)(nil)

const arn = "arn:aws:sns:eu-west-1:123456789012:alerts"

// open starts a topic and returns it with a publisher that does not repeat by itself.
func open(t *testing.T) (*snstest.Topic, *sns.Publisher) {
	t.Helper()
	topic := snstest.New(arn)
	server := httptest.NewServer(topic)
	t.Cleanup(server.Close)
	return topic, &sns.Publisher{Client: client(server.URL, awscall.NewHTTPClient()), TopicARN: arn}
}

func client(url string, over aws.HTTPClient) *awscall.Client {
	c := awscall.New(aws.Config{
		Region: "eu-west-1", BaseEndpoint: &url, HTTPClient: over,
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
	}, sns.Service)
	c.Attempts = 1
	return c
}

func alert(id string) quality.Alert {
	waba, from, to, sig := "1182736455", "YELLOW", "RED", quality.QualityRating
	at := time.Date(2026, 11, 20, 10, 5, 0, 0, time.UTC)
	return quality.Alert{
		Schema: quality.AlertSchema, ID: id + ".1", IncidentID: &id, Event: quality.Firing, Rule: quality.RuleNumberQuality, Severity: quality.Critical,
		WABAID: &waba, SubjectKind: quality.PhoneNumber, SubjectID: "12025550101", SubjectName: "Example Ltd", Signal: &sig, From: &from, To: &to,
		At: at, Source: "poll", CreatedAt: at.Add(2 * time.Second), Revision: 1, IncidentSince: &at,
	}
}

func single() quality.Parcel {
	return quality.Parcel{Form: quality.Single, Alerts: []quality.Alert{alert("a1")}}
}

func TestPublishedAsComposed(t *testing.T) {
	topic, p := open(t)
	if err := p.Publish(t.Context(), single()); err != nil {
		t.Fatal(err)
	}
	composed, err := p.Writer.Compose(single())
	if err != nil {
		t.Fatal(err)
	}
	m := composed[0]
	got := topic.Accepted()
	if len(got) != 1 {
		t.Fatalf("%d messages, want 1", len(got))
	}
	want := map[string]string{"default": m.Default, "email": m.Email, "sms": m.SMS, "https": m.HTTPS, "http": m.HTTPS}
	if d := cmp.Diff(want, got[0].Texts); d != "" {
		t.Errorf("texts (-composed +published):\n%s", d)
	}
	if d := cmp.Diff(m.Attributes, got[0].Attributes); d != "" {
		t.Errorf("attributes (-composed +published):\n%s", d)
	}
	if got[0].Subject != m.Subject {
		t.Errorf("subject = %q, want %q", got[0].Subject, m.Subject)
	}
	if n, err := m.Bytes(); err != nil || n != got[0].Bytes {
		t.Errorf("Bytes() = %d, %v; SNS counts %d", n, err, got[0].Bytes)
	}
}

func TestSMSFilterPolicyLetsCriticalNewsThrough(t *testing.T) {
	for _, tc := range []struct {
		event    quality.Event
		severity quality.Severity
		want     bool
	}{
		{quality.Firing, quality.Critical, true},
		{quality.Escalated, quality.Critical, true},
		{quality.Resolved, quality.Critical, true},
		{quality.Passed, quality.Critical, true},
		{quality.Notice, quality.Critical, true},
		{quality.Reminder, quality.Critical, false},
		{quality.Eased, quality.Critical, false},
		{quality.Firing, quality.Warning, false},
		{quality.Notice, quality.Info, false},
	} {
		topic, p := open(t)
		a := alert("a1")
		a.Event, a.Severity = tc.event, tc.severity
		if err := p.Publish(t.Context(), quality.Parcel{Form: quality.Single, Alerts: []quality.Alert{a}}); err != nil {
			t.Fatal(err)
		}
		got, err := topic.Accepted()[0].Matches(notify.SMSFilterPolicy)
		if err != nil || got != tc.want {
			t.Errorf("%s %s by SMS = %v, %v; want %v", tc.severity, tc.event, got, err, tc.want)
		}
	}
}

func TestTheTopicKnowsWhichAnswersWereLost(t *testing.T) {
	topic, p := open(t)
	topic.Script(snstest.AcceptThenFail, snstest.AcceptThenDrop, snstest.Pass)
	for range 3 {
		_ = p.Publish(t.Context(), single()) // two of them do not know
	}
	var lost []bool
	for _, m := range topic.Accepted() {
		lost = append(lost, m.Lost)
	}
	if want := []bool{true, true, false}; !slices.Equal(lost, want) {
		t.Errorf("lost answers: %v, want %v", lost, want)
	}
}

func TestErrorsSayWhetherToTryAgain(t *testing.T) {
	for _, step := range []snstest.Step{snstest.Fail, snstest.Throttle, snstest.Deny, snstest.Drop, snstest.AcceptThenFail, snstest.AcceptThenDrop} {
		topic, p := open(t)
		topic.Script(step)
		err := p.Publish(t.Context(), single())
		if err == nil || errors.Is(err, quality.ErrRefused) {
			t.Errorf("step %d: error = %v, want one that may pass", step, err)
		}
		if err := p.Publish(t.Context(), single()); err != nil {
			t.Errorf("step %d: second try: %v", step, err)
		}
	}
	for _, step := range []snstest.Step{snstest.Hang, snstest.AcceptThenHang} {
		topic, p := open(t)
		topic.Script(step)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := p.Publish(ctx, single()); err == nil || errors.Is(err, quality.ErrRefused) {
			t.Errorf("step %d: error = %v, want one that may pass", step, err)
		}
	}
	_, p := open(t)
	p.TopicARN = arn + "-gone"
	if err := p.Publish(t.Context(), single()); err == nil || errors.Is(err, quality.ErrRefused) {
		t.Errorf("unknown topic: error = %v, want one that may pass", err)
	}
}

// spoilt sends what SNS refuses.
type spoilt struct{}

func (spoilt) Do(r *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(raw))
	if err != nil {
		return nil, err
	}
	form.Set("Subject", "two\nlines")
	body := form.Encode()
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	return http.DefaultClient.Do(r)
}

func TestMessageAtFaultIsRefusedForGood(t *testing.T) {
	topic := snstest.New(arn)
	server := httptest.NewServer(topic)
	defer server.Close()
	p := &sns.Publisher{Client: client(server.URL, spoilt{}), TopicARN: arn}
	if err := p.Publish(t.Context(), single()); !errors.Is(err, quality.ErrRefused) {
		t.Errorf("error = %v, want ErrRefused", err)
	}
	if err := p.Publish(t.Context(), quality.Parcel{Form: quality.Single}); !errors.Is(err, quality.ErrRefused) {
		t.Errorf("empty parcel: error = %v, want ErrRefused", err)
	}
	if n := len(topic.Accepted()); n != 0 {
		t.Errorf("%d messages were accepted", n)
	}
}

func TestSeveralMessagesStopAtTheFirstFailure(t *testing.T) {
	topic, p := open(t)
	var big quality.Parcel
	big.Form = quality.Digest
	for i := range 400 {
		big.Alerts = append(big.Alerts, alert(fmt.Sprintf("incident-%d", i)))
	}
	composed, err := p.Writer.Compose(big)
	if err != nil || len(composed) < 3 {
		t.Fatalf("%d messages, %v; want several", len(composed), err)
	}
	topic.Script(snstest.Pass, snstest.Fail)
	err = p.Publish(t.Context(), big)
	if want := fmt.Sprintf("message 2 of %d", len(composed)); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error = %v, want it to say %q", err, want)
	}
	if n := topic.Attempts(); n != 2 {
		t.Errorf("%d attempts, want 2", n)
	}
	partly, ok := errors.AsType[*quality.PartlySentError](err)
	if !ok || !slices.Equal(partly.Sent, composed[0].AlertIDs) {
		t.Fatalf("error = %v, want one that names the %d alerts of the first message", err, len(composed[0].AlertIDs))
	}
	big.Alerts = big.Alerts[len(partly.Sent):]
	if err := p.Publish(t.Context(), big); err != nil {
		t.Fatal(err)
	}
	big.Alerts = append(big.Alerts, make([]quality.Alert, len(partly.Sent))...)
	told := map[string]bool{}
	for _, m := range topic.Accepted() {
		var body struct{ Alerts []struct{ ID string } }
		if err := json.Unmarshal([]byte(m.Texts["default"]), &body); err != nil {
			t.Fatal(err)
		}
		for _, a := range body.Alerts {
			told[a.ID] = true
		}
	}
	if len(told) != len(big.Alerts) {
		t.Errorf("%d alerts told, want %d", len(told), len(big.Alerts))
	}
}

func TestParkedIsPlain(t *testing.T) {
	topic, p := open(t)
	if err := p.Parked(t.Context(), alert("a1")); err != nil {
		t.Fatal(err)
	}
	if got := topic.Accepted(); len(got) != 1 || !strings.Contains(got[0].Texts["default"], "a1.1") {
		t.Errorf("accepted %+v, want one message that names the alert", got)
	}
}

func TestReadyNeedsAConfirmedSubscription(t *testing.T) {
	topic, p := open(t)
	now := time.Date(2026, 11, 20, 10, 5, 0, 0, time.UTC)
	p.Now = func() time.Time { return now }
	ready := func(want bool) {
		t.Helper()
		if got, err := p.Ready(t.Context()); got != want || err != nil {
			t.Errorf("Ready() = %v, %v; want %v", got, err, want)
		}
	}
	topic.FailLooks(1)
	if _, err := p.Ready(t.Context()); err == nil {
		t.Error("Ready() has no error when SNS fails")
	}
	topic.Subscriptions(0, 3)
	ready(false)
	topic.Subscriptions(1, 3)
	looks := topic.Looks()
	ready(false) // remembered
	if n := topic.Looks(); n != looks {
		t.Errorf("%d questions within a minute", n-looks)
	}
	now = now.Add(time.Minute)
	ready(true)
	topic.Subscriptions(0, 4)
	now = now.Add(59 * time.Second)
	ready(true) // remembered
	now = now.Add(time.Second)
	ready(false)
	p.TopicARN += "-gone"
	now = now.Add(time.Minute)
	if _, err := p.Ready(t.Context()); err == nil {
		t.Error("Ready() has no error for a topic that does not exist")
	}
}

func TestReadyBelievesTheListOverTheCount(t *testing.T) {
	topic, p := open(t)
	topic.Subscriptions(1, 3)
	topic.CountLags(true)
	if got, err := p.Ready(t.Context()); !got || err != nil {
		t.Errorf("Ready() = %v, %v; want true from the second page of the list", got, err)
	}
}
