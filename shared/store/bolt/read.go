package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	bbolt "go.etcd.io/bbolt"

	"github.com/wabawatch/wabawatch/shared/store"
)

// Bounds of one page, so that no query holds its read transaction long: pages of the file that
// were replaced meanwhile cannot be used again before it ends.
const (
	maxPageBytes = 1 << 20 // of items, as in DynamoDB
	maxPageSteps = 10_000  // of entries looked at, expired ones among them
)

// Get implements store.Table.
func (t *Table) Get(ctx context.Context, keys ...store.Key) ([]store.Item, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, k := range keys {
		if err := store.CheckKey(k); err != nil {
			return nil, fmt.Errorf("get: %w", err)
		}
	}
	var out []store.Item
	asked := make(map[store.Key]bool, len(keys))
	err := t.db.View(func(tx *bbolt.Tx) error {
		items := tx.Bucket(itemsBucket)
		for _, k := range keys {
			if asked[k] {
				continue
			}
			asked[k] = true
			it, ok, err := t.load(items, itemKey(k))
			if err != nil {
				return err
			}
			if ok {
				out = append(out, it)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("get from %s: %w", t.path, err)
	}
	return out, nil
}

// load returns the item at a key of the items bucket, if there and not expired.
func (t *Table) load(items *bbolt.Bucket, key []byte) (store.Item, bool, error) {
	v := items.Get(key)
	if v == nil {
		return store.Item{}, false, nil
	}
	it, err := decode(key, v)
	if err != nil {
		return store.Item{}, false, err
	}
	return it, !t.expired(it), nil
}

// Query implements store.Table. A page ends at Limit, at a megabyte, or after many expired items.
func (t *Table) Query(ctx context.Context, q store.Query) (store.Page, error) {
	if err := ctx.Err(); err != nil {
		return store.Page{}, err
	}
	var bucket []byte
	switch q.Index {
	case store.Base:
		bucket = itemsBucket
	case store.Todo:
		bucket = todoBucket
	case store.View:
		bucket = viewBucket
	default:
		return store.Page{}, fmt.Errorf("query: no index %q", q.Index)
	}
	if q.PK == "" {
		return store.Page{}, errors.New("query: no partition key")
	}
	if q.From != "" && q.To != "" && q.From > q.To {
		return store.Page{}, nil
	}
	lo, hi, err := span(q)
	if err != nil {
		return store.Page{}, fmt.Errorf("query: %w", err)
	}
	var page store.Page
	err = t.db.View(func(tx *bbolt.Tx) error {
		page, err = t.page(tx, bucket, lo, hi, q)
		return err
	})
	if err != nil {
		return store.Page{}, fmt.Errorf("query %s: %w", t.path, err)
	}
	if t.lag != nil && q.Index != store.Base {
		if page.Items = t.lag(q, page.Items); q.Limit > 0 && len(page.Items) > q.Limit {
			page.Items = page.Items[:q.Limit]
		}
	}
	return page, nil
}

func (t *Table) page(tx *bbolt.Tx, bucket, lo, hi []byte, q store.Query) (store.Page, error) {
	var page store.Page
	var last []byte
	size, steps := 0, 0
	items, c := tx.Bucket(itemsBucket), tx.Bucket(bucket).Cursor()
	for k, v := first(c, lo, hi, q.Backward); inside(k, lo, hi); k, v = next(c, q.Backward) {
		at := k
		if q.Index != store.Base {
			at = v
		}
		it, ok, err := t.load(items, at)
		if err != nil {
			return store.Page{}, err
		}
		if ok {
			if len(page.Items) > 0 && (len(page.Items) == q.Limit || size >= maxPageBytes) {
				page.Next = cursorAt(last)
				return page, nil
			}
			size += store.ItemBytes(it)
			if q.Index == store.Todo {
				it = store.Item{Key: it.Key, Todo: it.Todo}
			}
			page.Items = append(page.Items, it)
		}
		last = k
		if steps++; steps == maxPageSteps {
			page.Next = cursorAt(last)
			return page, nil
		}
	}
	return page, nil
}

func first(c *bbolt.Cursor, lo, hi []byte, backward bool) (k, v []byte) {
	if !backward {
		return c.Seek(lo)
	}
	if k, _ = c.Seek(hi); k == nil {
		return c.Last()
	}
	return c.Prev()
}

func next(c *bbolt.Cursor, backward bool) (k, v []byte) {
	if backward {
		return c.Prev()
	}
	return c.Next()
}

func inside(k, lo, hi []byte) bool {
	return k != nil && bytes.Compare(k, lo) >= 0 && bytes.Compare(k, hi) < 0
}
