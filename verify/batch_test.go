//go:build verify

package verify

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wabawatch/wabawatch/shared/config"
	"github.com/wabawatch/wabawatch/shared/whatsapptest"
	"github.com/wabawatch/wabawatch/verify/stack"
)

// manyTemplates are templates with ids and names of their own.
func manyTemplates(n int) []whatsapptest.Template {
	out := make([]whatsapptest.Template, n)
	for i := range out {
		out[i] = whatsapptest.Template{ID: fmt.Sprint(7_000_000_000 + i), Name: fmt.Sprintf("sale_%04d", i), Language: "en_US", Status: "APPROVED", Category: "MARKETING"}
	}
	return out
}

// allPaused is a change for each template, made longer so that all fill so many bytes.
func allPaused(templates []whatsapptest.Template, bytes int, at time.Time) []whatsapptest.Change {
	pad := strings.Repeat("x", bytes/len(templates))
	out := make([]whatsapptest.Change, len(templates))
	for i, x := range templates {
		out[i] = whatsapptest.TemplatePaused(waba, x, "FIRST_PAUSE", at).With("padding", pad)
	}
	return out
}

// created is the time in the key of an alert.
var created = regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+Z`)

// TestAThousandChangesInOneBody of 3 MB, the most that Meta sends: as text and in base64 they make the
// same table, each is told, and the same body again writes nothing.
func TestAThousandChangesInOneBody(t *testing.T) {
	t.Parallel()
	templates := manyTemplates(1000)
	body := whatsapptest.Body(allPaused(templates, 2_700_000, time.Now())...)
	if len(body) < 2_900_000 || len(body) > 3<<20 {
		t.Fatalf("the body has %d bytes", len(body))
	}
	text, encoded := deployed(t, stack.Options{}), deployed(t, stack.Options{})
	signature := whatsapptest.Sign(text.s.Secrets[config.AppSecrets], body)
	for _, l := range []*ledger{text, encoded} {
		l.s.Functions[stack.Webhook].Timeout = 5 * time.Minute // how fast this machine is is not the question
	}
	deliver(t, text.s.Deliver, body, signature)
	stored := text.s.Items()
	deliver(t, encoded.s.DeliverEncoded, body, signature)
	if d := cmp.Diff(undated(stored), undated(encoded.s.Items())); d != "" {
		t.Errorf("keys of the table (-of text +of base64):\n%s", d)
	}
	deliver(t, text.s.DeliverEncoded, body, signature)
	if d := cmp.Diff(stored, text.s.Items()); d != "" {
		t.Errorf("the same again writes (-before +after):\n%s", d)
	}
	text.pump()
	text.sound()
	checkAllPausedAreTold(t, text, templates)
	if code, got := text.s.Get("/v1/accounts/"+waba+"/templates", "limit=1000&status=PAUSED"); code != http.StatusOK || len(got["items"].([]any)) != len(templates) {
		t.Errorf("%d templates are paused, %d were", len(got["items"].([]any)), len(templates))
	}
}

// undated are the keys of a table, those of alerts without the times that are ours and not Meta's.
func undated(items map[string]string) []string {
	keys := slices.Sorted(maps.Keys(items))
	for i, k := range keys {
		if strings.Contains(k, "ALERT#") {
			keys[i] = created.ReplaceAllString(k, "then")
		}
	}
	slices.Sort(keys)
	return keys
}

// checkAllPausedAreTold: a burst comes in digests, and each of them names what it tells in both bodies.
func checkAllPausedAreTold(t *testing.T, l *ledger, templates []whatsapptest.Template) {
	t.Helper()
	if len(l.messages) > len(templates)/20 {
		t.Errorf("%d messages for %d alerts", len(l.messages), len(templates))
	}
	told := map[string]int{}
	for _, m := range l.messages {
		alerts, err := m.Alerts()
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range alerts {
			told[a.Subject]++
			if a.Event != "firing" || a.Rule != "template_status" || a.Severity != "warning" || !strings.Contains(m.Texts["email"], a.Summary) {
				t.Errorf("told as %+v by the e-mail\n%s", a, m.Texts["email"])
			}
		}
	}
	for _, x := range templates {
		if told[x.ID] != 1 {
			t.Errorf("%s was told %d times", x.Name, told[x.ID])
		}
	}
}
