package config

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Bounds of calls to AWS. The longest answer is a page of a query; the SDK retries above this.
const (
	dialTimeout    = 3 * time.Second
	headerTimeout  = 8 * time.Second
	callTimeout    = 12 * time.Second
	idleTimeout    = 50 * time.Second
	maxIdle        = 32
	maxIdlePerHost = 16
)

// LambdaAWS is the configuration of AWS clients inside a function: region and endpoints as
// parsed, credentials from the environment, an HTTP client with bounds. What the SDK's own
// loader would bring besides, profiles and single sign-on, does not exist on Lambda and costs
// every cold start.
func LambdaAWS(l Lambda) aws.Config {
	return aws.Config{
		Region:      l.Region,
		Credentials: aws.CredentialsProviderFunc(environmentCredentials),
		HTTPClient:  newHTTPClient(),
		ConfigSources: []any{endpoints{
			"DynamoDB": l.DynamoDBEndpoint,
			"SNS":      l.SNSEndpoint,
			"SSM":      l.SSMEndpoint,
		}},
	}
}

// endpoints are addresses by service, "" for AWS's own. The SDK finds them through this method.
type endpoints map[string]string

// GetServiceBaseEndpoint is called by the SDK's clients when they are made.
func (e endpoints) GetServiceBaseEndpoint(_ context.Context, sdkID string) (string, bool, error) {
	return e[sdkID], e[sdkID] != "", nil
}

// environmentCredentials reads the environment at each call, as tests and local tools change it.
func environmentCredentials(context.Context) (aws.Credentials, error) {
	c := aws.Credentials{
		AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
		Source:          "environment",
	}
	if !c.HasKeys() {
		return aws.Credentials{}, errors.New("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set")
	}
	return c, nil
}

// newHTTPClient makes the one client that all services of a function share.
func newHTTPClient() *http.Client {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}
	return &http.Client{
		Timeout: callTimeout,
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

// ssmURL is where Parameter Store answers.
func ssmURL(ctx context.Context, cfg aws.Config) string {
	for _, source := range cfg.ConfigSources {
		if p, ok := source.(interface {
			GetServiceBaseEndpoint(context.Context, string) (string, bool, error)
		}); ok {
			if url, found, err := p.GetServiceBaseEndpoint(ctx, "SSM"); err == nil && found {
				return strings.TrimRight(url, "/") + "/"
			}
		}
	}
	suffix := "amazonaws.com"
	if strings.HasPrefix(cfg.Region, "cn-") {
		suffix = "amazonaws.com.cn"
	}
	return "https://ssm." + cfg.Region + "." + suffix + "/"
}
