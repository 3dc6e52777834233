package main

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wabawatch/wabawatch/shared/whatsapptest"
)

// TestThousandChangesOfOneSubject takes more about one subject than one transaction holds, in any
// order, and the same again.
func TestThousandChangesOfOneSubject(t *testing.T) {
	p := start(t, filepath.Join(t.TempDir(), "w.db"), "")
	one := whatsapptest.Template{ID: "4242", Name: "one", Language: "en_US"}
	begin := time.Now().Add(-2000 * time.Second)
	var changes, unknown []whatsapptest.Change
	for i := range 1000 {
		i = i * 7 % 1000
		status := []string{"APPROVED", "REJECTED"}[i%2]
		changes = append(changes, whatsapptest.TemplateStatus(waba, one, status, begin.Add(time.Duration(i)*time.Second)))
		unknown = append(unknown, whatsapptest.Change{WABAID: waba, Field: fmt.Sprintf("new_field_%d", i), At: begin, Value: map[string]any{}})
	}
	for _, body := range [][]byte{whatsapptest.Body(changes...), whatsapptest.Body(changes...), whatsapptest.Body(unknown...)} {
		if status, err := p.sender().Post(t.Context(), body); err != nil || status != http.StatusOK {
			t.Fatalf("post = %d, %v", status, err)
		}
	}
	_, history := p.get("/v1/accounts/" + waba + "/templates/4242/history?signal=status&limit=1000")
	if n := len(history["items"].([]any)); n != 1000 {
		t.Errorf("%d rows of history, want 1000", n)
	}
	told := 0
	for cursor := ""; ; {
		_, alerts := p.get("/v1/alerts?limit=1000&rule=watch_unknown&cursor=" + cursor)
		told += len(alerts["items"].([]any))
		if cursor, _ = alerts["next"].(string); cursor == "" {
			break
		}
	}
	if told < 200 { // a body may name no more of them
		t.Errorf("%d unknown fields told, want 200 and that there were more", told)
	}
}

// TestManyPostsOfOneAccount posts about one account from many sides at once, as on a day when Meta has
// added a field. All meet on its schedule and on the count of the field, and none of them may be
// turned away for that.
func TestManyPostsOfOneAccount(t *testing.T) {
	p := start(t, filepath.Join(t.TempDir(), "w.db"), "")
	var posting sync.WaitGroup
	for side := range 16 {
		posting.Go(func() {
			for i := range 10 {
				one := whatsapptest.Template{ID: fmt.Sprint(1000 + 100*side + i), Name: "one", Language: "en_US"}
				change := whatsapptest.TemplateStatus(waba, one, "REJECTED", time.Now())
				news := whatsapptest.Change{WABAID: waba, Field: "new_field", At: time.Now(), Value: map[string]any{"post": one.ID}}
				more := whatsapptest.Change{WABAID: waba, Field: "new_field_" + one.ID, At: time.Now(), Value: map[string]any{}}
				if status, err := p.sender().Send(t.Context(), change, news, more); err != nil || status != http.StatusOK {
					t.Errorf("post = %d, %v", status, err)
				}
			}
		})
	}
	posting.Wait()
	if t.Failed() {
		p.mu.Lock()
		defer p.mu.Unlock()
		for line := range strings.Lines(p.logs.String()) {
			if strings.Contains(line, "ERROR") {
				t.Log(line)
				break
			}
		}
	}
}
