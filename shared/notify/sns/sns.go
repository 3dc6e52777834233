// Package sns publishes parcels of alerts to an SNS topic. What they say is made in package
// notify.
package sns

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"

	"github.com/wabawatch/wabawatch/shared/notify"
	"github.com/wabawatch/wabawatch/shared/quality"
)

// API is the part of the SDK's client that a Publisher uses.
type API interface {
	Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)
	ListSubscriptionsByTopic(context.Context, *sns.ListSubscriptionsByTopicInput, ...func(*sns.Options)) (*sns.ListSubscriptionsByTopicOutput, error)
}

// Publisher publishes to one topic. Its fields are set before first use; it is safe for
// concurrent use.
type Publisher struct {
	Client   API
	TopicARN string
	Writer   notify.Writer

	mu      sync.Mutex
	ready   bool
	askedAt time.Time
}

const (
	callTimeout = 10 * time.Second
	readyFor    = time.Minute // an answer about subscriptions is used again
)

// Publish sends a parcel, in several messages if it is too large for one. An error that wraps
// quality.ErrRefused says that SNS will not take the message however often it is sent.
func (p *Publisher) Publish(ctx context.Context, parcel quality.Parcel) error {
	messages, err := p.Writer.Compose(parcel)
	if err != nil {
		return fmt.Errorf("compose: %w: %w", quality.ErrRefused, err)
	}
	for i, m := range messages {
		body, err := m.Body()
		if err != nil {
			return fmt.Errorf("compose: %w: %w", quality.ErrRefused, err)
		}
		in := &sns.PublishInput{TopicArn: &p.TopicARN, Subject: &m.Subject, Message: &body, MessageStructure: aws.String("json"), MessageAttributes: map[string]types.MessageAttributeValue{}}
		for name, a := range m.Attributes {
			in.MessageAttributes[name] = types.MessageAttributeValue{DataType: aws.String(a.Type), StringValue: aws.String(a.Value)}
		}
		if err := p.send(ctx, in); err != nil {
			return fmt.Errorf("publish message %d of %d: %w", i+1, len(messages), err)
		}
	}
	return nil
}

// Parked tells people who look after the installation that an alert was given up.
func (p *Publisher) Parked(ctx context.Context, a quality.Alert) error {
	text := fmt.Sprintf("wabawatch could not publish an alert and has given it up: SNS refused it several times.\n\nAlert %s\nRule %s, event %s, severity %s\n\nIt is kept: GET /v1/alerts shows it, and the notifier's log says why it was refused.\n", a.ID, a.Rule, a.Event, a.Severity)
	err := p.send(ctx, &sns.PublishInput{TopicArn: &p.TopicARN, Subject: aws.String("wabawatch: an alert was given up"), Message: &text})
	if err != nil {
		return fmt.Errorf("publish to the operations topic: %w", err)
	}
	return nil
}

func (p *Publisher) send(ctx context.Context, in *sns.PublishInput) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := p.Client.Publish(ctx, in)
	var api smithy.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "InvalidParameter", "InvalidParameterValue", "ParameterValueInvalid", "ValidationException", "ValidationError":
			// The message, not the moment, is at fault.
			return fmt.Errorf("%w: %w", quality.ErrRefused, err)
		}
	}
	return err
}

// Ready reports whether the topic has a confirmed subscription. The answer is used for a minute.
func (p *Publisher) Ready(ctx context.Context) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.askedAt) < readyFor && p.ready {
		return true, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	in := &sns.ListSubscriptionsByTopicInput{TopicArn: &p.TopicARN}
	for {
		out, err := p.Client.ListSubscriptionsByTopic(ctx, in)
		if err != nil {
			return false, fmt.Errorf("subscriptions of topic %s: %w", p.TopicARN, err)
		}
		for _, s := range out.Subscriptions {
			// One that waits to be confirmed, or was deleted, has a word in place of its ARN.
			if strings.HasPrefix(aws.ToString(s.SubscriptionArn), "arn:") {
				p.ready, p.askedAt = true, time.Now()
				return true, nil
			}
		}
		if aws.ToString(out.NextToken) == "" {
			p.ready = false
			return false, nil
		}
		in.NextToken = out.NextToken
	}
}
