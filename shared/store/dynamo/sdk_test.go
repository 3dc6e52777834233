package dynamo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/wabawatch/wabawatch/shared/awscall"
	"github.com/wabawatch/wabawatch/shared/store"
)

// The tests of this file have the SDK's own client send what a Table sends, and read what a
// Table reads: both must say and understand the same.

// sdkOver returns the SDK's client, whose requests get these answers, and which asks once.
func sdkOver(answers ...answer) (*dynamodb.Client, *wire) {
	w := &wire{answers: answers}
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://dynamodb.invalid"), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), HTTPClient: &http.Client{Transport: w},
	}), w
}

var instant = time.Unix(1_800_000_000, 0)

func theirText(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func theirNumber(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func theirKey(k store.Key) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"pk": theirText(k.PK), "sk": theirText(k.SK)}
}

func theirItem(it store.Item) map[string]types.AttributeValue {
	m := theirKey(it.Key)
	for name, value := range map[string]string{"todo_pk": it.Todo.PK, "todo_sk": it.Todo.SK, "view_pk": it.View.PK, "view_sk": it.View.SK, "body": it.Body} {
		if value != "" {
			m[name] = theirText(value)
		}
	}
	if it.Rev != 0 {
		m["rev"] = theirNumber(it.Rev)
	}
	if !it.Expires.IsZero() {
		m["expires"] = theirNumber(it.Expires.Unix())
	}
	return m
}

// theirCondition finds names and values in the text of an expression.
func theirCondition(a store.Action) (text *string, names map[string]string, values map[string]types.AttributeValue) {
	var parts []string
	if a.Cond.NotExists {
		parts = append(parts, "(attribute_not_exists(#pk) OR #expires <= :now)")
	}
	if a.Cond.Exists {
		parts = append(parts, "attribute_exists(#pk) AND (attribute_not_exists(#expires) OR #expires > :now)")
	}
	if a.Cond.Rev != 0 {
		parts = append(parts, "#rev = :rev AND (attribute_not_exists(#expires) OR #expires > :now)")
	}
	if a.Op == store.Check && len(parts) == 0 {
		parts = append(parts, "(attribute_exists(#pk) OR attribute_not_exists(#pk))")
	}
	if len(parts) == 0 {
		return nil, nil, nil
	}
	all := strings.Join(parts, " AND ")
	for name, attribute := range map[string]string{"#pk": "pk", "#rev": "rev", "#expires": "expires"} {
		if strings.Contains(all, name) {
			if names == nil {
				names = map[string]string{}
			}
			names[name] = attribute
		}
	}
	for name, n := range map[string]int64{":now": instant.Unix(), ":rev": a.Cond.Rev} {
		if strings.Contains(all, name) {
			if values == nil {
				values = map[string]types.AttributeValue{}
			}
			values[name] = theirNumber(n)
		}
	}
	return &all, names, values
}

func theirWrite(c *dynamodb.Client, actions []store.Action) error {
	ctx, table := context.Background(), aws.String("t")
	if len(actions) == 1 && actions[0].Op != store.Check {
		text, names, values := theirCondition(actions[0])
		if actions[0].Op == store.Put {
			_, err := c.PutItem(ctx, &dynamodb.PutItemInput{TableName: table, Item: theirItem(actions[0].Item), ConditionExpression: text, ExpressionAttributeNames: names, ExpressionAttributeValues: values})
			return err
		}
		_, err := c.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: table, Key: theirKey(actions[0].Item.Key), ConditionExpression: text, ExpressionAttributeNames: names, ExpressionAttributeValues: values})
		return err
	}
	in := &dynamodb.TransactWriteItemsInput{}
	for _, a := range actions {
		text, names, values := theirCondition(a)
		w := types.TransactWriteItem{}
		switch a.Op {
		case store.Put:
			w.Put = &types.Put{TableName: table, Item: theirItem(a.Item), ConditionExpression: text, ExpressionAttributeNames: names, ExpressionAttributeValues: values}
		case store.Delete:
			w.Delete = &types.Delete{TableName: table, Key: theirKey(a.Item.Key), ConditionExpression: text, ExpressionAttributeNames: names, ExpressionAttributeValues: values}
		default:
			w.ConditionCheck = &types.ConditionCheck{TableName: table, Key: theirKey(a.Item.Key), ConditionExpression: text, ExpressionAttributeNames: names, ExpressionAttributeValues: values}
		}
		in.TransactItems = append(in.TransactItems, w)
	}
	_, err := c.TransactWriteItems(ctx, in)
	return err
}

