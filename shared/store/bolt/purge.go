package bolt

import (
	"bytes"
	"context"
	"errors"

	bbolt "go.etcd.io/bbolt"
)

// purgeGroup bounds the items of one transaction of Purge, so that no Write waits long for it.
const purgeGroup = 500

// Purge deletes up to limit items that have expired, oldest expiry first, and returns how many.
// Nothing depends on it but the size of the file, whose room is used again. It is safe beside
// everything else: an item that was written anew meanwhile stays.
func (t *Table) Purge(ctx context.Context, limit int) (int, error) {
	n := 0
	for n < limit {
		p := &purge{table: t, limit: min(limit-n, purgeGroup), result: make(chan error, 1)}
		if err := t.submit(ctx, p); errors.Is(err, errNoneExpired) {
			break
		} else if err != nil {
			return n, err
		}
		n += len(p.keys)
	}
	return n, nil
}

var errNoneExpired = errors.New("no item has expired")

// purge is one transaction of Purge as a job.
type purge struct {
	table  *Table
	limit  int
	keys   [][]byte // of the items to delete
	result chan error
}

func (p *purge) answer() chan error { return p.result }

func (p *purge) bytes() int { return 0 }

func (p *purge) check(tx *bbolt.Tx) error {
	// An item expires when its second begins, so those of the current second are among them.
	end := expiryKey(p.table.now().Unix()+1, nil)
	c := tx.Bucket(expiryBucket).Cursor()
	for k, v := c.First(); k != nil && len(p.keys) < p.limit && bytes.Compare(k, end) < 0; k, v = c.Next() {
		p.keys = append(p.keys, bytes.Clone(v)) // deleting may move it
	}
	if len(p.keys) == 0 {
		return errNoneExpired
	}
	return nil
}

func (p *purge) apply(tx *bbolt.Tx) error {
	items := tx.Bucket(itemsBucket)
	for _, key := range p.keys {
		it, err := decode(key, items.Get(key))
		if err != nil {
			return err
		}
		if err := replace(tx, &it, nil); err != nil {
			return err
		}
	}
	return nil
}
