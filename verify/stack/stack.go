// Package stack deploys template.yaml on this machine: the functions as they are built, each with
// the environment the template gives it, under a Lambda of our own; the table with its indexes,
// stream and expiry in DynamoDB Local; topics, queues, subscriptions with their filter policies and
// secrets in moto; Meta as a simulator. All calls of the functions lead through a proxy that can
// disturb them, and each is compared with the policies of the function's role.
//
// A test says what happens when: nothing is scheduled and no stream is read unless it asks. All it
// makes is its own, so tests may run at once.
//
//	s := stack.New(t, stack.Options{Parameters: map[string]string{"WabaIds": waba}})
//	s.Run(stack.Poller)              // as its schedule does
//	s.Send(change)                   // a webhook of Meta's, signed
//	s.Proxy.Next(publish, 1, proxy.DropAfter)
//	s.Pump()                         // the stream, to the notifier
//	s.Received(stack.Everything)     // what came out of SNS
package stack

import (
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/wabawatch/wabawatch/shared/config"
	"github.com/wabawatch/wabawatch/shared/notify/snstest"
	"github.com/wabawatch/wabawatch/shared/store"
	"github.com/wabawatch/wabawatch/shared/whatsapptest"
	"github.com/wabawatch/wabawatch/verify/esm"
	"github.com/wabawatch/wabawatch/verify/proxy"
	"github.com/wabawatch/wabawatch/verify/runner"
	"github.com/wabawatch/wabawatch/verify/template"
)

// Logical ids of the template. Whatever else there is to know of them comes from it.
const (
	Webhook     = "WebhookFunction"
	Poller      = "PollerFunction"
	Notifier    = "NotifierFunction"
	API         = "ApiFunction"
	Table       = "Table"
	AlertTopic  = "AlertTopic"
	OpsTopic    = "OpsTopic"
	AlertEmail  = "AlertEmailSubscription"
	AlertSMS    = "AlertSmsSubscription"
	OpsEmail    = "OpsEmailSubscription"
	Failures    = "FailureQueue"
	AlertStream = "NotifierStream"
)

// Everything is a subscription that the template does not have: to the alert topic, without a filter.
const Everything = "Everything"

// Options say how a stack differs from what the template's defaults make. The zero value is a
// deployment with addresses for alerts by e-mail and SMS and for operations.
type Options struct {
	// Parameters are the template's, over the defaults; Unchecked are those that may have values
	// that CloudFormation would not take.
	Parameters map[string]string
	Unchecked  []string
	// Secrets are laid over invented ones; an empty one is not stored.
	Secrets map[config.Name]string
	// StrictSNS puts a stand-in for SNS that refuses what SNS refuses in place of moto, which is
	// more forgiving.
	StrictSNS bool
	// Direct leads the functions' calls to AWS past the proxy, for measurements.
	Direct bool
	// Freeze stops the processes of functions between invocations.
	Freeze bool
	// Seed is for the proxy; 0 takes one from WABAWATCH_TEST_SEED, or a new one.
	Seed uint64
	// Command is what runs the bootstrap of a function, itself by default.
	Command func(id, bootstrap string) []string
}

// Stack is a deployment. Its methods fail the test if something that should work does not.
type Stack struct {
	Name       string
	Deployment *template.Deployment
	Functions  map[string]*runner.Function // by logical id
	Proxy      *proxy.Proxy
	Meta       *whatsapptest.Meta
	Secrets    map[config.Name]string
	// DynamoDB reads and writes the stack's tables, past the proxy and the policies.
	DynamoDB *dynamodb.Client
	// Records reads and writes what the functions store in them, the same way.
	Records *store.Store
	// Stream is what Lambda does with the table's stream.
	Stream *esm.Mapping
	// Topics are the topics of StrictSNS, by logical id.
	Topics map[string]*snstest.Topic

	t       testing.TB
	direct  bool
	aws     endpoints
	queues  map[string]string // URL by logical id of queue or subscription
	sqs     *sqs.Client
	taken   map[string]int // messages of strict topics that a subscription got
	denials denials
}

var count atomic.Int64

