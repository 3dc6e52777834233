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
	// PutAccount stores an account on condition of its Rev (0: it is new). ErrConflict.
	PutAccount(ctx context.Context, a Account) error

	// ClaimPortfolio makes wabaID the home of a portfolio unless it has one, and returns its home.
	ClaimPortfolio(ctx context.Context, portfolioID, wabaID string) (home string, err error)

	// Received returns when each receipt of r was first received. See Receipts.
	Received(ctx context.Context, r Receipts, now time.Time) (map[string]time.Time, error)
	// Novelty stores something unknown and counts it, unless the very same was stored before.
	Novelty(ctx context.Context, n quality.Novelty) error
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

// Origin says how an account came to be watched.
type Origin string

// The origins of an account. A webhook's accounts are polled if the token can read them.
const (
	Configured Origin = "configured"
	Discovered Origin = "discovered"
	Heard      Origin = "webhook"
)

// Account is an account that is watched.
type Account struct {
	WABAID string
	Origin Origin
	Name   string
	// PortfolioID owns the account; "" while unknown. Home is the account under which the
	// portfolio's state is kept: the first that named it.
	PortfolioID, Home string
	Rev               int64
}

// Portfolio is the subject that owns the account's messaging limit.
func (a Account) Portfolio() quality.Subject {
	if a.PortfolioID == "" {
		return quality.Subject{Kind: quality.Portfolio, WABAID: a.WABAID, ID: a.WABAID}
	}
	return quality.Subject{Kind: quality.Portfolio, WABAID: a.Home, ID: a.PortfolioID}
}

// Schedule says when an account is polled, and who is doing it.
type Schedule struct {
	WABAID  string
	Classes map[quality.Class]ClassSchedule
	// LeaseBy holds the account until LeaseUntil: only it writes the track seen and the log.
	LeaseBy    string
	LeaseUntil time.Time
	// QuietUntil is until when no call is made for the account, whoever asks: its allowance is spent.
	QuietUntil time.Time
	// JudgeAt is when the account will have been without a successful poll for too long.
	JudgeAt time.Time
	// Off stops polling: the account is not ours to read.
	Off bool
	Rev int64
}

// ClassSchedule is the schedule of one poll class.
type ClassSchedule struct {
	Due time.Time
	// AskedAt is when a webhook last asked for a poll.
	AskedAt time.Time
	// Since is when the class was first scheduled, OKAt its last success, FailedAt and Failure its last failure.
	Since, OKAt, FailedAt time.Time
	Failure               quality.PollFailure
	// Fails counts failures since the last success.
	Fails int
	Head  quality.Head
}

// Next is when the account wants attention: its earliest due class, unless it is to be left
// alone; before that, when its blindness is to be judged; or when the lease ends.
func (s Schedule) Next(now time.Time) time.Time {
	if s.Off {
		return time.Time{}
	}
	var next time.Time
	for _, c := range s.Classes {
		if !c.Due.IsZero() && (next.IsZero() || c.Due.Before(next)) {
			next = c.Due
		}
	}
	if !next.IsZero() {
		next = later(next, s.QuietUntil)
	}
	if !s.JudgeAt.IsZero() && s.JudgeAt.Before(next) {
		next = s.JudgeAt
	}
	if s.LeaseBy != "" && s.LeaseUntil.After(now) && !next.IsZero() {
		return s.LeaseUntil
	}
	return next
}

// polled reports whether any class has ever succeeded.
func (s Schedule) polled() bool {
	for _, c := range s.Classes {
		if !c.OKAt.IsZero() {
			return true
		}
	}
	return false
}

// Heads returns the heads of all classes.
func (s Schedule) Heads() quality.Heads {
	heads := make(quality.Heads, len(s.Classes))
	for class, c := range s.Classes {
		heads[class] = c.Head
	}
	return heads
}
