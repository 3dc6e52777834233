// Package bolt keeps the table of package store in one local file, with bbolt. One process
// holds the file at a time, and what Write has confirmed is on disk.
//
// The file has a bucket "items" (item key -> item), one per index, "todo" and "view" (index key
// and item key -> item key), "expiry" (Unix seconds and item key -> item key) and "meta" (the
// version of this format). Spelling of keys: keys.go; of items: item.go.
package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	bbolt "go.etcd.io/bbolt"
	bberrors "go.etcd.io/bbolt/errors"

	"github.com/wabawatch/wabawatch/shared/store"
)

// FormatVersion is the version of the file that this program writes, and the newest it reads.
const FormatVersion = 1

// lockTimeout is how long Open waits for another process to let go of the file.
const lockTimeout = time.Second

var (
	itemsBucket  = []byte("items")
	todoBucket   = []byte(store.Todo)
	viewBucket   = []byte(store.View)
	expiryBucket = []byte("expiry")
	metaBucket   = []byte("meta")
	versionKey   = []byte("version")
)

// Table is a store.Table in one file. It is safe for concurrent use until Close.
type Table struct {
	db   *bbolt.DB
	path string
	now  func() time.Time
	lag  func(store.Query, []store.Item) []store.Item

	noSync bool

	jobs  chan job
	quit  chan struct{} // closed when no job is taken any more
	done  chan struct{} // closed when the last one is done
	fail  chan error    // takes what broke the table
	close func() error
}

var _ store.Table = (*Table)(nil)

// Option changes how a table is opened.
type Option func(*Table)

// WithClock sets the clock by which items expire; time.Now if not given. It must be safe for
// concurrent use.
func WithClock(now func() time.Time) Option { return func(t *Table) { t.now = now } }

// WithLag passes what every query of an index found through f, which may drop, repeat or replace
// items: tests stand for an index that is eventually consistent so. f must be safe for concurrent
// use; what it returns beyond the limit of the query is cut off.
func WithLag(f func(store.Query, []store.Item) []store.Item) Option {
	return func(t *Table) { t.lag = f }
}

// WithoutSync forces nothing onto the disk: what Write has confirmed outlives the process, but after
// a power cut the file may not even be readable. It is for tests and for data to throw away, which
// need not wait for a disk.
func WithoutSync() Option { return func(t *Table) { t.noSync = true } }

// LockedError says that another process, or another Table of this one, has the file open.
type LockedError struct {
	Path string
	// Holder describes who opened it: program, process id, since when. "" if that is not known.
	Holder string
}

func (e *LockedError) Error() string {
	if e.Holder == "" {
		return fmt.Sprintf("%s is in use by another process", e.Path)
	}
	return fmt.Sprintf("%s is in use by %s", e.Path, e.Holder)
}

// Open opens or creates the file at path, readable by its owner only. If somebody else holds it
// for more than a second, the error is a *LockedError. Beside it lies <path>.lock while it is
// open, which says who holds it. The caller closes the table.
func Open(path string, opts ...Option) (*Table, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockTimeout, FreelistType: bbolt.FreelistMapType})
	if errors.Is(err, bberrors.ErrTimeout) {
		holder, _ := os.ReadFile(holderPath(path))
		return nil, &LockedError{Path: path, Holder: strings.TrimSpace(string(holder))}
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	t := &Table{
		db: db, path: path, now: time.Now,
		jobs: make(chan job), quit: make(chan struct{}), done: make(chan struct{}), fail: make(chan error, 1),
	}
	t.close = sync.OnceValue(t.shut)
	for _, o := range opts {
		o(t)
	}
	db.NoSync, db.NoGrowSync = t.noSync, t.noSync
	err = t.prepare()
	if err == nil && !t.noSync {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), db.Close())
	}
	// Serves the message of whoever comes second; not being able to write it is no reason to stop.
	_ = os.WriteFile(holderPath(path), fmt.Appendf(nil, "%s (process %d, since %s)\n",
		filepath.Base(os.Args[0]), os.Getpid(), time.Now().UTC().Format(time.RFC3339)), 0o600)
	go t.run()
	return t, nil
}

func holderPath(path string) string { return path + ".lock" }

func (t *Table) prepare() error {
	return t.db.Update(func(tx *bbolt.Tx) error {
		meta, err := tx.CreateBucketIfNotExists(metaBucket)
		if err != nil {
			return err
		}
		switch v := meta.Get(versionKey); {
		case v == nil:
			err = meta.Put(versionKey, binary.BigEndian.AppendUint32(nil, FormatVersion))
		case len(v) != 4:
			err = fmt.Errorf("format version of %d bytes", len(v))
		case binary.BigEndian.Uint32(v) > FormatVersion:
			err = fmt.Errorf("the file has format %d, this program reads up to format %d: a newer wabawatch wrote it",
				binary.BigEndian.Uint32(v), FormatVersion)
		}
		if err != nil {
			return err
		}
		for _, b := range [][]byte{itemsBucket, todoBucket, viewBucket, expiryBucket} {
			if _, err := tx.CreateBucketIfNotExists(b); err != nil {
				return err
			}
		}
		return nil
	})
}

// syncDir makes the name of a new file durable; syncing the file itself does not.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" { // where directories cannot be synced
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Broken yields the error after which nothing is written any more: the disk failed in a way that
// leaves unknown what is on it. Opening the file anew finds out.
func (t *Table) Broken() <-chan error { return t.fail }

// Close waits for what is being read and written, and closes the file. Writes that were not yet
// begun fail. A second Close does nothing and returns what the first did.
func (t *Table) Close() error { return t.close() }

func (t *Table) shut() error {
	close(t.quit)
	<-t.done
	// Before the file is let go: afterwards the name may be the next holder's.
	_ = os.Remove(holderPath(t.path))
	if err := t.db.Close(); err != nil {
		return fmt.Errorf("close %s: %w", t.path, err)
	}
	return nil
}

func (t *Table) expired(it store.Item) bool {
	return !it.Expires.IsZero() && !it.Expires.After(t.now())
}
