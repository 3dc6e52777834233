// Package api answers queries over HTTP: accounts, numbers, templates, their history, alerts
// and incidents, as JSON. It reads and never writes, and it answers nobody without a token.
package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/watch"
)

// Reader is what queries read. Its methods are those of a watch.Store, and two that list.
type Reader interface {
	Accounts(ctx context.Context) ([]watch.Account, error)
	AccountRecord(ctx context.Context, wabaID string) (watch.Account, error)
	Account(ctx context.Context, wabaID string) ([]quality.State, error)
	Load(ctx context.Context, subjects []quality.Subject) (map[quality.Subject]quality.State, map[string]quality.Heads, error)
	Evidence(ctx context.Context, s quality.Subject, need quality.Need) (map[quality.Signal]quality.Evidence, error)
	Schedule(ctx context.Context, wabaID string) (watch.Schedule, error)
	LastWebhook(ctx context.Context, wabaID string) (time.Time, error)
	// Alerts lists alerts newest first; see store.Store.
	Alerts(ctx context.Context, wabaID string, from, to time.Time, limit int, cursor string) ([]watch.Outgoing, string, error)
	// OpenStates lists subjects with open incidents, of one account or all.
	OpenStates(ctx context.Context, wabaID string) ([]quality.State, error)
}

// Token lets its bearer read; WABAIDs, if any, are the only accounts it shows.
type Token struct {
	Token   string
	WABAIDs []string
}

// Server is the http.Handler of the API. Its fields are set before first use.
type Server struct {
	Reader Reader
	// Word puts an alert into words, as it is stored as facts; nil shows it without.
	Word   func(*quality.Alert)
	Tokens []Token
	// Interval is the cadence of polls: what has not been polled for 3 intervals is unknown.
	Interval time.Duration
	Polling  bool
	Now      func() time.Time
	Log      *slog.Logger
	Version  string
}

// Handler returns the routes of the API.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { text(w, "ok\n") })
	mux.HandleFunc("GET /{$}", s.index)
	// On AWS the callback has routes for its own methods only, and the others end here.
	mux.HandleFunc("/webhook", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", "GET, POST")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	})
	for pattern, handle := range map[string]func(*request) error{
		"GET /v1/accounts":                               s.accounts,
		"GET /v1/accounts/{waba}":                        s.account,
		"GET /v1/accounts/{waba}/history":                s.accountHistory,
		"GET /v1/accounts/{waba}/numbers":                s.list(quality.PhoneNumber),
		"GET /v1/accounts/{waba}/numbers/{id}":           s.one(quality.PhoneNumber),
		"GET /v1/accounts/{waba}/numbers/{id}/history":   s.history(quality.PhoneNumber),
		"GET /v1/accounts/{waba}/templates":              s.list(quality.Template),
		"GET /v1/accounts/{waba}/templates/{id}":         s.one(quality.Template),
		"GET /v1/accounts/{waba}/templates/{id}/history": s.history(quality.Template),
		"GET /v1/alerts":                                 s.alerts,
		"GET /v1/incidents":                              s.incidents,
	} {
		mux.Handle(pattern, s.authenticated(handle))
	}
	for _, rest := range []string{"/v1", "/v1/"} {
		mux.Handle(rest, s.authenticated(func(*request) error { return notFound("there is no such route; see /") }))
	}
	return mux
}

