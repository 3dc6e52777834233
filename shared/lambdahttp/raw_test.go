package lambdahttp

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

// got is what a callback was handed.
type got struct {
	query, signature, body string
	handled                bool
}

// spy is a callback that answers with what it was handed.
func spy(out *got) Raw[int] {
	return Raw[int]{Callback: Callback[int]{
		Signature: "X-Signature", Shaped: func(s string) bool { return strings.HasPrefix(s, "ok") },
		Verify: func(q url.Values) int { out.query = q.Encode(); return 200 },
		Handle: func(_ context.Context, signature string, body []byte) int {
			out.signature, out.body, out.handled = signature, string(body), true
			return 200
		},
		Answer: func(status int) (int, string) { return status, "" },
	}}
}

func status(t *testing.T, answer []byte) int {
	t.Helper()
	var resp events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(answer, &resp); err != nil {
		t.Fatalf("answer %s: %v", answer, err)
	}
	return resp.StatusCode
}

func TestRawReadsWhatItNeedsWhereverItStands(t *testing.T) {
	const (
		path    = `"rawPath":"/prod/webhook"`
		context = `"requestContext":{"a":[1,{"method":"PUT"}],"http":{"path":"x","method":"POST"},"stage":"prod"}`
		headers = `"headers":{"a":"b","X-SIGNATURE":"ok1"}`
		body    = `"body":"{\"a\":\"\\u00e9\\\/ \u00e9 \ud83d\ude00\\\\\"}"`
		other   = `"cookies":["body","\\"],"version":"2.0","x":null,"y":-1.5e3,"z":true`
	)
	want := got{signature: "ok1", body: `{"a":"\u00e9\/ é 😀\\"}`, handled: true}
	for _, order := range [][]string{
		{other, path, headers, context, body}, {body, context, headers, path, other}, {context, other, body, headers, path}, {headers, body, other, path, context},
	} {
		var out got
		answer, err := spy(&out).Invoke(t.Context(), []byte(" { "+strings.Join(order, " ,\n")+" } "))
		if err != nil || status(t, answer) != 200 || out != want {
			t.Errorf("%s\n= %s, %v with %+v", order, answer, err, out)
		}
	}
}

func TestRawAnswersWithoutTheCallback(t *testing.T) {
	for _, tc := range []struct {
		name, event string
		want        int
		handled     bool
	}{
		{"another path", `{"rawPath":"/webhooks","requestContext":{"http":{"method":"POST"}}}`, 404, false},
		{"another method", `{"rawPath":"/webhook","requestContext":{"http":{"method":"PUT"}}}`, 405, false},
		{"base64 that is none", `{"rawPath":"/webhook","requestContext":{"http":{"method":"POST"}},"headers":{"x-signature":"ok"},"body":"?","isBase64Encoded":true}`, 400, false},
		{"an escape that is none", `{"rawPath":"/webhook","requestContext":{"http":{"method":"POST"}},"headers":{"x-signature":"ok"},"body":"\q"}`, 400, false},
		{"no body", `{"rawPath":"/webhook","requestContext":{"http":{"method":"POST"}},"headers":{"x-signature":"ok"}}`, 200, true},
		{"null for a body", `{"rawPath":"/webhook","requestContext":{"http":{"method":"POST"}},"headers":{"x-signature":"ok"},"body":null}`, 200, true},
		{"no signature", `{"rawPath":"/webhook","requestContext":{"http":{"method":"POST"}},"headers":null,"body":"x"}`, 200, true},
	} {
		var out got
		answer, err := spy(&out).Invoke(t.Context(), []byte(tc.event))
		if err != nil || status(t, answer) != tc.want || out.handled != tc.handled || out.body != "" {
			t.Errorf("%s = %s, %v with %+v", tc.name, answer, err, out)
		}
	}
	for _, event := range []string{"", "null", "[]", "{", `{"a"`, `{"a":`, `{"a":"`, `{"headers":{"a`, `{"requestContext":{"http":{`, `{"body":"x`, `{"a":}`, `{"a":]}`} {
		if _, err := spy(&got{}).Invoke(t.Context(), []byte(event)); err == nil {
			t.Errorf("event %q was taken", event)
		}
	}
}

// TestUnsignedBodyIsNotTouched cuts an event off in the middle of its body.
func TestUnsignedBodyIsNotTouched(t *testing.T) {
	var out got
	answer, err := spy(&out).Invoke(t.Context(), []byte(`{"headers":{},"requestContext":{"http":{"method":"POST"}},"body":"\q and then nothing`))
	if err != nil || status(t, answer) != 200 || !out.handled || out.body != "" {
		t.Errorf("answer %s, %v with %+v", answer, err, out)
	}
}

