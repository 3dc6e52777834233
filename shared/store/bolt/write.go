package bolt

import (
	"context"
	"errors"
	"fmt"

	bbolt "go.etcd.io/bbolt"

	"github.com/wabawatch/wabawatch/shared/store"
)

// write is one Write that waits to be done.
type write struct {
	actions []store.Action
	result  chan error
}

// maxGroup bounds how many Writes share one transaction of the file, and with it one fsync.
const maxGroup = 64

// Write implements store.Table. Writes that come at the same time share a transaction of the
// file: conditions of each are checked against what those before it wrote, and a Write whose
// conditions fail leaves no trace.
func (t *Table) Write(ctx context.Context, actions ...store.Action) error {
	if err := check(actions); err != nil {
		return err
	}
	if len(actions) == 0 {
		return nil
	}
	w := write{actions, make(chan error, 1)}
	select {
	case t.writes <- w:
	case <-ctx.Done():
		return ctx.Err()
	}
	return <-w.result
}

// check enforces the limits of a table.
func check(actions []store.Action) error {
	if len(actions) > store.MaxActions {
		return fmt.Errorf("%d actions: %w", len(actions), store.ErrTooLarge)
	}
	seen := make(map[store.Key]bool, len(actions))
	total := 0
	for _, a := range actions {
		k := a.Item.Key
		switch {
		case k.PK == "" || k.SK == "":
			return fmt.Errorf("empty key %s", k)
		case len(k.PK) > store.MaxPartitionKey || len(k.SK) > store.MaxSortKey:
			return fmt.Errorf("key of %d and %d bytes: %w", len(k.PK), len(k.SK), store.ErrTooLarge)
		case seen[k]:
			return fmt.Errorf("two actions on item %s", k)
		}
		seen[k] = true
		if a.Op == store.Put {
			n := itemBytes(a.Item)
			if n > store.MaxItemBytes {
				return fmt.Errorf("item of %d bytes: %w", n, store.ErrTooLarge)
			}
			total += n
		}
	}
	if total > store.MaxWriteBytes {
		return fmt.Errorf("write of %d bytes: %w", total, store.ErrTooLarge)
	}
	return nil
}

// itemBytes counts as DynamoDB does: names and values, a number as its digits.
func itemBytes(it store.Item) int {
	n := len(store.AttrPK) + len(it.PK) + len(store.AttrSK) + len(it.SK)
	add := func(name, value string) {
		if value != "" {
			n += len(name) + len(value)
		}
	}
	add(store.AttrBody, it.Body)
	add(store.AttrTodoPK, it.Todo.PK)
	add(store.AttrTodoSK, it.Todo.SK)
	add(store.AttrViewPK, it.View.PK)
	add(store.AttrViewSK, it.View.SK)
	if it.Rev != 0 {
		n += len(store.AttrRev) + 8
	}
	if !it.Expires.IsZero() {
		n += len(store.AttrExpires) + 6
	}
	return n
}

// run does the writes, in groups, until the table is closed.
func (t *Table) run() {
	defer close(t.done)
	for w := range t.writes {
		group := []write{w}
	more:
		for len(group) < maxGroup {
			select {
			case w, ok := <-t.writes:
				if !ok {
					break more
				}
				group = append(group, w)
			default:
				break more
			}
		}
		t.commit(group)
	}
}

func (t *Table) commit(group []write) {
	results := make([]error, len(group))
	err := t.db.Update(func(tx *bbolt.Tx) error {
		for i, w := range group {
			results[i] = t.try(tx, w.actions)
			var conflict *store.ConflictError
			if results[i] != nil && !errors.As(results[i], &conflict) {
				// Something of this write may be in the transaction: none of it may stay.
				return results[i]
			}
		}
		return nil
	})
	for i, w := range group {
		if err != nil {
			results[i] = fmt.Errorf("write %s: %w", t.path, err)
		}
		w.result <- results[i]
	}
}

// try checks all conditions before it changes anything.
func (t *Table) try(tx *bbolt.Tx, actions []store.Action) error {
	items := tx.Bucket(itemsBucket)
	old := make([]*store.Item, len(actions))
	var failed []int
	for i, a := range actions {
		if v := items.Get(keyBytes(a.Item.PK, a.Item.SK)); v != nil {
			it, err := decode(v)
			if err != nil {
				return err
			}
			old[i] = &it
		}
		live := old[i] != nil && !t.expired(*old[i])
		c := a.Cond
		if c.NotExists && live || c.Exists && !live || c.Rev != 0 && (!live || old[i].Rev != c.Rev) {
			failed = append(failed, i)
		}
	}
	if len(failed) > 0 {
		return &store.ConflictError{Failed: failed}
	}
	for i, a := range actions {
		if a.Op == store.Check {
			continue
		}
		if err := unindex(tx, old[i]); err != nil {
			return err
		}
		key := keyBytes(a.Item.PK, a.Item.SK)
		if a.Op == store.Delete {
			if err := items.Delete(key); err != nil {
				return err
			}
			continue
		}
		v, err := encode(a.Item)
		if err != nil {
			return err
		}
		if err := items.Put(key, v); err != nil {
			return err
		}
		if err := index(tx, a.Item); err != nil {
			return err
		}
	}
	return nil
}

func index(tx *bbolt.Tx, it store.Item) error {
	base := keyBytes(it.PK, it.SK)
	for bucket, k := range map[string]store.Key{string(todoBucket): it.Todo, string(viewBucket): it.View} {
		if k.PK == "" || k.SK == "" {
			continue
		}
		if err := tx.Bucket([]byte(bucket)).Put(keyBytes(k.PK, k.SK, string(base)), base); err != nil {
			return err
		}
	}
	return nil
}

func unindex(tx *bbolt.Tx, it *store.Item) error {
	if it == nil {
		return nil
	}
	base := keyBytes(it.PK, it.SK)
	for bucket, k := range map[string]store.Key{string(todoBucket): it.Todo, string(viewBucket): it.View} {
		if k.PK == "" || k.SK == "" {
			continue
		}
		if err := tx.Bucket([]byte(bucket)).Delete(keyBytes(k.PK, k.SK, string(base))); err != nil {
			return err
		}
	}
	return nil
}

// Purge deletes at most limit items that have expired, and returns how many.
func (t *Table) Purge(ctx context.Context, limit int) (int, error) {
	var dead []store.Action
	err := t.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(itemsBucket).ForEach(func(_, v []byte) error {
			if len(dead) == limit {
				return nil
			}
			it, err := decode(v)
			if err == nil && t.expired(it) {
				dead = append(dead, store.Action{Op: store.Delete, Item: store.Item{Key: it.Key}})
			}
			return err
		})
	})
	if err != nil {
		return 0, fmt.Errorf("purge %s: %w", t.path, err)
	}
	for i := 0; i < len(dead); i += store.MaxActions {
		if err := t.Write(ctx, dead[i:min(i+store.MaxActions, len(dead))]...); err != nil {
			return i, err
		}
	}
	return len(dead), nil
}
