package awscall

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const (
	// attemptTimeout bounds one attempt from its first byte to its last.
	attemptTimeout = 12 * time.Second
	// maxAnswer bounds an answer. The longest is of BatchGetItem: items of 16 MB, more in JSON,
	// where a quotation mark takes two bytes.
	maxAnswer = 40 << 20
	// skewThreshold is how far clocks must be apart for that to explain a refusal. AWS takes
	// signatures that are 5 minutes old.
	skewThreshold = 4 * time.Minute
)

// outcome is how one attempt ended; its zero value is success.
type outcome struct {
	err     error
	refusal *Error // err, if the service gave it
	// lost says that the request may have been carried out all the same.
	lost bool
	// temporary says that it was not, and that another attempt may end otherwise.
	temporary bool
	// skew is what the clock of the service is ahead of ours; known only with a refusal.
	skew      time.Duration
	skewKnown bool
}

// attempt sends a request once.
func (c *Client) attempt(ctx context.Context, r Request) outcome {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	req, err := c.request(ctx, r)
	if err != nil {
		return outcome{err: err}
	}
	resp, err := c.http.Do(req)
	if err != nil {
		// Without a connection nothing was sent.
		op, isOp := errors.AsType[*net.OpError](err)
		dial := isOp && op.Op == "dial"
		return outcome{err: err, lost: !dial, temporary: dial}
	}
	body, err := readAnswer(resp)
	if err != nil {
		return outcome{err: err, lost: true}
	}
	if resp.StatusCode != http.StatusOK {
		return refused(c.service, resp, body)
	}
	if r.Read != nil {
		if err := r.Read(body); err != nil {
			return outcome{err: fmt.Errorf("read answer: %w", err), lost: true}
		}
	}
	return outcome{}
}

// request builds and signs what goes out.
func (c *Client) request(ctx context.Context, r Request) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(r.Body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", c.service.ContentType)
	if c.service.Target != "" {
		req.Header.Set("X-Amz-Target", c.service.Target+"."+r.Operation)
	}
	// The checksum of an answer is that of its bytes as they were before they were packed.
	req.Header.Set("Accept-Encoding", "identity")
	req.Header.Set("User-Agent", "wabawatch")
	if c.credentials == nil {
		return nil, errors.New("no credentials")
	}
	creds, err := c.credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("credentials: %w", err)
	}
	sum := sha256.Sum256(r.Body)
	at := time.Now().Add(time.Duration(c.skew.Load()))
	if err := c.signer.SignHTTP(ctx, creds, req, hex.EncodeToString(sum[:]), c.service.Name, c.region, at); err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return req, nil
}

// readAnswer reads the whole answer and compares it with the checksum it came with, if any.
func readAnswer(resp *http.Response) ([]byte, error) {
	var b bytes.Buffer
	if n := resp.ContentLength; n > 0 && n <= maxAnswer {
		b.Grow(int(n) + bytes.MinRead)
	}
	_, err := b.ReadFrom(io.LimitReader(resp.Body, maxAnswer+1))
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if b.Len() > maxAnswer {
		return nil, fmt.Errorf("answer of more than %d bytes", maxAnswer)
	}
	want := resp.Header.Get("X-Amz-Crc32")
	if want == "" || resp.Header.Get("Content-Encoding") != "" || resp.Uncompressed {
		return b.Bytes(), nil
	}
	if got := strconv.FormatUint(uint64(crc32.ChecksumIEEE(b.Bytes())), 10); got != want {
		return nil, fmt.Errorf("answer has checksum %s, not %s", got, want)
	}
	return b.Bytes(), nil
}

// refused tells refusals apart.
func refused(s Service, resp *http.Response, body []byte) outcome {
	e := newError(s, resp, body)
	out := outcome{err: e, refusal: e}
	// Only with 4xx it says that nothing was done.
	out.lost = e.Status < 400 || e.Status >= 500 || slices.Contains(internalCodes, e.Code)
	out.temporary = e.Status == http.StatusTooManyRequests || slices.Contains(temporaryCodes, e.Code)
	// A cache in between would tell its own time, or an old one.
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil && resp.Header.Get("Age") == "" {
		out.skew, out.skewKnown = time.Until(at), true
	}
	return out
}

// mend changes what can be changed about a refusal, and says what it was; "" if nothing can.
func (c *Client) mend(out outcome) string {
	if out.refusal == nil || out.lost {
		return ""
	}
	switch {
	case slices.Contains(skewCodes, out.refusal.Code):
		if off := out.skew - time.Duration(c.skew.Load()); out.skewKnown && off.Abs() > skewThreshold {
			c.skew.Store(int64(out.skew))
			return "clock"
		}
	case slices.Contains(expiredCodes, out.refusal.Code):
		// Those that are remembered are forgotten; others are read anew by each attempt anyway.
		if cache, ok := c.credentials.(interface{ Invalidate() }); ok {
			cache.Invalidate()
		}
		return "credentials"
	}
	return ""
}

var _ interface{ Invalidate() } = (*aws.CredentialsCache)(nil)
