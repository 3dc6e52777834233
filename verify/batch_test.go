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
	tables := map[bool][]string{}
	for _, encoded := range []bool{false, true} {
		l := deployed(t, stack.Options{})
		deliver := l.s.Deliver
		if encoded {
			deliver = l.s.DeliverEncoded
		}
		var stored map[string]string
		for range 2 {
			code, err := deliver(t.Context(), body, whatsapptest.Sign(l.s.Secrets[config.AppSecrets], body))
			if err != nil || code != http.StatusOK {
				t.Fatalf("encoded=%t: %d, %v", encoded, code, err)
			}
			if stored == nil {
				stored = l.s.Items()
			} else if d := cmp.Diff(stored, l.s.Items()); d != "" {
				t.Errorf("encoded=%t: the second delivery writes (-before +after):\n%s", encoded, d)
			}
		}
		tables[encoded] = undated(stored)
		l.pump()
		l.sound()
		checkAllPausedAreTold(t, l, templates)
		if code, got := l.s.Get("/v1/accounts/"+waba+"/templates", "limit=1000&status=PAUSED"); code != http.StatusOK || len(got["items"].([]any)) != len(templates) {
			t.Errorf("encoded=%t: %d templates are paused, %d were", encoded, len(got["items"].([]any)), len(templates))
		}
	}
	if d := cmp.Diff(tables[false], tables[true]); d != "" {
		t.Errorf("keys of the table (-of text +of base64):\n%s", d)
	}
}

// undated are the keys of a table without the times that are ours and not Meta's: of alerts and of the
// day of a count.
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
