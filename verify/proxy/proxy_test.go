package proxy

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"
)

// world is a service that counts what it did, behind a proxy.
type world struct {
	*Proxy
	done atomic.Int64
	url  string
}

func open(t *testing.T, seed uint64, service string) *world {
	t.Helper()
	w := &world{Proxy: New(seed)}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.done.Add(1)
		body := `{"ConsumedCapacity":{"TableName":"t","CapacityUnits":1}}`
		if service == SNS {
			body = `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>`
		}
		rw.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(body))), 10))
		fmt.Fprint(rw, body)
	}))
	t.Cleanup(server.Close)
	t.Cleanup(w.Close)
	var err error
	if w.url, err = w.Listen("writer", service, server.URL); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) dynamo() *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: &w.url, RetryMaxAttempts: 1, Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")})
}

func (w *world) put(ctx context.Context) error {
	_, err := w.dynamo().PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("t"), Item: map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "1"}}})
	return err
}

var puts = Match{Service: DynamoDB, Operation: "PutItem"}

func TestEveryFaultOfOneCall(t *testing.T) {
	for _, tc := range []struct {
		fault     Fault
		done      int64 // whether the service did it
		fails     bool
		ambiguous int
	}{
		{DropBefore, 0, true, 0},
		{DropAfter, 1, true, 1},
		{ResetBefore, 0, true, 0},
		{ResetAfter, 1, true, 1},
		{Throttle, 0, true, 0},
		{OverCapacity, 0, true, 0},
		{InConflict, 0, true, 0},
		{CheckFailed, 0, true, 0},
		{Fail(http.StatusInternalServerError), 0, true, 0},
		{Fail(http.StatusServiceUnavailable), 0, true, 0},
		{FailAfter(http.StatusInternalServerError), 1, true, 1},
		{Truncate, 1, true, 1},
		{Corrupt, 1, false, 1}, // this client does not look
		{Delay(time.Millisecond, Fault{}), 1, false, 0},
		{Delay(time.Millisecond, DropAfter), 1, true, 1},
		{Trickle(0), 1, false, 0},
	} {
		t.Run(tc.fault.Name, func(t *testing.T) {
			w := open(t, 1, DynamoDB)
			w.Next(puts, 1, tc.fault)
			if err := w.put(t.Context()); (err != nil) != tc.fails {
				t.Errorf("err = %v, want one: %t", err, tc.fails)
			}
			if got := w.done.Load(); got != tc.done {
				t.Errorf("the service did it %d times, want %d", got, tc.done)
			}
			w.settled(t, 1)
			if got := w.Ambiguous(puts); got != tc.ambiguous {
				t.Errorf("%d ambiguous answers, want %d: %v", got, tc.ambiguous, w.Log())
			}
			if err := w.put(t.Context()); err != nil {
				t.Errorf("the next call: %v", err)
			}
			if log := w.Log(); len(log) != 2 || log[0].Fault != tc.fault.Name || log[1].Fault != "" {
				t.Errorf("log = %v", log)
			}
		})
	}
}

// settled waits until the proxy is done with n calls: a caller may know earlier.
func (w *world) settled(t *testing.T, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		log := w.Log()
		if len(log) >= n && (log[n-1].Status != 0 || w.done.Load() == 0) {
			return
		}
		if ctx.Err() != nil {
			t.Fatal("a call does not settle")
		}
		time.Sleep(time.Millisecond)
	}
}

