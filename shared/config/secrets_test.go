package config

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// parameterStore is Parameter Store as far as GetParameters goes.
type parameterStore struct {
	t      *testing.T
	mu     sync.Mutex
	values map[string]string
	calls  int
	// answer, if set, comes instead, for as long as it returns true.
	answer func(w http.ResponseWriter, call int) bool
}

func (p *parameterStore) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls++
	if p.answer != nil && p.answer(w, p.calls) {
		return
	}
	auth := r.Header.Get("Authorization")
	if r.Method != "POST" || r.URL.Path != "/" || r.Header.Get("X-Amz-Target") != "AmazonSSM.GetParameters" ||
		!strings.HasPrefix(auth, "AWS4-HMAC-SHA256 Credential=AKIDTEST/") || !strings.Contains(auth, "/eu-west-1/ssm/aws4_request") || r.Header.Get("X-Amz-Security-Token") != "session" {
		p.t.Errorf("request %s %s %v", r.Method, r.URL, r.Header)
	}
	var in struct {
		Names          []string
		WithDecryption bool
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || !in.WithDecryption {
		p.t.Errorf("body %+v: %v", in, err)
	}
	out := map[string][]any{"Parameters": {}, "InvalidParameters": {}}
	slices.Sort(in.Names) // in another order than asked
	for _, n := range in.Names {
		if v, ok := p.values[n]; ok {
			out["Parameters"] = append(out["Parameters"], map[string]any{"Name": n, "Value": v, "Type": "SecureString", "Version": 1})
		} else {
			out["InvalidParameters"] = append(out["InvalidParameters"], n)
		}
	}
	_ = json.NewEncoder(w).Encode(out)
}

