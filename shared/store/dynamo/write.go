package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

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
	if err := check(actions); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if err := ctx.Err(); err != nil || len(actions) == 0 {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var r request
	var err error
	if len(actions) > 1 || actions[0].Op == store.Check {
		err = t.transact(ctx, &r, actions)
	} else {
		err = t.single(ctx, &r, actions[0])
	}
	if err == nil {
		return nil
	}
	return outcome(err, r.unknown)
}

func (t *Table) single(ctx context.Context, r *request, a store.Action) error {
	e := t.expression(a)
	if a.Op == store.Put {
		_, err := t.client.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: &t.name, Item: encode(a.Item),
			ConditionExpression: e.text, ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
		}, r.options)
		return err
	}
	_, err := t.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &t.name, Key: encodeKey(a.Item.Key),
		ConditionExpression: e.text, ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
	}, r.options)
	return err
}

func (t *Table) transact(ctx context.Context, r *request, actions []store.Action) error {
	r.repeatable = true // by the token, which the SDK adds and keeps for all attempts
	in := &dynamodb.TransactWriteItemsInput{}
	for _, a := range actions {
		var w types.TransactWriteItem
		e := t.expression(a)
		switch a.Op {
		case store.Put:
			w.Put = &types.Put{
				TableName: &t.name, Item: encode(a.Item),
				ConditionExpression: e.text, ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
			}
		case store.Delete:
			w.Delete = &types.Delete{
				TableName: &t.name, Key: encodeKey(a.Item.Key),
				ConditionExpression: e.text, ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
			}
		default:
			w.ConditionCheck = &types.ConditionCheck{
				TableName: &t.name, Key: encodeKey(a.Item.Key),
				ConditionExpression: e.text, ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
			}
		}
		in.TransactItems = append(in.TransactItems, w)
	}
	_, err := t.client.TransactWriteItems(ctx, in, r.options)
	return err
}

// expression is a condition with the names and values it uses, nil if there is none.
type expression struct {
	text   *string
	names  map[string]string
	values attributes
}

func (t *Table) expression(a store.Action) expression {
	var parts []string
	if a.Cond.NotExists {
		parts = append(parts, notThere)
	}
	if a.Cond.Exists {
		parts = append(parts, there)
	}
	if a.Cond.Rev != 0 {
		parts = append(parts, revision)
	}
	if len(parts) == 0 && a.Op == store.Check {
		parts = append(parts, always)
	}
	if len(parts) == 0 {
		return expression{}
	}
	e := expression{text: aws.String(strings.Join(parts, " AND "))}
	// DynamoDB refuses names and values that the text does not use.
	for name, attribute := range map[string]string{"#pk": store.AttrPK, "#rev": store.AttrRev, "#expires": store.AttrExpires} {
		if strings.Contains(*e.text, name) {
			if e.names == nil {
				e.names = make(map[string]string)
			}
			e.names[name] = attribute
		}
	}
	for name, value := range map[string]int64{":now": t.now().Unix(), ":rev": a.Cond.Rev} {
		if strings.Contains(*e.text, name) {
			if e.values == nil {
				e.values = make(attributes)
			}
			e.values[name] = number(value)
		}
	}
	return e
}

// outcome says in the words of the contract why a Write failed. unknown is whether an attempt
// may have been carried out all the same.
func outcome(err error, unknown bool) error {
	if cancel, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		return cancelled(err, cancel.CancellationReasons)
	}
	if _, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return &store.ConflictError{Failed: []int{0}}
	}
	if _, ok := errors.AsType[*types.TransactionConflictException](err); ok {
		return &store.ConflictError{Failed: []int{0}, Transient: true}
	}
	if _, ok := errors.AsType[*types.ItemCollectionSizeLimitExceededException](err); ok {
		return fmt.Errorf("write: %w: %w", store.ErrTooLarge, err)
	}
	// An attempt with the same token is still under way, and may succeed.
	_, underWay := errors.AsType[*types.TransactionInProgressException](err)
	if unknown || underWay {
		return fmt.Errorf("write: %w: %w", store.ErrAmbiguous, err)
	}
	return fmt.Errorf("write: %w", err)
}

// cancelled reads the reasons, of which there is one for each action. A conflict is worth more
// than any other reason: it says that the caller's picture is old.
func cancelled(err error, reasons []types.CancellationReason) error {
	var conflict store.ConflictError
	tooLarge := false
	for i, reason := range reasons {
		switch aws.ToString(reason.Code) {
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
