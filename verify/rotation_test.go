//go:build verify

package verify

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wabawatch/wabawatch/shared/config"
	"github.com/wabawatch/wabawatch/shared/whatsapptest"
	"github.com/wabawatch/wabawatch/verify/stack"
)

// TestStrangersLeaveNoTrace: whatever is wrong with a signature, the table is the same byte for byte, and
// was not even asked.
func TestStrangersLeaveNoTrace(t *testing.T) {
	t.Parallel()
	l := deployed(t, stack.Options{})
	change, _ := paused(l.s)
	if code := l.s.Send(change); code != http.StatusOK {
		t.Fatalf("status %d", code)
	}
	body := whatsapptest.Body(change.With("event", "DISABLED"))
	right := whatsapptest.Sign(l.s.Secrets[config.AppSecrets], body)
	digits := strings.TrimPrefix(right, "sha256=")
	before, calls := l.s.Items(), l.s.Proxy.Calls(table)
	for name, signature := range map[string]string{
		"none":              "",
		"no digits":         "sha256=",
		"wrong digits":      "sha256=" + strings.Repeat("0", 64),
		"of another secret": whatsapptest.Sign("a-secret-of-the-past", body),
		"of an empty one":   whatsapptest.Sign("", body),
		"of another body":   whatsapptest.Sign(l.s.Secrets[config.AppSecrets], append(slices.Clip(body), ' ')),
		"cut":               right[:len(right)-1],
		"too long":          right + "0",
		"twice":             right + "," + right,
		"of another kind":   "sha1=" + digits[:40],
		"without a kind":    digits,
		"not hexadecimal":   "sha256=" + strings.Repeat("g", 64),
	} {
		for _, deliver := range []func() (int, error){
			func() (int, error) { return l.s.Deliver(t.Context(), body, signature) },
			func() (int, error) { return l.s.DeliverEncoded(t.Context(), body, signature) },
		} {
			if code, err := deliver(); err != nil || code != http.StatusUnauthorized {
				t.Errorf("%s: %d, %v, want 401", name, code, err)
			}
		}
	}
	if d := cmp.Diff(before, l.s.Items()); d != "" {
		t.Errorf("strangers wrote (-before +after):\n%s", d)
	}
	if n := l.s.Proxy.Calls(table); n != calls {
		t.Errorf("strangers made the function ask the table %d times", n-calls)
	}
	if code := l.s.Post(body, right); code != http.StatusOK {
		t.Errorf("rightly signed: %d", code)
	}
}

// TestASignedBodyThatIsNotOursIsKept, told once as unknown, and never refused: Meta would send it for days.
func TestASignedBodyThatIsNotOursIsKept(t *testing.T) {
	t.Parallel()
	l := deployed(t, stack.Options{})
	for _, body := range []string{"not JSON", `{"object":"whatsapp_business_account","entry":[`, "", `[]`, `{"object":"page","entry":[]}`} {
		for range 2 {
			if code := l.s.Post([]byte(body), whatsapptest.Sign(l.s.Secrets[config.AppSecrets], []byte(body))); code != http.StatusOK {
				t.Errorf("%q: status %d", body, code)
			}
		}
	}
	l.pump()
	l.sound()
	for _, a := range l.alerts {
		if a.Event != "notice" || a.Rule != "watch_unknown" || a.Severity != "info" {
			t.Errorf("told %+v", a)
		}
	}
	if len(l.alerts) == 0 || len(l.alerts) > 5 {
		t.Errorf("told %q", l.lines())
	}
}

// TestARotatedAppSecret is accepted by functions that run, at its first signature, beside the old one,
// and the old one is refused once it is dropped. The function reads secrets twice a minute at most.
func TestARotatedAppSecret(t *testing.T) {
	t.Parallel()
	l := deployed(t, stack.Options{})
	l.s.Start(stack.Webhook)
	environments := l.s.Functions[stack.Webhook].Environments()
	old := l.s.Secrets[config.AppSecrets]
	const fresh = "the-secret-that-comes-after"
	send := func(secret, template string) int {
		t.Helper()
		x := whatsapptest.Template{ID: template, Name: "template_" + template, Language: "en_US"}
		body := whatsapptest.Body(whatsapptest.TemplatePaused(waba, x, "FIRST_PAUSE", time.Now()))
		return l.s.Post(body, whatsapptest.Sign(secret, body))
	}
	if code := send(old, "1"); code != http.StatusOK {
		t.Fatalf("before: %d", code)
	}
	time.Sleep(config.RefreshEvery)
	l.s.SetSecret(config.AppSecrets, fresh+","+old)
	if first, second := send(fresh, "2"), send(old, "3"); first != http.StatusOK || second != http.StatusOK {
		t.Errorf("while both are good: %d of the new one, %d of the old", first, second)
	}
	time.Sleep(config.RefreshEvery)
	l.s.SetSecret(config.AppSecrets, fresh)
	stored := l.s.Items()
	if code := send(old, "4"); code != http.StatusUnauthorized {
		t.Errorf("the one that was dropped: %d", code)
	}
	if d := cmp.Diff(stored, l.s.Items()); d != "" {
		t.Errorf("stored under a secret that was dropped (-before +after):\n%s", d)
	}
	if code := send(fresh, "5"); code != http.StatusOK {
		t.Errorf("the one that is left: %d", code)
	}
	if d := cmp.Diff(environments, l.s.Functions[stack.Webhook].Environments()); d != "" {
		t.Errorf("not the environment from before (-before +after):\n%s", d)
	}
	l.pump()
	l.sound()
	if got := len(l.alerts); got != 4 {
		t.Errorf("told %q", l.lines())
	}
}
