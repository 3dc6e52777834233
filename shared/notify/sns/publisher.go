// Package sns publishes parcels of alerts to a topic of Amazon SNS. What the messages say is
// package notify's affair; whom they reach is the subscriptions'.
package sns

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/wabawatch/wabawatch/shared/notify"
	"github.com/wabawatch/wabawatch/shared/quality"
)

// API is what a Publisher needs of the SDK's client. The client's own retries stay on: they
// repeat within one Publish what a network lost.
type API interface {
	Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)
	GetTopicAttributes(context.Context, *sns.GetTopicAttributesInput, ...func(*sns.Options)) (*sns.GetTopicAttributesOutput, error)
	ListSubscriptionsByTopic(context.Context, *sns.ListSubscriptionsByTopicInput, ...func(*sns.Options)) (*sns.ListSubscriptionsByTopicOutput, error)
}

var _ API = (*sns.Client)(nil)

// Publisher sends parcels to one topic. Its fields are set before first use; then it is safe
// for concurrent use.
type Publisher struct {
	Client   API
	TopicARN string
	Writer   notify.Writer
	// Now is the clock of Ready's memory; nil is time.Now.
	Now func() time.Time

	mu      sync.Mutex
	ready   bool
	readyAt time.Time // when ready was learnt; zero for never
}

// readyFor is how long an answer of Ready is kept.
const readyFor = time.Minute

// Publish sends the messages of a parcel, in order, and returns nil once all were accepted. It
// stops at the first that is not; if some were before it, the error is a
// *quality.PartlySentError that names their alerts. An error wraps quality.ErrRefused if the
// message is at fault and not the moment; a topic, key or permission that is missing can be
// mended, and is worth another try.
func (p *Publisher) Publish(ctx context.Context, parcel quality.Parcel) error {
	messages, err := p.Writer.Compose(parcel)
	if err != nil {
		return fmt.Errorf("compose: %w", errors.Join(quality.ErrRefused, err))
	}
	var sent []string
	for i, m := range messages {
		if err := p.publish(ctx, m); err != nil {
			err = fmt.Errorf("publish message %d of %d: %w", i+1, len(messages), err)
			if len(sent) > 0 {
				return &quality.PartlySentError{Sent: sent, Err: err}
			}
			return err
		}
		sent = append(sent, m.AlertIDs...)
	}
	return nil
}

func (p *Publisher) publish(ctx context.Context, m notify.Message) error {
	body, err := m.Body()
	if err != nil {
		return errors.Join(quality.ErrRefused, err)
	}
	in := &sns.PublishInput{
		TopicArn: &p.TopicARN, Subject: &m.Subject, Message: &body, MessageStructure: aws.String("json"),
		MessageAttributes: map[string]types.MessageAttributeValue{},
	}
	for name, a := range m.Attributes {
		in.MessageAttributes[name] = types.MessageAttributeValue{DataType: aws.String(a.Type), StringValue: aws.String(a.Value)}
	}
	if _, err := p.Client.Publish(ctx, in); err != nil {
		if refused(err) {
			return fmt.Errorf("%w: %w", quality.ErrRefused, err)
		}
		return err
	}
	return nil
}

// refused reports whether SNS finds fault with the message itself.
func refused(err error) bool {
	if _, ok := errors.AsType[*types.InvalidParameterException](err); ok {
		return true
	}
	if _, ok := errors.AsType[*types.InvalidParameterValueException](err); ok {
		return true
	}
	_, ok := errors.AsType[*types.ValidationException](err)
	return ok
}

// Ready reports whether the topic has a confirmed subscription. Its answer is kept for a
// minute, its errors are not.
func (p *Publisher) Ready(ctx context.Context) (bool, error) {
	now := time.Now
	if p.Now != nil {
		now = p.Now
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.readyAt.IsZero() && now().Before(p.readyAt.Add(readyFor)) {
		return p.ready, nil
	}
	out, err := p.Client.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &p.TopicARN})
	if err != nil {
		return false, fmt.Errorf("attributes of topic: %w", err)
	}
	confirmed, err := strconv.Atoi(out.Attributes["SubscriptionsConfirmed"])
	if err != nil {
		return false, fmt.Errorf("attributes of topic: SubscriptionsConfirmed is %q", out.Attributes["SubscriptionsConfirmed"])
	}
	p.ready, p.readyAt = confirmed > 0 || p.listed(ctx), now()
	return p.ready, nil
}

// listed looks for a confirmed subscription by name: the count may lag behind, and servers that
// stand for SNS leave it at 0. What cannot be listed is not there.
func (p *Publisher) listed(ctx context.Context) bool {
	in := &sns.ListSubscriptionsByTopicInput{TopicArn: &p.TopicARN}
	for {
		out, err := p.Client.ListSubscriptionsByTopic(ctx, in)
		if err != nil {
			return false
		}
		for _, s := range out.Subscriptions {
			// One that waits to be confirmed, or was deleted, has a word in place of its ARN.
			if strings.HasPrefix(aws.ToString(s.SubscriptionArn), "arn:") {
				return true
			}
		}
		if aws.ToString(out.NextToken) == "" {
			return false
		}
		in.NextToken = out.NextToken
	}
}

// Parked tells the people who look after the installation that an alert was given up.
func (p *Publisher) Parked(ctx context.Context, a quality.Alert) error {
	subject, text := p.Writer.Parked(a)
	_, err := p.Client.Publish(ctx, &sns.PublishInput{TopicArn: &p.TopicARN, Subject: &subject, Message: &text})
	if err != nil {
		return fmt.Errorf("publish to the operations topic: %w", err)
	}
	return nil
}