// FuzzRaw hands bodies to the callback in place, as text and in base64, and compares them with
// what encoding/json reads.
func FuzzRaw(f *testing.F) {
	for _, s := range []string{"", "plain", `{"a":"b"}`, strings.Repeat(`"\`, 40), "é😀\u2028\x00\n\t", strings.Repeat("long and plain ", 20) + `"` + strings.Repeat("x", 70)} {
		f.Add(s, "ok", false)
		f.Add(s, "ok\"\\", true)
	}
	f.Fuzz(func(t *testing.T, body, signature string, headersLast bool) {
		body, signature = strings.ToValidUTF8(body, ""), "ok"+strings.ToValidUTF8(signature, "")
		quote := func(v any) string {
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
		head := `"headers":{"x-signature":` + quote(signature) + `},"requestContext":{"http":{"method":"POST"}}`
		text := `"body":` + quote(body) + `,"isBase64Encoded":false`
		encoded := `"body":"` + strings.ReplaceAll(base64.StdEncoding.EncodeToString([]byte(body)), "/", `\/`) + `","isBase64Encoded":true`
		for _, b := range []string{text, encoded} {
			event := "{" + head + "," + b + "}"
			if headersLast {
				event = "{" + b + "," + head + "}"
			}
			var out got
			if _, err := spy(&out).Invoke(t.Context(), []byte(event)); err != nil || out.body != body || out.signature != signature {
				t.Errorf("%s\n= %q under %q, %v", event, out.body, out.signature, err)
			}
		}
	})
}

// FuzzEvent walks anything that could come as an event.
func FuzzEvent(f *testing.F) {
	f.Add([]byte(`{"rawPath":"/webhook","headers":{"x-signature":"ok"},"requestContext":{"http":{"method":"POST"}},"body":"{\"a\":\"\\u00e9\"}","isBase64Encoded":false}`))
	f.Add([]byte(`{"body":"e30=","isBase64Encoded":true,"headers":{"X-Signature":"ok"},"requestContext":{"http":{"method":"POST"}}}`))
	f.Fuzz(func(t *testing.T, event []byte) {
		valid := json.Valid(event)
		var want events.APIGatewayV2HTTPRequest
		known := valid && json.Unmarshal(event, &want) == nil && !bytes.Contains(event, []byte("\\u"))
		var out got
		_, err := spy(&out).Invoke(t.Context(), bytes.Clone(event))
		if valid && bytes.HasPrefix(bytes.TrimSpace(event), []byte("{")) && err != nil {
			t.Errorf("%q: %v", event, err)
		}
		if known && out.handled && out.body != "" && !want.IsBase64Encoded && strings.ToValidUTF8(out.body, "\ufffd") != want.Body && strings.Count(strings.ToLower(string(event)), "body") == 1 {
			t.Errorf("%q: body %q, want %q", event, out.body, want.Body)
		}
	})
}

func TestHandlerRebuildsTheRequest(t *testing.T) {
	for _, tc := range []struct{ stage, raw, path, uri string }{
		{"$default", "/v1/accounts", "/v1/accounts", "/v1/accounts?a=1&a=2"},
		{"prod", "/prod/v1", "/v1", "/v1?a=1&a=2"},
		{"prod", "/production/v1", "/production/v1", "/production/v1?a=1&a=2"},
		{"prod", "/prod", "/", "/?a=1&a=2"},
		{"", "", "/", "/?a=1&a=2"},
		{"", "/a%2Fb/%C3%A9", "/a/b/é", "/a%2Fb/%C3%A9?a=1&a=2"},
		{"", "/100%", "/100%", "/100%25?a=1&a=2"},
	} {
		e := events.APIGatewayV2HTTPRequest{
			RawPath: tc.raw, RawQueryString: "a=1&a=2", Headers: map[string]string{"host": "api.example", "accept": "a,b"}, Cookies: []string{"a=1", "b=2"},
			Body: "aGk=", IsBase64Encoded: true,
		}
		e.RequestContext.Stage, e.RequestContext.HTTP.Method, e.RequestContext.HTTP.SourceIP = tc.stage, "POST", "2001:db8::1"
		resp, err := Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			c, _ := r.Cookie("b")
			if r.URL.Path != tc.path || r.RequestURI != tc.uri || r.URL.Query()["a"][1] != "2" || r.Host != "api.example" || r.Header.Get("Accept") != "a,b" ||
				c == nil || c.Value != "2" || string(b) != "hi" || r.ContentLength != 2 || r.RemoteAddr != "[2001:db8::1]:0" || r.Method != "POST" {
				t.Errorf("%s: %s %s %s, body %q, %+v", tc.raw, r.Method, r.URL.Path, r.RequestURI, b, r)
			}
			w.Header().Add("Vary", "a")
			w.Header().Add("Vary", "b")
			w.WriteHeader(http.StatusAccepted)
			w.WriteHeader(http.StatusTeapot)
		}))(t.Context(), e)
		if err != nil || resp.StatusCode != http.StatusAccepted || resp.Headers["vary"] != "a,b" || resp.IsBase64Encoded {
			t.Errorf("%s: %+v, %v", tc.raw, resp, err)
		}
	}
	resp, err := Handler(http.NotFoundHandler())(t.Context(), events.APIGatewayV2HTTPRequest{Body: "?", IsBase64Encoded: true})
	if err != nil || resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a body that is no base64: %+v, %v", resp, err)
	}
}
