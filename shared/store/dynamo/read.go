package dynamo

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/wabawatch/wabawatch/shared/awscall"
	"github.com/wabawatch/wabawatch/shared/store"
)

const (
	batchKeys      = 100 // of one BatchGetItem
	batchesAtATime = 4
	// idleTries is how often in a row a Get asks again after an answer that brought nothing.
	idleTries = 5
	// idleWait is the most to wait after such an answer, doubled for each in a row.
	idleWait = 50 * time.Millisecond
)

// Get implements store.Table. It reads consistently, a hundred keys at a time.
func (t *Table) Get(ctx context.Context, keys ...store.Key) ([]store.Item, error) {
	var ask []store.Key
	asked := make(map[store.Key]bool, len(keys))
	for _, k := range keys {
		if err := store.CheckKey(k); err != nil {
			return nil, fmt.Errorf("get: %w", err)
		}
		if !asked[k] { // DynamoDB refuses duplicates
			asked[k] = true
			ask = append(ask, k)
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
func (t *Table) batch(ctx context.Context, ask []store.Key) ([]store.Item, error) {
	var found []store.Item
	for idle := 0; ; {
		out, err := t.batchOnce(ctx, ask)
		if err != nil {
			return nil, err
		}
		for _, it := range out.items {
			if it.Expires.IsZero() || it.Expires.After(t.now()) {
				found = append(found, it)
			}
		}
		rest := out.unprocessed
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
		if err := sleep(ctx, rand.N(idleWait<<idle)); err != nil {
			return nil, err
		}
		ask = rest
	}
}

func (t *Table) batchOnce(ctx context.Context, ask []store.Key) (batchAnswer, error) {
	var out batchAnswer
	err := t.read(ctx, "BatchGetItem", appendBatchGet(nil, t.name, ask), func(b []byte) (err error) {
		out, err = decodeBatch(b, t.name)
		return err
	})
	return out, cmp.Or(err, out.foreign)
}

// read carries out an operation that changes nothing.
func (t *Table) read(ctx context.Context, operation string, body []byte, answer func([]byte) error) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return t.client.Do(ctx, awscall.Request{Operation: operation, Body: body, Repeatable: true, Read: answer})
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
	start, err := checkQuery(q)
	if err != nil {
		return store.Page{}, fmt.Errorf("query: %w", err)
	}
	if q.From != "" && q.To != "" && q.From > q.To {
		return store.Page{}, ctx.Err() // which DynamoDB calls an error
	}
	var out queryAnswer
	err = t.read(ctx, "Query", appendQuery(nil, t.name, q, start, t.now()), func(b []byte) (err error) {
		out, err = decodeQuery(b)
		return err
	})
	page := store.Page{Items: out.items}
	if err = cmp.Or(err, out.foreign); err == nil && out.more {
		page.Next, err = encodeCursor(q, out.last)
	}
	if err != nil {
		return store.Page{}, fmt.Errorf("query %q of %s: %w", q.Index, q.PK, err)
	}
	return page, nil
}

// checkQuery refuses what has no answer, and returns where the query starts: an attribute for
// each name of cursorNames, none at the beginning.
func checkQuery(q store.Query) (start []string, err error) {
	if _, ok := indexKeys[q.Index]; !ok {
		return nil, fmt.Errorf("no index %q", q.Index)
	}
	if q.PK == "" {
		return nil, errors.New("no partition key")
	}
	for _, s := range []string{q.PK, q.From, q.To} {
		if !utf8.ValidString(s) {
			return nil, fmt.Errorf("%q is not UTF-8", s)
		}
	}
	return decodeCursor(q)
}

// cursorNames lists the attributes of a cursor: the key where it stands, but for the partition
// of the query.
func cursorNames(i store.Index) []string {
	if i == store.Base {
		return []string{store.AttrSK}
	}
	return []string{indexKeys[i][1], store.AttrPK, store.AttrSK}
}

// encodeCursor spells the key at which DynamoDB stopped.
func encodeCursor(q store.Query, at store.Item) (string, error) {
	values := []string{at.SK}
	switch q.Index {
	case store.Todo:
		values = []string{at.Todo.SK, at.PK, at.SK}
	case store.View:
		values = []string{at.View.SK, at.PK, at.SK}
	}
	b, err := json.Marshal(values)
	if err != nil {
		return "", fmt.Errorf("cursor: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

func decodeCursor(q store.Query) ([]string, error) {
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
	if len(values) != len(cursorNames(q.Index)) || slices.Contains(values, "") {
		return nil, errors.New("cursor of another query")
	}
	return values, nil
}
