//go:build verify

package verify

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/wabawatch/wabawatch/shared/store"
	"github.com/wabawatch/wabawatch/verify/servers"
	"github.com/wabawatch/wabawatch/verify/stack"
)

// TestTheEmulatorIsFaithful: what stands for DynamoDB has to refuse what DynamoDB refuses, and to
// keep the promises on which package dynamo is built. Otherwise all that passes on it proves
// nothing. Each case is as AWS documents it.
// Source: AWS, DynamoDB API reference and developer guide (limits, transactions, streams), checked 2026-11.
func TestTheEmulatorIsFaithful(t *testing.T) {
	t.Parallel()
	s := stack.New(t, stack.Options{})
	table := s.Deployment.Tables[stack.Table]
	for _, tc := range []struct {
		name string
		run  func(*testing.T, emulator)
	}{
		{"RefusedConditionsReturnTheItem", refusedCondition},
		{"OneOfRacingPutsWins", racingPuts},
		{"CancellationsNameEveryReason", cancellation},
		{"TransactionsHaveBounds", transactionBounds},
		{"TokensMakeTransactionsRepeatable", tokens},
		{"ContendedTransactionsAreExact", contention},
		{"IndexesAreOrderedAndProjected", indexes},
		{"ConsistentReadsAreOfTheTableAlone", consistentReads},
		{"ItemsAndKeysHaveBounds", itemBounds},
		{"PagesEndAtAMegabyte", pages},
		{"ExpressionsNameWhatTheyUse", expressions},
		{"StreamTellsTheKeysOfWhatChanged", stream},
		{"StreamOmitsWhatChangesNothing", unchanged},
		{"ExpiryIsByTheAttribute", expiry},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.run(t, emulator{t: t, DynamoDB: s.DynamoDB, stack: s, table: table.Name, pk: tc.name})
		})
	}
}

// emulator is the deployed table for one case, which keeps to a partition of its own.
type emulator struct {
	t        *testing.T
	DynamoDB *dynamodb.Client
	stack    *stack.Stack
	table    string
	pk       string
}

type item = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func (e emulator) item(sk string, more item) item {
	it := item{store.AttrPK: text(e.pk), store.AttrSK: text(sk)}
	maps.Copy(it, more)
	return it
}

func (e emulator) put(it item) error {
	_, err := e.DynamoDB.PutItem(e.t.Context(), &dynamodb.PutItemInput{TableName: &e.table, Item: it})
	return err
}

func (e emulator) mustPut(it item) {
	e.t.Helper()
	if err := e.put(it); err != nil {
		e.t.Fatal(err)
	}
}

// get reads an item, nil if there is none.
func (e emulator) get(sk string) item {
	e.t.Helper()
	out, err := e.DynamoDB.GetItem(e.t.Context(), &dynamodb.GetItemInput{TableName: &e.table, Key: e.item(sk, nil), ConsistentRead: aws.Bool(true)})
	if err != nil {
		e.t.Fatal(err)
	}
	return out.Item
}

func (e emulator) transact(token *string, actions ...types.TransactWriteItem) error {
	_, err := e.DynamoDB.TransactWriteItems(e.t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: actions, ClientRequestToken: token})
	return err
}

