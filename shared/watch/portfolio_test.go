package watch_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/watch"
)

// owned is Meta as polls see it, where a portfolio owns the accounts.
type owned struct {
	*meta
	portfolio string
}

func (o owned) Poll(ctx context.Context, class quality.Class, wabaID string) (quality.Sighting, error) {
	s, err := o.meta.Poll(ctx, class, wabaID)
	if class == quality.AccountOf {
		s.PortfolioID = o.portfolio
	}
	return s, err
}

// mumbling is a store that keeps accounts, and for some times does not say so.
type mumbling struct {
	watch.Store
	failures int
}

func (m *mumbling) PutAccount(ctx context.Context, a watch.Account) error {
	err := m.Store.PutAccount(ctx, a)
	if a.PortfolioID != "" && m.failures > 0 {
		m.failures--
		return errors.Join(err, errors.New("the answer was lost"))
	}
	return err
}

// TestAPortfolioTakesAlongWhatWasTold: that its id was learnt later is no news about its limit, also if
// we die while learning it.
func TestAPortfolioTakesAlongWhatWasTold(t *testing.T) {
	for _, failures := range []int{0, 1} {
		w := newWorld(t, nil)
		w.watcher.Source, w.watcher.Store = owned{w.meta, "999"}, &mumbling{w.store, failures}
		unknown := quality.Subject{Kind: quality.Portfolio, WABAID: "1", ID: "1"}
		w.observe(told(unknown, quality.MessagingLimit, "TIER_10K", w.now()))
		w.pass(10 * time.Second)
		w.observe(told(unknown, quality.MessagingLimit, "TIER_2K", w.now()))
		w.meta.set(unknown, quality.MessagingLimit, "TIER_2K")
		w.enrol()
		w.pass(time.Minute)
		if err := w.watcher.Tick(t.Context()); (err != nil) != (failures > 0) {
			t.Fatalf("%d failures: tick: %v", failures, err)
		}
		w.run(30 * time.Minute)
		w.flush()
		if d := cmp.Diff([]string{"notice limit_lowered warning"}, w.post.said()); d != "" {
			t.Errorf("%d failures: told (-want +got):\n%s", failures, d)
		}
		var values []string
		for _, row := range w.history(quality.Subject{Kind: quality.Portfolio, WABAID: "1", ID: "999"}, quality.MessagingLimit) {
			values = append(values, row.Value)
		}
		if d := cmp.Diff([]string{"TIER_10K", "TIER_2K"}, values); d != "" {
			t.Errorf("%d failures: history of the portfolio (-want +got):\n%s", failures, d)
		}
	}
}
