//go:build verify

package verify

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wabawatch/wabawatch/shared/config"
	"github.com/wabawatch/wabawatch/shared/notify/snstest"
	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/whatsapptest"
	"github.com/wabawatch/wabawatch/verify/proxy"
	"github.com/wabawatch/wabawatch/verify/runner"
	"github.com/wabawatch/wabawatch/verify/stack"
)

// TestKilledAtAnyMoment runs all functions under load and kills them, one process at a time, at moments
// that a seed chooses, while SNS and DynamoDB fail now and then. When all is quiet again, nothing that
// was acknowledged is lost, histories are those of the model, and every alert was told once, and once
// more only for every answer of SNS that was lost and every notifier that died between publishing
// and marking.
//
// WABAWATCH_KILLS is how many are killed, 200 by default.
func TestKilledAtAnyMoment(t *testing.T) {
	kills := 200
	if v := os.Getenv("WABAWATCH_KILLS"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			t.Fatalf("WABAWATCH_KILLS: %v", err)
		}
		kills = n
	}
	o := fast()
	o.StrictSNS = true
	s := stack.New(t, o)
	number, _ := stage(s)
	r := &ordeal{
		Stack: s, t: t, began: time.Now(), wabas: []string{"1000000001", "1000000002", "1000000003", "1000000004"},
		sent: map[string]bool{}, killed: map[string]int{}, crashed: map[int]bool{}, names: []named{{number.Name, time.Now()}},
	}
	r.pick = r.dice("story")
	r.trouble()
	r.endure(kills)
	s.Proxy.Clear()
	s.Topics[stack.AlertTopic].Script()
	r.settle()
	r.verdict()
}

// ordeal is one run of the loop.
type ordeal struct {
	*stack.Stack
	t     *testing.T
	began time.Time
	// wabas are accounts that only webhooks tell of: Meta does not let them be polled. The account of the
	// stage is polled and told nothing of.
	wabas []string
	over  atomic.Bool

	mu         sync.Mutex
	pick       func(int) int
	all, again []*telling
	sent       map[string]bool // what was sent, acknowledged or not
	posts      int
	unanswered int
	shown      int
	killed     map[string]int
	names      []named
	crashed    map[int]bool // publications that were accepted while the notifier died
}

// named is a name that the polled number had since then.
type named struct {
	name string
	at   time.Time
}

// dice are random numbers below n that depend on the seed and on what they are for.
func (r *ordeal) dice(what string) func(n int) int {
	seed := r.Proxy.Seed()
	for _, b := range []byte(what) {
		seed = seed*31 + uint64(b)
	}
	return rand.New(rand.NewPCG(seed, 0)).IntN
}

// trouble lets DynamoDB fail for a share of all calls, and SNS for many; some of them kill the notifier.
func (r *ordeal) trouble() {
	lost := []proxy.Fault{proxy.DropBefore, proxy.DropAfter, proxy.ResetAfter, proxy.Truncate, proxy.Throttle, proxy.Fail(http.StatusServiceUnavailable), proxy.FailAfter(http.StatusInternalServerError)}
	r.Proxy.Rate(proxy.Match{Service: proxy.DynamoDB}, 0.01, lost...)
	r.Proxy.Rate(proxy.Match{Service: proxy.DynamoDB, Operation: "TransactWriteItems"}, 0.02, proxy.Cancel("TransactionConflict"), proxy.Cancel("None", "ThrottlingError"))
	// Between publishing and marking there is little time to be killed in by chance.
	kill := func() { r.died(stack.Notifier, r.Functions[stack.Notifier].Kill()) }
	r.Proxy.Rate(proxy.Match{From: stack.Notifier, Service: proxy.SNS, Operation: "Publish"}, 0.1, proxy.KillBefore(kill), proxy.KillAfter(kill))
	pick := r.dice("sns")
	steps := make([]snstest.Step, 100_000)
	often := []snstest.Step{snstest.Fail, snstest.Throttle, snstest.Drop, snstest.AcceptThenFail, snstest.AcceptThenDrop, snstest.AcceptThenFail}
	for i := range steps {
		switch n := pick(1000); {
		case n < 3:
			steps[i] = []snstest.Step{snstest.Hang, snstest.AcceptThenHang}[pick(2)]
		case n < 250:
			steps[i] = often[pick(len(often))]
		}
	}
	r.Topics[stack.AlertTopic].Script(steps...)
}

