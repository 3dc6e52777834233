// Package bolt keeps the table of package store in one local file, with bbolt. One process
// holds the file at a time; every Write is on disk when it returns.
package bolt

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	bbolt "go.etcd.io/bbolt"
	bberrors "go.etcd.io/bbolt/errors"

	"github.com/wabawatch/wabawatch/shared/store"
)

// FormatVersion is the version of the file that this program writes and the newest it reads.
const FormatVersion = 1

var (
	itemsBucket = []byte("items")
	todoBucket  = []byte("todo")
	viewBucket  = []byte("view")
	metaBucket  = []byte("meta")
	versionKey  = []byte("version")
)

// Table is a store.Table in one file.
type Table struct {
	db   *bbolt.DB
	path string
	now  func() time.Time
	// lag, if set, disturbs the reads of indexes as a distributed table would.
	lag func([]store.Item) []store.Item

	writes chan write
	done   chan struct{}
}

var _ store.Table = (*Table)(nil)

// Option changes how a table is opened.
type Option func(*Table)

// WithClock sets the clock by which items expire.
func WithClock(now func() time.Time) Option { return func(t *Table) { t.now = now } }

// WithLag passes every page of an index through f, which may drop or repeat items, as tests do
// to stand for a table whose indexes are eventually consistent.
func WithLag(f func([]store.Item) []store.Item) Option { return func(t *Table) { t.lag = f } }

// LockedError says that another process has the file open.
type LockedError struct{ Path, Holder string }

func (e *LockedError) Error() string {
	if e.Holder == "" {
		return fmt.Sprintf("%s is in use by another process", e.Path)
	}
	return fmt.Sprintf("%s is in use by %s", e.Path, e.Holder)
}

// Open opens or creates a file. If another process holds it for more than a second, the error
// is a *LockedError that names it.
func Open(path string, opts ...Option) (*Table, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second, FreelistType: bbolt.FreelistMapType})
	if errors.Is(err, bberrors.ErrTimeout) {
		holder, _ := os.ReadFile(path + ".lock")
		return nil, &LockedError{path, strings.TrimSpace(string(holder))}
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	t := &Table{db: db, path: path, now: time.Now, writes: make(chan write), done: make(chan struct{})}
	for _, o := range opts {
		o(t)
	}
	if err := t.prepare(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	// Only for the message of whoever comes second; not being able to say it is no reason to stop.
	_ = os.WriteFile(path+".lock", fmt.Appendf(nil, "%s, process %d, since %s\n", os.Args[0], os.Getpid(), time.Now().Format(time.RFC3339)), 0o600)
	go t.run()
	return t, nil
}

func (t *Table) prepare() error {
	return t.db.Update(func(tx *bbolt.Tx) error {
		for _, b := range [][]byte{itemsBucket, todoBucket, viewBucket, metaBucket} {
			if _, err := tx.CreateBucketIfNotExists(b); err != nil {
				return fmt.Errorf("prepare %s: %w", t.path, err)
			}
		}
		meta := tx.Bucket(metaBucket)
		if v := meta.Get(versionKey); v != nil {
			if n := binary.BigEndian.Uint32(v); n > FormatVersion {
				return fmt.Errorf("%s has format %d; this wabawatch reads up to format %d: upgrade it", t.path, n, FormatVersion)
			}
			return nil
		}
		return meta.Put(versionKey, binary.BigEndian.AppendUint32(nil, FormatVersion))
	})
}

// Close waits for writes under way and closes the file.
func (t *Table) Close() error {
	close(t.writes)
	<-t.done
	_ = os.Remove(t.path + ".lock")
	if err := t.db.Close(); err != nil {
		return fmt.Errorf("close %s: %w", t.path, err)
	}
	return nil
}

// keyBytes orders as (pk, sk) does: the part before is escaped so that its end sorts first.
func keyBytes(parts ...string) []byte {
	var b []byte
	for i, p := range parts {
		if i == len(parts)-1 {
			return append(b, p...)
		}
		for j := 0; j < len(p); j++ {
			if p[j] == 0 {
				b = append(b, 0, 0xff)
			} else {
				b = append(b, p[j])
			}
		}
		b = append(b, 0, 0)
	}
	return b
}

// record is an item as it is stored.
type record struct {
	PK      string `json:"p"`
	SK      string `json:"s"`
	Rev     int64  `json:"r,omitempty"`
	Expires int64  `json:"e,omitempty"`
	TodoPK  string `json:"tp,omitempty"`
	TodoSK  string `json:"ts,omitempty"`
	ViewPK  string `json:"vp,omitempty"`
	ViewSK  string `json:"vs,omitempty"`
	Body    string `json:"b,omitempty"`
}

func encode(it store.Item) ([]byte, error) {
	r := record{it.PK, it.SK, it.Rev, 0, it.Todo.PK, it.Todo.SK, it.View.PK, it.View.SK, it.Body}
	if !it.Expires.IsZero() {
		r.Expires = it.Expires.Unix()
	}
	b, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", it.Key, err)
	}
	return b, nil
}

