package whatsapp

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

const (
	attempts   = 3                      // of one call
	firstWait  = 500 * time.Millisecond // doubled for each further attempt, and jittered in full
	longestNap = 5 * time.Second        // a longer Retry-After ends the poll instead
)

// visit is one poll, or one question, of one account: its token, and what its answers said
// about our allowance and our clock. It is used by one goroutine.
type visit struct {
	c     *Client
	token string
	// secret proves the calls; "" for calls without proof.
	secret string
	clean  func(string) string
	usage  quality.Usage
	// at is when the last call that succeeded began, by the server's clock.
	at time.Time
}

func (c *Client) visit() *visit {
	token := strings.TrimSpace(c.cfg.Token())
	v := &visit{c: c, token: token}
	secrets := []string{token}
	if c.cfg.AppSecret != nil {
		v.secret = c.cfg.AppSecret()
		secrets = append(secrets, v.secret, proof(v.secret, token))
	}
	v.clean = cleaner(secrets...)
	return v
}

// errNoToken is a token that is empty, or that no header can carry.
var errNoToken = &Error{Code: 190, Message: "the access token is empty or malformed"}

// errBadID is an id that is not a decimal string: it would not stay one segment of a path.
var errBadID = malformed("an id is not a decimal string")

// get calls an endpoint and has read take in the answer. read may be called once per attempt;
// each time it starts anew.
func (v *visit) get(ctx context.Context, path string, query url.Values, read func(io.Reader) error) error {
	return v.call(ctx, http.MethodGet, path, query, nil, read)
}

// call makes at most three attempts, with full jitter between them. It never repeats what
// cannot succeed, nor waits long: then the account is left alone until later.
func (v *visit) call(ctx context.Context, method, path string, query url.Values, body []byte, read func(io.Reader) error) error {
	if v.token == "" || strings.ContainsFunc(v.token, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return errNoToken
	}
	for try := 1; ; try++ {
		err := v.once(ctx, method, path, query, body, read)
		if err == nil {
			return nil
		}
		wait := v.c.cfg.Jitter(firstWait << (try - 1))
		e, ok := errors.AsType[*Error](err)
		switch {
		case !ok || !e.Temporary() || try == attempts || e.Code == codeBadCursor || ctx.Err() != nil:
			return err
		case e.RetryAfter > longestNap || e.Failure() == quality.FailThrottled && e.RetryAfter == 0:
			return err
		}
		wait = max(wait, e.RetryAfter)
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < wait {
			return err
		}
		v.c.log.DebugContext(ctx, "call to meta repeated", "attempt", try, "wait", wait, "err", e)
		if v.c.cfg.Sleep(ctx, wait) != nil {
			return err
		}
	}
}

// once makes one attempt.
func (v *visit) once(ctx context.Context, method, path string, query url.Values, body []byte, read func(io.Reader) error) error {
	ctx, cancel := context.WithTimeout(ctx, v.c.cfg.Timeout)
	defer cancel()
	u := v.c.base
	u.Path = "/" + v.c.cfg.Version + "/" + path
	if v.secret != "" {
		signed := url.Values{"appsecret_proof": {proof(v.secret, v.token)}}
		for k, vs := range query {
			signed[k] = vs
		}
		query = signed
	}
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return noAnswer(err, v.clean)
	}
	req.Header.Set("Authorization", "Bearer "+v.token)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "wabawatch")
	start := v.c.cfg.Now()
	res, err := v.c.cfg.HTTP.Do(req)
	if err != nil {
		return noAnswer(err, v.clean)
	}
	end := v.c.cfg.Now()
	defer res.Body.Close()
	usage := usageOf(res.Header)
	v.usage = worse(v.usage, usage)
	if res.StatusCode < 200 || res.StatusCode > 299 {
		e := readError(res.StatusCode, res.Body, v.clean)
		e.RetryAfter = max(retryAfter(res.Header, end), usage.RegainAfter)
		e.TraceID = cmp.Or(e.TraceID, v.clean(res.Header.Get("X-Fb-Trace-Id")))
		return e
	}
	if err := v.take(res.Body, read); err != nil {
		return err
	}
	v.at = corrected(start, end, res.Header)
	v.c.checkVersion(ctx, res.Header.Get("Facebook-Api-Version"))
	return nil
}

// take has read take in the body of a success. A body that breaks off, or is no JSON, is
// worth another attempt; JSON of the wrong shape is not.
func (v *visit) take(body io.Reader, read func(io.Reader) error) error {
	limited := &io.LimitedReader{R: body, N: maxPageBytes + 1}
	err := read(limited)
	if limited.N <= 0 {
		return malformed("the answer is larger than 16 MB")
	}
	if err == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(limited, 4<<10)) // the connection is then used again
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		for _, s := range []*string{&e.Message, &e.Details, &e.Type, &e.TraceID} {
			*s = v.clean(*s)
		}
		return e
	}
	e := noAnswer(err, v.clean)
	e.Status = http.StatusOK
	if e.ended == nil {
		e.Message = "the answer breaks off or is not JSON"
	}
	return e
}

// checkVersion warns once when another version answered: ours has been removed.
func (c *Client) checkVersion(ctx context.Context, answered string) {
	if answered == "" || answered == c.cfg.Version || !versionPattern().MatchString(answered) {
		return
	}
	c.mu.Lock()
	known := c.warned == answered
	c.warned = answered
	c.mu.Unlock()
	if !known {
		c.log.WarnContext(ctx, "meta answered with another version", "asked", c.cfg.Version, "answered", answered)
	}
}

// exhausted is the error that breaks a poll off when hardly anything of our allowance is left.
func (v *visit) exhausted() error {
	if v.usage.Percent < stopAbove && v.usage.RegainAfter == 0 {
		return nil
	}
	return &Error{Code: NoCode, Status: http.StatusTooManyRequests, RetryAfter: v.usage.RegainAfter,
		Message: "stopped before Meta's call allowance is spent"}
}

// isID reports whether s is a decimal id as Meta gives them.
func isID(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "0123456789") == ""
}
