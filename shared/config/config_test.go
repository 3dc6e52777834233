package config

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// function is the least that a function is told.
func function(more ...string) map[string]string {
	vars := map[string]string{
		"AWS_REGION": "eu-west-1", "WABAWATCH_TABLE": "table",
		"WABAWATCH_SNS_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:alerts",
		"WABAWATCH_OPS_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:ops",
	}
	for _, kv := range more {
		k, v, _ := strings.Cut(kv, "=")
		vars[k] = v
	}
	return vars
}

// everything has all groups of settings that functions have.
type everything struct {
	Lambda
	Watching
	Words
	Graph
	SecretsPath string `env:"WABAWATCH_SECRETS_PATH" envDefault:"/wabawatch"`
}

func TestDefaults(t *testing.T) {
	got, err := parse[everything](function("WABAWATCH_WABA_IDS=", "WABAWATCH_POLLING=", "WABAWATCH_TIMEZONE="))
	if err != nil {
		t.Fatal(err)
	}
	if got.TimeZone != time.UTC {
		t.Errorf("TimeZone = %v, want time.UTC", got.TimeZone)
	}
	got.TimeZone = nil
	want := everything{
		Lambda:      Lambda{Region: "eu-west-1", Table: "table"},
		Watching:    Watching{PollInterval: 5 * time.Minute, Polling: true, Retention: 400 * 24 * time.Hour},
		Words:       Words{Language: "en"},
		Graph:       Graph{Version: "v26.0"},
		SecretsPath: "/wabawatch",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n, err := parse[Notifier](function()); err != nil || n.Retention != want.Retention {
		t.Errorf("Notifier = %+v, %v", n, err)
	}
	if w, err := parse[Webhook](function()); err != nil || w.SecretsPath != "/wabawatch" {
		t.Errorf("Webhook = %+v, %v", w, err)
	}
	if a, err := parse[API](function()); err != nil || a.SecretsPath != "/wabawatch" {
		t.Errorf("API = %+v, %v", a, err)
	}
}

func TestValues(t *testing.T) {
	got, err := parse[everything](function(
		"WABAWATCH_POLL_INTERVAL=10m", "WABAWATCH_RETENTION=30d", "WABAWATCH_POLLING=off", "WABAWATCH_TIMEZONE=Europe/Paris",
		"WABAWATCH_PUBLIC_URL=https://watch.example/sub/", "WABAWATCH_GRAPH_URL=http://127.0.0.1:9000/", "WABAWATCH_GRAPH_VERSION=v27.0",
		"WABAWATCH_WABA_IDS= 118273645546372,118273645546399 ,,118273645546372", "WABAWATCH_BUSINESS_ID=900112233445566",
		"WABAWATCH_APPSECRET_PROOF=on", `WABAWATCH_RULES={"number_quality":{}}`, "AWS_ENDPOINT_URL_SSM=http://127.0.0.1:9001"))
	if err != nil {
		t.Fatal(err)
	}
	if got.TimeZone.String() != "Europe/Paris" {
		t.Errorf("TimeZone = %v", got.TimeZone)
	}
	got.TimeZone = nil
	want := everything{
		Lambda:      Lambda{Region: "eu-west-1", Table: "table", SSMEndpoint: "http://127.0.0.1:9001"},
		Watching:    Watching{PollInterval: 10 * time.Minute, Retention: 30 * 24 * time.Hour, Rules: `{"number_quality":{}}`},
		Words:       Words{Language: "en", PublicURL: "https://watch.example/sub"},
		Graph:       Graph{URL: "http://127.0.0.1:9000", Version: "v27.0", WABAIDs: []string{"118273645546372", "118273645546399"}, BusinessID: "900112233445566", AppSecretProof: true},
		SecretsPath: "/wabawatch",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEveryProblemAtOnce(t *testing.T) {
	_, err := parse[everything](map[string]string{
		"WABAWATCH_POLL_INTERVAL": "five", "WABAWATCH_RETENTION": "1d", "WABAWATCH_TIMEZONE": "Mars/Olympus", "WABAWATCH_GRAPH_URL": "https://graph.facebook.com/v26.0",
		"WABAWATCH_WABA_IDS": "12,a3", "WABAWATCH_POLLING": "maybe", "WABAWATCH_RULES": "[]", "WABAWATCH_SECRETS_PATH": "wabawatch",
	})
	if err == nil {
		t.Fatal("parsed")
	}
	for _, want := range []string{
		"AWS_REGION is not set", "WABAWATCH_TABLE is not set",
		`WABAWATCH_POLL_INTERVAL is "five", which is no span of time`,
		"WABAWATCH_RETENTION is 1d; it must be between 10d and 3660d",
		`WABAWATCH_TIMEZONE is "Mars/Olympus", which is no time zone`,
		"WABAWATCH_GRAPH_URL must be scheme and host only",
		`WABAWATCH_WABA_IDS holds "a3"`,
		`WABAWATCH_POLLING is "maybe"; write on or off`,
		"WABAWATCH_RULES is not a JSON object",
		`WABAWATCH_SECRETS_PATH is "wabawatch"; write a path like /wabawatch`,
	} {
		if strings.Count(err.Error(), want) != 1 {
			t.Errorf("error says %d times %q:\n%v", strings.Count(err.Error(), want), want, err)
		}
	}
	if lines := strings.Count(err.Error(), "\n") + 1; lines != 10 {
		t.Errorf("%d lines, want 10:\n%v", lines, err)
	}
}

func TestMalformed(t *testing.T) {
	for _, kv := range []string{
		"WABAWATCH_POLL_INTERVAL=0s", "WABAWATCH_POLL_INTERVAL=-5m", "WABAWATCH_POLL_INTERVAL=5", "WABAWATCH_POLL_INTERVAL=48h", "WABAWATCH_POLL_INTERVAL=999999d",
		"WABAWATCH_RETENTION=9d", "WABAWATCH_RETENTION=d", "WABAWATCH_RETENTION=-400d",
		"WABAWATCH_GRAPH_URL=graph.facebook.com", "WABAWATCH_GRAPH_URL=http://graph.example", "WABAWATCH_GRAPH_URL=https://u:p@graph.example", "WABAWATCH_GRAPH_URL=https://graph.example?x=1",
		"WABAWATCH_GRAPH_VERSION=26", "WABAWATCH_GRAPH_VERSION=v26/..", "WABAWATCH_BUSINESS_ID=x", "WABAWATCH_LANGUAGE=e", "WABAWATCH_TIMEZONE=Local",
		"WABAWATCH_PUBLIC_URL=watch.example", "WABAWATCH_SECRETS_PATH=/a/", "WABAWATCH_SECRETS_PATH=/a//b", "WABAWATCH_SECRETS_PATH=/a b",
		"AWS_ENDPOINT_URL_DYNAMODB=localhost:8000",
	} {
		name, _, _ := strings.Cut(kv, "=")
		if _, err := parse[everything](function(kv)); err == nil || !strings.HasPrefix(err.Error(), name+" ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", kv, err)
		}
	}
	if _, err := parse[Notifier](function("WABAWATCH_SNS_TOPIC_ARN=alerts")); err == nil || !strings.HasPrefix(err.Error(), "WABAWATCH_SNS_TOPIC_ARN ") {
		t.Errorf("topic: %v", err)
	}
}

func TestPollerSecrets(t *testing.T) {
	for _, tc := range []struct {
		vars []string
		want []Name
	}{
		{nil, []Name{AccessToken}},
		{[]string{"WABAWATCH_APPSECRET_PROOF=on"}, []Name{AccessToken, AppSecrets}},
		{[]string{"WABAWATCH_POLLING=off", "WABAWATCH_APPSECRET_PROOF=on"}, nil},
	} {
		p, err := parse[Poller](function(tc.vars...))
		if diff := cmp.Diff(tc.want, p.Secrets()); err != nil || diff != "" {
			t.Errorf("%v: %v %s", tc.vars, err, diff)
		}
	}
}

const (
	testSecret = "test-app-secret-not-a-real-one"
	testToken  = "test-verify-token"
	testAPI    = "test-api-token-0"
)

func TestServe(t *testing.T) {
	for _, n := range []Name{AppSecrets, VerifyToken, AccessToken, APITokens} {
		t.Setenv(n.Variable(), "")
	}
	if _, err := ParseServe(true, nil); err != nil {
		t.Errorf("demo with nothing set: %v", err)
	}
	_, err := ParseServe(false, map[string]string{"WABAWATCH_LISTEN": "8080"})
	for _, want := range []string{"WABAWATCH_LISTEN", "WABAWATCH_APP_SECRETS is not set", "WABAWATCH_VERIFY_TOKEN is not set", "WABAWATCH_API_TOKEN is not set"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q:\n%v", want, err)
		}
	}
	if err != nil && strings.Contains(err.Error(), "ACCESS_TOKEN") {
		t.Errorf("an access token is not required: %v", err)
	}
	t.Setenv("WABAWATCH_APP_SECRETS", testSecret+"2, "+testSecret)
	t.Setenv("WABAWATCH_VERIFY_TOKEN", testToken+"\n")
	t.Setenv("WABAWATCH_API_TOKEN", testAPI+","+testAPI+"1@12+34")
	t.Setenv("WABAWATCH_DATA", "elsewhere.db")
	got, err := ParseServe(false, map[string]string{"WABAWATCH_DATA": "flag.db", "WABAWATCH_POLL_INTERVAL": "2s"})
	if err != nil {
		t.Fatal(err)
	}
	want := Secrets{
		AppSecrets: []string{testSecret + "2", testSecret}, VerifyToken: testToken,
		APITokens: []APIToken{{Token: testAPI}, {Token: testAPI + "1", WABAIDs: []string{"12", "34"}}},
	}
	if diff := cmp.Diff(want, got.Secrets); diff != "" {
		t.Error(diff)
	}
	if got.Data != "flag.db" || got.PollInterval != 2*time.Second || got.Listen != "127.0.0.1:8080" {
		t.Errorf("got %+v", got)
	}
	t.Setenv("WABAWATCH_APP_SECRETS", "")
	if _, err := ParseServe(true, map[string]string{"WABAWATCH_APPSECRET_PROOF": "on"}); err == nil {
		t.Error("a proof without an app secret was accepted")
	}
}

func TestParseDuration(t *testing.T) {
	for s, want := range map[string]time.Duration{"400d": 400 * 24 * time.Hour, "5m": 5 * time.Minute, "1h30m": 90 * time.Minute, "0d": 0} {
		if got, err := ParseDuration(s); err != nil || got != want {
			t.Errorf("ParseDuration(%q) = %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "d", "-1d", "1.5d", "123456d", "5", "5 m"} {
		if got, err := ParseDuration(s); err == nil {
			t.Errorf("ParseDuration(%q) = %v", s, got)
		}
	}
}

func ExampleParseDuration() {
	d, _ := ParseDuration("400d")
	fmt.Println(d)
	// Output: 9600h0m0s
}