// create is an action that puts an item which must not be there.
func (e emulator) create(it item) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{
		TableName: &e.table, Item: it, ConditionExpression: aws.String("attribute_not_exists(pk)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

// wantCode demands that the table refuses with that code.
func (e emulator) wantCode(what string, err error, code string) {
	e.t.Helper()
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok || api.ErrorCode() != code {
		e.t.Errorf("%s: %v, want %s", what, err, code)
	}
}

const invalid = "ValidationException"

func value(v types.AttributeValue) string {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return v.Value
	}
	return fmt.Sprintf("%T", v)
}

func refusedCondition(t *testing.T, e emulator) {
	e.mustPut(e.item("a", item{"body": text("old")}))
	_, err := e.DynamoDB.PutItem(t.Context(), &dynamodb.PutItemInput{
		TableName: &e.table, Item: e.item("a", item{"body": text("new")}), ConditionExpression: aws.String("attribute_not_exists(pk)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	refused, ok := errors.AsType[*types.ConditionalCheckFailedException](err)
	if !ok || value(refused.Item["body"]) != "old" {
		t.Errorf("put = %v, want a refusal with the item", err)
	}
	if got := value(e.get("a")["body"]); got != "old" {
		t.Errorf("body is %q after a refusal", got)
	}
}

func racingPuts(t *testing.T, e emulator) {
	var won atomic.Int64
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			_, err := e.DynamoDB.PutItem(t.Context(), &dynamodb.PutItemInput{
				TableName: &e.table, Item: e.item("a", item{"by": text(strconv.Itoa(i))}), ConditionExpression: aws.String("attribute_not_exists(pk)"),
			})
			if err == nil {
				won.Add(1)
			} else {
				e.wantCode("losing put", err, "ConditionalCheckFailedException")
			}
		})
	}
	if wg.Wait(); won.Load() != 1 {
		t.Errorf("%d of 16 racing puts won", won.Load())
	}
}

func cancellation(t *testing.T, e emulator) {
	e.mustPut(e.item("there", item{"body": text("old")}))
	err := e.transact(nil, e.create(e.item("new", nil)), e.create(e.item("there", nil)), e.create(e.item("other", nil)))
	cancelled, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok {
		t.Fatalf("transaction = %v, want it cancelled", err)
	}
	var codes []string
	for _, r := range cancelled.CancellationReasons {
		codes = append(codes, aws.ToString(r.Code))
	}
	if want := []string{"None", "ConditionalCheckFailed", "None"}; !slices.Equal(codes, want) {
		t.Fatalf("reasons are %q, want %q", codes, want)
	}
	if got := value(cancelled.CancellationReasons[1].Item["body"]); got != "old" {
		t.Errorf("the reason comes with %q", got)
	}
	for _, sk := range []string{"new", "other"} {
		if e.get(sk) != nil {
			t.Errorf("%s was written by a transaction that was cancelled", sk)
		}
	}
}

func transactionBounds(t *testing.T, e emulator) {
	puts := func(n, bytes int) []types.TransactWriteItem {
		var out []types.TransactWriteItem
		for i := range n {
			out = append(out, types.TransactWriteItem{Put: &types.Put{TableName: &e.table, Item: e.item(fmt.Sprintf("%d/%d", n, i), item{"body": text(strings.Repeat("x", bytes))})}})
		}
		return out
	}
	if err := e.transact(nil, puts(100, 1)...); err != nil {
		t.Errorf("100 actions: %v", err)
	}
	if err := e.transact(nil, puts(10, 390<<10)...); err != nil {
		t.Errorf("less than 4 MB: %v", err)
	}
	e.wantCode("101 actions", e.transact(nil, puts(101, 1)...), invalid)
	e.wantCode("more than 4 MB", e.transact(nil, puts(11, 390<<10)...), invalid)
	e.wantCode("two actions on one item", e.transact(nil, puts(1, 1)[0], puts(1, 2)[0]), invalid)
	for _, sk := range []string{"101/0", "11/0", "1/0"} {
		if e.get(sk) != nil {
			t.Errorf("%s was written by a transaction that was refused", sk)
		}
	}
}

func tokens(t *testing.T, e emulator) {
	token := aws.String("token-of-" + e.stack.Name)
	for range 2 {
		if err := e.transact(token, e.create(e.item("a", nil)), e.create(e.item("b", nil))); err != nil {
			t.Errorf("with the same token: %v", err)
		}
	}
	e.wantCode("another transaction with the same token", e.transact(token, e.create(e.item("c", nil)), e.create(e.item("d", nil))), "IdempotentParameterMismatchException")
	if e.get("c") != nil {
		t.Error("another transaction with the same token was carried out")
	}
}

// contention counts in transactions that meet. Those that are cancelled for that are repeated.
func contention(t *testing.T, e emulator) {
	const writers, times = 8, 10
	e.mustPut(e.item("n", item{"n": &types.AttributeValueMemberN{Value: "0"}}))
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := 0; i < times; {
				err := e.transact(nil,
					types.TransactWriteItem{Update: &types.Update{
						TableName: &e.table, Key: e.item("n", nil), UpdateExpression: aws.String("ADD n :one"),
						ExpressionAttributeValues: item{":one": &types.AttributeValueMemberN{Value: "1"}},
					}},
					e.create(e.item(fmt.Sprintf("%d/%d", w, i), nil)))
				if err == nil {
					i++
				} else if !conflict(err) {
					t.Errorf("writer %d: %v", w, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if got := value(e.get("n")["n"]); got != strconv.Itoa(writers*times) {
		t.Errorf("counted %s of %d", got, writers*times)
	}
}

// conflict reports whether a transaction was cancelled because another was under way, and for
// nothing else.
func conflict(err error) bool {
	cancelled, ok := errors.AsType[*types.TransactionCanceledException](err)
	return ok && !slices.ContainsFunc(cancelled.CancellationReasons, func(r types.CancellationReason) bool {
		return !slices.Contains([]string{"None", "TransactionConflict"}, aws.ToString(r.Code))
	})
}

func indexes(t *testing.T, e emulator) {
	var want []string
	for _, i := range rand.Perm(7) {
		sk := strconv.Itoa(i)
		e.mustPut(e.item("base"+strconv.Itoa(9-i), item{
			store.AttrTodoPK: text(e.pk), store.AttrTodoSK: text(sk), store.AttrViewPK: text(e.pk), store.AttrViewSK: text(sk), store.AttrBody: text("b" + sk),
		}))
	}
	e.mustPut(e.item("in no index", nil))
	for i := range 7 {
		want = append(want, strconv.Itoa(i))
	}
	for _, tc := range []struct {
		index    store.Index
		pk, sk   string
		holds    []string // besides the keys of the index
		backward bool
	}{
		{store.Todo, store.AttrTodoPK, store.AttrTodoSK, nil, false},
		{store.View, store.AttrViewPK, store.AttrViewSK, []string{store.AttrBody, store.AttrTodoPK, store.AttrTodoSK}, true},
	} {
		in := &dynamodb.QueryInput{
			TableName: &e.table, IndexName: aws.String(string(tc.index)), Limit: aws.Int32(2), ScanIndexForward: aws.Bool(!tc.backward),
			KeyConditionExpression:    aws.String(tc.pk + " = :pk AND " + tc.sk + " BETWEEN :from AND :to"),
			ExpressionAttributeValues: item{":pk": text(e.pk), ":from": text("1"), ":to": text("5")},
		}
		names := append([]string{store.AttrPK, store.AttrSK, tc.pk, tc.sk}, tc.holds...)
		slices.Sort(names)
		var got []string
		for {
			out, err := e.DynamoDB.Query(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			if len(out.Items) > 2 {
				t.Errorf("%s: a page of 2 holds %d", tc.index, len(out.Items))
			}
			for _, it := range out.Items {
				got = append(got, value(it[tc.sk]))
				if has := slices.Sorted(maps.Keys(it)); !slices.Equal(has, names) {
					t.Errorf("%s yields %q, want %q", tc.index, has, names)
				}
			}
			if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
				break
			}
		}
		expected := slices.Clone(want[1:6])
		if tc.backward {
			slices.Reverse(expected)
		}
		if !slices.Equal(got, expected) {
			t.Errorf("%s has %q, want %q", tc.index, got, expected)
		}
	}
	e.wantCode("an index key that is a number", e.put(e.item("n", item{store.AttrTodoPK: text("a"), store.AttrTodoSK: &types.AttributeValueMemberN{Value: "1"}})), invalid)
	e.wantCode("an empty index key", e.put(e.item("n", item{store.AttrTodoPK: text("a"), store.AttrTodoSK: text("")})), invalid)
	_, err := e.DynamoDB.Query(t.Context(), &dynamodb.QueryInput{
		TableName: &e.table, IndexName: aws.String(string(store.Todo)), KeyConditionExpression: aws.String("todo_pk = :pk"), ExpressionAttributeValues: item{":pk": text(e.pk)},
		Select: types.SelectAllAttributes,
	})
	e.wantCode("more of an index than it holds", err, invalid)
}

func consistentReads(t *testing.T, e emulator) {
	_, err := e.DynamoDB.Query(t.Context(), &dynamodb.QueryInput{
		TableName: &e.table, IndexName: aws.String(string(store.View)), ConsistentRead: aws.Bool(true),
		KeyConditionExpression: aws.String("view_pk = :pk"), ExpressionAttributeValues: item{":pk": text(e.pk)},
	})
	e.wantCode("a consistent read of an index", err, invalid)
}

func itemBounds(t *testing.T, e emulator) {
	// Names count: pk, sk, body, and the values of the first two.
	room := store.MaxItemBytes - len("pk"+"sk"+"body"+"a") - len(e.pk)
	if err := e.put(e.item("a", item{"body": text(strings.Repeat("x", room))})); err != nil {
		t.Errorf("an item of 400 KB: %v", err)
	}
	e.wantCode("an item of 400 KB and a byte", e.put(e.item("a", item{"body": text(strings.Repeat("x", room+1))})), invalid)
	if err := e.put(e.item(strings.Repeat("k", store.MaxSortKey), nil)); err != nil {
		t.Errorf("a sort key of 1024 bytes: %v", err)
	}
	e.wantCode("a sort key of 1025 bytes", e.put(e.item(strings.Repeat("k", store.MaxSortKey+1), nil)), invalid)
	e.wantCode("an empty sort key", e.put(e.item("", nil)), invalid)
	get := func(keys ...item) error {
		_, err := e.DynamoDB.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{e.table: {Keys: keys}}})
		return err
	}
	var keys []item
	for i := range 101 {
		keys = append(keys, e.item(strconv.Itoa(i), nil))
	}
	if err := get(keys[:100]...); err != nil {
		t.Errorf("100 keys: %v", err)
	}
	e.wantCode("101 keys", get(keys...), invalid)
	e.wantCode("a key twice", get(keys[0], keys[0]), invalid)
}

func pages(t *testing.T, e emulator) {
	const items, bytes = 7, 300 << 10
	for i := range items {
		e.mustPut(e.item(strconv.Itoa(i), item{"body": text(strings.Repeat("x", bytes))}))
	}
	in := &dynamodb.QueryInput{TableName: &e.table, KeyConditionExpression: aws.String("pk = :pk"), ExpressionAttributeValues: item{":pk": text(e.pk)}}
	total := 0
	for {
		out, err := e.DynamoDB.Query(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if total += len(out.Items); len(out.Items) > 4 {
			t.Errorf("a page holds %d items of 300 KB", len(out.Items))
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			break
		}
	}
	if total != items {
		t.Errorf("pages hold %d items of %d", total, items)
	}
	out, err := e.DynamoDB.Query(t.Context(), &dynamodb.QueryInput{
		TableName: &e.table, KeyConditionExpression: aws.String("pk = :pk"), FilterExpression: aws.String("body = :none"), Limit: aws.Int32(2),
		ExpressionAttributeValues: item{":pk": text(e.pk), ":none": text("none")},
	})
	if err != nil || len(out.Items) != 0 || out.LastEvaluatedKey == nil {
		t.Errorf("a page that is filtered after its limit = %v, %v, want it empty and not the last", out, err)
	}
}

func expressions(t *testing.T, e emulator) {
	for name, in := range map[string]*dynamodb.PutItemInput{
		"a name that is not used": {ConditionExpression: aws.String("attribute_not_exists(#pk)"), ExpressionAttributeNames: map[string]string{"#pk": "pk", "#sk": "sk"}},
		"a value that is not used": {
			ConditionExpression: aws.String("attribute_not_exists(#pk)"), ExpressionAttributeNames: map[string]string{"#pk": "pk"}, ExpressionAttributeValues: item{":v": text("v")},
		},
		"a value that is not given": {ConditionExpression: aws.String("pk = :v")},
	} {
		in.TableName, in.Item = &e.table, e.item("a", nil)
		_, err := e.DynamoDB.PutItem(t.Context(), in)
		e.wantCode(name, err, invalid)
	}
}

func stream(t *testing.T, e emulator) {
	e.mustPut(e.item("a", item{"body": text("1")}))
	e.mustPut(e.item("a", item{"body": text("2")}))
	if _, err := e.DynamoDB.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &e.table, Key: e.item("a", nil)}); err != nil {
		t.Fatal(err)
	}
	if err := e.transact(nil, e.create(e.item("a", nil)), e.create(e.item("b", nil))); err != nil {
		t.Fatal(err)
	}
	want := []string{"INSERT a", "MODIFY a", "REMOVE a", "INSERT a", "INSERT b"}
	if got := told(t, e); !slices.Equal(got, want) {
		t.Errorf("the stream tells %q, want %q", got, want)
	}
}

// unchanged puts an item that is there. dynoxide 3.2.0 tells of it: a modification, which the filter
// of the mapping lets no function see.
func unchanged(t *testing.T, e emulator) {
	for range 2 {
		e.mustPut(e.item("a", item{"body": text("1")}))
	}
	want := []string{"INSERT a"}
	if os.Getenv(servers.EmulatorVariable) == "dynoxide" {
		want = append(want, "MODIFY a")
	}
	if got := told(t, e); !slices.Equal(got, want) {
		t.Errorf("the stream tells %q, want %q", got, want)
	}
}

// told is what the stream tells of the case's partition: what happened, and to which sort key. Every
// record is held against what one has to be.
func told(t *testing.T, e emulator) []string {
	t.Helper()
	var got []string
	last := ""
	for _, raw := range records(t, e) {
		var r struct {
			EventName, EventSource, EventVersion string
			DynamoDB                             map[string]json.RawMessage `json:"dynamodb"`
		}
		if err := json.Unmarshal(raw, &r); err != nil {
			t.Fatal(err)
		}
		var keys map[string]struct{ S string }
		var sequence, view string
		for name, into := range map[string]any{"Keys": &keys, "SequenceNumber": &sequence, "StreamViewType": &view} {
			if err := json.Unmarshal(r.DynamoDB[name], into); err != nil {
				t.Fatalf("%s: %s of %s", err, name, raw)
			}
		}
		if keys["pk"].S != e.pk {
			continue
		}
		if len(keys) != 2 || r.DynamoDB["NewImage"] != nil || r.DynamoDB["OldImage"] != nil || view != "KEYS_ONLY" || r.EventSource != "aws:dynamodb" || r.EventVersion != "1.1" {
			t.Errorf("record %s", raw)
		}
		if len(sequence) < len(last) || len(sequence) == len(last) && sequence <= last {
			t.Errorf("sequence number %s after %s", sequence, last)
		}
		got, last = append(got, r.EventName+" "+keys["sk"].S), sequence
	}
	return got
}

// records reads the stream from its beginning.
func records(t *testing.T, e emulator) []json.RawMessage {
	t.Helper()
	source := e.stack.Stream.Stream
	shards, err := source.Shards(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out []json.RawMessage
	for _, shard := range shards {
		all, err := source.Records(t.Context(), shard, "")
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range all {
			out = append(out, r.Raw)
			if i != len(all)/2 {
				continue
			}
			// A mapping goes on where it was.
			if rest, err := source.Records(t.Context(), shard, r.Sequence); err != nil || len(rest) != len(all)-i-1 {
				t.Errorf("after %s come %d records (%v), want %d", r.Sequence, len(rest), err, len(all)-i-1)
			}
		}
	}
	return out
}

func expiry(t *testing.T, e emulator) {
	out, err := e.DynamoDB.DescribeTimeToLive(t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: &e.table})
	if err != nil {
		t.Fatal(err)
	}
	d := out.TimeToLiveDescription
	if d.TimeToLiveStatus != types.TimeToLiveStatusEnabled || aws.ToString(d.AttributeName) != store.AttrExpires {
		t.Errorf("items expire by %q, %s", aws.ToString(d.AttributeName), d.TimeToLiveStatus)
	}
}
