package watch_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/store"
)

// TestNewAccountsDoNotQueue: a body that names many accounts for the first time must be answered
// before Meta gives up, so they are not enrolled one after the other.
func TestNewAccountsDoNotQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := &slow{}
		w := newWorld(t, func(under store.Table) store.Table { table.Table = under; return table })
		var d quality.Delivery
		for i := range 40 {
			d.WABAIDs = append(d.WABAIDs, fmt.Sprint(1000+i))
		}
		if err := w.watcher.Observe(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		if n := table.top; n < 4 || n > 16 {
			t.Errorf("%d writes at once, want several and a bound", n)
		}
		accounts, err := w.store.Accounts(t.Context())
		if err != nil || len(accounts) != 40 {
			t.Errorf("%d accounts, %v; want 40", len(accounts), err)
		}
	})
}
