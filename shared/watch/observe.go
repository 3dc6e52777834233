package watch

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// tooFarAhead is how far in the future a notification may be dated.
const tooFarAhead = 10 * time.Minute

// Observe takes in one webhook body. It returns nil only when every reading in it is durable,
// so that the webhook may be acknowledged. Repeating it changes nothing.
func (w *Watcher) Observe(ctx context.Context, d quality.Delivery) error {
	now := w.Now().UTC()
	err := each(ctx, mergeParallel, d.WABAIDs, func(ctx context.Context, id string) error { return w.enrol(ctx, id, Heard) })
	if err != nil {
		return err
	}
	if err := w.settleTimes(ctx, d.Readings, now); err != nil {
		return err
	}
	if err := w.settlePortfolios(ctx, d.Readings); err != nil {
		return err
	}
	// What a body asks for is asked once it says something new, and before that is stored: were
	// it asked afterwards, it would be lost when the answer to the commit is, or the process dies.
	wanted := d.Asks
	out, err := w.merge(ctx, bySubject(d.Readings), nil, func(asks map[quality.Ask]bool) error {
		for _, a := range wanted {
			asks[a] = true
		}
		wanted = nil
		return w.ask(ctx, asks, now.Add(askDelay))
	})
	if err != nil {
		return err
	}
	if err := w.takeUnknown(ctx, append(slices.Clip(d.Unknown), beyond(out.refused, now)...), d.Test, now); err != nil {
		return err
	}
	if len(d.Asks) > 0 && len(d.Readings) == 0 {
		asks := map[quality.Ask]bool{}
		for _, a := range d.Asks {
			asks[a] = true
		}
		if err := w.ask(ctx, asks, now.Add(askDelay)); err != nil {
			return err
		}
	}
	_ = each(ctx, mergeParallel, d.WABAIDs, func(ctx context.Context, id string) error {
		if err := w.Store.Heartbeat(ctx, id, now); err != nil {
			// Only the page would miss it.
			w.Log.WarnContext(ctx, "heartbeat not stored", "waba", id, "err", err)
		}
		return nil
	}) // all readings are stored, so the body is acknowledged whatever becomes of this
	return nil
}

// bySubject gathers the readings of each subject; the last to say a name or refs is believed.
func bySubject(readings []quality.Reading) map[quality.Subject]incoming {
	in := map[quality.Subject]incoming{}
	for _, r := range readings {
		inc := in[r.Subject]
		if r.Name != "" {
			inc.name = r.Name
		}
		if len(r.Refs) > 0 {
			inc.refs = r.Refs
		}
		inc.told = append(inc.told, r.Point)
		in[r.Subject] = inc
	}
	return in
}

// maxBeyond bounds what is kept of points for which a state has no room.
const maxBeyond = 20

// beyond makes unknown things of points for which a state has no room: there are more kinds of
// them than Meta is known to have.
func beyond(points []quality.Point, now time.Time) []quality.Novelty {
	var out []quality.Novelty
	for _, p := range points[:min(len(points), maxBeyond)] {
		kind, _, _ := strings.Cut(string(p.Signal), ".")
		out = append(out, quality.Novelty{Kind: "beyond:" + kind, WABAID: p.Subject.WABAID, Raw: p.Raw, At: now})
	}
	return out
}

// settleTimes gives a time to readings that have none, or one that lies too far ahead: the time
// at which that content first came. Otherwise a clock gone wrong could pin a state for ever.
func (w *Watcher) settleTimes(ctx context.Context, readings []quality.Reading, now time.Time) error {
	var r Receipts
	for _, rd := range readings {
		switch {
		case rd.At.IsZero():
			r.Undated = append(r.Undated, rd.Receipt)
		case rd.At.After(now.Add(tooFarAhead)):
			r.Ahead = append(r.Ahead, rd.Receipt)
		default:
			r.Dated = append(r.Dated, rd.Receipt)
		}
	}
	if len(readings) == 0 {
		return nil
	}
	first, err := w.Store.Received(ctx, r, now)
	if err != nil {
		return err
	}
	for i := range readings {
		rd := &readings[i]
		if at, ok := first[rd.Receipt]; ok {
			rd.At = at
			if rd.Lasts > 0 {
				rd.Attrs = maps.Clone(rd.Attrs)
				rd.Attrs[quality.AttrUntil] = at.Truncate(time.Second).Add(rd.Lasts).UTC().Format(time.RFC3339)
			}
		}
		rd.At = rd.At.UTC().Truncate(time.Second)
	}
	return nil
}

// settlePortfolios moves readings of a messaging limit to the portfolio that owns the account,
// so that a change that concerns all its accounts is one change.
func (w *Watcher) settlePortfolios(ctx context.Context, readings []quality.Reading) error {
	var ids []string
	for _, r := range readings {
		if s := r.Subject; s.Kind == quality.Portfolio && !slices.Contains(ids, s.WABAID) {
			ids = append(ids, s.WABAID)
		}
	}
	var mu sync.Mutex
	known := map[string]quality.Subject{}
	err := each(ctx, mergeParallel, ids, func(ctx context.Context, id string) error {
		a, err := w.Store.AccountRecord(ctx, id)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		a.WABAID = id // also of one that is not known yet
		known[id] = a.Portfolio()
		return nil
	})
	if err != nil {
		return err
	}
	for i := range readings {
		if s := readings[i].Subject; s.Kind == quality.Portfolio {
			readings[i].Subject = known[s.WABAID]
		}
	}
	return nil
}