// New deploys the template, and removes at the end of the test what it made. The functions are
// started as events come; Start starts them before.
func New(t testing.TB, o Options) *Stack {
	t.Helper()
	shared, err := open()
	if err != nil {
		t.Fatal(err)
	}
	// The name is the access key too, by which DynamoDB Local tells databases apart.
	s := &Stack{
		t: t, direct: o.Direct, Name: fmt.Sprintf("t%dx%d", os.Getpid(), count.Add(1)), Functions: map[string]*runner.Function{}, Secrets: secrets(o.Secrets),
		Meta: &whatsapptest.Meta{}, queues: map[string]string{}, taken: map[string]int{},
	}
	s.Meta.Token = s.Secrets[config.AccessToken]
	s.Proxy = proxy.New(seed(t, o.Seed))
	s.Proxy.Watch = s.watch
	t.Cleanup(s.report)
	t.Cleanup(s.Proxy.Close)
	graph := httptest.NewServer(s.Meta)
	t.Cleanup(graph.Close)
	s.aws = newEndpoints(shared.servers, s.Name)
	s.sqs, s.DynamoDB = s.aws.sqs(), s.aws.dynamo()

	params := map[string]string{
		"SecretsPath": "/" + s.Name, "GraphUrl": s.listen(Poller, proxy.Graph, graph.URL),
		"AlertEmail": "alerts@example.com", "AlertPhone": "+12025550199", "OpsEmail": "ops@example.com",
	}
	maps.Copy(params, o.Parameters)
	s.deploy(shared.template, template.Options{Stack: s.Name, Parameters: params, Unchecked: o.Unchecked})
	s.Records = s.aws.records(s.Deployment.Tables[Table].Name)
	s.lambdas()
	s.storeSecrets()
	snsURL := shared.servers.Moto
	if o.StrictSNS {
		snsURL = s.strictSNS()
	}
	targets := map[string]string{proxy.DynamoDB: shared.servers.DynamoDB, proxy.SSM: shared.servers.Moto, proxy.SNS: snsURL}
	for id, f := range s.Deployment.Functions {
		command := []string{shared.bootstraps[id]}
		if o.Command != nil {
			command = o.Command(id, shared.bootstraps[id])
		}
		s.Functions[id] = &runner.Function{
			Name: id, Command: command, Environment: s.environment(f, targets), Region: template.Region, AccessKeyID: s.Name, SecretAccessKey: "none",
			Timeout: f.Timeout, MemoryMB: f.MemoryMB, LogFormat: f.LogFormat, LogLevel: f.LogLevel, Freeze: o.Freeze,
		}
		t.Cleanup(s.Functions[id].Close)
	}
	return s
}

// environment is what the template gives a function. The endpoints, which it leaves empty, lead
// through the proxy: that is all that differs from AWS.
func (s *Stack) environment(f template.Function, targets map[string]string) map[string]string {
	s.t.Helper()
	out := maps.Clone(f.Environment)
	for name, value := range out {
		service, ok := strings.CutPrefix(name, "AWS_ENDPOINT_URL_")
		if !ok {
			continue
		}
		target, known := targets[strings.ToLower(service)]
		if !known || value != "" {
			s.t.Fatalf("%s has %s=%q, which leads nowhere here", f.ID, name, value)
		}
		if out[name] = target; !s.direct {
			out[name] = s.listen(f.ID, strings.ToLower(service), target)
		}
	}
	return out
}

func (s *Stack) listen(from, service, target string) string {
	s.t.Helper()
	url, err := s.Proxy.Listen(from, service, target)
	if err != nil {
		s.t.Fatal(err)
	}
	return url
}

// seed is the one that was asked for, or one that is new.
func seed(t testing.TB, asked uint64) uint64 {
	if asked != 0 {
		return asked
	}
	if v := os.Getenv("WABAWATCH_TEST_SEED"); v != "" {
		n, err := strconv.ParseUint(v, 10, 64)
		if err != nil {
			t.Fatalf("WABAWATCH_TEST_SEED: %v", err)
		}
		return n
	}
	return uint64(time.Now().UnixNano())
}

// secrets are those of the tests, with others laid over them.
func secrets(over map[config.Name]string) map[config.Name]string {
	out := map[config.Name]string{}
	for _, n := range []config.Name{config.AppSecrets, config.VerifyToken, config.AccessToken, config.APITokens} {
		out[n] = "stack-" + string(n) + "-0123456789"
	}
	maps.Copy(out, over)
	return out
}

// report says, at the end of a test that failed, what would be needed to understand why.
func (s *Stack) report() {
	for _, d := range s.denials.sorted() {
		s.t.Error(d)
	}
	if !s.t.Failed() {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(s.Functions)) {
		if log := s.Functions[id].Log(); log != "" {
			s.t.Logf("%s wrote:\n%s", id, log)
		}
	}
	var b strings.Builder
	for _, e := range s.Proxy.Log() {
		fmt.Fprintln(&b, e)
	}
	s.t.Logf("calls, under WABAWATCH_TEST_SEED=%d:\n%s", s.Proxy.Seed(), b.String())
}

// denials are calls that the policies do not allow, each once.
type denials struct {
	mu   sync.Mutex
	seen map[string]bool
}

func (d *denials) add(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.seen == nil {
		d.seen = map[string]bool{}
	}
	d.seen[text] = true
}

func (d *denials) sorted() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Keys(d.seen))
}
