package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// Publisher sends parcels to people and machines. It is safe for concurrent use.
type Publisher interface {
	// Publish returns nil once the parcel was accepted. An error that wraps quality.ErrRefused
	// cannot be cured by sending it again. It is a *quality.PartlySentError if a part of the
	// parcel was accepted.
	Publish(ctx context.Context, p quality.Parcel) error
	// Ready reports whether anybody would receive what is published.
	Ready(ctx context.Context) (bool, error)
}

// Courier delivers alerts: at least once, in order per incident, each under a claim, so that
// two couriers do not send one alert. Its fields are set before first use.
type Courier struct {
	Outbox    Outbox
	Publisher Publisher
	// Parked is told of alerts that were given up; nil to only log them.
	Parked func(ctx context.Context, a quality.Alert) error
	Now    func() time.Time
	Log    *slog.Logger
	Holder string // names this process, uniquely, in claims
}

const (
	claimFor     = time.Minute
	maxRefusals  = 5
	markTries    = 5
	digestAbove  = 3 // alerts of one account and severity
	sweepAfter   = 10 * time.Minute
	backlogAfter = time.Minute
	maxSweep     = 500
	maxAncestors = 200
	// parallelSends bounds accounts whose alerts go out at once, parallelMarks the writes of claims
	// and marks.
	parallelSends = 4
	parallelMarks = 16
)

// ErrHeld says that an alert waits: for the one before it of the same incident, for somebody
// else who is sending it, or for the next attempt.
var ErrHeld = errors.New("alert is held")

// Sweep delivers what has been waiting since before the notifier should have sent it.
func (c *Courier) Sweep(ctx context.Context) error {
	return c.deliverUnsent(ctx, c.Now().Add(-sweepAfter))
}

// Flush delivers everything that waits, but for parts of a first look that is not finished.
func (c *Courier) Flush(ctx context.Context) error {
	return c.deliverUnsent(ctx, c.Now().Add(time.Second))
}

func (c *Courier) deliverUnsent(ctx context.Context, before time.Time) error {
	keys, err := c.Outbox.Unsent(ctx, before, maxSweep)
	if err != nil || len(keys) == 0 {
		return err
	}
	failed, err := c.Deliver(ctx, keys)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range failed {
		if !errors.Is(e, ErrHeld) {
			errs = append(errs, e)
		}
	}
	return errors.Join(errs...)
}

// Deliver sends the alerts at keys and returns those that are not done with, and why. Alerts
// that were sent before are done. While nobody would receive anything, nothing is sent and
// nothing fails: a sweep will find the alerts. err is an error of the outbox.
func (c *Courier) Deliver(ctx context.Context, keys []AlertKey) (failed map[AlertKey]error, err error) {
	ready, err := c.Publisher.Ready(ctx)
	if err != nil {
		return nil, fmt.Errorf("is anybody listening: %w", err)
	}
	if !ready {
		c.Log.WarnContext(ctx, "no confirmed subscription: alerts wait", "alerts", len(keys))
		return nil, nil
	}
	batch, err := c.gather(ctx, keys)
	if err != nil {
		return nil, err
	}
	d := &delivery{Courier: c, room: make(chan struct{}, parallelMarks), failed: map[AlertKey]error{}, held: map[string]error{}}
	parcels := d.group(d.dropBare(ctx, d.claim(ctx, batch), batch))
	lanes(parallelSends, parcels, func(p parcel) string { return account(p.items[0].alert) }, func(p *parcel) { d.send(ctx, *p) })
	return d.failed, nil
}

func account(a quality.Alert) string {
	if a.WABAID == nil {
		return ""
	}
	return *a.WABAID
}

func incident(a quality.Alert) string {
	if a.IncidentID == nil {
		return a.ID
	}
	return *a.IncidentID
}

// delivery is one call of Deliver.
type delivery struct {
	*Courier
	room chan struct{} // for writes that are under way

	mu     sync.Mutex
	failed map[AlertKey]error
	held   map[string]error // incidents of which an earlier alert could not be sent
}

func (d *delivery) fail(o Outgoing, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failed[o.Key] = err
	d.held[incident(o.Alert)] = ErrHeld
}

