package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"

	bbolt "go.etcd.io/bbolt"

	"github.com/wabawatch/wabawatch/shared/store"
)

// Bounds of what shares one transaction of the file, and with it one fsync.
const (
	maxGroup      = 64
	maxGroupBytes = 8 << 20
	maxYields     = 3 // rounds without a further job before a group is closed
)

// job is something that changes the file, as a whole or not at all.
type job interface {
	// check looks whether it can be done, and changes nothing.
	check(tx *bbolt.Tx) error
	// apply does it. After an error the transaction has to be given up.
	apply(tx *bbolt.Tx) error
	// bytes says roughly how much it writes.
	bytes() int
	// answer takes the result, without blocking.
	answer() chan error
}

func (t *Table) submit(ctx context.Context, j job) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case t.jobs <- j:
		return <-j.answer()
	case <-ctx.Done():
		return ctx.Err()
	case <-t.quit:
		return fmt.Errorf("write %s: %w", t.path, os.ErrClosed)
	}
}

// run does the jobs, in groups, until the table is closed. It alone writes.
func (t *Table) run() {
	defer close(t.done)
	var broken error
	for {
		select {
		case <-t.quit:
			return
		case j := <-t.jobs:
			group := t.gather(j)
			if broken == nil {
				if broken = t.commit(group); broken != nil {
					t.fail <- broken // once: nothing is committed afterwards
				}
				continue
			}
			for _, j := range group {
				j.answer() <- fmt.Errorf("write %s: not after an earlier failure: %v", t.path, broken)
			}
		}
	}
}

// gather adds to a job those that wait already: they queued while the last group was synced. It
// yields before it is content, since those who were just answered often have more to write.
func (t *Table) gather(j job) []job {
	group := []job{j}
	size, yields := j.bytes(), 0
	for len(group) < maxGroup && size < maxGroupBytes {
		select {
		case j := <-t.jobs:
			group = append(group, j)
			size += j.bytes()
		default:
			if yields++; yields > maxYields {
				return group
			}
			runtime.Gosched()
		}
	}
	return group
}

// commit does a group and answers each of its jobs. It returns an error when the file must not
// be written any more: after a failed fsync nobody knows what is on disk, and a later one that
// succeeds proves nothing. A full disk, or a limit, is not of that kind.
func (t *Table) commit(group []job) error {
	refused, err := t.try(group)
	for i, j := range group {
		switch {
		case refused[i] != nil:
			j.answer() <- refused[i]
		case err != nil:
			j.answer() <- fmt.Errorf("write %s: %w", t.path, err)
		default:
			j.answer() <- nil
		}
	}
	full := errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
	if !errors.Is(err, store.ErrAmbiguous) || full || strings.Contains(err.Error(), "file resize error") { // which bbolt does not wrap
		return nil
	}
	return err
}

// try does a group in one transaction of the file. refused says which jobs were not possible,
// and left no trace; err is what became of all others.
func (t *Table) try(group []job) (refused []error, err error) {
	refused = make([]error, len(group))
	tx, err := t.db.Begin(true)
	if err != nil {
		return refused, err
	}
	defer tx.Rollback() // has no effect once committed
	done := 0
	for i, j := range group {
		if refused[i] = j.check(tx); refused[i] != nil {
			continue
		}
		if err := j.apply(tx); err != nil {
			return refused, err // half of it may be in the transaction
		}
		done++
	}
	if done == 0 {
		return refused, nil
	}
	if err := tx.Commit(); err != nil {
		return refused, fmt.Errorf("%w: %w", store.ErrAmbiguous, err)
	}
	return refused, nil
}
