//go:build verify

package verify

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wabawatch/wabawatch/shared/config"
	"github.com/wabawatch/wabawatch/shared/whatsapptest"
	"github.com/wabawatch/wabawatch/verify/proxy"
	"github.com/wabawatch/wabawatch/verify/stack"
)

// paused is a stack on which a webhook has told a paused template, and the alert about it.
func paused(s *stack.Stack) (whatsapptest.Change, string) {
	_, sale := stage(s)
	return whatsapptest.TemplatePaused(waba, sale, "FIRST_PAUSE", time.Now()), "firing template_status " + sale.ID
}

// A publication whose answer is lost may be told twice, and not a third time.
func TestALostAnswerOfSNS(t *testing.T) {
	t.Parallel()
	o := fast()
	o.StrictSNS = true
	s := stack.New(t, o)
	change, alert := paused(s)
	if code := s.Send(change); code != http.StatusOK {
		t.Fatalf("status %d", code)
	}
	publish := proxy.Match{From: stack.Notifier, Service: proxy.SNS, Operation: "Publish"}
	s.Proxy.Next(publish, 1, proxy.DropAfter)
	s.Pump()
	told := 0
	for _, a := range s.Alerts(stack.Everything) {
		if a == alert {
			told++
		}
	}
	lost := s.Proxy.Ambiguous(publish)
	if lost != 1 || told < 1 || told > 1+lost {
		t.Errorf("told %d times with %d lost answers", told, lost)
	}
}

// A function that is killed once its change is stored has not answered 200, so Meta sends it again.
func TestAFunctionKilledAfterItsCommit(t *testing.T) {
	t.Parallel()
	s := stack.New(t, fast())
	change, alert := paused(s)
	body := whatsapptest.Body(change)
	signature := whatsapptest.Sign(s.Secrets[config.AppSecrets], body)
	commit := proxy.Match{From: stack.Webhook, Service: proxy.DynamoDB, Operation: "TransactWriteItems"}
	s.Proxy.Next(commit, 1, proxy.KillAfter(func() { s.Functions[stack.Webhook].Kill() }))
	if status, err := s.Deliver(t.Context(), body, signature); err == nil {
		t.Errorf("a killed function answers %d", status)
	}
	stored := s.Items()
	if code := s.Send(change); code != http.StatusOK {
		t.Fatalf("status %d", code)
	}
	// The first delivery had stored the alert; the second adds none and changes none.
	for key, item := range s.Items() {
		if before, ok := stored[key]; strings.Contains(key, "ALERT#") && (!ok || before != item) {
			t.Errorf("the second delivery writes %s: %s", key, item)
		}
	}
	s.Pump()
	if got := s.Alerts(stack.Everything); !slices.Equal(got, []string{alert}) {
		t.Errorf("told %q, want %q once", got, alert)
	}
	if s.Proxy.Ambiguous(commit) != 1 {
		t.Error("nothing was stored before it was killed")
	}
}

// A notifier that does not start leaves a trace of what it should have told.
func TestWhatIsGivenUpIsInTheFailureQueue(t *testing.T) {
	t.Parallel()
	s := stack.New(t, fast())
	change, _ := paused(s)
	if code := s.Send(change); code != http.StatusOK {
		t.Fatalf("status %d", code)
	}
	s.Functions[stack.Notifier].Command = []string{"/bin/false"}
	tries := 0
	for _, step := range s.Pump() {
		if len(step.Delivered) > 0 {
			tries++
		}
	}
	if want := s.Stream.MaxRetries + 1; tries < want {
		t.Errorf("%d invocations, want at least %d", tries, want)
	}
	left := s.FailureMessages()
	if len(left) == 0 || !strings.Contains(left[0], "RetryAttemptsExhausted") || !strings.Contains(left[0], s.Deployment.Mappings[stack.AlertStream].Source) {
		t.Errorf("in the failure queue is %q", left)
	}
	// A sweep that fails ends there, too.
	tried := s.Fire(stack.Notifier)
	want := 1 + s.Deployment.Functions[stack.Notifier].Async.MaxRetries
	if left := s.FailureMessages(); len(tried) != want || len(left) != 1 || !strings.Contains(left[0], `"requestPayload":{"sweep":true}`) {
		t.Errorf("after %d tries of the sweep, in the failure queue is %q", len(tried), left)
	}
}

// Whichever call of a webhook fails, and however: once it is answered 200 its alert is told, once.
func TestEveryCallOfAWebhookMayFail(t *testing.T) {
	t.Parallel()
	calls := proxy.Match{From: stack.Webhook, Service: proxy.DynamoDB}
	undisturbed := stack.New(t, fast())
	change, _ := paused(undisturbed)
	if code := undisturbed.Send(change); code != http.StatusOK {
		t.Fatalf("status %d", code)
	}
	n := undisturbed.Proxy.Calls(calls)
	if n < 3 {
		t.Fatalf("a webhook takes %d calls: %v", n, undisturbed.Proxy.Log())
	}
	faults := []proxy.Fault{proxy.DropBefore, proxy.DropAfter, proxy.ResetAfter, proxy.Truncate, proxy.Throttle, proxy.Fail(http.StatusServiceUnavailable), proxy.FailAfter(http.StatusInternalServerError)}
	for c := range proxy.Exhaustive(n, faults...) {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			s := stack.New(t, fast())
			change, alert := paused(s)
			s.Proxy.Nth(calls, c.N, c.Fault)
			status := 0
			for range 5 { // Meta goes on for days
				if status = s.Send(change); status == http.StatusOK {
					break
				}
			}
			if status != http.StatusOK {
				t.Fatalf("status %d", status)
			}
			if s.Proxy.Faults(calls) != 1 {
				t.Errorf("%d calls met a fault, want one", s.Proxy.Faults(calls))
			}
			s.Pump()
			if got := s.Alerts(stack.Everything); !slices.Equal(got, []string{alert}) {
				t.Errorf("told %q, want %q once", got, alert)
			}
		})
	}
}
