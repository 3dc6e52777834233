//go:build verify

package verify

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/wabawatch/wabawatch/shared/config"
	"github.com/wabawatch/wabawatch/verify/stack"
)

// answers say for each sample event what kind of answer it gets: a status, or what the answer
// holds where there is no HTTP.
var answers = map[string]struct {
	status int
	holds  string
}{
	"api-accounts.json":                {200, `"items"`},
	"api-alerts.json":                  {200, `"items"`},
	"api-healthz.json":                 {200, "ok"},
	"api-history.json":                 {200, `"items"`},
	"api-incidents.json":               {200, `"items"`},
	"api-no-token.json":                {401, `"error"`},
	"api-templates.json":               {200, `"items"`},
	"notifier-stream.json":             {0, `"batchItemFailures":null`},
	"notifier-sweep.json":              {0, `"swept"`},
	"notifier-test.json":               {0, `"sent"`},
	"poller-minute.json":               {0, `null`},
	"webhook-account-restriction.json": {200, ""},
	"webhook-bad-signature.json":       {401, ""},
	"webhook-base64.json":              {200, ""},
	"webhook-batch.json":               {200, ""},
	"webhook-number-quality.json":      {200, ""},
	"webhook-template-paused.json":     {200, ""},
	"webhook-verify.json":              {200, "1158201444"},
}

// environment is env.json.
func environment(t *testing.T) map[string]map[string]string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(stack.Root(t), "env.json"))
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]map[string]string{}
	if err := json.Unmarshal(b, &env); err != nil {
		t.Fatalf("env.json: %v", err)
	}
	return env
}

// published are the secrets of env.json, which the sample events are made with.
func published(env map[string]map[string]string) map[config.Name]string {
	out := map[config.Name]string{}
	for _, vars := range env {
		for _, n := range []config.Name{config.AppSecrets, config.VerifyToken, config.AccessToken, config.APITokens} {
			if v := vars[n.Variable()]; v != "" {
				out[n] = v
			}
		}
	}
	return out
}

// sampled is a stack to which the sample events are no strangers: their secrets are its own.
func sampled(t *testing.T, o stack.Options) *stack.Stack {
	t.Helper()
	env := environment(t)
	o.Secrets, o.Parameters = published(env), map[string]string{"Polling": env[stack.Poller]["WABAWATCH_POLLING"]}
	return stack.New(t, o)
}

// samples reads the sample events.
func samples(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(stack.Root(t), "events", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, f := range files {
		if out[filepath.Base(f)], err = os.ReadFile(f); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// target is the function that a sample event is for, by its name: poller-minute.json.
func target(s *stack.Stack, name string) string {
	prefix, _, _ := strings.Cut(name, "-")
	for id := range s.Functions {
		if strings.EqualFold(prefix+"Function", id) {
			return id
		}
	}
	return ""
}

func TestEverySampleEventGetsItsAnswer(t *testing.T) {
	t.Parallel()
	s := sampled(t, stack.Options{})
	events := samples(t)
	if names := slices.Sorted(maps.Keys(events)); !slices.Equal(names, slices.Sorted(maps.Keys(answers))) {
		t.Errorf("events are %q, answers are known of %q", names, slices.Sorted(maps.Keys(answers)))
	}
	// Backwards by name: what webhooks store is there when queries ask for it.
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(events))) {
		id := target(s, name)
		if id == "" {
			t.Errorf("%s is for no function", name)
			continue
		}
		r := s.Try(id, events[name])
		if err := r.Err(); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		checkAnswer(t, s, name, events[name], r.Payload)
	}
}

// checkAnswer compares the class of an answer, and for a request the function with the route's.
func checkAnswer(t *testing.T, s *stack.Stack, name string, event, payload []byte) {
	t.Helper()
	want, body := answers[name], string(payload)
	if want.status != 0 {
		var request events.APIGatewayV2HTTPRequest
		var answer events.APIGatewayV2HTTPResponse
		if err := json.Unmarshal(event, &request); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := json.Unmarshal(payload, &answer); err != nil {
			t.Errorf("%s: answer %s: %v", name, payload, err)
		}
		if id := s.Route(request.RequestContext.HTTP.Method, request.RawPath); id != target(s, name) {
			t.Errorf("%s is for a route of %s", name, id)
		}
		if answer.StatusCode != want.status {
			t.Errorf("%s: status %d, want %d: %s", name, answer.StatusCode, want.status, answer.Body)
		}
		body = answer.Body
	}
	if !strings.Contains(body, want.holds) {
		t.Errorf("%s: answer %s, want %s in it", name, body, want.holds)
	}
}

// TestSampleEventsAreWhatSchedulesAndStreamSend: samples that nobody would send prove nothing.
func TestSampleEventsAreWhatSchedulesAndStreamSend(t *testing.T) {
	t.Parallel()
	s := stack.New(t, stack.Options{})
	events := samples(t)
	inputs := map[string]string{}
	for _, schedule := range s.Deployment.Schedules {
		inputs[schedule.Function] = schedule.Input
	}
	for name, id := range map[string]string{"poller-minute.json": stack.Poller, "notifier-sweep.json": stack.Notifier} {
		if compact(t, events[name]) != compact(t, []byte(inputs[id])) {
			t.Errorf("%s is %s, and the schedule of %s sends %s", name, events[name], id, inputs[id])
		}
	}
	var batch struct{ Records []json.RawMessage }
	if err := json.Unmarshal(events["notifier-stream.json"], &batch); err != nil {
		t.Fatal(err)
	}
	for _, r := range batch.Records {
		if passes, err := s.Selects(r); err != nil || !passes {
			t.Errorf("the stream's filter does not let %s pass (%v)", r, err)
		}
	}
	if len(batch.Records) < 2 {
		t.Error("a batch has more than one record")
	}
}

func compact(t *testing.T, b []byte) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, b); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestEnvJSONNamesWhatTheTemplateHas, since sam local ignores the rest without a word.
func TestEnvJSONNamesWhatTheTemplateHas(t *testing.T) {
	t.Parallel()
	s := stack.New(t, stack.Options{})
	env := environment(t)
	if got, want := slices.Sorted(maps.Keys(env)), slices.Sorted(maps.Keys(s.Functions)); !slices.Equal(got, want) {
		t.Errorf("env.json has functions %q, the template %q", got, want)
	}
	for id, vars := range env {
		for name := range vars {
			if _, ok := s.Deployment.Functions[id].Environment[name]; !ok {
				t.Errorf("%s has no variable %s in the template", id, name)
			}
		}
	}
}
