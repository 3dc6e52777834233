// Package awscall is one signed HTTP call to a service of AWS, as the functions make it: a
// request signed by the SDK's own signer, sent, its answer read whole and checked, its refusals
// told apart, and repeated where that is wise. What a request says and what its answer means is
// the affair of those who call; paging, waiting for states and streams are not to be had here.
//
// It stands in place of the SDK's clients, which build tables of everything their service can
// do before a function has begun: for the few operations wabawatch needs, every cold start
// would pay for hundreds.
package awscall

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Bounds of a call, unless a Client says otherwise.
const (
	defaultAttempts = 3
	defaultWait     = 50 * time.Millisecond
	maxDoublings    = 5
)

// ErrLost is wrapped by the error of a call one of whose attempts was sent and not answered in
// a way that can be understood: it may have been carried out, whatever was answered since.
var ErrLost = errors.New("an answer was lost")

// Client calls one service in one region. Its fields are set before first use; then it is safe
// for concurrent use.
type Client struct {
	// Attempts is how often a request is sent at most; 0 means 3.
	Attempts int
	// Wait is the most to wait before the second attempt, doubled for each further one; 0 means
	// 50 ms. How long in fact is left to chance, so that many callers do not return together.
	Wait time.Duration

	service     Service
	region, url string
	credentials aws.CredentialsProvider
	http        aws.HTTPClient
	signer      *v4.Signer
	// skew is what the service's clock is ahead of ours, once a request was refused for that.
	skew atomic.Int64
}

// New returns a client of the service with the region, the credentials, the endpoint and the
// HTTP client of cfg. It asks nobody anything.
func New(cfg aws.Config, s Service) *Client {
	c := &Client{
		service: s, region: cfg.Region, url: endpoint(cfg, s), credentials: cfg.Credentials, http: cfg.HTTPClient, signer: v4.NewSigner(),
	}
	if c.http == nil {
		c.http = NewHTTPClient()
	}
	return c
}

// Request is one operation to carry out.
type Request struct {
	// Operation is what AWS calls it, PutItem for instance.
	Operation string
	// Body is spelled as the protocol of the service wants it. It must not change until Do returns.
	Body []byte
	// Repeatable says that arriving twice does the same as once, or no harm. Other requests are
	// not sent again once an answer was lost: the second would meet the effect of the first.
	Repeatable bool
	// Read takes the answer to an accepted request, which must not be kept; nil ignores it. What
	// Read cannot read was damaged on its way, and counts as lost.
	Read func(answer []byte) error
	// Again, if set, says which refusals are worth another attempt, besides those that all
	// services have.
	Again func(*Error) bool
}

// Do carries out a request, in several attempts if need be, within the deadline of ctx. Its
// error wraps the last *Error of the service, if that was what ended it, and ErrLost if any
// attempt may have been carried out.
func (c *Client) Do(ctx context.Context, r Request) error {
	attempts, wait, lost := c.Attempts, c.Wait, false
	if attempts == 0 {
		attempts = defaultAttempts
	}
	if wait == 0 {
		wait = defaultWait
	}
	mended := map[string]bool{} // each of skew and credentials is worth one attempt
	for n := 0; ; n++ {
		out := c.attempt(ctx, r)
		if out.err == nil {
			return nil
		}
		lost = lost || out.lost
		again := n+1 < attempts && ctx.Err() == nil
		switch mend := c.mend(out); {
		case !again:
		case mend != "" && !mended[mend]:
			mended[mend] = true
			continue
		case out.lost:
			again = r.Repeatable
		default:
			again = out.temporary || r.Again != nil && out.refusal != nil && r.Again(out.refusal)
		}
		if !again || !pause(ctx, rand.N(wait<<min(n, maxDoublings))) {
			if lost {
				return fmt.Errorf("%s: %w: %w", r.Operation, ErrLost, out.err)
			}
			return fmt.Errorf("%s: %w", r.Operation, out.err)
		}
	}
}

// pause reports whether there is still time after d, and waits if so.
func pause(ctx context.Context, d time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
