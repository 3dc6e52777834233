// Package watch holds the use cases of wabawatch: Observe takes in what a webhook said, Poll
// asks Meta what no webhook tells, Tick lets clocks run, Deliver sends what is to be told. It
// decides when to do things and in what order, so that nothing acknowledged is lost and nothing
// is told twice; what things mean is decided in package quality.
package watch

import (
	"context"
	"errors"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// Errors that a Store promises.
var (
	// ErrConflict: somebody else wrote first. Nothing was written; read again.
	ErrConflict = errors.New("written by somebody else")
	// ErrAmbiguous: the answer was lost; everything was written, or nothing. Read again.
	ErrAmbiguous = errors.New("perhaps written")
	// ErrNotFound: there is no such thing.
	ErrNotFound = errors.New("not found")
)

// Store keeps what is known. It is safe for concurrent use. Reads are strongly consistent
// unless said otherwise. Every method may fail with an error of the medium, and then wrote
// nothing that a repetition would not write.
type Store interface {
	// Load returns the states of subjects, zero but for Subject where there is none, and the
	// heads of the logs of their accounts.
	Load(ctx context.Context, subjects []quality.Subject) (map[quality.Subject]quality.State, map[string]quality.Heads, error)
	// Account returns all states of one account ("" for the deployment).
	Account(ctx context.Context, wabaID string) ([]quality.State, error)
	// Stored says which of some points are stored.
	Stored(ctx context.Context, points []quality.Point) (map[quality.Subject]map[quality.PointKey]bool, error)
	// Evidence reads what need asks of a subject.
	Evidence(ctx context.Context, s quality.Subject, need quality.Need) (map[quality.Signal]quality.Evidence, error)
	// Commit stores changes, each whole or not at all: state, points and alerts together, on
	// condition that the state has the version it was read with. It returns the subjects that
	// were not stored because somebody else was faster, or perhaps stored because an answer was
	// lost: they are to be read and merged again. A non-nil error says that some of the others
	// were not stored either.
	Commit(ctx context.Context, changes []quality.Change) (again []quality.Subject, err error)

	// Schedule returns when an account is to be polled, zero but for WABAID if never scheduled.
	Schedule(ctx context.Context, wabaID string) (Schedule, error)
	// PutSchedule stores a schedule on condition of its Rev, and with it the entries of the
	// poll log. ErrConflict, ErrAmbiguous.
	PutSchedule(ctx context.Context, s Schedule, entries map[quality.Class]quality.LogEntry) error
	// Due returns subjects whose Due, and accounts whose Next, is not after now: at most limit of
	// each, the longest overdue first. It may lag, and repeat what was just done.
	Due(ctx context.Context, now time.Time, limit int) (subjects []quality.Subject, wabaIDs []string, err error)

	// Accounts lists the accounts, in order of id.
	Accounts(ctx context.Context) ([]Account, error)
	// AccountRecord returns one of them, or ErrNotFound.
	AccountRecord(ctx context.Context, wabaID string) (Account, error)
	// PutAccount stores an account on condition of its Rev (0: it is new). ErrConflict, ErrAmbiguous.
	PutAccount(ctx context.Context, a Account) error

	// ClaimPortfolio makes wabaID the home of a portfolio unless it has one, and returns its home.
	ClaimPortfolio(ctx context.Context, portfolioID, wabaID string) (home string, err error)

	// Received returns when each receipt of r was first received. See Receipts.
	Received(ctx context.Context, r Receipts, now time.Time) (map[string]time.Time, error)
	// Novelties stores unknown things and counts them, but for those of which the very same was stored
	// before. ErrConflict and ErrAmbiguous: some may have been stored; the same again stores the rest.
	Novelties(ctx context.Context, things []quality.Novelty) error
	// KnownNovelties says which kinds of unknown things were stored before.
	KnownNovelties(ctx context.Context, kinds []string) (map[string]bool, error)
	// AddAlert stores an alert that belongs to no commit, once.
	AddAlert(ctx context.Context, s quality.Subject, a quality.Alert) error
	// Heartbeat remembers that a webhook of an account came, at most every 5 minutes.
	Heartbeat(ctx context.Context, wabaID string, now time.Time) error
}

// Receipts are digests of readings whose own time cannot be used, or could not be once.
type Receipts struct {
	// Undated readings have no time, Ahead are dated too far ahead: both are remembered for 8
	// days with the time at which they first came.
	Undated, Ahead []string
	// Dated readings look all right, but may be copies of one that was too far ahead when it
	// first came. They are looked up only.
	Dated []string
}
