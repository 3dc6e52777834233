package dynamo

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wabawatch/wabawatch/shared/store"
)

func keys(n int) []store.Key {
	var out []store.Key
	for i := range n {
		out = append(out, store.Key{PK: "p", SK: fmt.Sprint(i)})
	}
	return out
}

// partly answers a BatchGetItem with its first few keys and leaves the others unprocessed.
func partly(n int) answer {
	return func(r *http.Request) (*http.Response, error) {
		return ok(partOf(r, n))(r)
	}
}

func partOf(r *http.Request, n int) string {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return err.Error()
	}
	var found, rest []string
	for i, part := range strings.Split(string(raw), `"sk":{"S":"`)[1:] {
		sk, _, _ := strings.Cut(part, `"`)
		if i < n {
			found = append(found, itemJSON(sk))
		} else {
			rest = append(rest, fmt.Sprintf(`{"pk":{"S":"p"},"sk":{"S":%q}}`, sk))
		}
	}
	unprocessed := `{}`
	if len(rest) > 0 {
		unprocessed = fmt.Sprintf(`{"t":{"ConsistentRead":true,"Keys":[%s]}}`, strings.Join(rest, ","))
	}
	return fmt.Sprintf(`{"Responses":{"t":[%s]},"UnprocessedKeys":%s}`, strings.Join(found, ","), unprocessed)
}

func TestGetAsksAgainForUnprocessedKeys(t *testing.T) {
	for _, tc := range []struct {
		name     string
		answers  []answer
		requests int
		fails    bool
	}{
		{"at once", []answer{partly(100)}, 1, false},
		{"in parts", []answer{partly(3), partly(0), partly(0), partly(5), partly(100)}, 5, false},
		{"one by one", []answer{partly(1)}, 20, false},
		{"never", []answer{partly(7), partly(0)}, 2 + idleTries, true},
		{"throttled in between", []answer{partly(7), refusal(http.StatusBadRequest, "ThrottlingException"), partly(100)}, 3, false},
		{"throttled for ever", []answer{refusal(http.StatusBadRequest, "ThrottlingException")}, 3, true},
		{"answers lost", []answer{answerLost, truncated, partly(100)}, 3, false},
		{"half an answer for ever", []answer{truncated}, 3, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				table, w := over(tc.answers...)
				items, err := table.Get(context.Background(), keys(20)...)
				if (err != nil) != tc.fails || len(w.seen) != tc.requests {
					t.Errorf("Get = %v after %d requests, want failure %v after %d", err, len(w.seen), tc.fails, tc.requests)
				}
				distinct := map[store.Key]bool{}
				for _, it := range items {
					distinct[it.Key] = true
				}
				if !tc.fails && (len(items) != 20 || len(distinct) != 20) {
					t.Errorf("%d items, %d of them different, want 20", len(items), len(distinct))
				}
			})
		})
	}
}

func TestGetSplitsAndReadsConsistently(t *testing.T) {
	table, w := over(partly(100))
	items, err := table.Get(context.Background(), append(keys(950), keys(200)...)...)
	if err != nil || len(items) != 950 {
		t.Fatalf("%d items, %v", len(items), err)
	}
	if len(w.seen) != 10 {
		t.Errorf("%d requests, want 10", len(w.seen))
	}
	for _, s := range w.seen {
		if of := s.body["RequestItems"].(map[string]any)["t"].(map[string]any); of["ConsistentRead"] != true || len(of["Keys"].([]any)) > 100 {
			t.Errorf("consistent %v, %d keys", of["ConsistentRead"], len(of["Keys"].([]any)))
		}
	}
}

func TestGetWaitsNoLongerThanItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table, _ := over(hangs)
		start := time.Now()
		if _, err := table.Get(context.Background(), keys(1)...); err == nil || time.Since(start) > requestTimeout {
			t.Errorf("Get = %v after %v", err, time.Since(start))
		}
	})
}

func TestQueryIsAskedAgain(t *testing.T) {
	page := ok(`{"Items":[` + itemJSON("a") + `],"Count":1}`)
	for name, answers := range map[string][]answer{
		"lost": {answerLost, page}, "truncated": {truncated, page}, "corrupted": {corrupted, page}, "throttled": {refusal(http.StatusBadRequest, "ThrottlingException"), page},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				table, w := over(answers...)
				got, err := table.Query(context.Background(), store.Query{PK: "p"})
				if err != nil || len(got.Items) != 1 || len(w.seen) != 2 {
					t.Errorf("Query = %+v, %v after %d requests", got, err, len(w.seen))
				}
			})
		})
	}
}

func TestPageMayBeEmptyAndNotLast(t *testing.T) {
	table, w := over(ok(`{"Items":[],"Count":0,"LastEvaluatedKey":{"pk":{"S":"p"},"sk":{"S":"m"}}}`), ok(`{"Items":[`+itemJSON("n")+`],"Count":1}`))
	q := store.Query{PK: "p", From: "a"}
	page, err := table.Query(context.Background(), q)
	if err != nil || len(page.Items) > 0 || page.Next == "" {
		t.Fatalf("Query = %+v, %v, want an empty page that is not the last", page, err)
	}
	q.Cursor = page.Next
	if page, err = table.Query(context.Background(), q); err != nil || len(page.Items) != 1 || page.Next != "" {
		t.Errorf("Query = %+v, %v, want one item on the last page", page, err)
	}
	if got := fmt.Sprint(w.seen[1].body["ExclusiveStartKey"]); got != "map[pk:map[S:p] sk:map[S:m]]" {
		t.Errorf("second page starts at %s", got)
	}
}

func TestOnlyBaseReadsAreConsistent(t *testing.T) {
	for index, consistent := range map[store.Index]any{store.Base: true, store.Todo: nil, store.View: nil} {
		table, w := over(ok(`{"Items":[],"Count":0}`))
		if _, err := table.Query(context.Background(), store.Query{Index: index, PK: "p"}); err != nil {
			t.Error(err)
		}
		if got := w.seen[0].body["ConsistentRead"]; got != consistent {
			t.Errorf("query of %q is consistent: %v, want %v", index, got, consistent)
		}
	}
}

func TestForeignAttributesAreErrors(t *testing.T) {
	for _, body := range []string{
		`{"pk":{"S":"p"},"sk":{"S":"s"},"rev":{"S":"1"}}`,
		`{"pk":{"S":"p"},"sk":{"S":"s"},"rev":{"N":"1.5"}}`,
		`{"pk":{"S":"p"},"sk":{"S":"s"},"expires":{"BOOL":true}}`,
		`{"pk":{"S":"p"},"sk":{"S":"s"},"body":{"B":"AAAA"}}`,
	} {
		table, _ := over(ok(`{"Items":[` + body + `],"Count":1}`))
		if page, err := table.Query(context.Background(), store.Query{PK: "p"}); err == nil {
			t.Errorf("Query of %s = %+v, want an error", body, page)
		}
	}
	table, _ := over(ok(`{"Items":[{"pk":{"S":"p"},"sk":{"S":"s"},"later":{"M":{}}}],"Count":1}`))
	if page, err := table.Query(context.Background(), store.Query{PK: "p"}); err != nil || len(page.Items) != 1 {
		t.Errorf("Query of an item with an unknown attribute = %+v, %v", page, err)
	}
}
