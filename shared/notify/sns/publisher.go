// Package sns publishes parcels of alerts to a topic of Amazon SNS. What the messages say is
// package notify's affair; whom they reach is the subscriptions'.
package sns

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/wabawatch/wabawatch/shared/awscall"
	"github.com/wabawatch/wabawatch/shared/notify"
	"github.com/wabawatch/wabawatch/shared/quality"
)

// Publisher sends parcels to one topic. Its fields are set before first use; then it is safe
// for concurrent use.
type Publisher struct {
	// Client is one of Service. It repeats, within one Publish, what a network lost.
	Client   *awscall.Client
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
	form := p.form("Publish")
	form.Set("Subject", m.Subject)
	form.Set("Message", body)
	form.Set("MessageStructure", "json")
	for i, name := range slices.Sorted(maps.Keys(m.Attributes)) {
		entry := fmt.Sprintf("MessageAttributes.entry.%d.", i+1)
		form.Set(entry+"Name", name)
		form.Set(entry+"Value.DataType", m.Attributes[name].Type)
		form.Set(entry+"Value.StringValue", m.Attributes[name].Value)
	}
	if err := p.do(ctx, form, published); err != nil {
		if refused(err) {
			return fmt.Errorf("%w: %w", quality.ErrRefused, err)
		}
		return err
	}
	return nil
}

// refused reports whether SNS finds fault with the message itself.
// Source: AWS, SNS API reference, Publish, errors, checked 2026-11.
func refused(err error) bool {
	e, ok := errors.AsType[*awscall.Error](err)
	return ok && slices.Contains([]string{"InvalidParameter", "ParameterValueInvalid", "ValidationException"}, e.Code)
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
	var count string
	err := p.do(ctx, p.form("GetTopicAttributes"), func(b []byte) (err error) {
		count, err = attribute(b, "SubscriptionsConfirmed")
		return err
	})
	if err != nil {
		return false, fmt.Errorf("attributes of topic: %w", err)
	}
	confirmed, err := strconv.Atoi(count)
	if err != nil {
		return false, fmt.Errorf("attributes of topic: SubscriptionsConfirmed is %q", count)
	}
	p.ready, p.readyAt = confirmed > 0 || p.listed(ctx), now()
	return p.ready, nil
}

// listed looks for a confirmed subscription by name: the count may lag behind, and servers that
// stand for SNS leave it at 0. What cannot be listed is not there.
func (p *Publisher) listed(ctx context.Context) bool {
	form := p.form("ListSubscriptionsByTopic")
	for {
		var arns []string
		var next string
		err := p.do(ctx, form, func(b []byte) (err error) {
			arns, next, err = subscriptions(b)
			return err
		})
		if err != nil {
			return false
		}
		for _, s := range arns {
			// One that waits to be confirmed, or was deleted, has a word in place of its ARN.
			if strings.HasPrefix(s, "arn:") {
				return true
			}
		}
		if next == "" {
			return false
		}
		form.Set("NextToken", next)
	}
}

// Parked tells the people who look after the installation that an alert was given up.
func (p *Publisher) Parked(ctx context.Context, a quality.Alert) error {
	form := p.form("Publish")
	subject, text := p.Writer.Parked(a)
	form.Set("Subject", subject)
	form.Set("Message", text)
	if err := p.do(ctx, form, published); err != nil {
		return fmt.Errorf("publish to the operations topic: %w", err)
	}
	return nil
}