func open(t *testing.T, values map[string]string) (*parameterStore, Lambda) {
	t.Helper()
	for _, n := range []Name{AppSecrets, VerifyToken, AccessToken, APITokens} {
		t.Setenv(n.Variable(), "")
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDTEST")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "key")
	t.Setenv("AWS_SESSION_TOKEN", "session")
	p := &parameterStore{t: t, values: values}
	srv := httptest.NewServer(p)
	t.Cleanup(srv.Close)
	return p, Lambda{Region: "eu-west-1", Table: "table", SSMEndpoint: srv.URL}
}

func TestLoadSecrets(t *testing.T) {
	p, l := open(t, map[string]string{
		"/w/app-secrets": testSecret + "," + testSecret + "-old\n", "/w/verify-token": testToken,
		"/w/access-token": "EAAtestaccesstoken", "/w/api-token": testAPI + "@118273645546372",
	})
	got, err := LoadSecrets(t.Context(), LambdaAWS(l), "/w", AppSecrets, VerifyToken, AccessToken, APITokens)
	if err != nil {
		t.Fatal(err)
	}
	want := Secrets{
		AppSecrets: []string{testSecret, testSecret + "-old"}, VerifyToken: testToken, AccessToken: "EAAtestaccesstoken",
		APITokens: []APIToken{{testAPI, []string{"118273645546372"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" || p.calls != 1 {
		t.Errorf("%d calls\n%s", p.calls, diff)
	}
}

func TestVariableWins(t *testing.T) {
	p, l := open(t, map[string]string{"/w/app-secrets": testSecret, "/w/verify-token": testToken})
	t.Setenv("WABAWATCH_VERIFY_TOKEN", testToken+"-from-variable")
	got, err := LoadSecrets(t.Context(), LambdaAWS(l), "/w", AppSecrets, VerifyToken)
	if err != nil || got.VerifyToken != testToken+"-from-variable" || got.AppSecrets[0] != testSecret || p.calls != 1 {
		t.Errorf("err %v, %d calls", err, p.calls)
	}
	t.Setenv("WABAWATCH_APP_SECRETS", testSecret+"-from-variable")
	got, err = LoadSecrets(t.Context(), LambdaAWS(l), "/w", AppSecrets, VerifyToken)
	if err != nil || got.AppSecrets[0] != testSecret+"-from-variable" || p.calls != 1 {
		t.Errorf("parameter store was asked for nothing: err %v, %d calls", err, p.calls)
	}
	if _, err := LoadSecrets(t.Context(), LambdaAWS(l), "/w"); err != nil || p.calls != 1 {
		t.Errorf("no names: err %v, %d calls", err, p.calls)
	}
}

func TestMissingSecretsAreNamedWithTheirCommand(t *testing.T) {
	_, l := open(t, map[string]string{"/w/app-secrets": testSecret, "/w/api-token": "  "})
	_, err := LoadSecrets(t.Context(), LambdaAWS(l), "/w", AppSecrets, VerifyToken, APITokens)
	e, ok := errors.AsType[*MissingError](err)
	if !ok {
		t.Fatalf("error is %v", err)
	}
	if diff := cmp.Diff([]Name{VerifyToken, APITokens}, e.Names); diff != "" {
		t.Error(diff)
	}
	for _, want := range []string{
		"aws ssm put-parameter --region eu-west-1 --type SecureString --name /w/verify-token --value '...'",
		"aws ssm put-parameter --region eu-west-1 --type SecureString --name /w/api-token --value '...'",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q:\n%v", want, err)
		}
	}
}

func TestMalformedSecretsAreNamedNotShown(t *testing.T) {
	const bad = "sEcReT with space"
	_, l := open(t, map[string]string{"/w/app-secrets": testSecret + "," + bad, "/w/verify-token": "sEc", "/w/api-token": testAPI + "@12+sEcReT"})
	_, err := LoadSecrets(t.Context(), LambdaAWS(l), "/w", AppSecrets, VerifyToken, APITokens)
	if err == nil || strings.Contains(err.Error(), "sEc") {
		t.Fatalf("error is %v", err)
	}
	for _, want := range []string{"/w/app-secrets is a comma-separated list, and entry 2 ", "/w/verify-token is 3 long; at least 4 characters are needed", "/w/api-token is a comma-separated list, and entry 1 "} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q:\n%v", want, err)
		}
	}
}

func TestSecretValues(t *testing.T) {
	for _, tc := range []struct {
		name string
		n    Name
		raw  string
	}{
		{"nothing between commas", AppSecrets, testSecret + ",," + testSecret + "2"},
		{"comma at the end", APITokens, testAPI + ","},
		{"too short", APITokens, "abc"},
		{"same token twice", APITokens, testAPI + "," + testAPI + "@12"},
		{"no account after @", APITokens, testAPI + "@"},
		{"empty account", APITokens, testAPI + "@12+"},
		{"only an account", APITokens, "@12"},
		{"line break inside", AccessToken, "EAAtestaccess\ntoken0123"},
		{"not ASCII", VerifyToken, "tést-verify-token-0123"},
	} {
		var s Secrets
		if err := s.set(tc.n, tc.raw); err == nil {
			t.Errorf("%s: accepted", tc.name)
		}
	}
}

func TestParameterStoreFails(t *testing.T) {
	deny := func(status int, body string) func(http.ResponseWriter, int) bool {
		return func(w http.ResponseWriter, _ int) bool {
			w.WriteHeader(status)
			fmt.Fprint(w, body)
			return true
		}
	}
	for _, tc := range []struct {
		name   string
		answer func(http.ResponseWriter, int) bool
		want   string
		calls  int
	}{
		{"access denied", deny(400, `{"__type":"AccessDeniedException","Message":"not authorized to perform: ssm:GetParameters"}`), "AccessDeniedException: not authorized", 1},
		{"unknown operation", deny(400, `{"__type":"com.amazon#UnknownOperationException"}`), "400 UnknownOperationException", 1},
		{"not JSON", deny(200, "<html>"), "not JSON", ssmTries},
		{"always throttled", deny(400, `{"__type":"ThrottlingException"}`), "ThrottlingException", ssmTries},
		{"throttled twice", func(w http.ResponseWriter, call int) bool {
			return call <= 2 && deny(400, `{"__type":"ThrottlingException"}`)(w, call)
		}, "", 3},
		{"down once", func(w http.ResponseWriter, call int) bool { return call == 1 && deny(503, "")(w, call) }, "", 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, l := open(t, map[string]string{"/w/verify-token": testToken})
			p.answer = tc.answer
			_, err := LoadSecrets(t.Context(), LambdaAWS(l), "/w", VerifyToken)
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) || p.calls != tc.calls {
				t.Errorf("%d calls, want %d; error %v, want %q", p.calls, tc.calls, err, tc.want)
			}
		})
	}
}

