package awscall

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

var ledger = Service{ID: "Ledger", Name: "ledger", ContentType: JSON10, Target: "Ledger_2026", Fault: JSONFault}

// line answers in place of the network, in turn, the last answer for ever.
type line struct {
	answers []answer
	sent    []*http.Request
}

type answer func(*http.Request) (*http.Response, error)

func (l *line) Do(r *http.Request) (*http.Response, error) {
	a := l.answers[min(len(l.sent), len(l.answers)-1)]
	l.sent = append(l.sent, r)
	return a(r)
}

func over(answers ...answer) (*Client, *line) {
	l := &line{answers: answers}
	return New(aws.Config{
		Region: "eu-west-1", HTTPClient: l, Credentials: credentials.NewStaticCredentialsProvider("AKIDTEST", "the-secret-key", "the-session-token"),
	}, ledger), l
}

func reply(status int, body string, header ...string) answer {
	return func(r *http.Request) (*http.Response, error) {
		h := http.Header{}
		for i := 0; i < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r}, nil
	}
}

func refusal(code string) answer { return reply(400, fmt.Sprintf(`{"__type":%q}`, code)) }

func breaks(err error) answer {
	return func(*http.Request) (*http.Response, error) {
		return nil, &url.Error{Op: "Post", URL: "https://ledger.eu-west-1.amazonaws.com/", Err: err}
	}
}

var (
	accepted     = reply(200, "{}")
	notConnected = breaks(&net.OpError{Op: "dial", Err: errors.New("connection refused")})
	cutOff       = breaks(io.ErrUnexpectedEOF)
	hangs        = answer(func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	})
	endless = answer(func(r *http.Request) (*http.Response, error) {
		resp, err := accepted(r)
		resp.Body, resp.ContentLength = io.NopCloser(zeros{}), -1
		return resp, err
	})
)

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func whole(b []byte) error {
	if string(b) != "{}" {
		return fmt.Errorf("%q is not all", b)
	}
	return nil
}

// TestAttempts gives a request that must not arrive twice, and one that may, every kind of answer.
func TestAttempts(t *testing.T) {
	for _, tc := range []struct {
		name    string
		answers []answer
		// once and often: attempts of a request that must not arrive twice, and of one that may;
		// how it ended, and whether it may have been carried out.
		once, often         int
		onceFails, oftFails bool
		onceLost, oftenLost bool
	}{
		{"accepted", []answer{accepted}, 1, 1, false, false, false, false},
		{"refused", []answer{refusal("ValidationException")}, 1, 1, true, true, false, false},
		{"refused by a stranger", []answer{reply(403, "<html>no")}, 1, 1, true, true, false, false},
		{"throttled", []answer{refusal("ThrottlingException"), refusal("Throttled"), accepted}, 3, 3, false, false, false, false},
		{"too many requests, without a word", []answer{reply(429, ""), accepted}, 2, 2, false, false, false, false},
		{"throttled for ever", []answer{refusal("SlowDown")}, 3, 3, true, true, false, false},
		{"not connected", []answer{notConnected, accepted}, 2, 2, false, false, false, false},
		{"never connected", []answer{notConnected}, 3, 3, true, true, false, false},
		{"cut off", []answer{cutOff, accepted}, 1, 2, true, false, true, false},
		{"cut off for ever", []answer{cutOff}, 1, 3, true, true, true, true},
		{"cut off, then refused", []answer{cutOff, refusal("ValidationException")}, 1, 2, true, true, true, true},
		{"cut off, then not connected", []answer{cutOff, notConnected}, 1, 3, true, true, true, true},
		{"throttled, then cut off", []answer{refusal("Throttling"), cutOff, accepted}, 2, 3, true, false, true, false},
		{"down", []answer{reply(503, "Service Unavailable"), accepted}, 1, 2, true, false, true, false},
		{"internal error with a client's status", []answer{refusal("InternalServerError"), accepted}, 1, 2, true, false, true, false},
		{"sent elsewhere", []answer{reply(307, "", "Location", "/"), accepted}, 1, 2, true, false, true, false},
		{"half an answer", []answer{reply(200, "{"), accepted}, 1, 2, true, false, true, false},
		{"right checksum", []answer{reply(200, "{}", "X-Amz-Crc32", fmt.Sprint(crc32.ChecksumIEEE([]byte("{}"))))}, 1, 1, false, false, false, false},
		{"wrong checksum", []answer{reply(200, "{}", "X-Amz-Crc32", "1"), accepted}, 1, 2, true, false, true, false},
		{"wrong checksum of a refusal", []answer{reply(400, "{}", "X-Amz-Crc32", "1"), accepted}, 1, 2, true, false, true, false},
		{"checksum of packed bytes", []answer{reply(200, "{}", "X-Amz-Crc32", "1", "Content-Encoding", "gzip")}, 1, 1, false, false, false, false},
		{"too long an answer", []answer{endless, accepted}, 1, 2, true, false, true, false},
		{"no answer", []answer{hangs, accepted}, 1, 2, true, false, true, false},
	} {
		for _, repeatable := range []bool{false, true} {
			attempts, fails, lost := tc.once, tc.onceFails, tc.onceLost
			if repeatable {
				attempts, fails, lost = tc.often, tc.oftFails, tc.oftenLost
			}
			t.Run(fmt.Sprintf("%s/repeatable=%v", tc.name, repeatable), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, l := over(tc.answers...)
					err := c.Do(t.Context(), Request{Operation: "Post", Repeatable: repeatable, Read: whole})
					if (err != nil) != fails || errors.Is(err, ErrLost) != lost || len(l.sent) != attempts {
						t.Errorf("%v after %d attempts, want failure %v, lost %v after %d", err, len(l.sent), fails, lost, attempts)
					}
				})
			})
		}
	}
}

func TestAgainIsAskedAboutRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, l := over(refusal("Busy"), refusal("Closed"), accepted)
		err := c.Do(t.Context(), Request{Operation: "Post", Again: func(e *Error) bool { return e.Code == "Busy" }})
		if e, ok := errors.AsType[*Error](err); !ok || e.Code != "Closed" || len(l.sent) != 2 {
			t.Errorf("%v after %d attempts, want Closed after 2", err, len(l.sent))
		}
	})
}

func TestAttemptsAndWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, l := over(refusal("Throttling"))
		c.Attempts, c.Wait = 6, time.Second
		start := time.Now()
		if err := c.Do(t.Context(), Request{Operation: "Post"}); err == nil || len(l.sent) != 6 {
			t.Errorf("%v after %d attempts, want 6", err, len(l.sent))
		}
		if took, most := time.Since(start), (1+2+4+8+16)*time.Second; took == 0 || took >= most {
			t.Errorf("waited %v in all, want less than %v", took, most)
		}
	})
}

func TestCallersDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, l := over(refusal("Throttling"))
		c.Attempts, c.Wait = 100, time.Second
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		start := time.Now()
		err := c.Do(ctx, Request{Operation: "Post"})
		if e, ok := errors.AsType[*Error](err); !ok || e.Code != "Throttling" || len(l.sent) < 2 || len(l.sent) == 100 {
			t.Errorf("%v after %d attempts, want the last refusal", err, len(l.sent))
		}
		if took := time.Since(start); took >= 20*time.Second {
			t.Errorf("took %v: it waited for a time it did not have", took)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), attemptTimeout/2)
		defer cancel()
		c, l := over(hangs)
		if err := c.Do(ctx, Request{Operation: "Post", Repeatable: true}); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, ErrLost) || len(l.sent) != 1 {
			t.Errorf("%v after %d attempts, want one that is lost", err, len(l.sent))
		}
	})
}

// keeper checks X-Amz-Date against its own clock, as AWS does.
func keeper(ahead time.Duration, code string, more ...string) answer {
	return func(r *http.Request) (*http.Response, error) {
		now := time.Now().Add(ahead)
		at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
		if err != nil {
			return nil, err
		}
		header := append([]string{"Date", now.UTC().Format(http.TimeFormat)}, more...)
		if now.Sub(at).Abs() > 5*time.Minute {
			return reply(400, fmt.Sprintf(`{"__type":%q}`, code), header...)(r)
		}
		return reply(200, "{}", header...)(r)
	}
}

