package watch

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// takeUnknown tells of kinds of unknown things that are new, and that Meta's test button was pressed,
// then keeps the things: were they kept first, a failure would leave their kinds untold.
func (w *Watcher) takeUnknown(ctx context.Context, unknown []quality.Novelty, test bool, now time.Time) error {
	if err := w.tellUnknown(ctx, unknown, test, now); err != nil {
		return err
	}
	if len(unknown) == 0 {
		return nil
	}
	return persist(ctx, mergeTries, func() error { return w.Store.Novelties(ctx, unknown) })
}

// tellUnknown tells of those that are new. All of them meet on the state of the deployment: within one
// process one after the other.
func (w *Watcher) tellUnknown(ctx context.Context, unknown []quality.Novelty, test bool, now time.Time) error {
	points, err := w.novelties(ctx, unknown, test, now)
	if err != nil || len(points) == 0 {
		return err
	}
	w.telling.Lock()
	defer w.telling.Unlock()
	_, err = w.merge(ctx, map[quality.Subject]incoming{quality.DeploymentSubject(): {told: points}}, nil, nil)
	return err
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
