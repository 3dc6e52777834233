package main

import (
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/wabawatch/wabawatch/shared/whatsapptest"
)

// TestPauseDatedAheadEndsAfterItCame: a clock gone wrong, or none at all, must not move the end of
// a pause.
func TestPauseDatedAheadEndsAfterItCame(t *testing.T) {
	p := start(t, filepath.Join(t.TempDir(), "w.db"), "")
	for id, at := range map[string]time.Time{"1": time.Now().AddDate(1, 0, 0), "2": {}} {
		one := whatsapptest.Template{ID: id, Name: "one", Language: "en_US"}
		if status, err := p.sender().Send(t.Context(), whatsapptest.TemplatePaused(waba, one, "FIRST_PAUSE", at)); err != nil || status != http.StatusOK {
			t.Fatalf("post = %d, %v", status, err)
		}
		_, body := p.get("/v1/accounts/" + waba + "/templates/" + id)
		status := body["signals"].(map[string]any)["status"].(map[string]any)
		details, _ := status["details"].(map[string]any)
		until, err := time.Parse(time.RFC3339, details["until"].(string))
		since, serr := time.Parse(time.RFC3339, status["since"].(string))
		if err != nil || serr != nil || until.Sub(since) != 3*time.Hour || time.Since(since).Abs() > time.Minute {
			t.Errorf("template %s is paused since %v until %v, want 3 hours from now", id, status["since"], details["until"])
		}
	}
}
