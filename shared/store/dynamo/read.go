package dynamo

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/wabawatch/wabawatch/shared/store"
)

const (
	batchKeys      = 100 // of one BatchGetItem
	batchesAtATime = 4
	// idleTries is how often in a row a Get asks again after an answer that brought nothing.
	idleTries = 5
)

// Get implements store.Table. It reads consistently, a hundred keys at a time.
func (t *Table) Get(ctx context.Context, keys ...store.Key) ([]store.Item, error) {
	var ask []attributes
	asked := make(map[store.Key]bool, len(keys))
	for _, k := range keys {
		if err := checkKey(k); err != nil {
			return nil, fmt.Errorf("get: %w", err)
		}
		if !asked[k] { // DynamoDB refuses duplicates
			asked[k] = true
			ask = append(ask, encodeKey(k))
		}
	}
	batches := slices.Collect(slices.Chunk(ask, batchKeys))
	found, errs := make([][]store.Item, len(batches)), make([]error, len(batches))
	room := make(chan struct{}, batchesAtATime)
	var wg sync.WaitGroup
	for i, batch := range batches {
		room <- struct{}{}
		wg.Go(func() {
			defer func() { <-room }()
			found[i], errs[i] = t.batch(ctx, batch)
		})
	}
	wg.Wait()
	if err := cmp.Or(errs...); err != nil {
		return nil, fmt.Errorf("get %d keys: %w", len(keys), err)
	}
	return slices.Concat(found...), nil
}

// batch asks again for what DynamoDB left out, because the answer was full or it was short of
// capacity.
func (t *Table) batch(ctx context.Context, ask []attributes) ([]store.Item, error) {
	var found []store.Item
	for idle := 0; ; {
		out, err := t.batchOnce(ctx, ask)
		if err != nil {
			return nil, err
		}
		for _, m := range out.Responses[t.name] {
			it, err := decode(m)
			if err != nil {
				return nil, err
			}
			if it.Expires.IsZero() || it.Expires.After(t.now()) {
				found = append(found, it)
			}
		}
		rest := out.UnprocessedKeys[t.name].Keys
		switch {
		case len(rest) == 0:
			return found, nil
		case len(rest) < len(ask):
			idle = 0
		case idle == idleTries:
			return nil, fmt.Errorf("%d keys were not processed: the table is short of capacity", len(rest))
		default:
			idle++
		}
		if err := sleep(ctx, rand.N(retryWait<<idle)); err != nil {
			return nil, err
		}
		ask = rest
	}
}

func (t *Table) batchOnce(ctx context.Context, ask []attributes) (*dynamodb.BatchGetItemOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	r := request{repeatable: true}
	return t.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
		RequestItems: map[string]types.KeysAndAttributes{t.name: {Keys: ask, ConsistentRead: aws.Bool(true)}},
	}, r.options)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// indexKeys names the key attributes of each index.
var indexKeys = map[store.Index][2]string{
	store.Base: {store.AttrPK, store.AttrSK},
	store.Todo: {store.AttrTodoPK, store.AttrTodoSK},
	store.View: {store.AttrViewPK, store.AttrViewSK},
}

// Query implements store.Table. Expired items are left out after Limit was applied.
func (t *Table) Query(ctx context.Context, q store.Query) (store.Page, error) {
	in, err := t.queryInput(q)
	if err != nil {
		return store.Page{}, fmt.Errorf("query: %w", err)
	}
	if q.From != "" && q.To != "" && q.From > q.To {
		return store.Page{}, ctx.Err() // which DynamoDB calls an error
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	r := request{repeatable: true}
	out, err := t.client.Query(ctx, in, r.options)
	if err != nil {
		return store.Page{}, fmt.Errorf("query %q of %s: %w", q.Index, q.PK, err)
	}
	var page store.Page
	for _, m := range out.Items {
		it, err := decode(m)
		if err != nil {
			return store.Page{}, fmt.Errorf("query %q of %s: %w", q.Index, q.PK, err)
		}
		page.Items = append(page.Items, it)
	}
	if len(out.LastEvaluatedKey) > 0 {
		if page.Next, err = encodeCursor(q, out.LastEvaluatedKey); err != nil {
			return store.Page{}, fmt.Errorf("query %q of %s: %w", q.Index, q.PK, err)
		}
	}
	return page, nil
}

func (t *Table) queryInput(q store.Query) (*dynamodb.QueryInput, error) {
	names, ok := indexKeys[q.Index]
	if !ok {
		return nil, fmt.Errorf("no index %q", q.Index)
	}
	if q.PK == "" {
		return nil, errors.New("no partition key")
	}
	start, err := decodeCursor(q)
	if err != nil {
		return nil, err
	}
	in := &dynamodb.QueryInput{
		TableName: &t.name, ScanIndexForward: aws.Bool(!q.Backward), ExclusiveStartKey: start,
		ExpressionAttributeNames:  map[string]string{"#pk": names[0]},
		ExpressionAttributeValues: attributes{":pk": text(q.PK)},
	}
	if q.Index != store.Todo { // which has keys only, and refuses to be asked for more
		in.FilterExpression = aws.String(notExpired)
		in.ExpressionAttributeNames["#expires"], in.ExpressionAttributeValues[":now"] = store.AttrExpires, number(t.now().Unix())
	}
	condition := []string{"#pk = :pk"}
	switch {
	case q.From != "" && q.To != "":
		condition = append(condition, "#sk BETWEEN :from AND :to")
	case q.From != "":
		condition = append(condition, "#sk >= :from")
	case q.To != "":
		condition = append(condition, "#sk <= :to")
	}
	in.KeyConditionExpression = aws.String(strings.Join(condition, " AND "))
	if q.From != "" {
		in.ExpressionAttributeNames["#sk"], in.ExpressionAttributeValues[":from"] = names[1], text(q.From)
	}
	if q.To != "" {
		in.ExpressionAttributeNames["#sk"], in.ExpressionAttributeValues[":to"] = names[1], text(q.To)
	}
	if q.Index == store.Base {
		in.ConsistentRead = aws.Bool(true)
	} else {
		in.IndexName = aws.String(string(q.Index))
	}
	if q.Limit > 0 {
		in.Limit = aws.Int32(int32(min(q.Limit, math.MaxInt32)))
	}
	return in, nil
}

// cursorNames lists the attributes of a cursor: the key where it stands, but for the partition
// of the query.
func cursorNames(i store.Index) []string {
	if i == store.Base {
		return []string{store.AttrSK}
	}
	return []string{indexKeys[i][1], store.AttrPK, store.AttrSK}
}

func encodeCursor(q store.Query, at attributes) (string, error) {
	d := decoder{from: at}
	var values []string
	for _, name := range cursorNames(q.Index) {
		values = append(values, d.text(name))
	}
	b, err := json.Marshal(values)
	if err := cmp.Or(d.err, err); err != nil {
		return "", fmt.Errorf("cursor: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

func decodeCursor(q store.Query) (attributes, error) {
	if q.Cursor == "" {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(q.Cursor)
	if err != nil {
		return nil, fmt.Errorf("cursor: %w", err)
	}
	var values []string
	if err := json.Unmarshal(b, &values); err != nil {
		return nil, fmt.Errorf("cursor: %w", err)
	}
	names := cursorNames(q.Index)
	if len(values) != len(names) || slices.Contains(values, "") {
		return nil, errors.New("cursor of another query")
	}
	at := attributes{indexKeys[q.Index][0]: text(q.PK)}
	for i, name := range names {
		at[name] = text(values[i])
	}
	return at, nil
}
