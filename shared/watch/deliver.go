package watch

import (
	"cmp"
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
	parcels := d.group(d.claim(ctx, batch))
	lanes(parallelSends, parcels, func(p parcel) string { return account(p.items[0].alert) }, func(p *parcel) { d.send(ctx, *p) })
	return d.failed, nil
}

// lanes runs f for every item: those with the same key one after the other, in order, the others
// at the same time, at most limit. It returns when all are done.
func lanes[T any](limit int, items []T, key func(T) string, f func(*T)) {
	by := map[string][]*T{}
	var order []string
	for i := range items {
		k := key(items[i])
		if by[k] == nil {
			order = append(order, k)
		}
		by[k] = append(by[k], &items[i])
	}
	slots := make(chan struct{}, limit)
	var wg sync.WaitGroup
	for _, k := range order {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			for _, it := range by[k] {
				f(it)
			}
		})
	}
	wg.Wait()
}

// gather reads the alerts, what a first look's heading stands for, and the unsent alerts before
// them of the same incidents; of a backlog those after them too, since what is over is told as
// such. Parts of a first look come with their heading or, if it never came, on their own.
func (c *Courier) gather(ctx context.Context, keys []AlertKey) ([]Outgoing, error) {
	have := map[AlertKey]bool{}
	out, err := c.unsent(ctx, keys, have)
	if err != nil {
		return nil, err
	}
	late := c.Now().Add(-backlogAfter)
	if slices.ContainsFunc(out, func(o Outgoing) bool { return o.Alert.Event == quality.Firing && o.Alert.CreatedAt.Before(late) }) {
		keys, err := c.Outbox.Later(ctx, out)
		if err != nil {
			return nil, err
		}
		more, err := c.unsent(ctx, keys, have)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	headed := map[string]bool{}
	for _, o := range out {
		if o.Alert.Rule == quality.RuleFirstLook {
			headed[account(o.Alert)] = true
		}
	}
	alone := c.Now().Add(-sweepAfter)
	out = slices.DeleteFunc(out, func(o Outgoing) bool {
		return o.Alert.FirstLook && !headed[account(o.Alert)] && o.Alert.CreatedAt.After(alone)
	})
	return inOrder(out), nil
}

// unsent reads the alerts at keys that are not done with and not in have, and those they lead to.
func (c *Courier) unsent(ctx context.Context, keys []AlertKey, have map[AlertKey]bool) ([]Outgoing, error) {
	var out []Outgoing
	for n := 0; len(keys) > 0 && n < maxAncestors; n++ {
		keys = slices.DeleteFunc(slices.Clone(keys), func(k AlertKey) bool { return have[k] })
		read, err := c.Outbox.Outgoing(ctx, keys)
		if err != nil {
			return nil, err
		}
		for _, k := range keys {
			have[k] = true
		}
		keys = nil
		for _, o := range read {
			if o.Done() {
				continue
			}
			out = append(out, o)
			if o.Previous != (AlertKey{}) {
				keys = append(keys, o.Previous)
			}
			if o.Alert.Rule == quality.RuleFirstLook {
				members, err := c.Outbox.FirstLook(ctx, o)
				if err != nil {
					return nil, err
				}
				keys = append(keys, members...)
			}
		}
	}
	return out, nil
}

// inOrder sorts alerts by age, but those of one incident by revision: the clocks of those who
// made them may disagree.
func inOrder(out []Outgoing) []Outgoing {
	slices.SortStableFunc(out, func(a, b Outgoing) int { return a.Alert.CreatedAt.Compare(b.Alert.CreatedAt) })
	places := map[string][]int{}
	for i, o := range out {
		places[incident(o.Alert)] = append(places[incident(o.Alert)], i)
	}
	sorted := slices.Clone(out)
	for _, at := range places {
		by := slices.SortedStableFunc(slices.Values(at), func(a, b int) int { return cmp.Compare(out[a].Alert.Revision, out[b].Alert.Revision) })
		for n, i := range at {
			sorted[i] = out[by[n]]
		}
	}
	return sorted
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

func (d *delivery) update(ctx context.Context, o *Outgoing) error {
	d.room <- struct{}{}
	defer func() { <-d.room }()
	return d.Outbox.Update(ctx, o)
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
	return slices.DeleteFunc(batch, func(o Outgoing) bool { return d.failed[o.Key] != nil })
}

// group makes parcels: a first look's summary, a digest of a burst, single alerts. Alerts of
// one incident stay in one group, in order.
func (d *delivery) group(mine []Outgoing) []parcel {
	type key struct {
		account  string
		severity quality.Severity
		first    bool
	}
	worst := map[string]quality.Severity{}
	firstLook := map[string]bool{}
	for _, o := range mine {
		if id := incident(o.Alert); o.Alert.Severity.Level() > worst[id].Level() {
			worst[id] = o.Alert.Severity
		}
		if o.Alert.FirstLook {
			firstLook[incident(o.Alert)] = true
		}
	}
	groups := map[key][]sending{}
	var order []key
	for _, s := range d.sendings(mine) {
		a := s.alert
		k := key{account(a), worst[incident(a)], firstLook[incident(a)] || a.Rule == quality.RuleFirstLook}
		if k.first {
			k.severity = ""
		}
		if _, ok := groups[k]; !ok {
			order = append(order, k)
		}
		groups[k] = append(groups[k], s)
	}
	var out []parcel
	for _, k := range order {
		g := groups[k]
		switch {
		case k.first:
			slices.SortStableFunc(g, func(a, b sending) int { return cmp.Compare(heading(a.alert), heading(b.alert)) })
			out = append(out, parcel{quality.Summary, g})
		case len(g) > digestAbove:
			out = append(out, parcel{quality.Digest, g})
		default:
			for _, s := range g {
				out = append(out, parcel{quality.Single, []sending{s}})
			}
		}
	}
	return out
}

func heading(a quality.Alert) int {
	if a.Rule == quality.RuleFirstLook {
		return 0
	}
	return 1
}

// sending is one alert as it goes out, and the records that it settles.
type sending struct {
	alert   quality.Alert
	records []Outgoing
}

type parcel struct {
	form  quality.Form
	items []sending
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
