package dynamo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/wabawatch/wabawatch/shared/awscall"
	"github.com/wabawatch/wabawatch/shared/store"
)

// Conditions, as expressions. DynamoDB may keep expired items for days; they do not count.
const (
	notExpired = "(attribute_not_exists(#expires) OR #expires > :now)"
	notThere   = "(attribute_not_exists(#pk) OR #expires <= :now)"
	there      = "attribute_exists(#pk) AND " + notExpired
	revision   = "#rev = :rev AND " + notExpired
	always     = "(attribute_exists(#pk) OR attribute_not_exists(#pk))" // a check cannot do without
)

// Write implements store.Table. One action that writes is one request, at half the price of a
// transaction; it is ErrAmbiguous as soon as one answer to it is lost. Several actions are a
// transaction with a token, which is repeated without harm when an answer is lost, and
// ErrAmbiguous only when that does not help.
func (t *Table) Write(ctx context.Context, actions ...store.Action) error {
	if err := store.CheckWrite(actions); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if err := ctx.Err(); err != nil || len(actions) == 0 {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	r := t.single(actions[0])
	if len(actions) > 1 || actions[0].Op == store.Check {
		r = t.transaction(actions)
	}
	r.Read = valid
	if err := t.client.Do(ctx, r); err != nil {
		return outcome(err)
	}
	return nil
}

// single is a request that must not arrive twice: the second would meet the effect of the first
// and take it for someone else's.
func (t *Table) single(a store.Action) awscall.Request {
	body := appendAction([]byte{'{'}, t.name, a, t.now())
	r := awscall.Request{Operation: "DeleteItem", Body: append(body, '}')}
	if a.Op == store.Put {
		r.Operation = "PutItem"
	}
	return r
}

// transaction is repeatable by its token, which DynamoDB remembers for ten minutes.
func (t *Table) transaction(actions []store.Action) awscall.Request {
	b := make([]byte, 0, transactionBytes(actions))
	return awscall.Request{
		Operation: "TransactWriteItems", Body: appendTransaction(b, t.name, rand.Text(), actions, t.now()),
		Repeatable: true, Again: throttled,
	}
}

// Codes of refusals.
// Source: AWS, DynamoDB API reference, PutItem and TransactWriteItems, checked 2026-11.
const (
	refusedCancelled  = "TransactionCanceledException"
	refusedCondition  = "ConditionalCheckFailedException"
	refusedConflict   = "TransactionConflictException"
	refusedTooLarge   = "ItemCollectionSizeLimitExceededException"
	refusedInProgress = "TransactionInProgressException"
)

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

// throttled reports whether a transaction was cancelled for want of capacity and nothing else.
func throttled(e *awscall.Error) bool {
	if e.Code != refusedCancelled {
		return false
	}
	some := false
	for _, reason := range decodeReasons(e.Body) {
		switch reason {
		case "", codeNone:
		case codeThroughput, codeThrottling:
			some = true
		default:
			return false
		}
	}
	return some
}

// outcome says in the words of the contract why a Write failed.
func outcome(err error) error {
	if e, ok := errors.AsType[*awscall.Error](err); ok {
		switch e.Code {
		case refusedCancelled:
			return cancelled(err, decodeReasons(e.Body))
		case refusedCondition:
			return &store.ConflictError{Failed: []int{0}}
		case refusedConflict:
			return &store.ConflictError{Failed: []int{0}, Transient: true}
		case refusedTooLarge:
			return fmt.Errorf("write: %w: %w", store.ErrTooLarge, err)
		case refusedInProgress: // an attempt with the same token is under way, and may succeed
			return fmt.Errorf("write: %w: %w", store.ErrAmbiguous, err)
		}
	}
	if errors.Is(err, awscall.ErrLost) {
		return fmt.Errorf("write: %w: %w", store.ErrAmbiguous, err)
	}
	return fmt.Errorf("write: %w", err)
}

// cancelled reads the reasons, of which there is one for each action. A conflict is worth more
// than any other reason: it says that the caller's picture is old.
func cancelled(err error, reasons []string) error {
	var conflict store.ConflictError
	tooLarge := false
	for i, reason := range reasons {
		switch reason {
		case codeCondition:
			conflict.Failed = append(conflict.Failed, i)
		case codeConflict:
			conflict.Failed = append(conflict.Failed, i)
			conflict.Transient = true
		case codeTooLarge:
			tooLarge = true
		}
	}
	switch {
	case len(conflict.Failed) > 0:
		return &conflict
	case tooLarge:
		return fmt.Errorf("write: %w: %w", store.ErrTooLarge, err)
	}
	return fmt.Errorf("write: %w", err)
}
