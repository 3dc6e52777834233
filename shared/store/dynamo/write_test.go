package dynamo

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wabawatch/wabawatch/shared/store"
)

// result is how a Write ended.
type result int

const (
	done result = iota
	conflict
	transient
	ambiguous
	tooLarge
	plain // nothing was written
)

func (r result) String() string {
	return []string{"done", "conflict", "transient conflict", "ambiguous", "too large", "plain error"}[r]
}

func resultOf(err error) result {
	c, isConflict := errors.AsType[*store.ConflictError](err)
	switch {
	case err == nil:
		return done
	case isConflict && c.Transient:
		return transient
	case isConflict:
		return conflict
	case errors.Is(err, store.ErrAmbiguous):
		return ambiguous
	case errors.Is(err, store.ErrTooLarge):
		return tooLarge
	}
	return plain
}

// TestSingleWrite gives one conditional put every kind of answer.
func TestSingleWrite(t *testing.T) {
	throttle := refusal(http.StatusBadRequest, "ThrottlingException")
	capacity := refusal(http.StatusBadRequest, "ProvisionedThroughputExceededException")
	condition := refusal(http.StatusBadRequest, "ConditionalCheckFailedException")
	for _, tc := range []struct {
		name     string
		answers  []answer
		want     result
		attempts int
	}{
		{"accepted", []answer{ok(`{}`)}, done, 1},
		{"condition failed", []answer{condition}, conflict, 1},
		{"another transaction under way", []answer{refusal(http.StatusBadRequest, "TransactionConflictException")}, transient, 1},
		{"collection too large", []answer{refusal(http.StatusBadRequest, "ItemCollectionSizeLimitExceededException")}, tooLarge, 1},
		{"malformed", []answer{refusal(http.StatusBadRequest, "ValidationException")}, plain, 1},
		{"access denied", []answer{refusal(http.StatusBadRequest, "AccessDeniedException")}, plain, 1},
		{"throttled, then accepted", []answer{throttle, capacity, ok(`{}`)}, done, 3},
		{"throttled, then condition failed", []answer{throttle, condition}, conflict, 2},
		{"throttled for ever", []answer{throttle}, plain, 3},
		{"dropped before it was sent", []answer{notConnected, ok(`{}`)}, done, 2},
		{"dropped before it was sent, then condition failed", []answer{notConnected, condition}, conflict, 2},
		{"never sent", []answer{notConnected}, plain, 3},
		// Its own first effect would now fail the condition, so nobody may ask again.
		{"answer lost", []answer{answerLost, condition}, ambiguous, 1},
		{"connection reset", []answer{reset, condition}, ambiguous, 1},
		{"throttled, then answer lost", []answer{throttle, answerLost, condition}, ambiguous, 2},
		{"internal error", []answer{refusal(http.StatusInternalServerError, "InternalServerError"), condition}, ambiguous, 1},
		{"internal error with a client's status", []answer{refusal(http.StatusBadRequest, "InternalServerError")}, ambiguous, 1},
		{"unavailable", []answer{reply(http.StatusServiceUnavailable, `Service Unavailable`), condition}, ambiguous, 1},
		{"half an answer", []answer{truncated, condition}, ambiguous, 1},
		{"corrupted answer", []answer{corrupted, condition}, ambiguous, 1},
		{"no answer", []answer{hangs}, ambiguous, 1},
		{"endless answer", []answer{slow}, ambiguous, 1},
	} {
		for _, op := range []store.Op{store.Put, store.Delete} {
			t.Run(tc.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					table, w := over(tc.answers...)
					start := time.Now()
					a := putOf("s", store.Cond{Rev: 1})
					a.Op = op
					err := table.Write(context.Background(), a)
					if got := resultOf(err); got != tc.want || len(w.seen) != tc.attempts {
						t.Errorf("%v after %d attempts (%v), want %v after %d", got, len(w.seen), err, tc.want, tc.attempts)
					}
					if took := time.Since(start); took > requestTimeout {
						t.Errorf("took %v", took)
					}
					want := map[store.Op]string{store.Put: "PutItem", store.Delete: "DeleteItem"}[op]
					if w.seen[0].operation != want {
						t.Errorf("sent %s, want %s", w.operations(), want)
					}
				})
			})
		}
	}
}

