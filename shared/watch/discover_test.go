package watch_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/watch"
)

// business is a Meta that is asked for the accounts of a portfolio.
type business struct {
	*meta
	discover func(ctx context.Context) ([]string, error)
}

func (b business) Discover(ctx context.Context, _ string) ([]string, error) { return b.discover(ctx) }

// TestDiscoveryThatHangsHoldsBackNobody: the accounts that are known are polled meanwhile.
func TestDiscoveryThatHangsHoldsBackNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.watcher.Now, w.meta.now = time.Now, time.Now
		w.watcher.BusinessID = "9"
		w.watcher.Source = business{w.meta, func(ctx context.Context) ([]string, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		w.enrol()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		w.watcher.Run(ctx, time.Second)
		if w.meta.polls[quality.Numbers] == 0 {
			t.Error("not polled while discovery hangs")
		}
	})
}

// TestDiscoveryIsTriedAgainSoon: an outage at the start does not hide the accounts for an hour.
func TestDiscoveryIsTriedAgainSoon(t *testing.T) {
	down := &quality.PollError{Failure: quality.FailTemporary, Err: errors.New("503")}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.watcher.Now, w.meta.now = time.Now, time.Now
		w.watcher.WABAIDs, w.watcher.BusinessID = nil, "9"
		calls := 0
		w.watcher.Source = business{w.meta, func(context.Context) ([]string, error) {
			if calls++; calls == 1 {
				return nil, down
			}
			return []string{"1"}, nil
		}}
		ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute)
		defer cancel()
		w.watcher.Run(ctx, time.Second)
		if calls != 2 || w.meta.polls[quality.Numbers] == 0 {
			t.Errorf("%d discoveries, %d polls in six minutes", calls, w.meta.polls[quality.Numbers])
		}
	})
	for _, f := range []quality.PollFailure{quality.FailForbidden, quality.FailMissing} {
		if d := new(watch.Watcher).DiscoverAfter(&quality.PollError{Failure: f, Err: errors.New("(#200)")}); d != time.Hour {
			t.Errorf("after %s: %s, want an hour", f, d)
		}
	}
}

// TestDiscoveryThatFailsIsBlindness: what cannot be listed is not watched, and silence would look
// like health.
func TestDiscoveryThatFailsIsBlindness(t *testing.T) {
	fail := func(f quality.PollFailure) error { return &quality.PollError{Failure: f, Err: errors.New("no")} }
	for _, tc := range []struct {
		name string
		errs []error
		want []string
	}{
		{"refused", []error{fail(quality.FailForbidden), fail(quality.FailForbidden)}, []string{"firing watch_blind critical"}},
		{"refused, then granted", []error{fail(quality.FailMissing), nil, nil}, []string{"firing watch_blind critical", "resolved watch_blind critical"}},
		{"an outage that passes", []error{fail(quality.FailTemporary), fail(quality.FailTemporary), nil}, nil},
		{"an outage that lasts", []error{fail(quality.FailTemporary), fail(quality.FailTemporary), fail(quality.FailTemporary)}, []string{"firing watch_blind critical"}},
		{"a bad token, which is told by itself", []error{fail(quality.FailToken), fail(quality.FailToken), fail(quality.FailToken)}, nil},
		{"never a failure", []error{nil, nil}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, nil)
			n := 0
			w.watcher.BusinessID = "9"
			w.watcher.Source = business{w.meta, func(context.Context) ([]string, error) {
				n++
				return nil, tc.errs[n-1]
			}}
			for _, want := range tc.errs {
				if err := w.watcher.Discover(t.Context()); (err == nil) != (want == nil) {
					t.Errorf("Discover = %v, want %v", err, want)
				}
				w.flush()
				w.pass(time.Minute)
			}
			if d := cmp.Diff(tc.want, w.post.said()); d != "" {
				t.Errorf("told (-want +got):\n%s", d)
			}
		})
	}
}
