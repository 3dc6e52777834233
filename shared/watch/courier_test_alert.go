package watch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// SendTest publishes one alert that says it is a test, which word puts into words, under an id that is
// unique. It fails if nobody would receive it.
func SendTest(ctx context.Context, p Publisher, word func(*quality.Alert), now time.Time, id string) error {
	ready, err := p.Ready(ctx)
	if err != nil {
		return fmt.Errorf("ask the topic for its subscriptions: %w", err)
	}
	if !ready {
		return errors.New("the alert topic has no confirmed subscription: open the e-mail from AWS and confirm")
	}
	a := quality.TestAlert(now, id)
	word(&a)
	return p.Publish(ctx, quality.Parcel{Form: quality.TestForm, Alerts: []quality.Alert{a}})
}
