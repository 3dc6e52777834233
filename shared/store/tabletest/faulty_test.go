package tabletest

import (
	"context"
	"errors"
	"testing"

	"github.com/wabawatch/wabawatch/shared/store"
)

// counter is a table that only counts its writes.
type counter struct{ writes int }

func (c *counter) Get(context.Context, ...store.Key) ([]store.Item, error) { return nil, nil }

func (c *counter) Query(context.Context, store.Query) (store.Page, error) {
	return store.Page{}, nil
}

func (c *counter) Write(context.Context, ...store.Action) error { c.writes++; return nil }

func TestFaultyFailsBeforeOrAfterWriting(t *testing.T) {
	ctx, lost, broken := context.Background(), errors.New("lost"), errors.New("broken")
	below := &counter{}
	f := &Faulty{Table: below, Before: Nth(2, broken), After: Nth(3, lost), Read: func(n int) error {
		if n == 2 {
			return broken
		}
		return nil
	}}
	for i, want := range []error{nil, broken, lost, nil} {
		if err := f.Write(ctx, store.Action{}, store.Action{}); err != want {
			t.Errorf("Write %d = %v, want %v", i+1, err, want)
		}
	}
	if below.writes != 3 {
		t.Errorf("%d writes arrived, want 3: the second was to fail before", below.writes)
	}
	if _, err := f.Get(ctx, store.Key{}, store.Key{}); err != nil {
		t.Error(err)
	}
	if _, err := f.Query(ctx, store.Query{}); err != broken {
		t.Errorf("second read = %v, want %v", err, broken)
	}
	if got, want := f.Counts(), (Counts{Gets: 1, Queries: 1, Writes: 4, Keys: 2, Actions: 8}); got != want {
		t.Errorf("Counts() = %+v, want %+v", got, want)
	}
}

func TestSometimesIsFixedByItsSeed(t *testing.T) {
	lost := errors.New("lost")
	a, b := Sometimes(1, 4, lost), Sometimes(1, 4, lost)
	failed := 0
	for n := range 1000 {
		if a(n, nil) != b(n, nil) {
			t.Fatalf("call %d differs", n)
		}
		if a(n, nil) != nil {
			failed++
		}
	}
	if failed < 150 || failed > 350 {
		t.Errorf("%d of 1000 failed, want about 250", failed)
	}
}