// keyText draws the parts of keys: short, and seldom plain.
var keyText = rapid.StringMatching(`[a-z#"\\<&/é\x{2028}\x{1F600}\x{00}-\x{1f}]{1,8}`)

func drawKey(t *rapid.T) store.Key {
	return store.Key{PK: keyText.Draw(t, "pk"), SK: keyText.Draw(t, "sk")}
}

func drawItem(t *rapid.T) store.Item {
	it := store.Item{Key: drawKey(t), Rev: rapid.Int64Min(0).Draw(t, "rev"), Body: rapid.String().Draw(t, "body")}
	if rapid.Bool().Draw(t, "expires") {
		it.Expires = time.Unix(rapid.Int64Range(1, 1<<33).Draw(t, "at"), 0).UTC()
	}
	if rapid.Bool().Draw(t, "todo") {
		it.Todo = drawKey(t)
	}
	if rapid.Bool().Draw(t, "view") {
		it.View = drawKey(t)
	}
	return it
}

func drawActions(t *rapid.T) []store.Action {
	var actions []store.Action
	for i := range rapid.IntRange(1, 6).Draw(t, "actions") {
		a := store.Action{Op: store.Op(rapid.IntRange(0, 2).Draw(t, "op")), Item: drawItem(t), Cond: store.Cond{
			NotExists: rapid.Bool().Draw(t, "not exists"), Exists: rapid.Bool().Draw(t, "exists"), Rev: rapid.Int64Range(0, 3).Draw(t, "cond rev"),
		}}
		a.Item.SK += strconv.Itoa(i) // no two on one item
		actions = append(actions, a)
	}
	return actions
}

func sameRequest(t *rapid.T, ours, theirs *wire) {
	t.Helper()
	if len(ours.seen) != 1 || len(theirs.seen) != 1 {
		t.Fatalf("%d requests, the SDK %d", len(ours.seen), len(theirs.seen))
	}
	our, their := ours.seen[0], theirs.seen[0]
	if our.operation != their.operation {
		t.Errorf("sent %s, the SDK %s", our.operation, their.operation)
	}
	if token, _ := our.body["ClientRequestToken"].(string); (token == "") != (their.body["ClientRequestToken"] == nil) || len(token) > 36 {
		t.Errorf("token %q, of the SDK %v", token, their.body["ClientRequestToken"])
	}
	delete(our.body, "ClientRequestToken")
	delete(their.body, "ClientRequestToken")
	if d := cmp.Diff(their.body, our.body); d != "" {
		t.Errorf("%s (-SDK +ours):\n%s", our.operation, d)
	}
}

func TestWritesAsTheSDKDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		actions := drawActions(t)
		table, ours := over(ok(`{}`))
		table.now = func() time.Time { return instant }
		client, theirs := sdkOver(ok(`{}`))
		if err := errors.Join(table.Write(context.Background(), actions...), theirWrite(client, actions)); err != nil {
			t.Fatal(err)
		}
		sameRequest(t, ours, theirs)
	})
}

func TestGetsAsTheSDKDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ask := rapid.SliceOfNDistinct(rapid.Custom(drawKey), 1, 9, rapid.ID).Draw(t, "keys")
		table, ours := over(ok(`{}`))
		client, theirs := sdkOver(ok(`{}`))
		in := types.KeysAndAttributes{ConsistentRead: aws.Bool(true)}
		for _, k := range ask {
			in.Keys = append(in.Keys, theirKey(k))
		}
		_, err := client.BatchGetItem(context.Background(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{"t": in}})
		_, ourErr := table.Get(context.Background(), ask...)
		if err := errors.Join(err, ourErr); err != nil {
			t.Fatal(err)
		}
		sameRequest(t, ours, theirs)
	})
}

