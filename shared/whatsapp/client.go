// Package whatsapp speaks the wire of Meta's WhatsApp Business Platform: it asks the Graph API,
// checks and reads webhooks, and turns both into the readings and sightings of package quality.
// It keeps nothing, and does not judge what it reads.
package whatsapp

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"
)

// DefaultBaseURL and DefaultVersion are where the Graph API lives and which version is asked.
// Source: Meta, Graph API changelog, v26.0 of 2026-07-29, checked 2026-11.
const (
	DefaultBaseURL = "https://graph.facebook.com"
	DefaultVersion = "v26.0"
)

const (
	defaultTimeout  = 20 * time.Second // of one call, its body included
	defaultMaxPages = 1000             // of one list
	maxPageBytes    = 16 << 20         // of one answer, decompressed
)

// Config says how to reach the Graph API. Token is required; every other field has a default.
type Config struct {
	// BaseURL is scheme and host only. Plain http is for loopback hosts.
	BaseURL string
	// Version is the Graph API version, such as "v26.0". The messaging limit needs v24.0.
	Version string
	// Token returns the access token. It is asked before every poll, so that a new token needs
	// no new client.
	Token func() string
	// AppSecret returns the app secret with which every call carries an appsecret_proof. It is
	// asked before every poll, as secrets are reset; nil for calls without.
	AppSecret func() string
	// HTTP is used with its own transport and timeouts, but never follows a redirect and never
	// leaves BaseURL. nil makes one.
	HTTP *http.Client
	// Timeout bounds one call, its body included. 0 means 20 s.
	Timeout time.Duration
	// MaxPages bounds one list. 0 means 1000.
	MaxPages int
	// Log gets what an operator should see; nil discards it.
	Log *slog.Logger
	// Now is the clock; nil is the system's.
	Now func() time.Time
	// Sleep waits between attempts; nil waits for real.
	Sleep func(context.Context, time.Duration) error
	// Jitter chooses a wait between 0 and d; nil chooses evenly.
	Jitter func(d time.Duration) time.Duration
}

// Client asks the Graph API what webhooks do not tell. It is safe for concurrent use. Its
// errors are *quality.PollError, the cause of which is *Error where Meta answered; none of
// them, and no log line, holds a token, a secret or a URL.
type Client struct {
	cfg  Config
	base url.URL
	log  *slog.Logger

	mu      sync.Mutex
	refused map[string]map[string]time.Time // by edge and field, until when not to ask for it
	warned  string                          // the version Meta last answered in place of ours
}

// Patterns are compiled when they are needed: few cold starts ever need one.
var versionPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^v[0-9]{1,3}\.[0-9]{1,2}$`) })

// NewClient checks cfg and returns a client. It calls nothing yet.
func NewClient(cfg Config) (*Client, error) {
	if cfg.Token == nil {
		return nil, errors.New("graph: no access token")
	}
	base, err := parseBase(cmp.Or(cfg.BaseURL, DefaultBaseURL))
	if err != nil {
		return nil, err
	}
	cfg.Version = cmp.Or(cfg.Version, DefaultVersion)
	if !versionPattern().MatchString(cfg.Version) {
		return nil, fmt.Errorf("graph: version %q is not like %q", cfg.Version, DefaultVersion)
	}
	cfg.Timeout = cmp.Or(cfg.Timeout, defaultTimeout)
	cfg.MaxPages = cmp.Or(cfg.MaxPages, defaultMaxPages)
	if cfg.Timeout < 0 || cfg.MaxPages < 0 {
		return nil, errors.New("graph: negative timeout or number of pages")
	}
	cfg.HTTP = pinnedHTTP(cfg.HTTP, base, cfg.Timeout)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Sleep == nil {
		cfg.Sleep = sleep
	}
	if cfg.Jitter == nil {
		cfg.Jitter = func(d time.Duration) time.Duration { return rand.N(d + 1) }
	}
	return &Client{cfg: cfg, base: base, log: cfg.Log, refused: map[string]map[string]time.Time{}}, nil
}

// parseBase accepts scheme and host, nothing else.
func parseBase(s string) (url.URL, error) {
	u, err := url.Parse(strings.TrimSuffix(s, "/"))
	if err != nil || u.Host == "" || u.Hostname() == "" {
		return url.URL{}, errors.New("graph: base URL is not a URL")
	}
	if u.Scheme != "https" && u.Scheme != "http" {
		return url.URL{}, fmt.Errorf("graph: base URL has scheme %q, want https", u.Scheme)
	}
	if u.User != nil || u.Path != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return url.URL{}, errors.New("graph: base URL must be scheme and host only")
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return url.URL{}, fmt.Errorf("graph: base URL of host %q must use https", u.Hostname())
	}
	return url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// pinnedHTTP returns a client that talks to one scheme and host. With https the certificate
// proves the host, so a name that suddenly resolves elsewhere gets no token.
func pinnedHTTP(given *http.Client, base url.URL, timeout time.Duration) *http.Client {
	var hc http.Client
	if given != nil {
		hc = *given
	} else {
		hc.Transport = &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    5 * time.Second,
			ResponseHeaderTimeout:  timeout,
			IdleConnTimeout:        90 * time.Second,
			MaxIdleConnsPerHost:    16,
			MaxResponseHeaderBytes: 256 << 10,
			ForceAttemptHTTP2:      true,
		}
	}
	hc.Transport = pinned{base, cmp.Or[http.RoundTripper](hc.Transport, http.DefaultTransport)}
	hc.Jar = nil
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &hc
}

// pinned refuses every request that leaves the base URL: second line of defence, since the
// client builds each URL from it.
type pinned struct {
	base url.URL
	next http.RoundTripper
}

var errPinned = errors.New("refused to leave the configured host")

func (p pinned) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != p.base.Scheme || r.URL.Host != p.base.Host {
		return nil, errPinned
	}
	return p.next.RoundTrip(r)
}

// CloseIdleConnections lets http.Client.CloseIdleConnections reach the transport below.
func (p pinned) CloseIdleConnections() {
	if c, ok := p.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// proof is the appsecret_proof of a token.
// Source: Meta, Securing Graph API requests, checked 2026-11.
func proof(appSecret, token string) string {
	mac := hmac.New(sha256.New, []byte(appSecret))
	mac.Write([]byte(token))
	return hex.EncodeToString(mac.Sum(nil))
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