// waits reports whether an alert has to wait for one before it, and then counts it as failed.
func (d *delivery) waits(o Outgoing) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.held[incident(o.Alert)]
	if err != nil {
		d.failed[o.Key] = err
	}
	return err != nil
}

func (d *delivery) update(ctx context.Context, alerts ...*Outgoing) error {
	d.room <- struct{}{}
	defer func() { <-d.room }()
	return d.Outbox.Update(ctx, alerts...)
}

// claim takes the alerts that nobody else is sending.
func (d *delivery) claim(ctx context.Context, batch []Outgoing) []Outgoing {
	lanes(parallelMarks, batch, func(o Outgoing) string { return incident(o.Alert) }, func(o *Outgoing) {
		if d.waits(*o) {
			return
		}
		now := d.Now().UTC()
		if o.ClaimedBy != "" && o.ClaimedBy != d.Holder && o.ClaimedUntil.After(now) {
			d.fail(*o, fmt.Errorf("claimed by %s: %w", o.ClaimedBy, ErrHeld))
			return
		}
		o.ClaimedBy, o.ClaimedUntil = d.Holder, now.Add(claimFor)
		if err := d.update(ctx, o); err != nil {
			d.fail(*o, fmt.Errorf("claim: %w", errors.Join(err, ErrHeld)))
		}
	})
	return slices.DeleteFunc(slices.Clone(batch), func(o Outgoing) bool { return d.failed[o.Key] != nil })
}

// dropBare marks and leaves out those headings of a first look for which nothing in the batch is left
// to be told under them: there was news of all that it found, so it went out on its own.
func (d *delivery) dropBare(ctx context.Context, mine, batch []Outgoing) []Outgoing {
	parts := map[string]bool{}
	for _, o := range batch {
		parts[account(o.Alert)] = parts[account(o.Alert)] || o.Alert.FirstLook
	}
	return slices.DeleteFunc(mine, func(o Outgoing) bool {
		if o.Alert.Rule != quality.RuleFirstLook || parts[account(o.Alert)] {
			return false
		}
		if err := d.settle(ctx, []Outgoing{o}, func(o *Outgoing) { o.SentAt = d.Now().UTC() }); err != nil {
			d.fail(o, fmt.Errorf("mark as told: %w", err))
		}
		return true
	})
}

// send publishes a parcel and marks its records. Records of a parcel that was not accepted are
// given back for the next attempt, or parked after too many refusals.
func (d *delivery) send(ctx context.Context, p parcel) {
	p.items = slices.DeleteFunc(p.items, func(s sending) bool {
		waits := false
		for _, o := range s.records {
			if d.waits(o) {
				waits = true
				d.release(ctx, o)
			}
		}
		return waits
	})
	if len(p.items) == 0 {
		return
	}
	out := quality.Parcel{Form: p.form}
	for _, s := range p.items {
		out.Alerts = append(out.Alerts, s.alert)
	}
	err := d.Publisher.Publish(ctx, out)
	if err == nil {
		d.markAll(ctx, p.items)
		return
	}
	d.Log.ErrorContext(ctx, "alerts not published", "form", string(p.form), "alerts", len(out.Alerts), "alert", out.Alerts[0].ID, "err", err)
	if partly, ok := errors.AsType[*quality.PartlySentError](err); ok {
		var sent, rest []sending
		for _, s := range p.items {
			if slices.Contains(partly.Sent, s.alert.ID) {
				sent = append(sent, s)
			} else {
				rest = append(rest, s)
			}
		}
		d.markAll(ctx, sent)
		p.items = rest
	}
	refused := errors.Is(err, quality.ErrRefused)
	if refused && len(out.Alerts) > 1 {
		// One of them is at fault; alone, it does not take the others with it.
		for _, s := range p.items {
			d.send(ctx, parcel{quality.Single, []sending{s}})
		}
		return
	}
	for _, s := range p.items {
		for _, o := range s.records {
			if refused {
				d.refused(ctx, o, err)
				continue
			}
			d.fail(o, err)
			d.release(ctx, o)
		}
	}
}
