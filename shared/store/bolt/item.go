package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/wabawatch/wabawatch/shared/store"
)

// An item is stored as Rev (varint), 1 and Expires in Unix seconds (varint) or 0, the four
// parts of Todo and View (uvarint length, bytes), Body (the rest). Its key is the bucket's.

func encode(it store.Item) []byte {
	b := make([]byte, 0, 32+len(it.Body)+len(it.Todo.PK)+len(it.Todo.SK)+len(it.View.PK)+len(it.View.SK))
	b = binary.AppendVarint(b, it.Rev)
	if it.Expires.IsZero() {
		b = append(b, 0)
	} else {
		b = binary.AppendVarint(append(b, 1), it.Expires.Unix())
	}
	for _, s := range []string{it.Todo.PK, it.Todo.SK, it.View.PK, it.View.SK} {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	return append(b, it.Body...)
}

// decode copies: what bbolt returns lasts only as long as its transaction.
func decode(key, value []byte) (store.Item, error) {
	k, err := splitKey(key)
	if err != nil {
		return store.Item{}, err
	}
	d := decoder{rest: value}
	it := store.Item{Key: k, Rev: d.varint()}
	if d.flag() {
		it.Expires = time.Unix(d.varint(), 0).UTC()
	}
	it.Todo = store.Key{PK: d.text(), SK: d.text()}
	it.View = store.Key{PK: d.text(), SK: d.text()}
	it.Body = string(d.rest)
	if d.err != nil {
		return store.Item{}, fmt.Errorf("item %s: %w", k, d.err)
	}
	return it, nil
}

// decoder reads the fields of an item and keeps the first error.
type decoder struct {
	rest []byte
	err  error
}

func (d *decoder) take(n int) []byte {
	if n < 0 || n > len(d.rest) {
		d.err = errors.New("is cut short")
		n = 0
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) flag() bool {
	b := d.take(1)
	return len(b) == 1 && b[0] == 1
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.rest)
	if n == 0 {
		n = -1
	}
	d.take(n)
	return v
}

func (d *decoder) text() string {
	v, n := binary.Uvarint(d.rest)
	if n == 0 {
		n = -1
	}
	d.take(n)
	return string(d.take(int(min(v, 1<<31-1))))
}
