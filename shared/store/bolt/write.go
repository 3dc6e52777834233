package bolt

import (
	"bytes"
	"context"
	"fmt"

	bbolt "go.etcd.io/bbolt"

	"github.com/wabawatch/wabawatch/shared/store"
)

// Write implements store.Table. Writes that come at the same time share an fsync. Each sees what
// those before it wrote, and one whose conditions fail leaves no trace. Once begun it is carried
// through, whatever becomes of ctx; so it is ErrAmbiguous only when the disk fails.
func (t *Table) Write(ctx context.Context, actions ...store.Action) error {
	if err := store.CheckWrite(actions); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if len(actions) == 0 {
		return ctx.Err()
	}
	return t.submit(ctx, &write{table: t, actions: actions, result: make(chan error, 1)})
}

// write is a Write as a job.
type write struct {
	table   *Table
	actions []store.Action
	stored  []*store.Item // by action: what the table holds, expired or not
	result  chan error
}

func (w *write) answer() chan error { return w.result }

func (w *write) bytes() int {
	n := 0
	for _, a := range w.actions {
		n += store.ItemBytes(a.Item)
	}
	return n
}

func (w *write) check(tx *bbolt.Tx) error {
	items := tx.Bucket(itemsBucket)
	w.stored = make([]*store.Item, len(w.actions))
	var failed []int
	for i, a := range w.actions {
		it, live, err := w.table.load(items, itemKey(a.Item.Key))
		if err != nil {
			return err
		}
		if it.PK != "" {
			w.stored[i] = &it
		}
		if !holds(a.Cond, it, live) {
			failed = append(failed, i)
		}
	}
	if len(failed) > 0 {
		return &store.ConflictError{Failed: failed}
	}
	return nil
}

func holds(c store.Cond, it store.Item, live bool) bool {
	switch {
	case c.NotExists && live, c.Exists && !live:
		return false
	}
	return c.Rev == 0 || live && it.Rev == c.Rev
}

func (w *write) apply(tx *bbolt.Tx) error {
	for i, a := range w.actions {
		var err error
		switch a.Op {
		case store.Put:
			err = replace(tx, w.stored[i], &a.Item)
		case store.Delete:
			err = replace(tx, w.stored[i], nil)
		}
		if err != nil {
			return fmt.Errorf("item %s: %w", a.Item.Key, err)
		}
	}
	return nil
}

// replace puts an item where another is, with all their entries; nil stands for none.
func replace(tx *bbolt.Tx, was, is *store.Item) error {
	if was == nil && is == nil {
		return nil
	}
	items := tx.Bucket(itemsBucket)
	key, err := []byte(nil), error(nil)
	if is == nil {
		key = itemKey(was.Key)
		err = items.Delete(key)
	} else {
		key = itemKey(is.Key)
		err = items.Put(key, encode(*is))
	}
	if err != nil {
		return err
	}
	from, to := entries(was, key), entries(is, key)
	for i, name := range [][]byte{todoBucket, viewBucket, expiryBucket} {
		if bytes.Equal(from[i], to[i]) {
			continue
		}
		b := tx.Bucket(name)
		if from[i] != nil {
			if err := b.Delete(from[i]); err != nil {
				return err
			}
		}
		if to[i] != nil {
			if err := b.Put(to[i], key); err != nil {
				return err
			}
		}
	}
	return nil
}

// entries returns the keys under which an item is in the todo, view and expiry buckets, nil
// where it is not.
func entries(it *store.Item, key []byte) (out [3][]byte) {
	if it == nil {
		return out
	}
	if it.Todo != (store.Key{}) {
		out[0] = indexKey(it.Todo, key)
	}
	if it.View != (store.Key{}) {
		out[1] = indexKey(it.View, key)
	}
	if !it.Expires.IsZero() {
		out[2] = expiryKey(it.Expires.Unix(), key)
	}
	return out
}
