package bolt_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wabawatch/wabawatch/shared/store"
)

// BenchmarkSync is the floor: an append of the same size with an fsync.
func BenchmarkSync(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "floor"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	body := []byte(strings.Repeat("x", 1000))
	for b.Loop() {
		if _, err := f.Write(body); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkWrite writes states of 1 KB with two points each, as a commit does.
func BenchmarkWrite(b *testing.B) {
	for _, perCPU := range []int{1, 4, 16, 64} {
		b.Run(fmt.Sprintf("writersPerCPU=%d", perCPU), func(b *testing.B) {
			table := open(b)
			body := strings.Repeat("x", 1000)
			var n atomic.Int64
			b.SetParallelism(perCPU)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					i := n.Add(1)
					err := table.Write(context.Background(),
						store.Action{Item: store.Item{Key: store.Key{PK: fmt.Sprintf("W#%d", i%8), SK: fmt.Sprintf("STATE#%d", i%1000)}, Rev: i, Body: body, View: store.Key{PK: "OPEN", SK: fmt.Sprint(i)}}},
						store.Action{Item: store.Item{Key: store.Key{PK: "P", SK: fmt.Sprintf("H#a#%016d", i)}, Body: body[:300]}},
						store.Action{Item: store.Item{Key: store.Key{PK: "P", SK: fmt.Sprintf("H#b#%016d", i)}, Body: body[:300]}})
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// BenchmarkQuery reads a page of 100 items of 1 KB from the middle of 10,000.
func BenchmarkQuery(b *testing.B) {
	table := open(b)
	body := strings.Repeat("x", 1000)
	for i := 0; i < 10_000; i += store.MaxActions {
		var actions []store.Action
		for j := range store.MaxActions {
			actions = append(actions, put(fmt.Sprintf("%06d", i+j), body))
		}
		write(b, table, actions...)
	}
	for b.Loop() {
		page, err := table.Query(context.Background(), store.Query{PK: "p", From: "005000", Limit: 100})
		if err != nil || len(page.Items) != 100 {
			b.Fatal(len(page.Items), err)
		}
	}
}
