package dynamo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// retryWait is the most to wait before a second attempt, doubled for each further one.
const retryWait = 50 * time.Millisecond

// request follows one request through the attempts that the SDK makes of it, one after the
// other. It stands between the SDK and its HTTP client, to see whether an answer came, and
// before its retryer, to say whether another attempt is wise.
type request struct {
	aws.Retryer
	http dynamodb.HTTPClient

	// repeatable says that arriving twice does the same as once: it reads, or has a token.
	repeatable bool
	// lost says that the last attempt may have been carried out, and unknown that any was, unless
	// the request as a whole succeeded.
	lost, unknown bool
}

// options makes the request part of a call of the client.
func (r *request) options(o *dynamodb.Options) {
	r.http, o.HTTPClient = o.HTTPClient, r
	r.Retryer, o.Retryer = o.Retryer, r
}

// Do implements dynamodb.HTTPClient.
func (r *request) Do(req *http.Request) (*http.Response, error) {
	resp, err := r.http.Do(req)
	if err == nil {
		err = complete(resp)
	}
	if err != nil {
		resp = nil
		op, ok := errors.AsType[*net.OpError](err)
		r.lost = !ok || op.Op != "dial" // without a connection nothing was sent
	} else {
		// What it refuses it says with 4xx. The SDK may still not understand a good answer.
		r.lost = resp.StatusCode < 400 || resp.StatusCode >= 500
	}
	r.unknown = r.unknown || r.lost
	return resp, err
}

// complete reads the whole answer and compares it with the checksum it came with, which the SDK
// calculates but does not act upon.
func complete(resp *http.Response) error {
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if want := resp.Header.Get("X-Amz-Crc32"); want != "" && resp.Header.Get("Content-Encoding") == "" && !resp.Uncompressed {
		if got := strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10); got != want {
			return fmt.Errorf("answer has checksum %s, not %s", got, want)
		}
	}
	return nil
}

// IsErrorRetryable implements aws.Retryer.
func (r *request) IsErrorRetryable(err error) bool {
	if _, ok := errors.AsType[*types.InternalServerError](err); ok {
		r.lost, r.unknown = true, true // whatever status it came with
	}
	stopped := errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
	switch {
	case r.lost && !r.repeatable:
		// A second attempt would meet the effect of the first and take it for someone else's.
		return false
	case throttled(err), r.lost && !stopped:
		// The SDK repeats neither a cancelled transaction nor an answer that it cannot read.
		return true
	}
	return r.Retryer.IsErrorRetryable(err)
}

// RetryDelay implements aws.Retryer. The SDK's own delays are seconds, too long for the request.
func (r *request) RetryDelay(attempt int, _ error) (time.Duration, error) {
	return rand.N(retryWait << min(attempt, 5)), nil
}

// GetAttemptToken implements aws.RetryerV2, for clients that limit their own rate.
func (r *request) GetAttemptToken(ctx context.Context) (func(error) error, error) {
	if v2, ok := r.Retryer.(aws.RetryerV2); ok {
		return v2.GetAttemptToken(ctx)
	}
	return r.GetInitialToken(), nil
}

// throttled reports whether a transaction was cancelled for want of capacity and nothing else.
func throttled(err error) bool {
	cancel, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok {
		return false
	}
	some := false
	for _, reason := range cancel.CancellationReasons {
		switch aws.ToString(reason.Code) {
		case "", codeNone:
		case codeThroughput, codeThrottling:
			some = true
		default:
			return false
		}
	}
	return some
}

// Codes of the reasons for which a transaction is cancelled.
// Source: AWS, DynamoDB API reference, TransactWriteItems, checked 2026-11.
const (
	codeNone       = "None"
	codeCondition  = "ConditionalCheckFailed"
	codeConflict   = "TransactionConflict"
	codeTooLarge   = "ItemCollectionSizeLimitExceeded"
	codeThroughput = "ProvisionedThroughputExceeded"
	codeThrottling = "ThrottlingError"
)