func (s *Server) index(w http.ResponseWriter, _ *http.Request) {
	text(w, "wabawatch "+s.Version+`

It watches what WhatsApp thinks of a business. The page is not there yet; this is the API.
Send "Authorization: Bearer <token>" with every request under /v1.

GET /v1/accounts
GET /v1/accounts/{waba}
GET /v1/accounts/{waba}/history?signal=&from=&to=&limit=&cursor=
GET /v1/accounts/{waba}/numbers
GET /v1/accounts/{waba}/numbers/{digits}
GET /v1/accounts/{waba}/numbers/{digits}/history?signal=&from=&to=&limit=&cursor=
GET /v1/accounts/{waba}/templates?status=&quality=&name=&limit=&cursor=
GET /v1/accounts/{waba}/templates/{id}
GET /v1/accounts/{waba}/templates/{id}/history?signal=&from=&to=&limit=&cursor=
GET /v1/alerts?waba_id=&severity=&event=&rule=&subject_id=&from=&to=&limit=&cursor=
GET /v1/incidents?waba_id=&severity=&rule=&limit=&cursor=
GET /healthz
`+s.blind())
}

func (s *Server) blind() string {
	if s.Polling {
		return ""
	}
	return "\nPolling is off: number ratings, limits and health are not watched.\n"
}

func text(w http.ResponseWriter, body string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(body)) // nobody is left to tell
}

// request is one authenticated request.
type request struct {
	http  *http.Request
	ctx   context.Context
	token Token
	write func(v any) error
}

// allows reports whether the token shows an account.
func (r *request) allows(wabaID string) bool {
	return len(r.token.WABAIDs) == 0 || slices.Contains(r.token.WABAIDs, wabaID)
}

// failure is an error that is shown.
type failure struct {
	status  int
	code    string
	message string
}

func (f *failure) Error() string { return f.message }

func notFound(message string) error { return &failure{http.StatusNotFound, "not_found", message} }

func badParameter(name, why string) error {
	return &failure{http.StatusBadRequest, "bad_parameter", fmt.Sprintf("parameter %q: %s", name, why)}
}

func (s *Server) authenticated(handle func(*request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, hr *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		token, ok := s.token(hr.Header.Get("Authorization"))
		if !ok {
			w.Header().Set("WWW-Authenticate", `Bearer realm="wabawatch"`)
			s.fail(w, hr, &failure{http.StatusUnauthorized, "unauthorized", "a bearer token is required"})
			return
		}
		if hr.Method != http.MethodGet && hr.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			s.fail(w, hr, &failure{http.StatusMethodNotAllowed, "method_not_allowed", "this API only answers GET"})
			return
		}
		r := &request{http: hr, ctx: hr.Context(), token: token, write: func(v any) error { return respond(w, http.StatusOK, v) }}
		if err := guarded(func() error { return handle(r) }); err != nil {
			s.fail(w, hr, err)
		}
	})
}

// guarded makes a panic of f an error: one query must not end the program.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}

// token finds the token of an Authorization header. Digests are compared, in constant time, and
// all of them.
func (s *Server) token(header string) (Token, bool) {
	scheme, value, _ := strings.Cut(header, " ")
	got := sha256.Sum256([]byte(strings.TrimSpace(value)))
	found, ok := Token{}, false
	for _, t := range s.Tokens {
		want := sha256.Sum256([]byte(t.Token))
		if subtle.ConstantTimeCompare(got[:], want[:]) == 1 && t.Token != "" {
			found, ok = t, true
		}
	}
	return found, ok && strings.EqualFold(scheme, "Bearer")
}

func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	f, ok := errors.AsType[*failure](err)
	if !ok {
		s.Log.ErrorContext(r.Context(), "query failed", "path", r.URL.Path, "err", err)
		f = &failure{http.StatusInternalServerError, "internal", "the query failed; the log says why"}
	}
	body := map[string]any{"error": map[string]string{"code": f.code, "message": f.message}}
	if err := respond(w, f.status, body); err != nil {
		s.Log.DebugContext(r.Context(), "answer not sent", "err", err)
	}
}

func respond(w http.ResponseWriter, status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // nobody is left to tell
	return nil
}

// list is the shape of every list.
type list struct {
	Items any     `json:"items"`
	Next  *string `json:"next"`
}

func page(items any, next string) list {
	l := list{Items: items}
	if next != "" {
		l.Next = &next
	}
	return l
}