// takeUnknown tells of kinds of unknown things that are new, and that Meta's test button was pressed,
// then keeps the things: were they kept first, a failure would leave their kinds untold.
func (w *Watcher) takeUnknown(ctx context.Context, unknown []quality.Novelty, test bool, now time.Time) error {
	points, err := w.novelties(ctx, unknown, test, now)
	if err != nil {
		return err
	}
	if len(points) > 0 {
		if _, err := w.merge(ctx, map[quality.Subject]incoming{quality.DeploymentSubject(): {told: points}}, nil, nil); err != nil {
			return err
		}
	}
	for _, n := range unknown {
		if err := w.Store.Novelty(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// novelties turns unknown things, each kind once, and Meta's test button into points of the
// deployment.
func (w *Watcher) novelties(ctx context.Context, unknown []quality.Novelty, test bool, now time.Time) ([]quality.Point, error) {
	at := now.Truncate(time.Second)
	var out []quality.Point
	if test {
		out = append(out, quality.Point{Subject: quality.DeploymentSubject(), Signal: quality.TestButton, Value: "RECEIVED", At: at, Track: quality.Told})
	}
	if len(unknown) == 0 {
		return out, nil
	}
	var kinds []string
	for _, n := range unknown {
		if !slices.Contains(kinds, n.Kind) {
			kinds = append(kinds, n.Kind)
		}
	}
	known, err := w.Store.KnownNovelties(ctx, kinds)
	if err != nil {
		return nil, err
	}
	for _, n := range unknown {
		if !known[n.Kind] {
			known[n.Kind] = true
			attrs := map[string]string{}
			if n.WABAID != "" {
				attrs["waba_id"] = n.WABAID
			}
			out = append(out, quality.Point{Subject: quality.DeploymentSubject(), Signal: quality.UnknownThing, Value: n.Kind, At: at, Track: quality.Told, Attrs: attrs, Raw: quality.Clip(n.Raw, 1000)})
		}
	}
	return out, nil
}

// ask makes classes due at a time, once per account. That it was asked is noted to the second, rounded
// up, so that a crowd of webhooks writes an account's schedule once a second and not once each.
func (w *Watcher) ask(ctx context.Context, asks map[quality.Ask]bool, due time.Time) error {
	by := map[string][]quality.Class{}
	for a := range asks {
		by[a.WABAID] = append(by[a.WABAID], a.Class)
	}
	askedAt := w.Now().UTC().Add(time.Second - 1).Truncate(time.Second)
	return each(ctx, mergeParallel, slices.Collect(maps.Keys(by)), func(ctx context.Context, id string) error {
		return w.reschedule(ctx, id, func(s *Schedule) bool {
			if s.Rev == 0 {
				return false
			}
			changed := false
			for _, class := range by[id] {
				c := s.Classes[class]
				if !c.AskedAt.Before(askedAt) && !c.Due.IsZero() && !c.Due.After(due) {
					continue
				}
				if c.AskedAt.Before(askedAt) {
					c.AskedAt = askedAt
				}
				if c.Due.IsZero() || c.Due.After(due) {
					c.Due = due
				}
				s.Classes[class], changed = c, true
			}
			return changed
		})
	})
}

// reschedule changes a schedule, reading it again when somebody else was faster. change returns
// false to leave it as it is.
func (w *Watcher) reschedule(ctx context.Context, wabaID string, change func(*Schedule) bool) error {
	for try := 0; ; try++ {
		s, err := w.Store.Schedule(ctx, wabaID)
		if err != nil {
			return err
		}
		if s.Classes == nil {
			s.Classes = map[quality.Class]ClassSchedule{}
		}
		if !change(&s) {
			return nil
		}
		err = w.Store.PutSchedule(ctx, s, nil)
		if err == nil {
			return nil
		}
		if try == scheduleTries || !errors.Is(err, ErrConflict) && !errors.Is(err, ErrAmbiguous) {
			return err
		}
		if err := backOff(ctx, try); err != nil {
			return err
		}
	}
}

// enrol makes an account known, and due for its first polls.
func (w *Watcher) enrol(ctx context.Context, wabaID string, o Origin) error {
	w.mu.Lock()
	known := w.enrolled[wabaID+string(o)]
	w.mu.Unlock()
	if known {
		return nil
	}
	for try := 0; ; try++ {
		a, err := w.Store.AccountRecord(ctx, wabaID)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if err == nil && (o == Heard || a.Origin == o || a.Origin == Configured) {
			break
		}
		a.WABAID, a.Origin = wabaID, o
		if err = w.Store.PutAccount(ctx, a); err == nil {
			w.Log.InfoContext(ctx, "account added", "waba", wabaID, "origin", string(o))
			break
		}
		if try == mergeTries || !errors.Is(err, ErrConflict) && !errors.Is(err, ErrAmbiguous) {
			return fmt.Errorf("enrol %s: %w", wabaID, err)
		}
	}
	if err := w.reschedule(ctx, wabaID, func(s *Schedule) bool { return s.begin(quality.Classes, w.Now().UTC()) }); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.enrolled == nil {
		w.enrolled = map[string]bool{}
	}
	w.enrolled[wabaID+string(o)] = true
	return nil
}

// begin schedules classes that never were; it reports whether there were any.
func (s *Schedule) begin(classes []quality.Class, now time.Time) bool {
	added := false
	for _, class := range classes {
		if _, ok := s.Classes[class]; !ok {
			s.Classes[class] = ClassSchedule{Due: now, Since: now}
			added = true
		}
	}
	return added
}
