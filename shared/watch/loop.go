package watch

import (
	"context"
	"sync"
	"time"
)

// Run does what Tick does, every so often until ctx ends, but waits for nobody: a discovery or an
// account whose polls hang holds back neither clocks nor other accounts. It returns when
// everything it began is over.
func (w *Watcher) Run(ctx context.Context, every time.Duration) {
	t := time.NewTicker(every)
	defer t.Stop()
	var under sync.WaitGroup
	defer under.Wait()
	polling := newPollers(w.parallel())
	if w.BusinessID != "" && w.Source != nil {
		under.Go(func() { w.discover(ctx) })
	}
	for {
		subjects, wabaIDs, err := w.Store.Due(ctx, w.Now().UTC(), maxDue)
		if err == nil {
			err = w.letClocksRun(ctx, subjects)
		}
		if err != nil && ctx.Err() == nil {
			w.Log.ErrorContext(ctx, "clocks do not run", "err", err)
		}
		for _, id := range wabaIDs {
			if w.Source == nil || !polling.begin(id) {
				continue
			}
			under.Go(func() {
				defer polling.end(id)
				if err := w.PollAccount(ctx, id); err != nil && ctx.Err() == nil {
					w.Log.ErrorContext(ctx, "poll incomplete", "waba", id, "err", err)
				}
			})
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// pollers are the accounts that are being polled by one process, bounded in number.
type pollers struct {
	mu    sync.Mutex
	busy  map[string]bool
	limit int
}

func newPollers(limit int) *pollers { return &pollers{busy: map[string]bool{}, limit: limit} }

// begin reports whether an account may be polled now; then end must follow.
func (p *pollers) begin(wabaID string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy[wabaID] || len(p.busy) >= p.limit {
		return false
	}
	p.busy[wabaID] = true
	return true
}

func (p *pollers) end(wabaID string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.busy, wabaID)
}
