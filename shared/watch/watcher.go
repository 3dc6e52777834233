package watch

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// Source asks Meta. Its errors are *quality.PollError.
type Source interface {
	// Poll asks one class of one account; of class Self, the account is "". It may return both a
	// sighting and an error: then the sighting is not complete.
	Poll(ctx context.Context, class quality.Class, wabaID string) (quality.Sighting, error)
	// NumberExists reports whether a phone number's own node can still be read.
	NumberExists(ctx context.Context, phoneNumberID string) (bool, error)
	// Discover lists the accounts of a business portfolio.
	Discover(ctx context.Context, businessID string) ([]string, error)
}

// Watcher takes in what webhooks tell and polls see. Its fields are set before first use; it
// is safe for concurrent use.
type Watcher struct {
	Store Store
	// Source is nil when there is no polling.
	Source Source
	Rules  quality.Rules
	Now    func() time.Time
	Log    *slog.Logger
	// Interval is the cadence of polls of numbers; the others are multiples of it.
	Interval time.Duration
	// WABAIDs are the accounts that are configured, BusinessID owns others to be discovered.
	WABAIDs    []string
	BusinessID string
	// Holder names this process in leases, uniquely among those that share the store. A process
	// that takes the place of a dead one may take over its name, and with Release its leases.
	Holder string
	// Lease is how long one run of polls may hold an account where its context has no deadline;
	// otherwise the lease outlives the deadline by a minute.
	Lease time.Duration
	// Parallel bounds accounts polled at once; 0 means 16.
	Parallel int

	telling  sync.Mutex // held while unknown things are told
	mu       sync.Mutex
	enrolled map[string]bool
	// undiscovered counts discoveries that failed since one succeeded.
	undiscovered int
}
