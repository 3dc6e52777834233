//go:build verify

package verify

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wabawatch/wabawatch/shared/config"
	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/whatsapptest"
	"github.com/wabawatch/wabawatch/verify/stack"
)

const waba = "1182736455"

// fast are parameters under which a number is due again after a second. On a slow machine three of
// those pass between polls, and the account counts as blind.
func fast() stack.Options {
	return stack.Options{Parameters: map[string]string{"WabaIds": waba, "PollInterval": "1s"}, Unchecked: []string{"PollInterval"}}
}

// stage is an account with a number and a template, all well.
func stage(s *stack.Stack) (whatsapptest.Number, whatsapptest.Template) {
	sale := whatsapptest.Template{ID: "9007199254740993123", Name: "autumn_sale", Language: "en_US", Status: "APPROVED", Category: "MARKETING", Score: "GREEN"}
	number := whatsapptest.Number{ID: "2048573901", Display: "+1 202-555-0101", Name: "Example Ltd", Rating: "GREEN", Status: "CONNECTED"}
	s.Meta.SetAccount(whatsapptest.Account{ID: waba, Name: "Example", ReviewStatus: "APPROVED", Limit: "TIER_10K", PortfolioID: "9"})
	s.Meta.SetNumber(waba, number)
	s.Meta.SetTemplate(waba, sale)
	return number, sale
}

// TestTheWholeLine leads a paused template and a number's rating through the four functions, once
// with moto for SNS, and once with a stricter one and with functions frozen between events.
func TestTheWholeLine(t *testing.T) {
	for _, strict := range []bool{false, true} {
		t.Run(fmt.Sprintf("strict=%t", strict), func(t *testing.T) {
			t.Parallel()
			theWholeLine(t, stack.New(t, stack.Options{Parameters: map[string]string{"WabaIds": waba}, StrictSNS: strict, Freeze: strict}))
		})
	}
}

func theWholeLine(t *testing.T, s *stack.Stack) {
	number, sale := stage(s)
	s.Run(stack.Poller)
	if code, n := s.Get("/v1/accounts/"+waba+"/numbers/12025550101", ""); code != http.StatusOK || n["name"] != "Example Ltd" {
		t.Fatalf("number after the first poll = %d %v", code, n)
	}
	paused := whatsapptest.TemplatePaused(waba, sale, "FIRST_PAUSE", time.Now())
	if code := s.Post(whatsapptest.Body(paused), "sha256="+strings.Repeat("0", 64)); code != http.StatusUnauthorized {
		t.Errorf("wrongly signed = %d, want 401", code)
	}
	for range 2 {
		if code := s.Send(paused); code != http.StatusOK {
			t.Fatalf("signed = %d", code)
		}
	}
	s.Meta.UpdateTemplate(sale.ID, func(x *whatsapptest.Template) { x.Status = "PAUSED" })
	s.Meta.UpdateNumber(number.ID, func(n *whatsapptest.Number) { n.Rating = "YELLOW" })
	nextSecond()
	s.Due([]string{waba}, quality.Numbers)
	s.Run(stack.Poller)
	s.Pump()
	got := s.Alerts(stack.Everything)
	slices.Sort(got)
	if want := []string{"firing number_quality 12025550101", "firing template_status " + sale.ID}; !slices.Equal(got, want) {
		t.Errorf("out of SNS came %q, want %q", got, want)
	}
	mails := s.Received(stack.AlertEmail)
	for _, m := range mails {
		if m.Subject == "" || m.Text == m.Texts["default"] || strings.HasPrefix(m.Text, "{") {
			t.Errorf("a person gets by e-mail: %q\n%s", m.Subject, m.Text)
		}
	}
	if len(mails) == 0 {
		t.Error("nothing came by e-mail")
	}
	if sms := s.Received(stack.AlertSMS); len(sms) != 0 {
		t.Errorf("warnings came by SMS, which is for what is critical: %v", sms)
	}
	if _, tpl := s.Get("/v1/accounts/"+waba+"/templates/"+sale.ID, ""); !strings.Contains(fmt.Sprint(tpl["signals"]), "PAUSED") {
		t.Errorf("template = %v", tpl)
	}
	if _, alerts := s.Get("/v1/alerts", "event=firing"); len(alerts["items"].([]any)) != 2 || strings.Contains(fmt.Sprint(alerts), "published_at:<nil>") {
		t.Errorf("alerts = %v", alerts)
	}
	s.Run(stack.Notifier)
	s.Invoke(stack.Notifier, map[string]bool{"test": true}, nil)
	if got := s.Alerts(stack.Everything); len(got) != 1 || !strings.Contains(got[0], "watch_test") {
		t.Errorf("after sweep and test came %v, want the test alone", got)
	}
	if left := s.FailureMessages(); len(left) != 0 {
		t.Errorf("in the failure queue is %v", left)
	}
}

// TestCriticalNewsComesBySMS turns a rating red: that is what the filter of SMS lets through.
func TestCriticalNewsComesBySMS(t *testing.T) {
	t.Parallel()
	s := stack.New(t, stack.Options{Parameters: map[string]string{"WabaIds": waba}})
	number, _ := stage(s)
	s.Run(stack.Poller)
	s.Meta.UpdateNumber(number.ID, func(n *whatsapptest.Number) { n.Rating = "RED" })
	nextSecond()
	s.Due([]string{waba}, quality.Numbers)
	s.Run(stack.Poller)
	s.Pump()
	sms := s.Received(stack.AlertSMS)
	if len(sms) != 1 || sms[0].Text != sms[0].Texts["sms"] || sms[0].Attributes["severity"] != "critical" {
		t.Errorf("by SMS came %+v, want one that is critical", sms)
	}
}

// TestMissingSecretsFailTheStart names every missing path and the command that sets it.
func TestMissingSecretsFailTheStart(t *testing.T) {
	t.Parallel()
	s := stack.New(t, stack.Options{Secrets: map[config.Name]string{config.AppSecrets: "", config.VerifyToken: ""}})
	err := s.Functions[stack.Webhook].Start(1)
	path := s.Deployment.Parameters["SecretsPath"]
	for _, want := range []string{path + "/app-secrets", path + "/verify-token", "put-parameter"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("start = %v, want mention of %s", err, want)
		}
	}
}
