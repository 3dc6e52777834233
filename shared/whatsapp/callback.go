package whatsapp

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// MaxBodyBytes is the largest body that is accepted: Meta's 3 MB, and some slack.
//
// Source: Meta, webhooks overview, checked 2026-11.
const MaxBodyBytes = 3<<20 + 64<<10

// CallbackSecrets are what proves that a request is Meta's.
type CallbackSecrets struct {
	AppSecrets  []string // newest first
	VerifyToken string
}

// Callback is what stands behind Meta's callback URL. Its fields are set before first use; it
// is safe for concurrent use.
type Callback struct {
	Secrets func() CallbackSecrets
	// Refresh reads the secrets again after a signature did not fit the newest, so that a rotation heals
	// itself; nil for secrets that do not change. It limits itself.
	Refresh func(context.Context) (CallbackSecrets, error)
	// Receive stores what a body says; until it returns nil the body is not acknowledged.
	Receive func(context.Context, quality.Delivery) error
	Log     *slog.Logger
	// Now dates what has no time of its own; nil is the system's clock.
	Now func() time.Time
}

// Response is the answer to a request. Body is plain text.
type Response struct {
	Status int
	Body   string
}

var unauthorized = Response{http.StatusUnauthorized, "unauthorized\n"}

// Verify answers the request by which Meta checks that the callback URL is ours: the challenge,
// as text, for the right token and for nothing else. Neither token nor challenge is logged.
//
// Source: Meta, webhooks, create a webhook endpoint, checked 2026-11.
func (c *Callback) Verify(mode, token, challenge string) Response {
	want := c.Secrets().VerifyToken
	a, b := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(want))
	right := subtle.ConstantTimeCompare(a[:], b[:]) == 1 && want != ""
	if !right || mode != "subscribe" {
		c.Log.Warn("verification refused", "token_fits", right, "mode_fits", mode == "subscribe")
		return Response{Status: http.StatusForbidden}
	}
	if !plain(challenge) {
		c.Log.Warn("verification refused: the challenge cannot be echoed")
		return Response{Status: http.StatusBadRequest}
	}
	c.Log.Info("callback URL verified")
	return Response{http.StatusOK, challenge}
}

// plain reports whether a challenge can be echoed without becoming markup.
func plain(challenge string) bool {
	if challenge == "" || len(challenge) > 256 {
		return false
	}
	const punctuation = "._~-+/="
	for _, r := range challenge {
		if !('0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || strings.ContainsRune(punctuation, r)) {
			return false
		}
	}
	return true
}

// Handle answers one notification: 401 unless the signature fits the exact bytes, 413 when
// there are too many, 500 when it could not be stored, and then Meta redelivers, else 200 with
// an empty body. body is only read before Handle returns.
func (c *Callback) Handle(ctx context.Context, signature string, body []byte) Response {
	mac, ok := ParseSignature(signature)
	if !ok {
		return unauthorized // strangers leave no trace in the log
	}
	if len(body) > MaxBodyBytes {
		c.Log.WarnContext(ctx, "notification too large", "bytes", len(body))
		return Response{http.StatusRequestEntityTooLarge, "too large\n"}
	}
	if !c.signed(ctx, mac, body) {
		c.Log.WarnContext(ctx, "notification refused", "why", "the signature fits no app secret", "bytes", len(body))
		return unauthorized
	}
	now := time.Now
	if c.Now != nil {
		now = c.Now
	}
	d := ParseDelivery(body, now())
	if err := c.Receive(ctx, d); err != nil {
		c.Log.ErrorContext(ctx, "notification not stored", "readings", len(d.Readings), "err", err)
		return Response{http.StatusInternalServerError, "not stored\n"}
	}
	if len(d.Readings)+len(d.Asks)+len(d.Unknown) > 0 || d.Test {
		c.Log.InfoContext(ctx, "notification stored", "readings", len(d.Readings), "unknown", len(d.Unknown), "accounts", len(d.WABAIDs), "bytes", len(body))
	}
	return Response{Status: http.StatusOK}
}

// signed reports whether a signature fits. One by the newest secret does. Of any other it is asked again
// what the secrets are: a newer one may have come, or an older one may have been dropped, perhaps because
// it is no secret any more.
func (c *Callback) signed(ctx context.Context, mac MAC, body []byte) bool {
	known := c.Secrets().AppSecrets
	newest := min(1, len(known))
	if VerifySignature(mac, body, known[:newest]...) {
		return true
	}
	older := VerifySignature(mac, body, known[newest:]...)
	if c.Refresh == nil {
		return older
	}
	s, err := c.Refresh(ctx)
	if err != nil {
		c.Log.WarnContext(ctx, "secrets not read again", "err", err)
		return older
	}
	return VerifySignature(mac, body, s.AppSecrets...)
}

// ServeHTTP is Verify and Handle over net/http.
func (c *Callback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet:
		write(w, c.VerifyQuery(r.URL.Query()))
	case http.MethodPost:
		write(w, c.post(w, r))
	default:
		w.Header().Set("Allow", "GET, POST")
		write(w, Response{http.StatusMethodNotAllowed, "method not allowed\n"})
	}
}

func (c *Callback) post(w http.ResponseWriter, r *http.Request) Response {
	// Joined, as gateways do it: two signatures are none.
	signature := strings.Join(r.Header.Values(SignatureHeader), ",")
	if _, ok := ParseSignature(signature); !ok {
		drain(r)
		return c.Handle(r.Context(), signature, nil)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBodyBytes))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		drain(r)
		c.Log.WarnContext(r.Context(), "notification too large")
		return Response{http.StatusRequestEntityTooLarge, "too large\n"}
	}
	if err != nil {
		c.Log.WarnContext(r.Context(), "notification broke off", "err", err)
		return Response{http.StatusBadRequest, "body broke off\n"}
	}
	return c.Handle(r.Context(), signature, body)
}

// maxDrainBytes is how much is read of a body that nobody wants: twice what API Gateway lets
// through.
const maxDrainBytes = 20 << 20

// drain reads what a refused sender is still sending, since many read no answer before they are
// done, and would see a broken connection instead. Who asked first need not send at all.
func drain(r *http.Request) {
	if r.Header.Get("Expect") == "" {
		_, _ = io.CopyN(io.Discard, r.Body, maxDrainBytes) // it is refused, whatever comes
	}
}

func write(w http.ResponseWriter, resp Response) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(resp.Status)
	_, _ = io.WriteString(w, resp.Body) // nobody is left to tell
}

// VerifyQuery is Verify with the parameters of a URL.
func (c *Callback) VerifyQuery(q url.Values) Response {
	return c.Verify(q.Get("hub.mode"), q.Get("hub.verify_token"), q.Get("hub.challenge"))
}

// Shaped reports whether a header can be a signature; see ParseSignature.
func Shaped(header string) bool {
	_, ok := ParseSignature(header)
	return ok
}

// Parts returns the status and the body of an answer.
func (r Response) Parts() (status int, body string) { return r.Status, r.Body }
