package store

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// numberBytes is the most that DynamoDB counts for an integer of 64 bits.
const numberBytes = 12

// CheckWrite refuses what exceeds the limits of a table, with ErrTooLarge, and what no table takes:
// two actions on one item, an empty part of a key, text that is not UTF-8. An implementation asks
// before it writes: DynamoDB would refuse it too, but does not say by a code what was too large.
func CheckWrite(actions []Action) error {
	if len(actions) > MaxActions {
		return fmt.Errorf("%d actions: %w", len(actions), ErrTooLarge)
	}
	total := 0
	seen := make(map[Key]bool, len(actions))
	for _, a := range actions {
		if seen[a.Item.Key] {
			return fmt.Errorf("two actions on item %s", a.Item.Key)
		}
		seen[a.Item.Key] = true
		if err := CheckKey(a.Item.Key); err != nil {
			return err
		}
		if a.Op != Put {
			continue
		}
		if err := checkItem(a.Item); err != nil {
			return fmt.Errorf("item %s: %w", a.Item.Key, err)
		}
		total += ItemBytes(a.Item)
	}
	if total > MaxWriteBytes {
		return fmt.Errorf("write of %d bytes: %w", total, ErrTooLarge)
	}
	return nil
}

// CheckKey refuses keys that no item can have.
func CheckKey(k Key) error {
	switch {
	case k.PK == "" || k.SK == "":
		return fmt.Errorf("key %q, %q has an empty part", k.PK, k.SK)
	case len(k.PK) > MaxPartitionKey || len(k.SK) > MaxSortKey:
		return fmt.Errorf("key of %d and %d bytes: %w", len(k.PK), len(k.SK), ErrTooLarge)
	case !utf8.ValidString(k.PK) || !utf8.ValidString(k.SK):
		return fmt.Errorf("key %q, %q is not UTF-8", k.PK, k.SK)
	}
	return nil
}

func checkItem(it Item) error {
	for _, k := range []Key{it.Todo, it.View} {
		if k == (Key{}) {
			continue
		}
		if err := CheckKey(k); err != nil {
			return fmt.Errorf("index: %w", err)
		}
	}
	if n := ItemBytes(it); n > MaxItemBytes {
		return fmt.Errorf("%d bytes: %w", n, ErrTooLarge)
	}
	if !utf8.ValidString(it.Body) {
		return errors.New("body is not UTF-8")
	}
	return nil
}

// ItemBytes is how much an item counts towards MaxItemBytes and MaxWriteBytes: the names and the
// values of the attributes that are set.
func ItemBytes(it Item) int {
	n := len(AttrPK) + len(it.PK) + len(AttrSK) + len(it.SK)
	add := func(name, value string) {
		if value != "" {
			n += len(name) + len(value)
		}
	}
	add(AttrTodoPK, it.Todo.PK)
	add(AttrTodoSK, it.Todo.SK)
	add(AttrViewPK, it.View.PK)
	add(AttrViewSK, it.View.SK)
	add(AttrBody, it.Body)
	if it.Rev != 0 {
		n += len(AttrRev) + numberBytes
	}
	if !it.Expires.IsZero() {
		n += len(AttrExpires) + numberBytes
	}
	return n
}
