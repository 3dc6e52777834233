package dynamo

import (
	"context"
	"time"

	"github.com/wabawatch/wabawatch/shared/store"
)

const warmTimeout = 2 * time.Second

// Warm begins a call that opens the connection, so that the first request need not, and returns
// a function that waits for it. It tells nothing: whatever is wrong, the first request will say.
func (t *Table) Warm(ctx context.Context) (wait func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		ctx, cancel := context.WithTimeout(ctx, warmTimeout)
		defer cancel()
		_, _ = t.Get(ctx, store.Key{PK: "WARM", SK: "UP"})
	}()
	return func() { <-done }
}
