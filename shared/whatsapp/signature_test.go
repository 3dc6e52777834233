package whatsapp

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/wabawatch/wabawatch/shared/quality"
)

func sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func ExampleVerifySignature() {
	body := []byte(`{"object":"whatsapp_business_account","entry":[]}`)
	mac, ok := ParseSignature("sha256=0caa2f252d3f7692dd316cb47aea882d386716e5a780d40b7d0e23a68d35d9b6")
	fmt.Println(ok, VerifySignature(mac, body, "wabawatch-test-app-secret-0123456789"))
	// Output: true true
}

// TestSignatureVectors checks signatures that were computed elsewhere.
func TestSignatureVectors(t *testing.T) {
	raw, err := os.ReadFile("testdata/signatures.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []struct {
			Name      string `json:"name"`
			Secret    string `json:"app_secret"`
			Previous  string `json:"previous_app_secret"`
			Body      []byte `json:"body_base64"`
			Signature string `json:"x_hub_signature_256"`
			Valid     bool   `json:"valid"`
		} `json:"cases"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	for _, c := range file.Cases {
		mac, ok := ParseSignature(c.Signature)
		if got := ok && VerifySignature(mac, c.Body, c.Secret, c.Previous); got != c.Valid {
			t.Errorf("%s = %v, want %v", c.Name, got, c.Valid)
		}
	}
	if len(file.Cases) < 3 {
		t.Errorf("only %d vectors", len(file.Cases))
	}
}

func TestParseSignatureRefuses(t *testing.T) {
	good := sign("s", []byte("x"))
	for _, h := range []string{
		"", "sha256=", "sha1=" + good[7:], good + "0", good[:len(good)-1], strings.ToUpper(good),
		" " + good, good + " ", good + "," + good, strings.Replace(good, "=", ":", 1), "sha256=" + strings.Repeat("g", 64),
	} {
		if _, ok := ParseSignature(h); ok {
			t.Errorf("ParseSignature(%q) = ok", h)
		}
	}
}

func TestEmptySecretVerifiesNothing(t *testing.T) {
	body := []byte("x")
	mac, _ := ParseSignature(sign("", body))
	if VerifySignature(mac, body, "") || VerifySignature(mac, body) {
		t.Error("an empty secret verified a body")
	}
}

func FuzzSignatureHeader(f *testing.F) {
	for _, s := range []string{"", "sha256=", sign("s", nil), "sha256=" + strings.Repeat("0", 64), "sha1=abc", "sha256=\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, h string) {
		mac, ok := ParseSignature(h)
		if ok && strings.ToLower(h) != "sha256="+hex.EncodeToString(mac[:]) {
			t.Errorf("ParseSignature(%q) accepted another spelling of %x", h, mac)
		}
		if ok && VerifySignature(mac, []byte(h), "a-secret-that-nobody-knows") {
			t.Errorf("%q verified", h)
		}
	})
}

// callback is a callback whose deliveries the test sees.
func callback(t *testing.T, receive func(quality.Delivery) error) *Callback {
	t.Helper()
	return &Callback{
		Secrets: func() CallbackSecrets {
			return CallbackSecrets{AppSecrets: []string{"new-secret", "old-secret"}, VerifyToken: "verify-me"}
		},
		Receive: func(_ context.Context, d quality.Delivery) error { return receive(d) },
		Log:     slog.New(slog.DiscardHandler),
	}
}

func TestCallbackAnswers(t *testing.T) {
	received := 0
	store := errors.New("table is down")
	var fail error
	c := callback(t, func(quality.Delivery) error { received++; return fail })
	body := []byte(`{"object":"whatsapp_business_account","entry":[]}`)
	for _, tc := range []struct {
		name, signature string
		fail            error
		want, calls     int
	}{
		{"signed with the newest secret", sign("new-secret", body), nil, 200, 1},
		{"signed with an older secret", sign("old-secret", body), nil, 200, 1},
		{"signed with another secret", sign("nobody's", body), nil, 401, 0},
		{"unsigned", "", nil, 401, 0},
		{"store down", sign("new-secret", body), store, 500, 1},
	} {
		received, fail = 0, tc.fail
		r := httptest.NewRequest(http.MethodPost, "/webhook", strings.NewReader(string(body)))
		if tc.signature != "" {
			r.Header.Set(SignatureHeader, tc.signature)
		}
		rec := httptest.NewRecorder()
		c.ServeHTTP(rec, r)
		if rec.Code != tc.want || received != tc.calls {
			t.Errorf("%s = %d with %d calls, want %d with %d", tc.name, rec.Code, received, tc.want, tc.calls)
		}
		if rec.Code == 200 && rec.Body.Len() != 0 {
			t.Errorf("%s answered %q, want nothing", tc.name, rec.Body)
		}
		if strings.Contains(rec.Body.String(), "secret") || strings.Contains(rec.Body.String(), "table") {
			t.Errorf("%s gives away %q", tc.name, rec.Body)
		}
	}
}

func TestRotatedSecretHealsItself(t *testing.T) {
	received := 0
	c := callback(t, func(quality.Delivery) error { received++; return nil })
	c.Refresh = func(context.Context) (CallbackSecrets, error) {
		return CallbackSecrets{AppSecrets: []string{"rotated"}}, nil
	}
	body := []byte(`{"object":"whatsapp_business_account","entry":[]}`)
	if got := c.Handle(t.Context(), sign("rotated", body), body); got.Status != 200 || received != 1 {
		t.Errorf("status = %d", got.Status)
	}
}

// TestDroppedSecretIsRefused: a secret that was dropped may be known to others, who would never send
// what fits none. While the secrets cannot be read it is not known to have been dropped.
func TestDroppedSecretIsRefused(t *testing.T) {
	current, err := []string{"new-secret", "old-secret"}, error(nil)
	c := callback(t, func(quality.Delivery) error { return nil })
	c.Refresh = func(context.Context) (CallbackSecrets, error) { return CallbackSecrets{AppSecrets: current}, err }
	body := []byte(`{"object":"whatsapp_business_account","entry":[]}`)
	status := func(secret string) int { return c.Handle(t.Context(), sign(secret, body), body).Status }
	if got := status("old-secret"); got != 200 {
		t.Errorf("beside the new one: %d", got)
	}
	err = errors.New("no answer")
	if got := status("old-secret"); got != 200 {
		t.Errorf("while nobody knows: %d", got)
	}
	current, err = []string{"new-secret"}, nil
	if old, newest := status("old-secret"), status("new-secret"); old != 401 || newest != 200 {
		t.Errorf("dropped: %d, and of the newest %d", old, newest)
	}
}

func TestVerification(t *testing.T) {
	c := callback(t, nil)
	for _, tc := range []struct {
		mode, token, challenge string
		want                   int
	}{
		{"subscribe", "verify-me", "1158201444", 200},
		{"subscribe", "verify-me", "abc_DEF-1.2", 200},
		{"subscribe", "wrong", "1158201444", 403},
		{"subscribe", "", "1158201444", 403},
		{"unsubscribe", "verify-me", "1158201444", 403},
		{"subscribe", "verify-me", "<script>alert(1)</script>", 400},
		{"subscribe", "verify-me", "", 400},
	} {
		got := c.Verify(tc.mode, tc.token, tc.challenge)
		if got.Status != tc.want || got.Status == 200 && got.Body != tc.challenge {
			t.Errorf("Verify(%q, %q, %q) = %+v, want %d", tc.mode, tc.token, tc.challenge, got, tc.want)
		}
	}
	c.Secrets = func() CallbackSecrets { return CallbackSecrets{} }
	if got := c.Verify("subscribe", "", "1158201444"); got.Status != http.StatusForbidden {
		t.Errorf("an empty token fits where there is none: %+v", got)
	}
}

// TestVerificationSamples answers requests that were written down elsewhere.
func TestVerificationSamples(t *testing.T) {
	raw, err := os.ReadFile("testdata/verification_requests.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Token string `json:"configured_verify_token"`
		Cases []struct {
			Name   string            `json:"name"`
			Query  map[string]string `json:"query"`
			Status int               `json:"status"`
			Body   string            `json:"body"`
		} `json:"cases"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	c := callback(t, nil)
	c.Secrets = func() CallbackSecrets { return CallbackSecrets{VerifyToken: file.Token} }
	for _, tc := range file.Cases {
		q := url.Values{}
		for k, v := range tc.Query {
			q.Set(k, v)
		}
		rec := httptest.NewRecorder()
		c.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/webhook?"+q.Encode(), nil))
		if rec.Code != tc.Status || rec.Body.String() != tc.Body || !strings.HasPrefix(rec.Header().Get("Content-Type"), "text/plain") {
			t.Errorf("%s = %d %q, want %d %q", tc.Name, rec.Code, rec.Body, tc.Status, tc.Body)
		}
	}
}
