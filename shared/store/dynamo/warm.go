package dynamo

import (
	"context"
	"time"

	"github.com/wabawatch/wabawatch/shared/store"
)

const warmTimeout = 2 * time.Second

// Warm opens the connection while the rest of a cold start, and Lambda's own part of it, go on,
// so that the first request need not. It returns at once and tells nothing: whatever is wrong,
// the first request will say.
func (t *Table) Warm(ctx context.Context) {
	go func() {
		ctx, cancel := context.WithTimeout(ctx, warmTimeout)
		defer cancel()
		_, _ = t.Get(ctx, store.Key{PK: "WARM", SK: "UP"})
	}()
}
