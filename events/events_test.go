// Package events_test keeps the sample events true: their signatures are made with the app
// secret published in env.json, and everything they and env.json name exists in the template.
package events_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wabawatch/wabawatch/shared/store"
)

var update = flag.Bool("update", false, "sign the events again")

// httpEvent is what these tests need of an HTTP API event, format 2.0.
type httpEvent struct {
	Version, RouteKey, RawPath, RawQueryString string
	Headers                                    map[string]string
	Body                                       string
	IsBase64Encoded                            bool
	RequestContext                             struct {
		RouteKey string
		HTTP     struct{ Method, Path string }
	}
}

func read(t *testing.T, name string, into any) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return string(b)
}

func environment(t *testing.T) map[string]map[string]string {
	env := map[string]map[string]string{}
	read(t, "../env.json", &env)
	return env
}

func named(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no events like %s: %v", pattern, err)
	}
	return files
}

// bytesOf is the body as Meta sent it.
func bytesOf(t *testing.T, e httpEvent) []byte {
	t.Helper()
	if !e.IsBase64Encoded {
		return []byte(e.Body)
	}
	b, err := base64.StdEncoding.DecodeString(e.Body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWebhooksAreSigned(t *testing.T) {
	secret := environment(t)["WebhookFunction"]["WABAWATCH_APP_SECRETS"]
	signed := 0
	for _, name := range named(t, "webhook-*.json") {
		var e httpEvent
		text := read(t, name, &e)
		if e.RequestContext.HTTP.Method != "POST" {
			continue
		}
		body := bytesOf(t, e)
		if !json.Valid(body) {
			t.Errorf("%s: the body is not JSON", name)
		}
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		want, got := "sha256="+hex.EncodeToString(mac.Sum(nil)), e.Headers["x-hub-signature-256"]
		if strings.Contains(name, "bad-signature") {
			if got == want || len(got) != len(want) {
				t.Errorf("%s: the signature must be well formed and wrong", name)
			}
			continue
		}
		signed++
		if got == want {
			continue
		}
		if !*update {
			t.Errorf("%s: signature is %s, want %s; go test ./events -update", name, got, want)
			continue
		}
		if err := os.WriteFile(name, []byte(strings.Replace(text, got, want, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if signed < 5 {
		t.Errorf("%d signed events, want at least 5", signed)
	}
}

func TestVerification(t *testing.T) {
	var e httpEvent
	read(t, "webhook-verify.json", &e)
	if token := environment(t)["WebhookFunction"]["WABAWATCH_VERIFY_TOKEN"]; !strings.HasSuffix(e.RawQueryString, "hub.verify_token="+token) {
		t.Errorf("the query %s does not carry the token of env.json", e.RawQueryString)
	}
}

func TestRequestsAreWhole(t *testing.T) {
	token := "Bearer " + environment(t)["ApiFunction"]["WABAWATCH_API_TOKEN"]
	for _, name := range append(named(t, "webhook-*.json"), named(t, "api-*.json")...) {
		var e httpEvent
		read(t, name, &e)
		http := e.RequestContext.HTTP
		if e.Version != "2.0" || e.RouteKey != e.RequestContext.RouteKey || e.RawPath != http.Path {
			t.Errorf("%s contradicts itself: %+v", name, e)
		}
		for header := range e.Headers {
			if header != strings.ToLower(header) {
				t.Errorf("%s: HTTP APIs send header names in lower case, not %s", name, header)
			}
		}
		switch {
		case strings.HasPrefix(name, "webhook-") && e.RouteKey != http.Method+" /webhook":
			t.Errorf("%s goes to route %s", name, e.RouteKey)
		case strings.HasPrefix(name, "api-") && e.RouteKey != "$default":
			t.Errorf("%s goes to route %s", name, e.RouteKey)
		case strings.HasPrefix(e.RawPath, "/v1/") && name != "api-no-token.json" && e.Headers["authorization"] != token:
			t.Errorf("%s does not carry the token of env.json", name)
		}
	}
}

func TestStreamPassesTheFilter(t *testing.T) {
	template, err := os.ReadFile("../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`Pattern: '(.*)'`).FindStringSubmatch(string(template))
	if line == nil {
		t.Fatal("the template has no filter")
	}
	var filter struct {
		EventName []string
		DynamoDB  struct {
			Keys map[string]struct {
				S []struct{ Prefix string }
			}
		} `json:"dynamodb"`
	}
	if err := json.Unmarshal([]byte(line[1]), &filter); err != nil {
		t.Fatalf("the filter is not JSON: %v", err)
	}
	prefix := filter.DynamoDB.Keys[store.AttrSK].S[0].Prefix
	if prefix != store.AlertPrefix || len(filter.EventName) != 1 || filter.EventName[0] != "INSERT" {
		t.Errorf("the filter %s does not select inserts of %s", line[1], store.AlertPrefix)
	}
	var event struct {
		Records []struct {
			EventName string
			DynamoDB  struct {
				Keys           map[string]struct{ S string }
				SequenceNumber string
			} `json:"dynamodb"`
		}
	}
	read(t, "notifier-stream.json", &event)
	for _, r := range event.Records {
		if r.EventName != "INSERT" || !strings.HasPrefix(r.DynamoDB.Keys[store.AttrSK].S, prefix) || r.DynamoDB.Keys[store.AttrPK].S == "" || r.DynamoDB.SequenceNumber == "" {
			t.Errorf("record %+v would not reach the notifier", r)
		}
	}
	if len(event.Records) < 2 {
		t.Error("a batch has more than one record")
	}
}

func TestTableIsTheStoresTable(t *testing.T) {
	template, err := os.ReadFile("../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []string{store.AttrPK, store.AttrSK, store.AttrTodoPK, store.AttrTodoSK, store.AttrViewPK, store.AttrViewSK} {
		if !strings.Contains(string(template), "{ AttributeName: "+a+", AttributeType: S }") {
			t.Errorf("the template does not define attribute %s", a)
		}
	}
	for _, want := range []string{"AttributeName: " + store.AttrExpires + ", Enabled: true", "IndexName: " + string(store.Todo), "IndexName: " + string(store.View)} {
		if !strings.Contains(string(template), want) {
			t.Errorf("the template lacks %s", want)
		}
	}
}

func TestEnvironmentExistsInTemplate(t *testing.T) {
	b, err := os.ReadFile("../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	template := string(b)
	globals, _, _ := strings.Cut(template, "\nResources:\n")
	env := environment(t)
	if len(env) != 4 {
		t.Errorf("env.json has %d functions, want 4", len(env))
	}
	for function, vars := range env {
		_, rest, ok := strings.Cut(template, "\n  "+function+":\n")
		if !ok {
			t.Errorf("the template has no %s", function)
			continue
		}
		own := rest
		if end := regexp.MustCompile(`\n  [A-Za-z]`).FindStringIndex(rest); end != nil {
			own = rest[:end[0]]
		}
		for name := range vars {
			if variable := " " + name + ": "; !strings.Contains(own, variable) && !strings.Contains(globals, variable) {
				t.Errorf("%s does not have %s in the template, so sam local ignores it", function, name)
			}
		}
	}
}