func decode(b []byte) (store.Item, error) {
	var r record
	if err := json.Unmarshal(b, &r); err != nil {
		return store.Item{}, fmt.Errorf("decode item: %w", err)
	}
	it := store.Item{Key: store.Key{PK: r.PK, SK: r.SK}, Rev: r.Rev, Todo: store.Key{PK: r.TodoPK, SK: r.TodoSK}, View: store.Key{PK: r.ViewPK, SK: r.ViewSK}, Body: r.Body}
	if r.Expires != 0 {
		it.Expires = time.Unix(r.Expires, 0).UTC()
	}
	return it, nil
}

func (t *Table) expired(it store.Item) bool {
	return !it.Expires.IsZero() && !it.Expires.After(t.now())
}

// Get implements store.Table.
func (t *Table) Get(ctx context.Context, keys ...store.Key) ([]store.Item, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var out []store.Item
	asked := make(map[store.Key]bool, len(keys))
	err := t.db.View(func(tx *bbolt.Tx) error {
		b := tx.Bucket(itemsBucket)
		for _, k := range keys {
			if asked[k] {
				continue
			}
			asked[k] = true
			v := b.Get(keyBytes(k.PK, k.SK))
			if v == nil {
				continue
			}
			it, err := decode(v)
			if err != nil {
				return err
			}
			if !t.expired(it) {
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

// Query implements store.Table.
func (t *Table) Query(ctx context.Context, q store.Query) (store.Page, error) {
	if err := ctx.Err(); err != nil {
		return store.Page{}, err
	}
	bucket := map[store.Index][]byte{store.Base: itemsBucket, store.Todo: todoBucket, store.View: viewBucket}[q.Index]
	if bucket == nil {
		return store.Page{}, fmt.Errorf("query: no index %q", q.Index)
	}
	cursor, err := base64.RawURLEncoding.DecodeString(q.Cursor)
	if err != nil {
		return store.Page{}, fmt.Errorf("query: broken cursor: %w", err)
	}
	var page store.Page
	err = t.db.View(func(tx *bbolt.Tx) error {
		items := tx.Bucket(itemsBucket)
		prefix := keyBytes(q.PK, "")
		c := tx.Bucket(bucket).Cursor()
		k, v := start(c, prefix, q, cursor)
		for ; k != nil && bytes.HasPrefix(k, prefix); k, v = step(c, q.Backward) {
			sk := sortKey(k[len(prefix):], q.Index)
			if !q.Backward && q.To != "" && sk > q.To || q.Backward && q.From != "" && sk < q.From {
				return nil
			}
			if !q.Backward && sk < q.From || q.Backward && q.To != "" && sk > q.To {
				continue
			}
			if q.Index != store.Base {
				v = items.Get(v)
			}
			it, err := decode(v)
			if err != nil {
				return err
			}
			if t.expired(it) {
				continue
			}
			if q.Limit > 0 && len(page.Items) == q.Limit {
				return nil
			}
			page.Next = base64.RawURLEncoding.EncodeToString(k)
			if q.Index == store.Todo {
				it = store.Item{Key: it.Key, Todo: it.Todo}
			}
			page.Items = append(page.Items, it)
		}
		page.Next = ""
		return nil
	})
	if err != nil {
		return store.Page{}, fmt.Errorf("query %s: %w", t.path, err)
	}
	if q.Limit == 0 || len(page.Items) < q.Limit {
		page.Next = ""
	}
	if t.lag != nil && q.Index != store.Base {
		page.Items = t.lag(page.Items)
	}
	return page, nil
}

// start places the cursor at the first candidate of a query.
func start(c *bbolt.Cursor, prefix []byte, q store.Query, after []byte) (k, v []byte) {
	if len(after) > 0 {
		k, v = c.Seek(after)
		if !q.Backward {
			if bytes.Equal(k, after) {
				return c.Next()
			}
			return k, v
		}
		if k == nil {
			return c.Last()
		}
		return c.Prev()
	}
	if !q.Backward {
		if q.From == "" {
			return c.Seek(prefix)
		}
		return c.Seek(append(slices.Clone(prefix), firstKey(q.From, q.Index)...))
	}
	end := append(slices.Clone(prefix), 0xff)
	if q.To != "" {
		end = append(append(slices.Clone(prefix), firstKey(q.To, q.Index)...), 0xff)
	} else {
		end = append(prefix[:len(prefix)-1:len(prefix)-1], 1)
	}
	k, v = c.Seek(end)
	if k == nil {
		return c.Last()
	}
	return c.Prev()
}

func firstKey(sk string, i store.Index) []byte {
	if i == store.Base {
		return []byte(sk)
	}
	b := keyBytes(sk, "")
	return b[:len(b)-2]
}

func step(c *bbolt.Cursor, backward bool) (k, v []byte) {
	if backward {
		return c.Prev()
	}
	return c.Next()
}

// sortKey reads the sort key out of what follows the partition key.
func sortKey(rest []byte, i store.Index) string {
	if i == store.Base {
		return string(rest)
	}
	var b []byte
	for j := 0; j < len(rest); j++ {
		if rest[j] == 0 {
			if j+1 < len(rest) && rest[j+1] == 0 {
				break
			}
			j++
			b = append(b, 0)
			continue
		}
		b = append(b, rest[j])
	}
	return string(b)
}
