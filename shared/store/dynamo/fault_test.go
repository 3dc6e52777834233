package dynamo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/wabawatch/wabawatch/shared/awscall"
	"github.com/wabawatch/wabawatch/shared/store"
)

// wire answers what DynamoDB would, in place of the network. It gives its answers in turn, the
// last one for ever.
type wire struct {
	answers []answer

	mu   sync.Mutex
	seen []seen
}

type answer func(*http.Request) (*http.Response, error)

// seen is a request that arrived.
type seen struct {
	operation string
	body      map[string]any
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	s := seen{operation: strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB_20120810.")}
	if err := json.Unmarshal(raw, &s.body); err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(raw)) // an answer may read it again
	w.mu.Lock()
	a := w.answers[min(len(w.seen), len(w.answers)-1)]
	w.seen = append(w.seen, s)
	w.mu.Unlock()
	return a(r)
}

func (w *wire) operations() string {
	var out []string
	for _, s := range w.seen {
		out = append(out, s.operation)
	}
	return strings.Join(out, " ")
}

// over returns a table whose requests get these answers.
func over(answers ...answer) (*Table, *wire) {
	w := &wire{answers: answers}
	return New(awscall.New(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String("http://dynamodb.invalid"),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient:  &http.Client{Transport: w},
	}, Service), "t"), w
}

func reply(status int, body string) answer {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
			Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r,
		}, nil
	}
}

func ok(body string) answer { return reply(http.StatusOK, body) }

func refusal(status int, code string) answer {
	return reply(status, fmt.Sprintf(`{"__type":"com.amazonaws.dynamodb.v20120810#%s","message":"injected"}`, code))
}

func cancelledFor(codes ...string) answer {
	var reasons []string
	for _, c := range codes {
		reasons = append(reasons, fmt.Sprintf(`{"Code":%q,"Message":"injected"}`, c))
	}
	return reply(http.StatusBadRequest, fmt.Sprintf(
		`{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","Message":"injected","CancellationReasons":[%s]}`, strings.Join(reasons, ",")))
}

// Ways to lose a request or its answer.
var (
	notConnected answer = func(*http.Request) (*http.Response, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	}
	answerLost answer = func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }
	reset      answer = func(*http.Request) (*http.Response, error) {
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}
	}
	truncated = ok(`{"Consumed`)
	corrupted = func(r *http.Request) (*http.Response, error) {
		resp, err := ok(`{}`)(r)
		resp.Header.Set("X-Amz-Crc32", "1")
		return resp, err
	}
	hangs answer = func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	slow answer = func(r *http.Request) (*http.Response, error) {
		resp, err := ok(`{}`)(r)
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader([]byte("{")), untilDone{r.Context()}))
		resp.ContentLength = -1
		return resp, err
	}
)

// untilDone is a body that never comes.
type untilDone struct{ ctx context.Context }

func (u untilDone) Read([]byte) (int, error) {
	<-u.ctx.Done()
	return 0, u.ctx.Err()
}

func putOf(sk string, c store.Cond) store.Action {
	return store.Action{Item: store.Item{Key: store.Key{PK: "p", SK: sk}, Rev: 2}, Cond: c}
}

func itemJSON(sk string) string {
	return fmt.Sprintf(`{"pk":{"S":"p"},"sk":{"S":%q},"rev":{"N":"1"}}`, sk)
}
