package lambdahttp_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/whatsapp"
	"github.com/wabawatch/wabawatch/shared/whatsapptest"
)

// corpus is a batch of about size bytes as they come: of 20 changes 14 are statuses, 5 messages,
// and one says something of a template. It returns how many changes there are.
func corpus(size int) (body []byte, changes int) {
	b := bytes.NewBufferString(`{"object":"whatsapp_business_account","entry":[`)
	for b.Len() < size-500 || changes == 0 {
		if changes > 0 {
			b.WriteByte(',')
		}
		const meta = `"messaging_product":"whatsapp","metadata":{"display_phone_number":"12025550101","phone_number_id":"204857390112345"}`
		value, field := "", "messages"
		switch {
		case changes%20 == 0:
			field = "message_template_status_update"
			value = fmt.Sprintf(`{"event":"PAUSED","message_template_id":%d,"message_template_name":"spring_sale","message_template_language":"pt_BR","reason":"NONE","message_template_category":"MARKETING","other_info":{"title":"FIRST_PAUSE","description":"Low quality feedback."}}`, 1584930276415311+changes)
		case changes%4 == 0:
			value = fmt.Sprintf(`{%s,"contacts":[{"profile":{"name":"Jos\u00e9 \u00c5str\u00f6m"},"wa_id":"12025550177","user_id":"US.738492"}],"messages":[{"from":"12025550177","id":"wamid.HBgL%012d","timestamp":"1794744000","type":"text","text":{"body":"Ol\u00e1 \ud83d\ude00 50\u0025 off https:\/\/example.com\/?a=%d and some words that are longer"}}]}`, meta, changes, changes)
		default:
			value = fmt.Sprintf(`{%s,"statuses":[{"id":"wamid.HBgLMTIwMjU1NTAxNzcVAgARGBI%012d","status":"delivered","timestamp":"1794744005","recipient_id":"12025550177","recipient_user_id":"US.73849201746358291034","conversation":{"id":"c0ffee%012d","origin":{"type":"marketing"}},"pricing":{"billable":true,"pricing_model":"PMP","category":"marketing","type":"regular"}}]}`, meta, changes, changes)
		}
		fmt.Fprintf(b, `{"id":"118273645546372","time":1794744000,"changes":[{"value":%s,"field":"%s"}]}`, value, field)
		changes++
	}
	b.WriteString("]}")
	return b.Bytes(), changes
}

// event is the event of a POST, as the HTTP API makes it.
func event(b *testing.B, body []byte, signature string) []byte {
	b.Helper()
	e := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: "POST /webhook", RawPath: "/webhook", Body: string(body),
		Headers: map[string]string{"content-type": "application/json", "host": "x.execute-api.eu-west-1.amazonaws.com", "user-agent": "facebookexternalua"},
	}
	if signature != "" {
		e.Headers["x-hub-signature-256"] = signature
	}
	e.RequestContext.HTTP.Method, e.RequestContext.Stage = "POST", "$default"
	out, err := json.Marshal(e)
	if err != nil {
		b.Fatal(err)
	}
	return out
}

// floors are what cannot be avoided: the HMAC of the body, and that plus one pass that says it
// is JSON.
func floors(body []byte) (mac, valid time.Duration) {
	start := time.Now()
	h := hmac.New(sha256.New, []byte("a-secret"))
	h.Write(body)
	h.Sum(nil)
	mac = time.Since(start)
	if !jsontext.Value(body).IsValid() {
		panic("the corpus is not JSON")
	}
	return mac, time.Since(start)
}

var sizes = []struct {
	name  string
	bytes int
}{{"1KB", 800}, {"50KB", 50 << 10}, {"3MB", 3 << 20}}

// measure reports the time of Invoke as multiples of both floors: the median of ratios, each
// within one round. Invoke writes into its event, so every round has a copy of its own.
func measure(b *testing.B, body, event []byte, changes, want int) {
	handler := raw(&whatsapp.Callback{
		Secrets: func() whatsapp.CallbackSecrets { return whatsapp.CallbackSecrets{AppSecrets: []string{"a-secret"}} },
		Receive: func(context.Context, quality.Delivery) error { return nil },
		Log:     slog.New(slog.DiscardHandler),
	})
	prefix := fmt.Appendf(nil, `{"statusCode":%d,`, want)
	var spent, ofMAC, ofValid []float64
	scratch := make([]byte, len(event))
	allocs := testing.AllocsPerRun(3, func() {
		copy(scratch, event)
		if _, err := handler.Invoke(b.Context(), scratch); err != nil {
			b.Fatal(err)
		}
	})
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		mac, valid := floors(body)
		copy(scratch, event)
		start := time.Now()
		answer, err := handler.Invoke(b.Context(), scratch)
		took := float64(time.Since(start))
		spent, ofMAC, ofValid = append(spent, took), append(ofMAC, took/float64(mac)), append(ofValid, took/float64(valid))
		if err != nil || !bytes.HasPrefix(answer, prefix) {
			b.Fatalf("answer %s, %v", answer, err)
		}
	}
	b.ReportMetric(0, "ns/op") // the floors are in it
	b.ReportMetric(median(spent), "ns/invoke")
	b.ReportMetric(median(ofValid), "x(HMAC+valid)")
	b.ReportMetric(median(ofMAC), "xHMAC")
	b.ReportMetric(allocs/float64(changes), "allocs/change")
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// BenchmarkIngest goes from an event to readings.
func BenchmarkIngest(b *testing.B) {
	for _, size := range sizes {
		b.Run(size.name, func(b *testing.B) {
			body, changes := corpus(size.bytes)
			measure(b, body, event(b, body, whatsapptest.Sign("a-secret", body)), changes, 200)
		})
	}
}

// BenchmarkReject refuses what is unsigned, and what somebody else signed.
func BenchmarkReject(b *testing.B) {
	body, changes := corpus(3 << 20)
	for _, tc := range []struct{ name, signature string }{{"unsigned", ""}, {"malformed", "sha256=00"}, {"forged", whatsapptest.Sign("another", body)}} {
		b.Run(tc.name+"/3MB", func(b *testing.B) {
			measure(b, body, event(b, body, tc.signature), changes, 401)
		})
	}
}
