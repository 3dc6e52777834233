package whatsapp_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/whatsapp"
	"github.com/wabawatch/wabawatch/shared/whatsapptest"
)

const (
	waba      = "118273645546372"
	portfolio = "900112233445566"
	token     = "EAAtestTokenOfTheClientThatMustNotLeak0123456789"
	appSecret = "0123456789abcdef0123456789abcdef"
)

// rig is a client on a simulated Meta that never really waits.
type rig struct {
	*whatsapp.Client
	meta  *whatsapptest.Meta
	log   *bytes.Buffer
	waits []time.Duration
}

func newRig(t *testing.T, change func(*whatsapp.Config)) *rig {
	t.Helper()
	r := &rig{meta: &whatsapptest.Meta{Token: token, AppID: "774411223300991", AppName: "wabawatch"}, log: &bytes.Buffer{}}
	r.meta.SetAccount(whatsapptest.Account{
		ID: waba, Name: "Acme WABA", PortfolioID: portfolio, ReviewStatus: "APPROVED", Verification: "verified", Status: "ACTIVE", Limit: "TIER_10K",
	})
	srv := httptest.NewServer(r.meta)
	t.Cleanup(srv.Close)
	r.connect(t, srv.URL, change)
	return r
}

// connect makes the rig's client for a server.
func (r *rig) connect(t *testing.T, baseURL string, change func(*whatsapp.Config)) {
	t.Helper()
	cfg := whatsapp.Config{
		BaseURL: baseURL, Token: func() string { return token },
		Log:    slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Sleep:  func(_ context.Context, d time.Duration) error { r.waits = append(r.waits, d); return nil },
		Jitter: func(d time.Duration) time.Duration { return d },
	}
	if change != nil {
		change(&cfg)
	}
	c, err := whatsapp.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.Client = c
}

// serve points a rig at a handler of its own.
func serve(t *testing.T, h http.HandlerFunc) *rig {
	t.Helper()
	r := &rig{log: &bytes.Buffer{}}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	r.connect(t, srv.URL, nil)
	return r
}

func failure(t *testing.T, err error) *quality.PollError {
	t.Helper()
	p, ok := errors.AsType[*quality.PollError](err)
	if !ok {
		t.Fatalf("error %v is %T, want *quality.PollError", err, err)
	}
	return p
}

func TestNewClientChecksItsConfig(t *testing.T) {
	tok := func() string { return token }
	for _, tc := range []struct {
		name string
		cfg  whatsapp.Config
		ok   bool
	}{
		{"defaults", whatsapp.Config{Token: tok}, true},
		{"another host over https", whatsapp.Config{Token: tok, BaseURL: "https://graph.example.com:8443"}, true},
		{"a trailing slash", whatsapp.Config{Token: tok, BaseURL: "https://graph.example.com/"}, true},
		{"http on localhost", whatsapp.Config{Token: tok, BaseURL: "http://localhost:9000"}, true},
		{"http on a loopback address", whatsapp.Config{Token: tok, BaseURL: "http://127.0.0.1:9000"}, true},
		{"http on IPv6 loopback", whatsapp.Config{Token: tok, BaseURL: "http://[::1]:9000"}, true},
		{"no token", whatsapp.Config{}, false},
		{"http elsewhere", whatsapp.Config{Token: tok, BaseURL: "http://graph.facebook.com"}, false},
		{"http on a private address", whatsapp.Config{Token: tok, BaseURL: "http://10.0.0.1"}, false},
		{"http on a name that begins like loopback", whatsapp.Config{Token: tok, BaseURL: "http://127.0.0.1.example.com"}, false},
		{"a path", whatsapp.Config{Token: tok, BaseURL: "https://graph.example.com/v1"}, false},
		{"a query", whatsapp.Config{Token: tok, BaseURL: "https://graph.example.com?a=b"}, false},
		{"a user", whatsapp.Config{Token: tok, BaseURL: "https://me:pw@graph.example.com"}, false},
		{"another scheme", whatsapp.Config{Token: tok, BaseURL: "ftp://graph.example.com"}, false},
		{"no scheme", whatsapp.Config{Token: tok, BaseURL: "graph.example.com"}, false},
		{"a version that is a path", whatsapp.Config{Token: tok, Version: "v26.0/../x"}, false},
		{"negative pages", whatsapp.Config{Token: tok, MaxPages: -1}, false},
	} {
		_, err := whatsapp.NewClient(tc.cfg)
		if (err == nil) != tc.ok {
			t.Errorf("%s: NewClient = %v, want ok %t", tc.name, err, tc.ok)
		}
		if err != nil && strings.Contains(err.Error(), "pw") {
			t.Errorf("%s: error shows the password: %v", tc.name, err)
		}
	}
}