func TestRefusalsAreTheServices(t *testing.T) {
	w := open(t, 1, DynamoDB)
	for _, tc := range []struct {
		fault Fault
		is    func(error) bool
	}{
		{OverCapacity, func(err error) bool { return as[*types.ProvisionedThroughputExceededException](err) }},
		{InConflict, func(err error) bool { return as[*types.TransactionConflictException](err) }},
		{CheckFailed, func(err error) bool { return as[*types.ConditionalCheckFailedException](err) }},
		{Throttle, func(err error) bool { return code(err) == "ThrottlingException" }},
	} {
		w.Next(puts, 1, tc.fault)
		if err := w.put(t.Context()); !tc.is(err) {
			t.Errorf("%s: %v", tc.fault.Name, err)
		}
	}
	s := open(t, 1, SNS)
	client := sns.New(sns.Options{Region: "us-east-1", BaseEndpoint: &s.url, RetryMaxAttempts: 1, Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")})
	s.Next(Match{Operation: "Publish"}, 1, Throttle)
	in := &sns.PublishInput{TopicArn: aws.String("arn:aws:sns:us-east-1:123456789012:t"), Message: aws.String("m")}
	if _, err := client.Publish(t.Context(), in); code(err) != "Throttled" {
		t.Errorf("throttled: %v", err)
	}
	s.Next(Match{}, 1, Fail(http.StatusInternalServerError))
	if _, err := client.Publish(t.Context(), in); !as[*snstypes.InternalErrorException](err) {
		t.Errorf("failing: %v", err)
	}
	if _, err := client.Publish(t.Context(), in); err != nil {
		t.Errorf("publish afterwards = %v", err)
	}
}

// code is the service's word for an error.
func code(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return ""
}

func as[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func TestCancelGivesEveryActionItsReason(t *testing.T) {
	w := open(t, 1, DynamoDB)
	w.Next(Match{}, 1, Cancel("None", "ConditionalCheckFailed", "TransactionConflict"))
	in := &dynamodb.TransactWriteItemsInput{}
	for i := range 4 {
		in.TransactItems = append(in.TransactItems, types.TransactWriteItem{Put: &types.Put{TableName: aws.String("t"), Item: map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: fmt.Sprint(i)}}}})
	}
	_, err := w.dynamo().TransactWriteItems(t.Context(), in)
	cancelled, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok {
		t.Fatal(err)
	}
	var codes []string
	for _, r := range cancelled.CancellationReasons {
		codes = append(codes, aws.ToString(r.Code))
	}
	if want := []string{"None", "ConditionalCheckFailed", "TransactionConflict", "None"}; !slices.Equal(codes, want) {
		t.Errorf("reasons = %v, want %v", codes, want)
	}
}

func TestUnprocessedGivesAllKeysBack(t *testing.T) {
	w := open(t, 1, DynamoDB)
	w.Next(Match{}, 1, Unprocessed)
	keys := types.KeysAndAttributes{Keys: []map[string]types.AttributeValue{{"pk": &types.AttributeValueMemberS{Value: "1"}}}}
	out, err := w.dynamo().BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{"t": keys}})
	if err != nil || len(out.UnprocessedKeys["t"].Keys) != 1 || len(out.Responses["t"]) != 0 {
		t.Errorf("%+v %v", out, err)
	}
}

func TestScript(t *testing.T) {
	w := open(t, 1, DynamoDB)
	w.Nth(puts, 3, Throttle)
	w.Next(Match{From: "somebody else"}, 9, DropBefore)
	w.Next(Match{Operation: "GetItem"}, 9, DropBefore)
	w.Next(Match{Service: SNS}, 9, DropBefore)
	var failed []int
	for i := range 5 {
		if err := w.put(t.Context()); err != nil {
			failed = append(failed, i+1)
		}
	}
	if !slices.Equal(failed, []int{3}) {
		t.Errorf("calls %v failed, want the third alone", failed)
	}
	w.Always(puts, Throttle)
	if err := w.put(t.Context()); err == nil {
		t.Error("always is never")
	}
	w.Clear()
	if err := w.put(t.Context()); err != nil {
		t.Errorf("after Clear: %v", err)
	}
	if w.Calls(puts) != 7 || w.Faults(puts) != 2 || w.Calls(Match{From: "writer"}) != 7 || w.Calls(Match{From: "x"}) != 0 {
		t.Errorf("log = %v", w.Log())
	}
}

