//go:build verify

package verify

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/verify/stack"
)

// ledger is what came out of SNS, in the order in which it came, as programs and as people read it.
type ledger struct {
	t        *testing.T
	s        *stack.Stack
	messages []stack.Message
	alerts   []stack.Alert
}

// watched is a deployment on an SNS that refuses what SNS refuses, and keeps the order in which it was
// told, with an account whose first look found all well.
func watched(t *testing.T, o stack.Options) *ledger {
	t.Helper()
	l := deployed(t, o)
	stage(l.s)
	l.s.Run(stack.Poller)
	if told := l.pump(); len(told) > 0 {
		t.Errorf("the first look at an account that is well tells %v", told)
	}
	return l
}

// deployed is such a deployment before its first look.
func deployed(t *testing.T, o stack.Options) *ledger {
	t.Helper()
	o.StrictSNS = true
	if o.Parameters == nil {
		o.Parameters = map[string]string{"WabaIds": waba}
	}
	return &ledger{t: t, s: stack.New(t, o)}
}

// poll makes classes of the account due, in a second of their own, polls them and returns the alerts
// that came of it.
func (l *ledger) poll(classes ...quality.Class) []stack.Alert {
	l.t.Helper()
	nextSecond()
	l.s.Due([]string{waba}, classes...)
	l.s.Run(stack.Poller)
	return l.pump()
}

// pump leads the stream to the notifier and returns the alerts that came of it.
func (l *ledger) pump() []stack.Alert {
	l.t.Helper()
	l.s.Pump()
	return l.read()
}

// read returns the alerts since it was called last, and checks how people get them.
func (l *ledger) read() []stack.Alert {
	l.t.Helper()
	began := len(l.alerts)
	for _, m := range l.s.Received(stack.Everything) {
		alerts, err := m.Alerts()
		if err != nil {
			l.t.Fatal(err)
		}
		checkTexts(l.t, m, alerts)
		l.messages, l.alerts = append(l.messages, m), append(l.alerts, alerts...)
	}
	return l.alerts[began:]
}

// checkTexts checks what every message must be to people and to filters, whatever it tells.
func checkTexts(t *testing.T, m stack.Message, alerts []stack.Alert) {
	t.Helper()
	worst := "info"
	for _, a := range alerts {
		if a.ID == "" || a.Summary == "" || a.Advice == "" && a.Rule != "first_look" {
			t.Errorf("an alert says too little: %+v", a)
		}
		for _, s := range []string{"warning", "critical"} {
			if a.Severity == s && (s == "critical" || worst == "info") {
				worst = s
			}
		}
		for name, value := range map[string]string{"event": a.Event, "rule": a.Rule, "subject_id": a.Subject, "waba_id": a.WABA} {
			if value != "" && !strings.Contains(m.Attributes[name], `"`+value+`"`) {
				t.Errorf("attribute %s is %s, without %s", name, m.Attributes[name], value)
			}
		}
	}
	if m.Attributes["severity"] != worst || !strings.HasPrefix(m.Subject, strings.ToUpper(worst)) || len(m.Subject) > 99 {
		t.Errorf("severity %q under the subject %q, want %s", m.Attributes["severity"], m.Subject, worst)
	}
	sms, email := m.Texts["sms"], m.Texts["email"]
	if n := septets(sms); n < 1 || n > 160 || !strings.Contains(sms, strings.ToUpper(worst)) {
		t.Errorf("SMS of %d septets: %q", n, sms)
	}
	for _, a := range alerts {
		if a.Rule != "first_look" && !strings.Contains(email, a.ID) {
			t.Errorf("the e-mail does not name alert %s:\n%s", a.ID, email)
		}
		if strings.HasPrefix(a.Rule, "number_") && strings.Contains(sms, a.Subject) {
			t.Errorf("the SMS shows the whole number %s: %q", a.Subject, sms)
		}
	}
}

// septets is the length of a text in GSM-7, as far as ASCII goes; below 0 if there is more in it.
func septets(text string) int {
	n := len(text)
	for _, r := range text {
		switch {
		case strings.ContainsRune("^{}\\[~]|", r):
			n++ // by the extension table
		case r != '\n' && (r < ' ' || r > '~' || r == '`'):
			return -1
		}
	}
	return n
}

// until runs the poller and the stream, more often than their schedules do, until something is so.
func (l *ledger) until(what string, so func() bool) {
	l.t.Helper()
	for range 200 {
		l.s.Run(stack.Poller)
		l.pump()
		if so() {
			return
		}
		time.Sleep(250 * time.Millisecond)
	}
	l.t.Fatalf("%s: not after 200 runs; told %q", what, l.lines())
}

// untilTold is until a number of alerts has come.
func (l *ledger) untilTold(n int) {
	l.t.Helper()
	l.until(fmt.Sprintf("%d alerts", n), func() bool { return len(l.alerts) >= n })
}

// lines are the alerts so far, as "event rule subject".
func (l *ledger) lines() []string {
	var out []string
	for _, a := range l.alerts {
		out = append(out, a.String())
	}
	return out
}

// sound checks that every alert came once, and those of an incident in the order of their revisions,
// without a gap. One that passed stands for all before it.
func (l *ledger) sound() {
	l.t.Helper()
	last, seen := map[string]int{}, map[string]bool{}
	for _, a := range l.alerts {
		if seen[a.ID] {
			l.t.Errorf("told twice: %s as %s", a, a.ID)
		}
		seen[a.ID] = true
		if a.Incident == "" {
			continue
		}
		if before := last[a.Incident]; a.Revision != before+1 && (a.Event != "passed" || before != 0) {
			l.t.Errorf("%s is revision %d of an incident after %d", a, a.Revision, before)
		}
		last[a.Incident] = a.Revision
	}
}

// fact is what a test expects of an alert, and step what it expects of a row of history.
type (
	fact struct {
		Event, Rule, Severity, From, To, Source string
		Revision                                int
	}
	step struct{ Value, Source string }
)

func factsOf(alerts []stack.Alert) []fact {
	var out []fact
	for _, a := range alerts {
		out = append(out, fact{a.Event, a.Rule, a.Severity, a.From, a.To, a.Source, a.Revision})
	}
	return out
}

// history asks the API for the history of one signal of a subject: "templates/1".
func history(t *testing.T, s *stack.Stack, subject, signal string) []step {
	t.Helper()
	code, body := s.Get("/v1/accounts/"+waba+"/"+subject+"/history", "limit=1000&signal="+signal)
	rows, ok := body["items"].([]any)
	if code != 200 || !ok {
		t.Fatalf("history of %s: %d %v", subject, code, body)
	}
	var out []step
	for _, r := range rows {
		row := r.(map[string]any)
		out = append(out, step{fmt.Sprint(row["value"]), fmt.Sprint(row["source"])})
	}
	return out
}

// texted are the SMS since it was called last.
func texted(s *stack.Stack) []string {
	var out []string
	for _, m := range s.Received(stack.AlertSMS) {
		out = append(out, m.Text)
	}
	return out
}
