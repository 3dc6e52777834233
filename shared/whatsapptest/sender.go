package whatsapptest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// Sender sends webhooks as Meta does. It is safe for concurrent use.
type Sender struct {
	// URL is the callback URL.
	URL string
	// AppSecret signs the bodies.
	AppSecret string
	// Client is used if not nil.
	Client *http.Client
}

// Sign is the X-Hub-Signature-256 of a body.
func Sign(appSecret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(appSecret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// Post signs a body, posts it, and returns the status of the answer.
func (s *Sender) Post(ctx context.Context, body []byte) (status int, err error) {
	return s.PostSigned(ctx, body, Sign(s.AppSecret, body))
}

// PostSigned posts a body under any signature; "" sends none.
func (s *Sender) PostSigned(ctx context.Context, body []byte, signature string) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "facebookexternalua")
	if signature != "" {
		req.Header.Set("X-Hub-Signature-256", signature)
	}
	status, _, err = s.do(req)
	return status, err
}

// Verify sends the request by which Meta verifies a callback URL, and returns the answer.
func (s *Sender) Verify(ctx context.Context, verifyToken, challenge string) (status int, body string, err error) {
	q := url.Values{"hub.mode": {"subscribe"}, "hub.challenge": {challenge}, "hub.verify_token": {verifyToken}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"?"+q.Encode(), nil)
	if err != nil {
		return 0, "", err
	}
	return s.do(req)
}

func (s *Sender) do(req *http.Request) (status int, body string, err error) {
	client := s.Client
	if client == nil {
		client = http.DefaultClient
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, string(b), err
}

// Send posts all changes in one body.
func (s *Sender) Send(ctx context.Context, changes ...Change) (status int, err error) {
	return s.Post(ctx, Body(changes...))
}

// SendEach posts each change in a body of its own, and stops at the first that is not answered
// with 200.
func (s *Sender) SendEach(ctx context.Context, changes ...Change) (status int, err error) {
	status = http.StatusOK
	for _, c := range changes {
		if status, err = s.Send(ctx, c); err != nil || status != http.StatusOK {
			break
		}
	}
	return status, err
}

// SendTwice posts all changes in one body, and the same body again, as after a lost answer. It
// returns the second status.
func (s *Sender) SendTwice(ctx context.Context, changes ...Change) (status int, err error) {
	body := Body(changes...)
	if status, err = s.Post(ctx, body); err != nil {
		return status, err
	}
	return s.Post(ctx, body)
}

// SendShuffled posts each change in a body of its own, in random order.
func (s *Sender) SendShuffled(ctx context.Context, rng *rand.Rand, changes ...Change) (status int, err error) {
	mixed := slices.Clone(changes)
	rng.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
	return s.SendEach(ctx, mixed...)
}

// Deliver posts all changes in one body until it is answered with 200, five times at most.
// Meta goes on for days.
func (s *Sender) Deliver(ctx context.Context, changes ...Change) error {
	body := Body(changes...)
	for try := 1; ; try++ {
		status, err := s.Post(ctx, body)
		switch {
		case err == nil && status == http.StatusOK:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case try == 5 && err != nil:
			return fmt.Errorf("deliver webhook: %w", err)
		case try == 5:
			return fmt.Errorf("deliver webhook: answered with %d", status)
		}
		if err := pause(ctx, time.Duration(try)*100*time.Millisecond); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
