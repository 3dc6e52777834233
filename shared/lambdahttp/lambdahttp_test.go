package lambdahttp_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/wabawatch/wabawatch/shared/lambdahttp"
	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/whatsapp"
	"github.com/wabawatch/wabawatch/shared/whatsapptest"
)

// seen is what a callback received and answered.
type seen struct {
	status   int
	body     string
	readings int
	calls    int
}

func callback(s *seen, fail bool) *whatsapp.Callback {
	return &whatsapp.Callback{
		Secrets: func() whatsapp.CallbackSecrets {
			return whatsapp.CallbackSecrets{AppSecrets: []string{"a-secret"}, VerifyToken: "verify-me"}
		},
		Receive: func(_ context.Context, d quality.Delivery) error {
			s.calls++
			s.readings += len(d.Readings)
			if fail {
				return errors.New("down")
			}
			return nil
		},
		Log: slog.New(slog.DiscardHandler),
	}
}

func raw(c *whatsapp.Callback) lambdahttp.Raw[whatsapp.Response] {
	return lambdahttp.Raw[whatsapp.Response]{Callback: lambdahttp.Callback[whatsapp.Response]{
		Signature: whatsapp.SignatureHeader, Shaped: whatsapp.Shaped, Verify: c.VerifyQuery, Handle: c.Handle, Answer: whatsapp.Response.Parts,
	}}
}

// TestAllWaysInAnswerAlike sends the same requests over HTTP, through the adapter and through
// the raw handler, as text and in base64.
func TestAllWaysInAnswerAlike(t *testing.T) {
	good := []byte(`{"object":"whatsapp_business_account","entry":[{"id":"1","time":1794744000,"changes":[{"field":"account_review_update","value":{"decision":"REJECTED","note":"é \u00e9 \/ \" \\ 😀"}}]}]}`)
	for _, tc := range []struct {
		name, method, query, signature string
		body                           []byte
		fail                           bool
	}{
		{"verification", "GET", "hub.mode=subscribe&hub.verify_token=verify-me&hub.challenge=42", "", nil, false},
		{"wrong verification", "GET", "hub.mode=subscribe&hub.verify_token=no&hub.challenge=42", "", nil, false},
		{"signed", "POST", "", whatsapptest.Sign("a-secret", good), good, false},
		{"unsigned", "POST", "", "", good, false},
		{"wrongly signed", "POST", "", whatsapptest.Sign("another", good), good, false},
		{"store down", "POST", "", whatsapptest.Sign("a-secret", good), good, true},
		{"not JSON", "POST", "", whatsapptest.Sign("a-secret", []byte("\x00\xff")), []byte("\x00\xff"), false},
		{"empty", "POST", "", whatsapptest.Sign("a-secret", nil), nil, false},
		{"another method", "PUT", "", "", nil, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var direct seen
			r := httptest.NewRequest(tc.method, "/webhook?"+tc.query, bytes.NewReader(tc.body))
			if tc.signature != "" {
				r.Header.Set(whatsapp.SignatureHeader, tc.signature)
			}
			rec := httptest.NewRecorder()
			callback(&direct, tc.fail).ServeHTTP(rec, r)
			direct.status, direct.body = rec.Code, rec.Body.String()

			for _, inBase64 := range []bool{false, true} {
				if !inBase64 && strings.Contains(string(tc.body), "\xff") {
					continue // an event's text is valid UTF-8
				}
				e := events.APIGatewayV2HTTPRequest{RawPath: "/webhook", RawQueryString: tc.query, Headers: map[string]string{"x-hub-signature-256": tc.signature}, Body: string(tc.body)}
				e.RequestContext.HTTP.Method, e.RequestContext.Stage = tc.method, "$default"
				if inBase64 {
					e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(tc.body), true
				}
				var adapted seen
				resp, err := lambdahttp.Handler(callback(&adapted, tc.fail))(t.Context(), e)
				if err != nil {
					t.Fatal(err)
				}
				if adapted.status, adapted.body = resp.StatusCode, resp.Body; adapted != direct {
					t.Errorf("adapter, base64 %v: %+v, want %+v", inBase64, adapted, direct)
				}
				event, err := json.Marshal(e)
				if err != nil {
					t.Fatal(err)
				}
				var walked seen
				out, err := raw(callback(&walked, tc.fail)).Invoke(t.Context(), event)
				if err != nil {
					t.Fatal(err)
				}
				var answer events.APIGatewayV2HTTPResponse
				if err := json.Unmarshal(out, &answer); err != nil {
					t.Fatal(err)
				}
				if walked.status, walked.body = answer.StatusCode, answer.Body; strings.TrimSpace(walked.body) != strings.TrimSpace(direct.body) || walked.status != direct.status || walked.calls != direct.calls || walked.readings != direct.readings {
					t.Errorf("raw, base64 %v: %+v, want %+v", inBase64, walked, direct)
				}
			}
		})
	}
}

// TestOrderOfMembersMeansNothing puts the body before the headers.
func TestOrderOfMembersMeansNothing(t *testing.T) {
	body := `{"object":"whatsapp_business_account","entry":[]}`
	quoted, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	var s seen
	event := `{"body":` + string(quoted) + `,"isBase64Encoded":false,"requestContext":{"http":{"method":"POST"}},"headers":{"X-HUB-SIGNATURE-256":"` + whatsapptest.Sign("a-secret", []byte(body)) + `"}}`
	out, err := raw(callback(&s, false)).Invoke(t.Context(), []byte(event))
	if err != nil || !strings.Contains(string(out), `"statusCode":200`) || s.calls != 1 {
		t.Errorf("answer %s, %v, %d calls", out, err, s.calls)
	}
}

func TestCompressedAnswerIsBase64(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Add("Set-Cookie", "a=1")
		w.Header().Add("Set-Cookie", "b=2")
		_, _ = io.WriteString(w, "\x1f\x8b")
	})
	resp, err := lambdahttp.Handler(h)(t.Context(), events.APIGatewayV2HTTPRequest{RawPath: "/x"})
	if err != nil || !resp.IsBase64Encoded || len(resp.Cookies) != 2 || resp.StatusCode != 200 {
		t.Errorf("response = %+v, %v", resp, err)
	}
}
