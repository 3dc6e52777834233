//go:build verify

package verify

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wabawatch/wabawatch/shared/whatsapptest"
	"github.com/wabawatch/wabawatch/verify/stack"
)

// TestTheLifeOfATemplate goes from approval, seen by a poll, to the end, told by webhooks that come
// twice: each step is told once, by the words it needs, and history shows what was told.
func TestTheLifeOfATemplate(t *testing.T) {
	t.Parallel()
	l := watched(t, stack.Options{})
	_, sale := stage(l.s)
	quality := func(from, to string) func(time.Time) whatsapptest.Change {
		return func(at time.Time) whatsapptest.Change { return whatsapptest.TemplateQuality(waba, sale, from, to, at) }
	}
	status := func(event string) func(time.Time) whatsapptest.Change {
		return func(at time.Time) whatsapptest.Change { return whatsapptest.TemplateStatus(waba, sale, event, at) }
	}
	pause := func(title string) func(time.Time) whatsapptest.Change {
		return func(at time.Time) whatsapptest.Change { return whatsapptest.TemplatePaused(waba, sale, title, at) }
	}
	for _, tc := range []struct {
		change func(time.Time) whatsapptest.Change
		want   fact
		says   string // in the e-mail
	}{
		{quality("GREEN", "YELLOW"), fact{"firing", "template_quality", "warning", "GREEN", "YELLOW", "webhook", 1}, "What to do"},
		{quality("YELLOW", "RED"), fact{"escalated", "template_quality", "critical", "YELLOW", "RED", "webhook", 2}, "YELLOW -> RED"},
		{pause("FIRST_PAUSE"), fact{"firing", "template_status", "warning", "APPROVED", "PAUSED", "webhook", 1}, "3 h"},
		{status("APPROVED"), fact{"resolved", "template_status", "warning", "PAUSED", "APPROVED", "webhook", 2}, "APPROVED"},
		{pause("SECOND_PAUSE"), fact{"firing", "template_status", "warning", "APPROVED", "PAUSED", "webhook", 1}, "6 h"},
		{status("DISABLED"), fact{"escalated", "template_status", "critical", "PAUSED", "DISABLED", "webhook", 2}, "DISABLED"},
	} {
		nextSecond()
		change := tc.change(time.Now())
		for range 2 {
			if code := l.s.Send(change); code != http.StatusOK {
				t.Fatalf("%v: status %d", tc.want, code)
			}
		}
		if d := cmp.Diff([]fact{tc.want}, factsOf(l.pump())); d != "" {
			t.Fatalf("told (-want +got):\n%s", d)
		}
		m := l.messages[len(l.messages)-1]
		if email := m.Texts["email"]; !strings.Contains(email, sale.Name) || !strings.Contains(email, tc.says) {
			t.Errorf("%v: the e-mail says nothing of %s or %q:\n%s", tc.want, sale.Name, tc.says, email)
		}
		if tagged := strings.Contains(m.Subject, "RESOLVED"); tagged != (tc.want.Event == "resolved") {
			t.Errorf("%v under the subject %q", tc.want, m.Subject)
		}
	}
	l.sound()
	if first, second := l.alerts[2].Incident, l.alerts[4].Incident; first == second {
		t.Errorf("two pauses are one incident %s", first)
	}
	if n := len(texted(l.s)); n != 2 {
		t.Errorf("%d SMS, want one for each thing that turned critical", n)
	}
	for signal, want := range map[string][]step{
		"quality_score": {{"GREEN", "poll"}, {"YELLOW", "webhook"}, {"RED", "webhook"}},
		"status":        {{"APPROVED", "poll"}, {"PAUSED", "webhook"}, {"APPROVED", "webhook"}, {"PAUSED", "webhook"}, {"DISABLED", "webhook"}},
	} {
		if d := cmp.Diff(want, history(t, l.s, "templates/"+sale.ID, signal)); d != "" {
			t.Errorf("history of %s (-want +got):\n%s", signal, d)
		}
	}
}

// nextSecond waits until the second is another: Meta dates events by the second. Clocks get adjusted
// while somebody sleeps.
func nextSecond() {
	for second := time.Now().Unix(); time.Now().Unix() <= second; {
		time.Sleep(time.Until(time.Unix(second+1, 0)))
	}
}
