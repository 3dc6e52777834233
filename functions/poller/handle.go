package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/wabawatch/wabawatch/shared/config"
	"github.com/wabawatch/wabawatch/shared/watch"
)

type poller struct {
	watcher  *watch.Watcher
	secrets  *config.Source
	log      *slog.Logger
	enrolled time.Time
	discover time.Time // when to look for accounts again
}

// reserve is kept back from the invocation's time to write down what was done.
const reserve = 5 * time.Second

// enrolEvery is how often configured accounts are looked up again.
const enrolEvery = time.Hour

// handle does what is due, whatever the event says. Failures of single accounts are logged and
// tried again when they are due; the invocation fails only if nothing could be done at all.
func (p *poller) handle(ctx context.Context, _ json.RawMessage) error {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-reserve))
		defer cancel()
	}
	if _, err := p.secrets.Refresh(ctx); err != nil {
		p.log.WarnContext(ctx, "secrets not read again", "err", err)
	}
	if time.Since(p.enrolled) > enrolEvery {
		if err := p.watcher.Enrol(ctx); err != nil {
			return fmt.Errorf("enrol: %w", err)
		}
		p.enrolled = time.Now()
	}
	if time.Now().After(p.discover) {
		// Beside the polls: a discovery that hangs would take all their time.
		var discovering sync.WaitGroup
		defer discovering.Wait()
		discovering.Go(func() {
			err := p.watcher.Discover(ctx)
			if err != nil {
				p.log.ErrorContext(ctx, "discovery failed", "err", err)
			}
			p.discover = time.Now().Add(p.watcher.DiscoverAfter(err))
		})
	}
	err := p.watcher.Tick(ctx)
	if errors.Is(err, watch.ErrNothingDone) {
		return err
	}
	if err != nil {
		p.log.ErrorContext(ctx, "tick incomplete", "err", err)
	}
	return nil
}
