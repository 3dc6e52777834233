//go:build verify

package verify

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/whatsapptest"
	"github.com/wabawatch/wabawatch/verify/proxy"
	"github.com/wabawatch/wabawatch/verify/runner"
	"github.com/wabawatch/wabawatch/verify/stack"
)

// whatHappens is what a call may come to, in as few kinds as a function can tell apart: it is known not to
// have been carried out; nobody knows, and it was; the process dies before it, or after it. The other ways in which
// answers get lost are tried on the webhook.
func whatHappens(s *stack.Stack, id string) []proxy.Fault {
	kill := func() { s.Functions[id].Kill() }
	return []proxy.Fault{proxy.Fail(http.StatusServiceUnavailable), proxy.DropAfter, proxy.KillBefore(kill), proxy.KillAfter(kill)}
}

// eachFault runs a test with each of the faults, at once, on a stack of its own.
func eachFault(t *testing.T, id string, o stack.Options, test func(*testing.T, *stack.Stack, proxy.Fault)) {
	t.Parallel()
	for i, f := range whatHappens(nil, id) {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			s := stack.New(t, o)
			test(t, s, whatHappens(s, id)[i])
		})
	}
}

// Whichever call of a poll fails, and however: the polls after it come to what they would have come to
// without, and say no more of when it was than is true.
func TestEveryCallOfAPollMayFail(t *testing.T) {
	eachFault(t, stack.Poller, stack.Options{}, everyCallOfAPoll)
}

// mostCalls bounds the calls of what fails call by call: each case takes an account of its own.
const mostCalls = 60

func everyCallOfAPoll(t *testing.T, s *stack.Stack, f proxy.Fault) {
	watched := make([]polled, mostCalls+1)
	var heard []whatsapptest.Change
	for i := range watched {
		watched[i] = newPolled(s, i)
		heard = append(heard, whatsapptest.AccountReview(watched[i].waba, "APPROVED", time.Now()))
	}
	if code := s.Send(heard...); code != http.StatusOK {
		t.Fatalf("status %d", code)
	}
	for _, p := range watched {
		p.due(s)
	}
	s.Run(stack.Poller)
	calls := proxy.Match{From: stack.Poller}
	before := s.Proxy.Calls(calls)
	want := watched[0].change(t, s, func() {})
	n := (s.Proxy.Calls(calls) - before) / 3 // the two polls after it have less to say
	cases := 0
	for _, p := range watched[1:] {
		met := s.Proxy.Faults(calls)
		cases++
		got := p.change(t, s, func() { s.Proxy.Nth(calls, cases, f) })
		if got != want {
			t.Errorf("call %d %s:\n%s\nundisturbed:\n%s", cases, f.Name, got, want)
		}
		if s.Proxy.Faults(calls) == met {
			break
		}
	}
	if cases <= n || cases == mostCalls {
		t.Errorf("%d cases; a poll has more than %d calls", cases, n)
	}
	s.Pump()
	told := s.Alerts(stack.Everything)
	slices.Sort(told)
	var alerts []string
	for _, p := range watched[:cases+1] {
		alerts = append(alerts, "firing number_quality "+p.digits())
	}
	if slices.Sort(alerts); !slices.Equal(told, alerts) {
		t.Errorf("told %q\nwant %q", told, alerts)
	}
	t.Logf("%d cases", cases)
}

// polled is an account with a number and two templates, all well.
type polled struct {
	waba        string
	number      whatsapptest.Number
	stays, goes whatsapptest.Template
}

func newPolled(s *stack.Stack, i int) polled {
	p := polled{
		waba:   fmt.Sprint(2000000000 + i),
		number: whatsapptest.Number{ID: fmt.Sprint(3000000000 + i), Display: fmt.Sprintf("+1 202-556-%04d", i), Name: "Example Ltd", Rating: "GREEN", Status: "CONNECTED"},
		stays:  whatsapptest.Template{ID: fmt.Sprint(4000000000 + i), Name: "stays", Language: "en_US", Status: "APPROVED", Category: "UTILITY"},
		goes:   whatsapptest.Template{ID: fmt.Sprint(5000000000 + i), Name: "goes", Language: "en_US", Status: "APPROVED", Category: "UTILITY"},
	}
	s.Meta.SetAccount(whatsapptest.Account{ID: p.waba, Name: "Example", ReviewStatus: "APPROVED", Limit: "TIER_10K", PortfolioID: fmt.Sprint(6000000000 + i)})
	s.Meta.SetNumber(p.waba, p.number)
	s.Meta.SetTemplate(p.waba, p.stays)
	s.Meta.SetTemplate(p.waba, p.goes)
	return p
}

func (p polled) digits() string { return "1202556" + p.number.Display[len(p.number.Display)-4:] }

// due makes the polls due that are looked at.
func (p polled) due(s *stack.Stack) { s.Due([]string{p.waba}, quality.Numbers, quality.Templates) }

