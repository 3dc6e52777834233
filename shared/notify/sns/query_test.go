package sns

import (
	"slices"
	"testing"
)

// Answers as AWS documents them.
const (
	publishAnswer = `<?xml version="1.0"?>
<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">
  <PublishResult><MessageId>567910cd-659e-55d4-8ccb-5aaf14679dc0</MessageId></PublishResult>
  <ResponseMetadata><RequestId>d74b8436-ae13-5ab4-a9ff-ce54dfea72a0</RequestId></ResponseMetadata>
</PublishResponse>`
	attributesAnswer = `<GetTopicAttributesResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><GetTopicAttributesResult><Attributes>
  <entry><key>Policy</key><value>{&quot;Version&quot;:&quot;2008-10-17&quot;,&#xA;"SubscriptionsConfirmed":9}</value></entry>
  <entry><key>SubscriptionsConfirmed</key><value>1</value></entry>
  <entry><key>SubscriptionsPending</key><value>3</value></entry>
</Attributes></GetTopicAttributesResult><ResponseMetadata><RequestId>057f074c-33a7-11df-9540-99d0768312d3</RequestId></ResponseMetadata></GetTopicAttributesResponse>`
	subscriptionsAnswer = `<ListSubscriptionsByTopicResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><ListSubscriptionsByTopicResult>
  <NextToken>AAF&amp;==</NextToken><Subscriptions>
    <member><TopicArn>arn:aws:sns:us-east-1:123456789012:My-Topic</TopicArn><Protocol>email</Protocol><SubscriptionArn>PendingConfirmation</SubscriptionArn></member>
    <member><SubscriptionArn>arn:aws:sns:us-east-1:123456789012:My-Topic:80289ba6</SubscriptionArn><Endpoint>a@example.com</Endpoint></member>
  </Subscriptions></ListSubscriptionsByTopicResult></ListSubscriptionsByTopicResponse>`
	refusal = `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>InvalidParameter</Code>` +
		`<Message>Invalid parameter: &lt;Subject&gt;</Message></Error><RequestId>1</RequestId></ErrorResponse>`
)

func TestAnswersAreRead(t *testing.T) {
	if err := published([]byte(publishAnswer)); err != nil {
		t.Error(err)
	}
	if v, err := attribute([]byte(attributesAnswer), "SubscriptionsConfirmed"); v != "1" || err != nil {
		t.Errorf("attribute = %q, %v", v, err)
	}
	if v, err := attribute([]byte(attributesAnswer), "DisplayName"); v != "" || err != nil {
		t.Errorf("attribute that is not there = %q, %v", v, err)
	}
	arns, next, err := subscriptions([]byte(subscriptionsAnswer))
	if want := []string{"PendingConfirmation", "arn:aws:sns:us-east-1:123456789012:My-Topic:80289ba6"}; !slices.Equal(arns, want) || next != "AAF&==" || err != nil {
		t.Errorf("subscriptions = %q, %q, %v", arns, next, err)
	}
	if code, message := fault([]byte(refusal)); code != "InvalidParameter" || message != "Invalid parameter: <Subject>" {
		t.Errorf("fault = %q, %q", code, message)
	}
}

// TestDamageIsNoAnswer cuts answers everywhere: no part of one may pass for the whole.
func TestDamageIsNoAnswer(t *testing.T) {
	for _, doc := range []string{publishAnswer, attributesAnswer, subscriptionsAnswer} {
		for n := range doc {
			part := []byte(doc[:n])
			_, err := attribute(part, "SubscriptionsConfirmed")
			if _, _, e := subscriptions(part); err == nil || e == nil || published(part) == nil {
				t.Fatalf("%s is understood", part)
			}
		}
	}
	for n := range refusal {
		if code, message := fault([]byte(refusal[:n])); code != "" || message != "" {
			t.Errorf("%s is understood as %q", refusal[:n], code)
		}
	}
	for _, doc := range []string{"", "OK", publishAnswer + publishAnswer, "<html><body>Service Unavailable", `{"message":null}`} {
		if err := published([]byte(doc)); err == nil {
			t.Errorf("%s passes for an answer", doc)
		}
	}
}

// FuzzAnswers reads anything as every kind of answer.
func FuzzAnswers(f *testing.F) {
	for _, doc := range []string{publishAnswer, attributesAnswer, subscriptionsAnswer, refusal, "", "</a>", "<a/><b>", "<a></b>"} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		if published(doc) != nil {
			return
		}
		if _, err := attribute(doc, "SubscriptionsConfirmed"); err != nil {
			t.Errorf("one reader takes %q, another does not: %v", doc, err)
		}
		if code, _ := fault(doc); code != "" {
			t.Errorf("%q is an answer and a refusal", doc)
		}
	})
}
