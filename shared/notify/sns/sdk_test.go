package sns_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/google/go-cmp/cmp"

	"github.com/wabawatch/wabawatch/shared/awscall"
	"github.com/wabawatch/wabawatch/shared/notify"
	"github.com/wabawatch/wabawatch/shared/notify/sns"
	"github.com/wabawatch/wabawatch/shared/notify/snstest"
	"github.com/wabawatch/wabawatch/shared/quality"
)

// The tests of this file have the SDK's own client send what a Publisher sends, and read what a
// Publisher reads: both must say and understand the same.

// recorder keeps the forms that pass through it.
type recorder struct {
	forms []url.Values
	types []string
}

func (c *recorder) Do(r *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(raw))
	if err != nil {
		return nil, err
	}
	c.forms, c.types = append(c.forms, form), append(c.types, r.Header.Get("Content-Type"))
	r.Body = io.NopCloser(bytes.NewReader(raw))
	return http.DefaultClient.Do(r)
}

func sdkClient(url string, over awssns.HTTPClient) *awssns.Client {
	return awssns.New(awssns.Options{
		Region: "eu-west-1", BaseEndpoint: &url, RetryMaxAttempts: 1, HTTPClient: over,
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
	})
}

// plain brings the attributes of a message, whose order means nothing, into the order of names.
func plain(form url.Values) map[string]string {
	out := map[string]string{}
	for k, v := range form {
		if entry, rest, ok := strings.Cut(strings.TrimPrefix(k, "MessageAttributes.entry."), "."); ok && strings.HasPrefix(k, "MessageAttributes.entry.") {
			k = "attribute " + form.Get("MessageAttributes.entry."+entry+".Name") + " " + rest
		}
		out[k] = strings.Join(v, "|")
	}
	return out
}

func TestAsksAsTheSDKDoes(t *testing.T) {
	topic := snstest.New(arn)
	topic.Subscriptions(1, 3)
	topic.CountLags(true) // so that Ready reads the whole list
	server := httptest.NewServer(topic)
	defer server.Close()
	ours, theirs := &recorder{}, &recorder{}
	p := &sns.Publisher{Client: client(server.URL, ours), TopicARN: arn}
	sdk := sdkClient(server.URL, theirs)
	a := alert("a1")
	a.SubjectName = `Müller & Söhne <"+%~*'>`
	parcel := quality.Parcel{Form: quality.Single, Alerts: []quality.Alert{a}}
	messages, err := p.Writer.Compose(parcel)
	if err != nil {
		t.Fatal(err)
	}
	body, err := messages[0].Body()
	if err != nil {
		t.Fatal(err)
	}
	in := &awssns.PublishInput{TopicArn: aws.String(arn), Subject: &messages[0].Subject, Message: &body, MessageStructure: aws.String("json"), MessageAttributes: map[string]types.MessageAttributeValue{}}
	for name, a := range messages[0].Attributes {
		in.MessageAttributes[name] = types.MessageAttributeValue{DataType: aws.String(a.Type), StringValue: aws.String(a.Value)}
	}
	_, err = sdk.Publish(t.Context(), in)
	if err = errors.Join(err, p.Publish(t.Context(), parcel)); err != nil {
		t.Fatal(err)
	}
	if _, err := sdk.GetTopicAttributes(t.Context(), &awssns.GetTopicAttributesInput{TopicArn: aws.String(arn)}); err != nil {
		t.Fatal(err)
	}
	list := &awssns.ListSubscriptionsByTopicInput{TopicArn: aws.String(arn)}
	for {
		out, err := sdk.ListSubscriptionsByTopic(t.Context(), list)
		if err != nil {
			t.Fatal(err)
		}
		if out.NextToken == nil {
			break
		}
		list.NextToken = out.NextToken
	}
	if ready, err := p.Ready(t.Context()); !ready || err != nil {
		t.Fatalf("Ready() = %v, %v", ready, err)
	}
	if len(ours.forms) != len(theirs.forms) || len(ours.forms) != 4 {
		t.Fatalf("%d requests, the SDK %d, want 4", len(ours.forms), len(theirs.forms))
	}
	for i := range ours.forms {
		if d := cmp.Diff(plain(theirs.forms[i]), plain(ours.forms[i])); d != "" || ours.types[i] != theirs.types[i] {
			t.Errorf("request %d as %q, of the SDK %q (-SDK +ours):\n%s", i, ours.types[i], theirs.types[i], d)
		}
	}
}

// coded is an error of the SDK that has a code.
type coded interface {
	error
	ErrorCode() string
	ErrorMessage() string
}

func TestRefusalsReadAsTheSDKDoes(t *testing.T) {
	for _, code := range []string{
		"InvalidParameter", "ParameterValueInvalid", "ValidationException", "NotFound", "EndpointDisabled", "PlatformApplicationDisabled", "Throttled", "Throttling",
		"AuthorizationError", "InternalError", "InvalidSecurity", "KMSAccessDenied", "KMSDisabled", "KMSThrottling", "ExpiredToken", "SomethingNew",
	} {
		for _, status := range []int{400, 403, 404, 500, 503} {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/xml")
				w.WriteHeader(status)
				_, _ = fmt.Fprintf(w, `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>%s</Code><Message>so &amp; so</Message></Error><RequestId>1</RequestId></ErrorResponse>`, code)
			}))
			_, err := sdkClient(server.URL, http.DefaultClient).Publish(context.Background(), &awssns.PublishInput{TopicArn: aws.String(arn), Message: aws.String("x")})
			their, isTheirs := errors.AsType[coded](err)
			p := &sns.Publisher{Client: client(server.URL, http.DefaultClient), TopicARN: arn, Writer: notify.Writer{}}
			err = p.Publish(context.Background(), single())
			our, isOurs := errors.AsType[*awscall.Error](err)
			server.Close()
			if !isTheirs || !isOurs || our.Code != their.ErrorCode() || our.Message != their.ErrorMessage() {
				t.Errorf("%d %s: %v, of the SDK %v", status, code, err, their)
				continue
			}
			_, invalid := errors.AsType[*types.InvalidParameterException](their)
			_, value := errors.AsType[*types.InvalidParameterValueException](their)
			_, validation := errors.AsType[*types.ValidationException](their)
			if got, want := errors.Is(err, quality.ErrRefused), invalid || value || validation; got != want {
				t.Errorf("%d %s: refused for good %v, of the SDK %v", status, code, got, want)
			}
		}
	}
}
