package watch

import (
	"context"
	"maps"
	"slices"
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