// theirQuery asks the SDK for the same. start is where it begins, the zero Item for nowhere.
func theirQuery(q store.Query, start store.Item) *dynamodb.QueryInput {
	keys := map[store.Index][2]string{store.Base: {"pk", "sk"}, store.Todo: {"todo_pk", "todo_sk"}, store.View: {"view_pk", "view_sk"}}[q.Index]
	in := &dynamodb.QueryInput{
		TableName: aws.String("t"), ScanIndexForward: aws.Bool(!q.Backward), KeyConditionExpression: aws.String("#pk = :pk"),
		ExpressionAttributeNames: map[string]string{"#pk": keys[0]}, ExpressionAttributeValues: map[string]types.AttributeValue{":pk": theirText(q.PK)},
	}
	if q.From != "" || q.To != "" {
		in.ExpressionAttributeNames["#sk"] = keys[1]
	}
	switch {
	case q.From != "" && q.To != "":
		in.KeyConditionExpression = aws.String("#pk = :pk AND #sk BETWEEN :from AND :to")
	case q.From != "":
		in.KeyConditionExpression = aws.String("#pk = :pk AND #sk >= :from")
	case q.To != "":
		in.KeyConditionExpression = aws.String("#pk = :pk AND #sk <= :to")
	}
	if q.From != "" {
		in.ExpressionAttributeValues[":from"] = theirText(q.From)
	}
	if q.To != "" {
		in.ExpressionAttributeValues[":to"] = theirText(q.To)
	}
	if q.Index == store.Base {
		in.ConsistentRead = aws.Bool(true)
	} else {
		in.IndexName = aws.String(string(q.Index))
	}
	if q.Index != store.Todo {
		in.FilterExpression = aws.String("(attribute_not_exists(#expires) OR #expires > :now)")
		in.ExpressionAttributeNames["#expires"], in.ExpressionAttributeValues[":now"] = "expires", theirNumber(instant.Unix())
	}
	if q.Limit > 0 {
		in.Limit = aws.Int32(int32(q.Limit))
	}
	if start.PK != "" {
		in.ExclusiveStartKey = theirKey(start.Key)
		switch q.Index {
		case store.Todo:
			in.ExclusiveStartKey["todo_pk"], in.ExclusiveStartKey["todo_sk"] = theirText(start.Todo.PK), theirText(start.Todo.SK)
		case store.View:
			in.ExclusiveStartKey["view_pk"], in.ExclusiveStartKey["view_sk"] = theirText(start.View.PK), theirText(start.View.SK)
		}
	}
	return in
}

func TestQueriesAsTheSDKDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := store.Query{
			Index: rapid.SampledFrom([]store.Index{store.Base, store.Todo, store.View}).Draw(t, "index"), PK: keyText.Draw(t, "pk"),
			Backward: rapid.Bool().Draw(t, "backward"), Limit: rapid.IntRange(0, 9).Draw(t, "limit"),
		}
		bounds := rapid.SliceOfN(rapid.OneOf(keyText, rapid.Just("")), 2, 2).Draw(t, "bounds")
		slices.Sort(bounds)
		q.From, q.To = bounds[0], bounds[1]
		if rapid.Bool().Draw(t, "turned") && q.From == "" {
			q.From, q.To = q.To, q.From
		}
		var start store.Item
		if rapid.Bool().Draw(t, "continued") {
			start = store.Item{Key: drawKey(t)}
			switch q.Index {
			case store.Base:
				start.PK = q.PK
			case store.Todo:
				start.Todo = store.Key{PK: q.PK, SK: keyText.Draw(t, "index sk")}
			case store.View:
				start.View = store.Key{PK: q.PK, SK: keyText.Draw(t, "index sk")}
			}
			var err error
			if q.Cursor, err = encodeCursor(q, start); err != nil {
				t.Fatal(err)
			}
		}
		table, ours := over(ok(`{"Items":[]}`))
		table.now = func() time.Time { return instant }
		client, theirs := sdkOver(ok(`{"Items":[]}`))
		_, err := client.Query(context.Background(), theirQuery(q, start))
		_, ourErr := table.Query(context.Background(), q)
		if err := errors.Join(err, ourErr); err != nil {
			t.Fatal(err)
		}
		sameRequest(t, ours, theirs)
	})
}

// wireItem spells an item as the standard library does, which escapes more than we do, with an
// attribute that a newer program may have added.
func wireItem(it store.Item, more bool) map[string]any {
	m := map[string]any{}
	for name, v := range theirItem(it) {
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			m[name] = map[string]string{"S": v.Value}
		case *types.AttributeValueMemberN:
			m[name] = map[string]string{"N": v.Value}
		}
	}
	if more {
		m["newer"] = map[string]any{"M": map[string]any{"pk": map[string]any{"L": []any{map[string]any{"NULL": true}, map[string]any{"N": "1e2"}}}}}
	}
	return m
}