// endure runs everything at once until so many processes were killed.
func (r *ordeal) endure(kills int) {
	ctx := r.t.Context()
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			for !r.over.Load() {
				r.post(ctx, r.next())
			}
		})
	}
	all.Go(func() { r.poll(ctx) })
	all.Go(func() { r.look(ctx) })
	all.Go(func() {
		defer r.over.Store(true)
		pick := r.dice("kills")
		targets := []string{stack.Webhook, stack.Webhook, stack.Webhook, stack.Webhook, stack.Notifier, stack.Notifier, stack.Notifier, stack.Poller, stack.Poller, stack.API}
		for n := 0; n < kills && !r.t.Failed(); {
			id, posts, wait, which := targets[pick(len(targets))], pick(4), time.Duration(pick(40_000))*time.Microsecond, pick(1000)
			// First by work, so that a slow machine does not kill what has done nothing yet.
			for until := r.posted() + posts; r.posted() < until; {
				time.Sleep(time.Millisecond)
			}
			time.Sleep(wait)
			if r.Functions[id].KillOne(which) {
				n++
				r.died(id, 1)
			}
		}
	})
	pick := r.dice("notifier")
	for !r.over.Load() {
		r.notify(pick(4) == 0)
	}
	all.Wait()
}

// posted is how many bodies were sent.
func (r *ordeal) posted() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.posts
}

// died counts processes that were killed.
func (r *ordeal) died(id string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.killed[id] += n
}

// next is what Meta sends next: what it has to send again or, sometimes, sends again although it need
// not, among what is new, in any grouping.
func (r *ordeal) next() []*telling {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []*telling
	for range 1 + r.pick(6) {
		if n := len(r.again); n > 0 && r.pick(3) > 0 {
			i := r.pick(n)
			out = append(out, r.again[i])
			r.again = slices.Delete(r.again, i, i+1)
			continue
		}
		x := newTelling(len(r.all), r.pick, r.wabas, r.began)
		r.all = append(r.all, x)
		out = append(out, x)
	}
	for _, x := range out {
		for _, one := range x.readings {
			r.sent[shownAs(one.subject, string(one.signal), one.value, one.at)] = true
		}
	}
	return out
}

func shownAs(s subject, signal, value string, at int64) string {
	return fmt.Sprint(s, " ", signal, " ", value, " ", at)
}

// post delivers tellings in one body. What is not answered 200 is sent again later, and a part of the
// rest too.
func (r *ordeal) post(ctx context.Context, tellings []*telling) {
	var changes []whatsapptest.Change
	for _, x := range tellings {
		changes = append(changes, x.change)
	}
	body := whatsapptest.Body(changes...)
	status, err := r.Deliver(ctx, body, whatsapptest.Sign(r.Secrets[config.AppSecrets], body))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.posts++
	if err != nil {
		r.unanswered++
	}
	for _, x := range tellings {
		x.known = x.known || err == nil && status == http.StatusOK
		if !x.known || r.pick(6) == 0 {
			r.again = append(r.again, x)
		}
	}
}

// poll runs the poller and changes the name and the rating of the number that it polls.
func (r *ordeal) poll(ctx context.Context) {
	pick := r.dice("poller")
	for n := 0; !r.over.Load(); n++ {
		if err := r.EndLeases(ctx, append([]string{"", waba}, r.wabas...)...); err != nil {
			r.t.Error(err)
			return
		}
		if pick(4) == 0 {
			name := fmt.Sprintf("Example %d", n)
			r.rename(name, []string{"GREEN", "YELLOW", "RED"}[pick(3)])
		}
		if _, err := r.Functions[stack.Poller].Invoke(ctx, []byte(`{}`)); err != nil {
			r.t.Error(err)
			return
		}
		time.Sleep(time.Duration(pick(300)) * time.Millisecond)
	}
}

