package watch

import (
	"context"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// Outbox keeps the alerts that are to be sent. It is safe for concurrent use.
type Outbox interface {
	// Unsent lists alerts created before a time and not yet done with, the oldest first, at
	// most limit. It may lag, and repeat what was just sent.
	Unsent(ctx context.Context, before time.Time, limit int) ([]AlertKey, error)
	// Later lists alerts of the same incidents as some alerts that are not done with either. It
	// may lag and repeat, and misses some of a very long backlog.
	Later(ctx context.Context, than []Outgoing) ([]AlertKey, error)
	// Outgoing reads alerts; those that do not exist are left out.
	Outgoing(ctx context.Context, keys []AlertKey) ([]Outgoing, error)
	// Update stores the delivery part of alerts, at least one and at most MaxUpdate, all of them
	// or none, on condition of the Rev of each, which it then counts up. ErrConflict, ErrAmbiguous.
	Update(ctx context.Context, alerts ...*Outgoing) error
	// FirstLook lists the alerts of a first look that head, the summary's own alert, stands for.
	FirstLook(ctx context.Context, head Outgoing) ([]AlertKey, error)
}

// MaxUpdate is how many alerts one Update takes.
const MaxUpdate = 90

// AlertKey locates an alert in the table; it means nothing outside the store.
type AlertKey struct{ Partition, Sort string }

// Outgoing is an alert with the state of its delivery.
type Outgoing struct {
	Key   AlertKey
	Alert quality.Alert
	// Previous is the alert before it of the same incident, which goes out first; zero if none.
	Previous AlertKey
	// ClaimedBy is sending it until ClaimedUntil.
	ClaimedBy    string
	ClaimedUntil time.Time
	// Refused counts refusals that no repetition can cure.
	Refused int
	// SentAt is when the publisher accepted it, ParkedAt when it was given up; zero otherwise.
	SentAt, ParkedAt time.Time
	// FoldedInto is the alert that was sent in place of this one.
	FoldedInto string
	Rev        int64
}

// Done reports whether nothing is left to do.
func (o Outgoing) Done() bool { return !o.SentAt.IsZero() || !o.ParkedAt.IsZero() }
