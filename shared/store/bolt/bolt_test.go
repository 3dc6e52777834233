package bolt_test

import (
	"path/filepath"
	"testing"

	"github.com/wabawatch/wabawatch/shared/store"
	"github.com/wabawatch/wabawatch/shared/store/bolt"
	"github.com/wabawatch/wabawatch/shared/store/tabletest"
)

func open(t testing.TB, opts ...bolt.Option) *bolt.Table {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "test.db"), opts...)
}

func openAt(t testing.TB, path string, opts ...bolt.Option) *bolt.Table {
	t.Helper()
	table, err := bolt.Open(path, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := table.Close(); err != nil {
			t.Error(err)
		}
	})
	return table
}

func TestConformance(t *testing.T) {
	tabletest.Run(t, func(t *testing.T) store.Table { return open(t) })
}

func TestConformanceWithLaggingIndexes(t *testing.T) {
	tabletest.Run(t, func(t *testing.T) store.Table { return open(t, bolt.WithLag(tabletest.Lag(1)), bolt.WithoutSync()) })
}