// rename changes the number that is polled.
func (r *ordeal) rename(name, rating string) {
	r.Meta.UpdateNumber("2048573901", func(x *whatsapptest.Number) { x.Name, x.Rating = name, rating })
	r.names = append(r.names, named{name, time.Now()})
}

// look reads histories while they are written: they show nothing that was not sent.
func (r *ordeal) look(ctx context.Context) {
	pick := r.dice("reader")
	header := map[string]string{"authorization": "Bearer " + r.Secrets[config.APITokens]}
	for !r.over.Load() {
		r.mu.Lock()
		var of subject
		if n := len(r.all); n > 0 {
			of = r.all[pick(n)].readings[0].subject
		}
		r.mu.Unlock()
		resp, err := r.Request(ctx, http.MethodGet, of.String()+"/history", "limit=1000", header, nil)
		if err == nil && resp.StatusCode == http.StatusOK {
			r.checkShown(of, []byte(resp.Body))
		}
		time.Sleep(time.Duration(pick(400)) * time.Millisecond)
	}
}

// notify runs the notifier once, by the stream or as a sweep, and keeps in mind what was published if
// it died.
func (r *ordeal) notify(sweep bool) {
	r.t.Helper()
	topic := r.Topics[stack.AlertTopic]
	before, failure := len(topic.Accepted()), ""
	if sweep {
		r.AgeAlerts(stack.SweepAfter)
		failure = r.Try(stack.Notifier, []byte(`{"sweep":true}`)).Failure
	} else {
		step, any, err := r.Stream.Step(r.t.Context())
		if err != nil {
			r.t.Fatal(err)
		}
		if failure = step.Answer.Failure; !any {
			time.Sleep(5 * time.Millisecond)
		}
	}
	switch failure {
	case "", runner.Unhandled:
		return
	}
	r.Proxy.Bury(stack.Notifier)
	for i := before; i < len(topic.Accepted()); i++ {
		r.crashed[i] = true
	}
}

// settle lets everybody do what is left to do, undisturbed: Meta, the schedules, the stream.
func (r *ordeal) settle() {
	for _, x := range r.all {
		for range 10 {
			if x.known {
				break
			}
			r.post(r.t.Context(), []*telling{x})
		}
	}
	all := append([]string{"", waba}, r.wabas...)
	r.rename("Example at last", "RED")
	for range 2 {
		r.Due(all, quality.Classes...)
		r.Run(stack.Poller)
		time.Sleep(time.Second) // polls of one account are dated a second apart
	}
	r.Pump()
	for n := 0; r.AgeAlerts(stack.SweepAfter) > 0; n++ {
		if n == 50 {
			r.t.Fatal("some alerts are never told")
		}
		r.Run(stack.Notifier)
	}
}

// verdict compares what there is with what should be, and prints what was done.
func (r *ordeal) verdict() {
	lost, wrong := r.checkHistories()
	told := r.checkAlerts()
	r.checkNames()
	readings := 0
	for _, x := range r.all {
		readings += len(x.readings)
	}
	total := 0
	for _, n := range r.killed {
		total += n
	}
	r.t.Logf("%d posts with %d readings, %d kills %v, %d answers lost, %d faults; %d readings lost, %d violations; %d looks; %d alerts, %d of them again, bound %d; %.0f s, WABAWATCH_TEST_SEED=%d",
		r.posts, readings, total, r.killed, r.unanswered, r.Proxy.Faults(proxy.Match{}), lost, wrong, r.shown,
		told.alerts, told.again, told.bound, time.Since(r.began).Seconds(), r.Proxy.Seed())
	if total == 0 || told.alerts == 0 || r.shown == 0 {
		r.t.Error("the run proves nothing")
	}
}