// TestTransaction gives two puts every kind of answer.
func TestTransaction(t *testing.T) {
	inProgress := refusal(http.StatusBadRequest, "TransactionInProgressException")
	throttle := refusal(http.StatusBadRequest, "ThrottlingException")
	for _, tc := range []struct {
		name     string
		answers  []answer
		want     result
		attempts int
	}{
		{"accepted", []answer{ok(`{}`)}, done, 1},
		{"answer lost, then accepted by its token", []answer{answerLost, ok(`{}`)}, done, 2},
		{"half an answer, then accepted", []answer{truncated, ok(`{}`)}, done, 2},
		{"corrupted answer, then accepted", []answer{corrupted, ok(`{}`)}, done, 2},
		{"internal error, then accepted", []answer{refusal(http.StatusInternalServerError, "InternalServerError"), ok(`{}`)}, done, 2},
		{"still under way, then accepted", []answer{answerLost, inProgress, ok(`{}`)}, done, 3},
		{"answer lost, then cancelled", []answer{answerLost, cancelledFor("None", "ConditionalCheckFailed")}, conflict, 2},
		{"answer lost each time", []answer{answerLost}, ambiguous, 3},
		{"answer lost, then throttled", []answer{answerLost, throttle}, ambiguous, 3},
		{"answer lost, then not connected", []answer{answerLost, notConnected}, ambiguous, 3},
		{"still under way for ever", []answer{inProgress}, ambiguous, 3},
		{"no answer", []answer{hangs}, ambiguous, 1},
		{"throttled for ever", []answer{throttle}, plain, 3},
		{"never sent", []answer{notConnected}, plain, 3},
		{"cancelled for capacity, then accepted", []answer{cancelledFor("None", "ThrottlingError"), ok(`{}`)}, done, 2},
		{"cancelled for capacity for ever", []answer{cancelledFor("ProvisionedThroughputExceeded", "None")}, plain, 3},
		{"cancelled as malformed", []answer{cancelledFor("None", "ValidationError")}, plain, 1},
		{"cancelled as too large", []answer{cancelledFor("None", "ItemCollectionSizeLimitExceeded")}, tooLarge, 1},
		{"token used for something else", []answer{refusal(http.StatusBadRequest, "IdempotentParameterMismatchException")}, plain, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				table, w := over(tc.answers...)
				start := time.Now()
				err := table.Write(context.Background(), putOf("s", store.Cond{Rev: 1}), putOf("t", store.Cond{}))
				if got := resultOf(err); got != tc.want || len(w.seen) != tc.attempts {
					t.Errorf("%v after %d attempts (%v), want %v after %d", got, len(w.seen), err, tc.want, tc.attempts)
				}
				if took := time.Since(start); took > requestTimeout {
					t.Errorf("took %v", took)
				}
				token, _ := w.seen[0].body["ClientRequestToken"].(string)
				for _, s := range w.seen {
					if s.operation != "TransactWriteItems" || token == "" || s.body["ClientRequestToken"] != token {
						t.Errorf("sent %s with token %v, want TransactWriteItems with the token of the first attempt, %q", s.operation, s.body["ClientRequestToken"], token)
					}
				}
			})
		})
	}
}

// TestCancellationReasons tries every pair of reasons: a conflict outweighs whatever is beside it.
func TestCancellationReasons(t *testing.T) {
	conflicts := []string{codeCondition, codeConflict}
	for _, a := range []string{codeNone, codeCondition, codeConflict, codeTooLarge, codeThroughput, codeThrottling, "ValidationError", "SomethingNew"} {
		for _, b := range []string{codeNone, codeCondition, codeConflict, codeTooLarge, codeThroughput, codeThrottling, "ValidationError", "SomethingNew"} {
			if a == codeNone && b == codeNone {
				continue
			}
			synctest.Test(t, func(t *testing.T) {
				table, _ := over(cancelledFor(a, b))
				err := table.Write(context.Background(), putOf("s", store.Cond{Rev: 1}), putOf("t", store.Cond{Rev: 1}))
				var failed []int
				want := plain
				for i, code := range []string{a, b} {
					if slices.Contains(conflicts, code) {
						failed = append(failed, i)
					}
				}
				switch {
				case a == codeConflict || b == codeConflict:
					want = transient
				case len(failed) > 0:
					want = conflict
				case a == codeTooLarge || b == codeTooLarge:
					want = tooLarge
				}
				if got := resultOf(err); got != want {
					t.Errorf("[%s, %s]: %v (%v), want %v", a, b, got, err, want)
				}
				if c, ok := errors.AsType[*store.ConflictError](err); ok && !slices.Equal(c.Failed, failed) {
					t.Errorf("[%s, %s]: failed %v, want %v", a, b, c.Failed, failed)
				}
			})
		}
	}
}

func TestCheckAloneIsATransaction(t *testing.T) {
	table, w := over(ok(`{}`))
	if err := table.Write(context.Background(), store.Action{Op: store.Check, Item: store.Item{Key: store.Key{PK: "p", SK: "s"}}, Cond: store.Cond{Exists: true}}); err != nil {
		t.Error(err)
	}
	if got := w.operations(); got != "TransactWriteItems" {
		t.Errorf("sent %s", got)
	}
}

func TestCancelledCallerIsAmbiguousOnceSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table, w := over(hangs)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := table.Write(ctx, putOf("s", store.Cond{})); resultOf(err) != ambiguous {
			t.Errorf("Write = %v, want ErrAmbiguous", err)
		}
		if err := table.Write(ctx, putOf("s", store.Cond{})); resultOf(err) != plain || len(w.seen) != 1 {
			t.Errorf("Write with a context that was over = %v after %d requests, want a plain error and none", err, len(w.seen)-1)
		}
	})
}

func TestConditionsHeedExpiry(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	for _, tc := range []struct {
		cond store.Cond
		want string
	}{
		{store.Cond{NotExists: true}, "(attribute_not_exists(#pk) OR #expires <= :now)"},
		{store.Cond{Exists: true}, "attribute_exists(#pk) AND (attribute_not_exists(#expires) OR #expires > :now)"},
		{store.Cond{Rev: 1}, "#rev = :rev AND (attribute_not_exists(#expires) OR #expires > :now)"},
	} {
		table, w := over(ok(`{}`))
		table.now = func() time.Time { return at }
		if err := table.Write(context.Background(), putOf("s", tc.cond)); err != nil {
			t.Error(err)
		}
		body := w.seen[0].body
		if body["ConditionExpression"] != tc.want {
			t.Errorf("condition %v, want %v", body["ConditionExpression"], tc.want)
		}
		values := body["ExpressionAttributeValues"].(map[string]any)
		if now := values[":now"].(map[string]any)["N"]; now != "1800000000" {
			t.Errorf("now is %v", now)
		}
		for name := range body["ExpressionAttributeNames"].(map[string]any) {
			if !strings.Contains(tc.want, name) {
				t.Errorf("name %s is not used, which DynamoDB refuses", name)
			}
		}
	}
}