func TestRedirectsAreRefused(t *testing.T) {
	var followed atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) }))
	defer elsewhere.Close()
	r := serve(t, func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, elsewhere.URL+"/steal", http.StatusTemporaryRedirect)
	})
	_, err := r.Poll(t.Context(), quality.Numbers, waba)
	if p := failure(t, err); p.Failure != quality.FailMalformed {
		t.Errorf("failure = %s, want MALFORMED", p.Failure)
	}
	if followed.Load() != 0 || len(r.waits) != 0 {
		t.Errorf("redirect followed %d times, repeated %d times", followed.Load(), len(r.waits))
	}
}

// TestNextIsNeverFollowed: paging.next leads to another host, to plain http, to the metadata
// address, and holds the token; only the cursor beside it counts.
func TestNextIsNeverFollowed(t *testing.T) {
	var lured atomic.Int32
	trap := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { lured.Add(1) }))
	defer trap.Close()
	for _, next := range []string{trap.URL, "http://169.254.169.254", "http://graph.facebook.com", "javascript:alert(1)//"} {
		r := newRig(t, nil)
		r.meta.NextURL, r.meta.PageSize = next, 2
		addNumbers(r.meta, 5)
		s, err := r.Poll(t.Context(), quality.Numbers, waba)
		if err != nil || len(s.Subjects) != 5 || !s.Complete {
			t.Errorf("next %q: %d subjects, complete %t, %v", next, len(s.Subjects), s.Complete, err)
		}
		for _, q := range r.meta.Queries() {
			if strings.Contains(q, whatsapptest.Canary) || strings.Contains(q, "access_token") {
				t.Errorf("query repeats what next held: %s", q)
			}
		}
	}
	if lured.Load() != 0 {
		t.Errorf("next was followed %d times", lured.Load())
	}
}

// TestTokenNeverLeaks: whatever fails, and however Meta words it, neither errors nor logs nor
// evidence hold the token, the app secret, the proof, or what next held.
func TestTokenNeverLeaks(t *testing.T) {
	echo := func(status, code int) whatsapptest.ErrorSpec {
		return whatsapptest.ErrorSpec{Status: status, Code: code, Message: "Malformed access token " + token +
			" secret " + appSecret + " at https://graph.facebook.com/debug_token?input_token=" + token + "&appsecret_proof=ab#x"}
	}
	secretive := func(t *testing.T) *rig {
		r := newRig(t, func(c *whatsapp.Config) {
			c.AppSecret = func() string { return appSecret }
			c.Timeout = 200 * time.Millisecond
		})
		r.meta.PageSize = 1
		addNumbers(r.meta, 3)
		return r
	}
	for name, spec := range map[string]whatsapptest.ErrorSpec{
		"bad token":       echo(401, 190),
		"no permission":   echo(403, 10),
		"capability":      echo(500, 3),
		"bad field":       echo(400, 100),
		"unknown code":    echo(500, 987654),
		"throttled":       echo(400, 4),
		"transient":       echo(503, 2),
		"cursor":          echo(400, 131059),
		"html":            {HTML: true},
		"cut":             {CutBody: true},
		"hang":            {Hang: true},
		"wrong shape":     {Raw: `{"data":{"message":"` + token + `"}}`},
		"error in a 200":  {Raw: `{"error":{"code":190,"message":"bad ` + token + `","type":"` + appSecret + `","fbtrace_id":"` + token + `","error_data":{"details":"` + strings.Repeat("x", 280) + appSecret + `"}}}`},
		"error as string": {Raw: `{"error":"` + token + `"}`, Status: 400},
		"redirect":        {Raw: token, Status: 302, Headers: map[string]string{"Location": "https://example.com/?access_token=" + token}},
		"trace header":    {Raw: `{}`, Status: 500, Headers: map[string]string{"X-Fb-Trace-Id": token}},
	} {
		for _, class := range []quality.Class{quality.Numbers, quality.Templates, quality.AccountOf, quality.Health, quality.Self} {
			t.Run(name+"/"+string(class), func(t *testing.T) {
				t.Parallel()
				r := secretive(t)
				r.meta.FailNext(20, spec)
				s, err := r.Poll(t.Context(), class, waba)
				seen := r.log.String()
				if err != nil {
					seen += err.Error()
					for e := err; e != nil; e = errors.Unwrap(e) {
						seen += e.Error()
					}
				} else if class != quality.Self {
					t.Error("no error")
				}
				for _, n := range s.Unknown {
					seen += n.Raw
				}
				for _, see := range s.Subjects {
					for _, o := range see.Values {
						seen += o.Raw + o.Value
					}
				}
				for _, secret := range []string{token, appSecret, whatsapptest.Canary, "appsecret_proof=", "input_token=", "access_token="} {
					if strings.Contains(seen, secret) {
						t.Errorf("%q leaks in %s", secret, seen)
					}
				}
			})
		}
	}
}

