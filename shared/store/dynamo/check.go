package dynamo

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/wabawatch/wabawatch/shared/store"
)

// numberBytes is the most that DynamoDB counts for an integer of 64 bits.
const numberBytes = 12

// check refuses what DynamoDB would refuse, since its answer does not say by a code what was too
// large, and what could only be sent as something else: text that is not UTF-8.
func check(actions []store.Action) error {
	if len(actions) > store.MaxActions {
		return fmt.Errorf("%d actions: %w", len(actions), store.ErrTooLarge)
	}
	total := 0
	seen := make(map[store.Key]bool, len(actions))
	for _, a := range actions {
		if seen[a.Item.Key] {
			return fmt.Errorf("two actions on item %s", a.Item.Key)
		}
		seen[a.Item.Key] = true
		if err := checkKey(a.Item.Key); err != nil {
			return err
		}
		if a.Op != store.Put {
			continue
		}
		if err := checkItem(a.Item); err != nil {
			return fmt.Errorf("item %s: %w", a.Item.Key, err)
		}
		total += itemBytes(a.Item)
	}
	if total > store.MaxWriteBytes {
		return fmt.Errorf("write of %d bytes: %w", total, store.ErrTooLarge)
	}
	return nil
}

func checkKey(k store.Key) error {
	switch {
	case k.PK == "" || k.SK == "":
		return fmt.Errorf("key %q, %q has an empty part", k.PK, k.SK)
	case len(k.PK) > store.MaxPartitionKey || len(k.SK) > store.MaxSortKey:
		return fmt.Errorf("key of %d and %d bytes: %w", len(k.PK), len(k.SK), store.ErrTooLarge)
	case !utf8.ValidString(k.PK) || !utf8.ValidString(k.SK):
		return fmt.Errorf("key %q, %q is not UTF-8", k.PK, k.SK)
	}
	return nil
}

func checkItem(it store.Item) error {
	for _, k := range []store.Key{it.Todo, it.View} {
		if k == (store.Key{}) {
			continue
		}
		if err := checkKey(k); err != nil {
			return fmt.Errorf("index: %w", err)
		}
	}
	if n := itemBytes(it); n > store.MaxItemBytes {
		return fmt.Errorf("%d bytes: %w", n, store.ErrTooLarge)
	}
	if !utf8.ValidString(it.Body) {
		return errors.New("body is not UTF-8")
	}
	return nil
}

// itemBytes counts the names and the values of the attributes that are set.
func itemBytes(it store.Item) int {
	n := len(store.AttrPK) + len(it.PK) + len(store.AttrSK) + len(it.SK)
	add := func(name, value string) {
		if value != "" {
			n += len(name) + len(value)
		}
	}
	add(store.AttrTodoPK, it.Todo.PK)
	add(store.AttrTodoSK, it.Todo.SK)
	add(store.AttrViewPK, it.View.PK)
	add(store.AttrViewSK, it.View.SK)
	add(store.AttrBody, it.Body)
	if it.Rev != 0 {
		n += len(store.AttrRev) + numberBytes
	}
	if !it.Expires.IsZero() {
		n += len(store.AttrExpires) + numberBytes
	}
	return n
}