// fromTheirs reads an item out of what the SDK made of it.
func fromTheirs(m map[string]types.AttributeValue) store.Item {
	text := func(name string) string {
		if v, ok := m[name].(*types.AttributeValueMemberS); ok {
			return v.Value
		}
		return ""
	}
	number := func(name string) (n int64) {
		if v, ok := m[name].(*types.AttributeValueMemberN); ok {
			n, _ = strconv.ParseInt(v.Value, 10, 64)
		}
		return n
	}
	it := store.Item{
		Key: store.Key{PK: text("pk"), SK: text("sk")}, Todo: store.Key{PK: text("todo_pk"), SK: text("todo_sk")},
		View: store.Key{PK: text("view_pk"), SK: text("view_sk")}, Rev: number("rev"), Body: text("body"),
	}
	if at := number("expires"); at != 0 {
		it.Expires = time.Unix(at, 0).UTC()
	}
	return it
}

func TestAnswersReadAsTheSDKDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.SliceOfN(rapid.Custom(drawItem), 0, 5).Draw(t, "items")
		var spelled []any
		for _, it := range items {
			spelled = append(spelled, wireItem(it, rapid.Bool().Draw(t, "newer")))
		}
		rest := rapid.SliceOfN(rapid.Custom(drawKey), 0, 3).Draw(t, "unprocessed")
		var left []any
		for _, k := range rest {
			left = append(left, wireItem(store.Item{Key: k}, false))
		}
		page := map[string]any{"Count": len(items), "ScannedCount": 9, "Items": spelled, "ConsumedCapacity": nil}
		if len(rest) > 0 {
			page["LastEvaluatedKey"] = left[0]
		}
		batch := map[string]any{"Responses": map[string]any{"t": spelled, "other": []any{}}, "UnprocessedKeys": map[string]any{}}
		if len(left) > 0 {
			batch["UnprocessedKeys"] = map[string]any{"t": map[string]any{"ConsistentRead": true, "Keys": left}}
		}
		pageJSON, err := json.Marshal(page)
		if err != nil {
			t.Fatal(err)
		}
		batchJSON, err := json.Marshal(batch)
		if err != nil {
			t.Fatal(err)
		}
		client, _ := sdkOver(ok(string(pageJSON)), ok(string(batchJSON)))
		theirPage, err := client.Query(context.Background(), theirQuery(store.Query{PK: "p"}, store.Item{}))
		if err != nil {
			t.Fatal(err)
		}
		theirBatch, err := client.BatchGetItem(context.Background(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{"t": {Keys: []map[string]types.AttributeValue{theirKey(store.Key{PK: "p", SK: "s"})}}}})
		if err != nil {
			t.Fatal(err)
		}
		ourPage, pageErr := decodeQuery(pageJSON)
		ourBatch, batchErr := decodeBatch(batchJSON, "t")
		if err := errors.Join(pageErr, ourPage.foreign, batchErr, ourBatch.foreign); err != nil {
			t.Fatal(err)
		}
		var want []store.Item
		for _, m := range theirPage.Items {
			want = append(want, fromTheirs(m))
		}
		if d := cmp.Diff(want, ourPage.items); d != "" {
			t.Errorf("page (-SDK +ours):\n%s", d)
		}
		if d := cmp.Diff(fromTheirs(theirPage.LastEvaluatedKey), ourPage.last); d != "" || ourPage.more != (len(theirPage.LastEvaluatedKey) > 0) {
			t.Errorf("more %v, stopped at (-SDK +ours):\n%s", ourPage.more, d)
		}
		want = nil
		for _, m := range theirBatch.Responses["t"] {
			want = append(want, fromTheirs(m))
		}
		if d := cmp.Diff(want, ourBatch.items); d != "" {
			t.Errorf("batch (-SDK +ours):\n%s", d)
		}
		var keys []store.Key
		for _, m := range theirBatch.UnprocessedKeys["t"].Keys {
			keys = append(keys, fromTheirs(m).Key)
		}
		if d := cmp.Diff(keys, ourBatch.unprocessed); d != "" {
			t.Errorf("unprocessed (-SDK +ours):\n%s", d)
		}
	})
}

// coded is an error of the SDK that has a code.
type coded interface {
	error
	ErrorCode() string
	ErrorMessage() string
}