// faults plays n puts at a time so many at once, and says which met a fault.
func faults(t *testing.T, seed uint64, atOnce int) string {
	w := open(t, seed, DynamoDB)
	w.Rate(puts, 0.5, Throttle, CheckFailed, Fail(http.StatusInternalServerError))
	var wg sync.WaitGroup
	for range atOnce {
		wg.Go(func() {
			for range 40 / atOnce {
				_ = w.put(t.Context()) // half of them fail
			}
		})
	}
	wg.Wait()
	var out []string
	for _, e := range w.Log() {
		out = append(out, fmt.Sprint(e.Kind, " ", e.Fault))
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

func TestASeedReplaysItsFaults(t *testing.T) {
	one := faults(t, 7, 1)
	if again := faults(t, 7, 4); again != one {
		t.Errorf("the same seed, with more at once, gives\n%s\nwant\n%s", again, one)
	}
	if other := faults(t, 8, 1); other == one {
		t.Error("another seed gives the same faults")
	}
	for _, f := range []string{"throttled", "ConditionalCheckFailed", "InternalServerError", " \n"} {
		if !strings.Contains(one+"\n", f) {
			t.Errorf("no %q in\n%s", f, one)
		}
	}
}

func TestExhaustiveNamesEveryCase(t *testing.T) {
	var got []string
	for c := range Exhaustive(2, DropAfter, Throttle) {
		got = append(got, c.String())
	}
	want := []string{"call 1 answer lost", "call 1 throttled", "call 2 answer lost", "call 2 throttled"}
	if !slices.Equal(got, want) {
		t.Errorf("cases = %q, want %q", got, want)
	}
}

func TestHangUntilTheCallerGivesUp(t *testing.T) {
	for _, f := range []Fault{Hang, HangAfter} {
		w := open(t, 1, DynamoDB)
		arrived := make(chan struct{})
		w.Next(puts, 1, Before("seen", func() { close(arrived) }, f))
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-arrived; cancel() }()
		if err := w.put(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}

func TestKilledBeforeAndAfter(t *testing.T) {
	w := open(t, 1, DynamoDB)
	done := make(chan int64, 2)
	kill := func() { done <- w.done.Load() }
	w.Next(puts, 1, KillBefore(kill))
	w.Next(puts, 1, KillAfter(kill))
	for range 2 {
		if err := w.put(t.Context()); err == nil {
			t.Error("a killed caller gets an answer")
		}
	}
	if before, after := <-done, <-done; before != 0 || after != 1 {
		t.Errorf("when the callers were killed the service had done %d and %d, want 0 and 1", before, after)
	}
	w.settled(t, 2)
	if n := w.Ambiguous(puts); n != 1 {
		t.Errorf("%d ambiguous answers, want 1: %v", n, w.Log())
	}
}

// What a caller asked before it died is done by the time it is buried.
func TestBuryWaitsForWhatWasUnderWay(t *testing.T) {
	w := open(t, 1, DynamoDB)
	w.Next(Match{}, 1, Delay(50*time.Millisecond, Fault{}))
	ctx, die := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() { gone <- w.put(ctx) }()
	for w.Calls(Match{}) == 0 {
		time.Sleep(time.Millisecond)
	}
	die()
	<-gone
	w.Bury("writer")
	if e := w.Log()[0]; e.Status != http.StatusOK {
		t.Errorf("%s, and it is not known whether it was done", e)
	}
	w.Bury("nobody") // returns at once
}

func TestGraphCallsAreNamedByPath(t *testing.T) {
	w := open(t, 1, Graph)
	w.Next(Match{Service: Graph, Operation: "phone_numbers"}, 1, Throttle)
	for _, want := range []int{http.StatusTooManyRequests, http.StatusOK} {
		resp, err := http.Get(w.url + "/v26.0/1/phone_numbers?fields=id")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want || want != http.StatusOK && !strings.Contains(string(body), `"code":4`) {
			t.Errorf("%d %s, want %d", resp.StatusCode, body, want)
		}
	}
	if log := fmt.Sprint(w.Log()[0]); !strings.Contains(log, "writer graph GET /v26.0/1/phone_numbers #1: throttled") {
		t.Errorf("log line = %s", log)
	}
}

func TestCorruptAnswersCarryAnotherChecksum(t *testing.T) {
	w := open(t, 1, DynamoDB)
	w.Next(Match{}, 1, Corrupt)
	var sums []string
	for range 2 {
		resp, err := http.Get(w.url)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		sums = append(sums, resp.Header.Get("X-Amz-Crc32"))
	}
	if sums[0] == sums[1] || sums[0] == "" {
		t.Errorf("checksums = %v", sums)
	}
}

func TestASilentServiceIsSilentThroughTheProxy(t *testing.T) {
	p := New(1)
	t.Cleanup(p.Close)
	url, err := p.Listen("writer", DynamoDB, "http://127.0.0.1:1") // where nobody listens
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := http.Get(url); err == nil {
		t.Errorf("status %d of a service that is not there", resp.StatusCode)
		resp.Body.Close()
	}
}
