package watch

import (
	"context"
	"fmt"
	"time"
)

// markAll marks the records of what was accepted, those of one incident in order. After one that
// could not be marked the later ones are not either: told again, they must have the last word.
func (d *delivery) markAll(ctx context.Context, items []sending) {
	lanes(parallelMarks, items, func(s sending) string { return incident(s.alert) }, func(s *sending) {
		for _, o := range s.records {
			if !d.waits(o) {
				d.mark(ctx, o, s.alert.ID)
			}
		}
	})
}

// mark writes down that an alert was sent. If it cannot be written the alert will be sent again,
// which is better than never.
func (d *delivery) mark(ctx context.Context, o Outgoing, sentAs string) {
	err := d.settle(ctx, o, func(o *Outgoing) {
		if o.SentAt = d.Now().UTC(); sentAs != o.Alert.ID {
			o.FoldedInto = sentAs
		}
	})
	if err != nil {
		d.fail(o, fmt.Errorf("mark as sent: %w", err))
		d.Log.ErrorContext(ctx, "alert published and not marked: it may be told again", "alert", o.Alert.ID, "err", err)
		return
	}
	d.Log.InfoContext(ctx, "alert published", "alert", o.Alert.ID, "rule", o.Alert.Rule, "event", string(o.Alert.Event))
}

// settle writes down that an alert is done with, trying hard: every failure here may tell people
// twice.
func (d *delivery) settle(ctx context.Context, o Outgoing, change func(*Outgoing)) error {
	// A deadline that ended while publishing must not stop it.
	ctx = context.WithoutCancel(ctx)
	var err error
	for try := range markTries {
		if try > 0 {
			_ = sleep(ctx, time.Duration(try*try)*20*time.Millisecond) // ctx does not end
			now, rerr := d.Outbox.Outgoing(ctx, []AlertKey{o.Key})
			if rerr != nil {
				err = rerr
				continue
			}
			if len(now) == 0 || now[0].Done() {
				return nil // an earlier try was written, and its answer lost
			}
			o = now[0]
		}
		o.ClaimedBy, o.ClaimedUntil = "", time.Time{}
		change(&o)
		if err = d.update(ctx, &o); err == nil {
			return nil
		}
	}
	return err
}

func (d *delivery) release(ctx context.Context, o Outgoing) {
	o.ClaimedBy, o.ClaimedUntil = "", time.Time{}
	if err := d.update(context.WithoutCancel(ctx), &o); err != nil {
		// The claim ends by itself.
		d.Log.WarnContext(ctx, "claim not given back", "alert", o.Alert.ID, "err", err)
	}
}

// refused counts a refusal that sending again cannot cure; after too many the alert is parked,
// so that it does not hold back the rest, and that is told through the second path.
func (d *delivery) refused(ctx context.Context, o Outgoing, cause error) {
	if o.Refused++; o.Refused < maxRefusals {
		d.fail(o, cause)
		o.ClaimedBy, o.ClaimedUntil = "", time.Time{}
		if err := d.update(context.WithoutCancel(ctx), &o); err != nil {
			d.fail(o, fmt.Errorf("count refusal: %w", err))
		}
		return
	}
	if d.Parked != nil {
		if err := d.Parked(ctx, o.Alert); err != nil {
			d.fail(o, fmt.Errorf("tell that it is parked: %w", err))
			return
		}
	}
	d.Log.ErrorContext(ctx, "alert parked after too many refusals", "alert", o.Alert.ID, "err", cause)
	if err := d.settle(ctx, o, func(o *Outgoing) { o.Refused, o.ParkedAt = maxRefusals, d.Now().UTC() }); err != nil {
		d.fail(o, fmt.Errorf("park: %w", err))
	}
}