func TestRefusalsReadAsTheSDKDoes(t *testing.T) {
	reasons := `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","Message":"Transaction cancelled, please refer cancellation reasons",` +
		`"CancellationReasons":[{"Code":"None"},{"Code":"ConditionalCheckFailed","Message":"The conditional request failed","Item":{"pk":{"S":"p"}}},{"Code":"ThrottlingError"},{}]}`
	header := func(status int, body, code string) answer {
		return func(r *http.Request) (*http.Response, error) {
			resp, err := reply(status, body)(r)
			resp.Header.Set("X-Amzn-Errortype", code)
			return resp, err
		}
	}
	for name, a := range map[string]answer{
		"condition":            refusal(400, "ConditionalCheckFailedException"),
		"throttled":            refusal(400, "ThrottlingException"),
		"capacity":             refusal(400, "ProvisionedThroughputExceededException"),
		"conflict":             refusal(400, "TransactionConflictException"),
		"in progress":          refusal(400, "TransactionInProgressException"),
		"internal":             refusal(500, "InternalServerError"),
		"cancelled":            reply(400, reasons),
		"another namespace":    reply(400, `{"__type":"com.amazon.coral.validate#ValidationException","message":"bad"}`),
		"no namespace":         reply(400, `{"__type":"UnrecognizedClientException","message":"bad"}`),
		"with an address":      reply(400, `{"__type":"ValidationException:http://internal.amazon.com/","message":"bad"}`),
		"in the header":        header(400, `{"message":"bad"}`, "AccessDeniedException"),
		"in the header, long":  header(400, `{"message":"bad"}`, "com.amazon.coral.service#AccessDeniedException:http://internal.amazon.com/"),
		"access denied, upper": reply(400, `{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"User is not authorized"}`),
	} {
		synctest.Test(t, func(t *testing.T) {
			client, _ := sdkOver(a)
			table, _ := over(a)
			table.client.Attempts = 1
			actions := []store.Action{putOf("s", store.Cond{Rev: 1}), putOf("t", store.Cond{Rev: 1})}
			their, isTheirs := errors.AsType[coded](theirWrite(client, actions))
			if !isTheirs {
				t.Fatalf("%s: the SDK has no code", name)
			}
			err := table.client.Do(context.Background(), table.transaction(actions))
			our, isOurs := errors.AsType[*awscall.Error](err)
			if !isOurs || our.Code != their.ErrorCode() || our.Message != their.ErrorMessage() {
				t.Fatalf("%s: %v, the SDK has %s: %s", name, err, their.ErrorCode(), their.ErrorMessage())
			}
			if cancel, ok := errors.AsType[*types.TransactionCanceledException](their); ok {
				var want []string
				for _, r := range cancel.CancellationReasons {
					want = append(want, aws.ToString(r.Code))
				}
				if got := decodeReasons(our.Body); !slices.Equal(got, want) || len(got) != 4 {
					t.Errorf("%s: reasons %q, of the SDK %q", name, got, want)
				}
			}
		})
	}
}

// TestDamageIsNoAnswer cuts an answer everywhere: no part of it may pass for the whole.
func TestDamageIsNoAnswer(t *testing.T) {
	page := fmt.Sprintf(`{"Items":[%s,%s],"LastEvaluatedKey":{"pk":{"S":"p"},"sk":{"S":"b"}}}`, itemJSON("a"), itemJSON("b"))
	batch := fmt.Sprintf(`{"Responses":{"t":[%s]},"UnprocessedKeys":{"t":{"Keys":[{"pk":{"S":"p"},"sk":{"S":"b"}}]}}}`, itemJSON("a"))
	for n := range page {
		if _, err := decodeQuery([]byte(page[:n])); err == nil {
			t.Errorf("page %s is understood", page[:n])
		}
	}
	for n := range batch {
		if _, err := decodeBatch([]byte(batch[:n]), "t"); err == nil {
			t.Errorf("batch %s is understood", batch[:n])
		}
	}
	for _, body := range []string{``, `null`, `[]`, `"x"`, `{}{}`, `{} x`, `{"Items":{}}`, `{"Items":[1]}`, `{"Items":[{"pk":"p"}]}`, `{"Items":[{"pk":{"S":1}}]}`, `<html>`} {
		if _, err := decodeQuery([]byte(body)); err == nil {
			t.Errorf("%s is understood", body)
		}
	}
}