func TestTokenTravelsInTheHeaderAlone(t *testing.T) {
	r := newRig(t, func(c *whatsapp.Config) { c.AppSecret = func() string { return appSecret } })
	for _, class := range quality.Classes {
		if _, err := r.Poll(t.Context(), class, waba); err != nil {
			t.Fatalf("Poll(%s) = %v", class, err)
		}
	}
	if err := r.Subscribe(t.Context(), waba); err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, []byte(appSecret))
	mac.Write([]byte(token))
	want := hex.EncodeToString(mac.Sum(nil))
	queries := r.meta.Queries()
	for _, q := range queries {
		if strings.Contains(q, token) {
			t.Errorf("token in query %q", q)
		}
		if !strings.Contains(q, "appsecret_proof="+want) {
			t.Errorf("no proof in query %q", q)
		}
	}
	// debug_token is documented to take the token it is asked about in the query.
	if _, err := r.Poll(t.Context(), quality.Self, ""); err != nil {
		t.Fatal(err)
	}
	if q := r.meta.Queries()[len(queries)]; !strings.Contains(q, "input_token="+token) {
		t.Errorf("debug_token asked with %q", q)
	}
}

func TestTokenIsReadAnewForEveryPoll(t *testing.T) {
	current := "EAAold"
	r := newRig(t, func(c *whatsapp.Config) { c.Token = func() string { return current } })
	_, err := r.Poll(t.Context(), quality.Numbers, waba)
	if p := failure(t, err); p.Failure != quality.FailToken {
		t.Errorf("old token: %v", err)
	}
	current = token + "\n"
	if _, err := r.Poll(t.Context(), quality.Numbers, waba); err != nil {
		t.Errorf("new token: %v", err)
	}
	for _, bad := range []string{"", "two words", "line\nbreak"} {
		current = bad
		before := r.meta.TotalCalls()
		_, err := r.Poll(t.Context(), quality.Numbers, waba)
		if p := failure(t, err); p.Failure != quality.FailToken || r.meta.TotalCalls() != before {
			t.Errorf("token %q: %v after %d calls", bad, err, r.meta.TotalCalls()-before)
		}
	}
}

func TestIDsStayOneSegmentOfThePath(t *testing.T) {
	r := newRig(t, nil)
	for _, id := range []string{"", "1/../2", "me", "1?fields=x", "-1", "１２", strings.Repeat("9", 65)} {
		_, err := r.Poll(t.Context(), quality.Numbers, id)
		if p := failure(t, err); p.Failure != quality.FailMalformed {
			t.Errorf("Poll(%q) = %v", id, err)
		}
		if _, err := r.NumberExists(t.Context(), id); err == nil {
			t.Errorf("NumberExists(%q) succeeded", id)
		}
		if _, err := r.Discover(t.Context(), id); err == nil {
			t.Errorf("Discover(%q) succeeded", id)
		}
		if err := r.Subscribe(t.Context(), id); err == nil {
			t.Errorf("Subscribe(%q) succeeded", id)
		}
	}
	if n := r.meta.TotalCalls(); n != 0 {
		t.Errorf("%d calls made", n)
	}
}

func TestUnexpectedVersionIsToldOnce(t *testing.T) {
	r := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Facebook-Api-Version", "v27.0")
		_, _ = w.Write([]byte(`{"data":[]}`))
	})
	for range 3 {
		if _, err := r.Poll(t.Context(), quality.Numbers, waba); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(r.log.String(), "another version"); n != 1 {
		t.Errorf("told %d times:\n%s", n, r.log)
	}
}