// change lets the number's rating fall and a template vanish, and polls three times, of which the first
// may go wrong. It returns what is known then, without times, which it checks.
func (p polled) change(t *testing.T, s *stack.Stack, disturb func()) string {
	t.Helper()
	s.Meta.UpdateNumber(p.number.ID, func(n *whatsapptest.Number) { n.Rating = "YELLOW" })
	s.Meta.RemoveTemplate(p.goes.ID)
	changed := time.Now()
	p.due(s)
	disturb()
	s.Fire(stack.Poller)
	s.Proxy.Clear()
	for range 2 {
		p.due(s)
		s.Run(stack.Poller)
	}
	var out strings.Builder
	for _, path := range []string{"/numbers/" + p.digits(), "/templates/" + p.stays.ID, "/templates/" + p.goes.ID} {
		_, now := s.Get("/v1/accounts/"+p.waba+path, "")
		fmt.Fprintf(&out, "%s %v:", path[:5], now["health"])
		for _, x := range now["incidents"].([]any) {
			fmt.Fprintf(&out, " %v", x.(map[string]any)["rule"])
		}
		_, page := s.Get("/v1/accounts/"+p.waba+path+"/history", "limit=1000")
		for _, x := range page["items"].([]any) {
			row := x.(map[string]any)
			fmt.Fprintf(&out, " %v=%v", row["signal"], row["value"])
			if row["not_before"] == nil || row["value"] == "GONE" {
				continue
			}
			at, notBefore := instant(t, row["at"]), instant(t, row["not_before"])
			if at.Before(changed.Truncate(time.Second)) || notBefore.After(changed) {
				t.Errorf("%s%s: %v=%v between %s and %s; it changed at %s", p.waba, path, row["signal"], row["value"], notBefore, at, changed)
			}
		}
		out.WriteByte('\n')
	}
	return out.String()
}

func instant(t *testing.T, v any) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, fmt.Sprint(v))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// Whichever call of a delivery fails, and however: every alert is told, and once more only if the answer of
// SNS was lost or the notifier died after it was told.
func TestEveryCallOfADeliveryMayFail(t *testing.T) {
	eachFault(t, stack.Notifier, stack.Options{StrictSNS: true}, everyCallOfADelivery)
}

func everyCallOfADelivery(t *testing.T, s *stack.Stack, f proxy.Fault) {
	s.Stream.Window = 0
	calls := proxy.Match{From: stack.Notifier}
	cases, again := 0, 0
	for met := -1; s.Proxy.Faults(calls) > met; cases++ {
		if cases == mostCalls {
			t.Fatalf("a delivery has more than %d calls", cases)
		}
		met = s.Proxy.Faults(calls)
		s.Proxy.Clear()
		s.Proxy.Nth(calls, cases+1, f)
		again += deliverOnce(t, s, fmt.Sprintf("call %d %s", cases+1, f.Name), cases)
	}
	if cases < 10 {
		t.Errorf("a delivery has only %d calls", cases-1)
	}
	t.Logf("%d cases, %d alerts told again", cases, again)
}

// deliverOnce tells of a number that was flagged and of four paused templates, which is a single message and
// a digest, and returns how many of them were told again.
func deliverOnce(t *testing.T, s *stack.Stack, what string, i int) (again int) {
	t.Helper()
	waba := fmt.Sprint(2000000000 + i)
	changes := []whatsapptest.Change{whatsapptest.PhoneQualityUpdate(waba, fmt.Sprintf("1202556%04d", i), "FLAGGED", "", time.Now())}
	want := []string{fmt.Sprintf("firing number_flagged 1202556%04d", i)}
	for n := range 4 {
		tpl := whatsapptest.Template{ID: fmt.Sprint(9000000000 + 10*i + n), Name: "autumn_sale", Language: "en_US"}
		changes = append(changes, whatsapptest.TemplatePaused(waba, tpl, "FIRST_PAUSE", time.Now()))
		want = append(want, "firing template_status "+tpl.ID)
	}
	if code := s.Send(changes...); code != http.StatusOK {
		t.Fatalf("status %d", code)
	}
	ambiguous := s.Proxy.Ambiguous(proxy.Match{From: stack.Notifier, Service: proxy.SNS, Operation: "Publish"})
	step, any, err := s.Stream.Step(t.Context())
	if err != nil || !any {
		t.Fatalf("%s: nothing to deliver: %v", what, err)
	}
	died := step.Answer.Failure == runner.Exited
	if died {
		s.Proxy.Bury(stack.Notifier)
	}
	ambiguous = s.Proxy.Ambiguous(proxy.Match{From: stack.Notifier, Service: proxy.SNS, Operation: "Publish"}) - ambiguous
	told := map[string]int{}
	first := s.Alerts(stack.Everything)
	for _, a := range first {
		told[a]++
	}
	if died {
		s.AgeAlerts(stack.SweepAfter)
	}
	s.Pump()
	if s.AgeAlerts(stack.SweepAfter) > 0 {
		s.Run(stack.Notifier)
	}
	if n := s.AgeAlerts(stack.SweepAfter); n > 0 {
		t.Errorf("%s: %d alerts wait for ever", what, n)
	}
	for _, a := range s.Alerts(stack.Everything) {
		told[a]++
	}
	for _, a := range want {
		most := 1
		if n := slices.Contains(first, a); n && (died || ambiguous > 0) {
			most = 2
		}
		if told[a] < 1 || told[a] > most {
			t.Errorf("%s: %s was told %d times, want at most %d (died: %t, answers lost: %d)", what, a, told[a], most, died, ambiguous)
		}
		again += told[a] - 1
	}
	if len(told) != len(want) {
		t.Errorf("%s: told %v, want %q", what, told, want)
	}
	return again
}