func TestSourceRefresh(t *testing.T) {
	p, l := open(t, map[string]string{"/w/app-secrets": testSecret})
	now := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	s, err := OpenSource(t.Context(), LambdaAWS(l), "/w", func() time.Time { return now }, AppSecrets)
	if err != nil {
		t.Fatal(err)
	}
	p.values["/w/app-secrets"] = testSecret + "-new," + testSecret
	now = now.Add(RefreshEvery - time.Second)
	if got, err := s.Refresh(t.Context()); err != nil || len(got.AppSecrets) != 1 || p.calls != 1 {
		t.Errorf("too soon: %d secrets, %v, %d calls", len(got.AppSecrets), err, p.calls)
	}
	now = now.Add(time.Second)
	if got, err := s.Refresh(t.Context()); err != nil || len(got.AppSecrets) != 2 || p.calls != 2 {
		t.Errorf("rotated: %d secrets, %v, %d calls", len(got.AppSecrets), err, p.calls)
	}
	if got := s.Cached(); got.AppSecrets[0] != testSecret+"-new" {
		t.Error("Cached does not return what Refresh read")
	}
	now = now.Add(RefreshEvery)
	delete(p.values, "/w/app-secrets")
	if got, err := s.Refresh(t.Context()); err == nil || len(got.AppSecrets) != 2 {
		t.Errorf("deleted: %d secrets, %v", len(got.AppSecrets), err)
	}
	if got, err := s.Refresh(t.Context()); err != nil || len(got.AppSecrets) != 2 || p.calls != 3 {
		t.Errorf("a failed attempt counts: %d secrets, %v, %d calls", len(got.AppSecrets), err, p.calls)
	}
	now = now.Add(RefreshEvery)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { _, _ = s.Refresh(t.Context()) })
	}
	wg.Wait()
	if p.calls != 4 {
		t.Errorf("%d calls, want one for all who wait", p.calls-3)
	}
}

func TestOpenSourceFailsClosed(t *testing.T) {
	_, l := open(t, nil)
	if s, err := OpenSource(t.Context(), LambdaAWS(l), "/w", time.Now, AppSecrets); err == nil || s != nil {
		t.Errorf("opened without a secret: %v", err)
	}
}

func TestSecretsSayNothing(t *testing.T) {
	s := Secrets{AppSecrets: []string{testSecret}, VerifyToken: testSecret, AccessToken: testSecret, APITokens: []APIToken{{Token: testSecret}}}
	var b strings.Builder
	slog.New(slog.NewJSONHandler(&b, nil)).Info("secrets", "s", s, "token", s.APITokens[0], "in", struct{ S Secrets }{s})
	slog.New(slog.NewTextHandler(&b, nil)).Info("secrets", "s", &s, "serve", Serve{Secrets: s})
	for _, v := range []any{s, &s, s.APITokens, s.APITokens[0], Serve{Secrets: s}} {
		fmt.Fprintf(&b, "%v %+v %#v %s\n", v, v, v, v)
		j, err := json.Marshal(v)
		fmt.Fprintf(&b, "%s %v\n", j, err)
	}
	if strings.Contains(b.String(), testSecret) {
		t.Errorf("a secret shows:\n%s", b.String())
	}
}

func TestEndpoints(t *testing.T) {
	open(t, nil)
	cfg := LambdaAWS(Lambda{Region: "eu-west-1", DynamoDBEndpoint: "http://127.0.0.1:1"})
	e := cfg.ConfigSources[0].(endpoints)
	if url, ok, _ := e.GetServiceBaseEndpoint(context.Background(), "DynamoDB"); !ok || url != "http://127.0.0.1:1" {
		t.Errorf("DynamoDB at %q, %v", url, ok)
	}
	if _, ok, _ := e.GetServiceBaseEndpoint(context.Background(), "SNS"); ok {
		t.Error("SNS has an endpoint")
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	if _, err := cfg.Credentials.Retrieve(t.Context()); err == nil {
		t.Error("credentials without a key")
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDOTHER")
	if c, err := cfg.Credentials.Retrieve(t.Context()); err != nil || c.AccessKeyID != "AKIDOTHER" {
		t.Errorf("credentials are not read again: %v", err)
	}
}
