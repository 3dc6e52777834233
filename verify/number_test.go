//go:build verify

package verify

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/whatsapptest"
	"github.com/wabawatch/wabawatch/verify/stack"
)

// TestANumberTurnsYellowThenRedAndRecovers: no webhook tells it, so polls do. The rule's patience is
// cut to a second by the parameter Rules.
func TestANumberTurnsYellowThenRedAndRecovers(t *testing.T) {
	t.Parallel()
	l := watched(t, stack.Options{Parameters: map[string]string{"WabaIds": waba, "Rules": `{"number_quality":{"keep_firing_for":"1s"}}`}})
	number, _ := stage(l.s)
	for i, rating := range []string{"YELLOW", "RED", "GREEN"} {
		l.s.Meta.UpdateNumber(number.ID, func(n *whatsapptest.Number) { n.Rating = rating })
		l.poll(quality.Numbers)
		l.untilTold(i + 1)
	}
	want := []fact{
		{"firing", "number_quality", "warning", "GREEN", "YELLOW", "poll", 1},
		{"escalated", "number_quality", "critical", "YELLOW", "RED", "poll", 2},
		{"resolved", "number_quality", "critical", "RED", "GREEN", "poll", 3},
	}
	if d := cmp.Diff(want, factsOf(l.alerts)); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}
	l.sound()
	sms := texted(l.s)
	if len(sms) != 2 || !strings.Contains(sms[0], "RED") || !strings.Contains(sms[1], "RESOLVED") {
		t.Errorf("by SMS came %q, want what turned critical and its end", sms)
	}
	for _, text := range sms {
		if !strings.Contains(text, "..0101") {
			t.Errorf("the SMS does not say which number: %q", text)
		}
	}
	steps := []step{{"GREEN", "poll"}, {"YELLOW", "poll"}, {"RED", "poll"}, {"GREEN", "poll"}}
	if d := cmp.Diff(steps, history(t, l.s, "numbers/12025550101", "quality_rating")); d != "" {
		t.Errorf("history (-want +got):\n%s", d)
	}
}

// TestAFirstLookThatFindsThingsWrongIsOneSummary, and what it found is not told again.
func TestAFirstLookThatFindsThingsWrongIsOneSummary(t *testing.T) {
	t.Parallel()
	l := deployed(t, stack.Options{})
	number, sale := stage(l.s)
	l.s.Meta.UpdateNumber(number.ID, func(n *whatsapptest.Number) { n.Rating = "RED" })
	l.s.Meta.UpdateTemplate(sale.ID, func(x *whatsapptest.Template) { x.Status = "PAUSED" })
	other := whatsapptest.Template{ID: "42", Name: "spring_sale", Language: "en_US", Status: "REJECTED", Category: "MARKETING"}
	l.s.Meta.SetTemplate(waba, other)
	l.s.Run(stack.Poller)
	l.pump()
	got := l.lines()
	slices.Sort(got)
	want := []string{"firing number_quality 12025550101", "firing template_status 42", "firing template_status " + sale.ID, "notice first_look " + waba}
	if len(l.messages) != 1 || !slices.Equal(got, want) {
		t.Fatalf("in %d messages came %q, want %q in one", len(l.messages), got, want)
	}
	for _, name := range []string{"Example Ltd", sale.Name, other.Name} {
		if email := l.messages[0].Texts["email"]; !strings.Contains(email, name) {
			t.Errorf("the summary does not name %s:\n%s", name, email)
		}
	}
	polls := l.s.Meta.Calls("GET " + waba + "/message_templates")
	l.poll(quality.Numbers, quality.Templates)
	if again := l.s.Meta.Calls("GET " + waba + "/message_templates"); again == polls || len(l.messages) != 1 {
		t.Errorf("told again: %q", l.lines()[len(want):])
	}
	l.sound()
}

// TestANumberIsFlaggedAndUnflagged: Meta flags numbers no more, but relays and old accounts may.
func TestANumberIsFlaggedAndUnflagged(t *testing.T) {
	t.Parallel()
	l := watched(t, stack.Options{})
	number, _ := stage(l.s)
	for _, event := range []string{"FLAGGED", "UNFLAGGED"} {
		nextSecond()
		if code := l.s.Send(whatsapptest.PhoneQualityUpdate(waba, number.Display, event, "", time.Now())); code != http.StatusOK {
			t.Fatalf("%s: status %d", event, code)
		}
		l.pump()
	}
	want := []fact{
		{"firing", "number_flagged", "critical", "", "YES", "webhook", 1},
		{"resolved", "number_flagged", "critical", "YES", "NO", "webhook", 2},
	}
	if d := cmp.Diff(want, factsOf(l.alerts)); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}
	l.sound()
	if sms := texted(l.s); len(sms) != 2 {
		t.Errorf("by SMS came %q", sms)
	}
	if email := l.messages[0].Texts["email"]; !strings.Contains(email, "7 days") {
		t.Errorf("the e-mail does not say how long it takes:\n%s", email)
	}
	if d := cmp.Diff([]step{{"YES", "webhook"}, {"NO", "webhook"}}, history(t, l.s, "numbers/12025550101", "flagged")); d != "" {
		t.Errorf("history (-want +got):\n%s", d)
	}
}