func TestClockIsCorrectedOnce(t *testing.T) {
	for _, code := range []string{"RequestTimeTooSkewed", "com.amazon.coral.service#InvalidSignatureException"} {
		synctest.Test(t, func(t *testing.T) {
			for _, ahead := range []time.Duration{time.Hour, -time.Hour, 10 * time.Minute} {
				c, l := over(keeper(ahead, code))
				for n, attempts := range []int{2, 1, 1} {
					l.sent = nil
					if err := c.Do(t.Context(), Request{Operation: "Post"}); err != nil || len(l.sent) != attempts {
						t.Errorf("%s, %v ahead, call %d: %v after %d attempts, want %d", code, ahead, n, err, len(l.sent), attempts)
					}
				}
				l.answers, l.sent = []answer{keeper(0, code)}, nil
				if err := c.Do(t.Context(), Request{Operation: "Post"}); err != nil || len(l.sent) != 2 {
					t.Errorf("%s, our clock was set: %v after %d attempts, want 2", code, err, len(l.sent))
				}
			}
		})
	}
}

func TestClockIsNotToBlame(t *testing.T) {
	for name, a := range map[string]answer{
		"same time":       keeper(0, ""),
		"no date":         refusal("InvalidSignatureException"),
		"a cache's date":  keeper(time.Hour, "InvalidSignatureException", "Age", "3600"),
		"another refusal": keeper(time.Hour, "ValidationException"),
	} {
		synctest.Test(t, func(t *testing.T) {
			if name == "same time" {
				a = reply(400, `{"__type":"InvalidSignatureException"}`, "Date", time.Now().UTC().Format(http.TimeFormat))
			}
			c, l := over(a)
			if err := c.Do(t.Context(), Request{Operation: "Post", Repeatable: true}); err == nil || len(l.sent) != 1 {
				t.Errorf("%s: %v after %d attempts, want 1", name, err, len(l.sent))
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		ahead := time.Duration(0)
		far := func(r *http.Request) (*http.Response, error) { // it runs away
			ahead += time.Hour
			return reply(400, `{"__type":"RequestTimeTooSkewed"}`, "Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))(r)
		}
		c, l := over(far)
		c.Attempts = 9
		if err := c.Do(t.Context(), Request{Operation: "Post"}); err == nil || len(l.sent) != 2 {
			t.Errorf("%v after %d attempts, want one correction", err, len(l.sent))
		}
	})
}

// rotating is a provider that remembers, until it is told to forget.
type rotating struct{ asked, forgotten int }

func (p *rotating) Retrieve(context.Context) (aws.Credentials, error) {
	p.asked++
	return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret", SessionToken: fmt.Sprint("token-", p.forgotten)}, nil
}

func (p *rotating) Invalidate() { p.forgotten++ }

func TestExpiredCredentialsAreReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, l := over(refusal("ExpiredTokenException"), accepted)
		p := &rotating{}
		c.credentials = p
		if err := c.Do(t.Context(), Request{Operation: "Post"}); err != nil || len(l.sent) != 2 {
			t.Fatalf("%v after %d attempts", err, len(l.sent))
		}
		if first, second := l.sent[0].Header.Get("X-Amz-Security-Token"), l.sent[1].Header.Get("X-Amz-Security-Token"); first != "token-0" || second != "token-1" {
			t.Errorf("sent with %s, then %s", first, second)
		}
		c, l = over(refusal("ExpiredToken"))
		c.Attempts = 9
		if err := c.Do(t.Context(), Request{Operation: "Post"}); err == nil || len(l.sent) != 2 {
			t.Errorf("%v after %d attempts, want one more with the same credentials", err, len(l.sent))
		}
	})
}

func TestNothingIsSentWithoutCredentials(t *testing.T) {
	c, l := over(accepted)
	for _, p := range []aws.CredentialsProvider{nil, aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{}, errors.New("none")
	})} {
		c.credentials = p
		if err := c.Do(t.Context(), Request{Operation: "Post", Repeatable: true}); err == nil || errors.Is(err, ErrLost) || len(l.sent) != 0 {
			t.Errorf("%v after %d attempts, want a plain error and none", err, len(l.sent))
		}
	}
}
