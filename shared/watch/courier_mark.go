package watch

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// markAll marks the records of what was accepted, those of one incident in order. After one that
// could not be marked the later ones are not either: told again, they must have the last word.
func (d *delivery) markAll(ctx context.Context, items []sending) {
	lanes(parallelMarks, items, func(s sending) string { return incident(s.alert) }, func(s *sending) {
		for part := range slices.Chunk(s.records, MaxUpdate) {
			if !d.waits(part[0]) {
				d.mark(ctx, part, s.alert.ID)
			}
		}
	})
}

// mark writes down that alerts were sent: those that were folded into one together, or a death in
// between would leave some of them to be told after their own end. If it cannot be written they
// will be sent again, which is better than never.
func (d *delivery) mark(ctx context.Context, alerts []Outgoing, sentAs string) {
	err := d.settle(ctx, alerts, func(o *Outgoing) {
		if o.SentAt = d.Now().UTC(); sentAs != o.Alert.ID {
			o.FoldedInto = sentAs
		}
	})
	for _, o := range alerts {
		if err != nil {
			d.fail(o, fmt.Errorf("mark as sent: %w", err))
			d.Log.ErrorContext(ctx, "alert published and not marked: it may be told again", "alert", o.Alert.ID, "err", err)
			continue
		}
		d.Log.InfoContext(ctx, "alert published", "alert", o.Alert.ID, "rule", o.Alert.Rule, "event", string(o.Alert.Event))
	}
}

// settle writes down that alerts are done with, all of them or none, trying hard: every failure
// here may tell people twice.
func (d *delivery) settle(ctx context.Context, alerts []Outgoing, change func(*Outgoing)) error {
	// A deadline that ended while publishing must not stop it.
	ctx = context.WithoutCancel(ctx)
	left := slices.Clone(alerts)
	var err error
	for try := range markTries {
		if try > 0 {
			_ = sleep(ctx, time.Duration(try*try)*20*time.Millisecond) // ctx does not end
			var keys []AlertKey
			for _, o := range left {
				keys = append(keys, o.Key)
			}
			now, rerr := d.Outbox.Outgoing(ctx, keys)
			if rerr != nil {
				err = rerr
				continue
			}
			// An earlier try may have been written, and its answer lost.
			if left = slices.DeleteFunc(now, Outgoing.Done); len(left) == 0 {
				return nil
			}
		}
		writes := make([]*Outgoing, len(left))
		for i := range left {
			o := &left[i]
			o.ClaimedBy, o.ClaimedUntil = "", time.Time{}
			change(o)
			writes[i] = o
		}
		if err = d.update(ctx, writes...); err == nil {
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
	if err := d.settle(ctx, []Outgoing{o}, func(o *Outgoing) { o.Refused, o.ParkedAt = maxRefusals, d.Now().UTC() }); err != nil {
		d.fail(o, fmt.Errorf("park: %w", err))
	}
}
