package awscall

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

// Bounds of connections.
const (
	dialTimeout    = 3 * time.Second
	headerTimeout  = 8 * time.Second
	idleTimeout    = 50 * time.Second
	maxIdle        = 32
	maxIdlePerHost = 16
)

// NewHTTPClient makes an HTTP client with bounds, for all services of a function to share.
func NewHTTPClient() *http.Client {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           dialer.DialContext,
			TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:   dialTimeout,
			ResponseHeaderTimeout: headerTimeout,
			IdleConnTimeout:       idleTimeout,
			MaxIdleConns:          maxIdle,
			MaxIdleConnsPerHost:   maxIdlePerHost,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
