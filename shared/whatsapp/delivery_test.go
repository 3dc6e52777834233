package whatsapp

import (
	"bufio"
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// entries wraps entries in a notification.
func entries(list ...string) []byte {
	return []byte(`{"object":"whatsapp_business_account","entry":[` + strings.Join(list, ",") + `]}`)
}

// lines is what brief says, without its indentation.
func lines(d quality.Delivery) string { return strings.ReplaceAll(brief(d), "\n  ", "\n") }

// TestTraps reads one notification per trap and spells all of what it asks for.
func TestTraps(t *testing.T) {
	const flagged = `{"display_phone_number":"+1 202-555-0101","event":"FLAGGED","current_limit":"TIER_1K"}`
	for _, tc := range []struct {
		name string
		body []byte
		want []string
	}{
		{"members in any order", []byte(`{"entry":[{"changes":[{"value":{"decision":"APPROVED"},"field":"account_review_update"}],"time":"1794744000","id":1}],"object":"whatsapp_business_account"}`),
			[]string{"account/1 review_status=APPROVED @2026-11-15T12:00:00Z", "accounts [1]"}},
		{"escaped names", []byte(`{"\u006fbject":"whatsapp_business_\u0061ccount","entry":[{"id":"1","changes":[{"fiel\u0064":"account_review_updat\u0065","value":{"decisio\u006e":"APPROVED"}}]}]}`),
			[]string{"account/1 review_status=APPROVED @-", "accounts [1]"}},
		{"of members with one name the last counts", entries(`{"id":"9","id":"1","changes":[{"field":"messages","field":"account_review_update","value":7,"value":{"decision":"PENDING","decision":"APPROVED"}}]}`),
			[]string{"account/1 review_status=APPROVED @-", "accounts [1]"}},
		{"entry time in milliseconds", entries(`{"id":"1","time":1794744000123,"changes":[{"field":"account_review_update","value":{"decision":"APPROVED"}}]}`),
			[]string{"account/1 review_status=APPROVED @2026-11-15T12:00:00Z", "accounts [1]"}},
		{"entry time zero is no time", entries(`{"id":"1","time":0,"changes":[{"field":"account_review_update","value":{"decision":"APPROVED"}}]}`),
			[]string{"account/1 review_status=APPROVED @-", "accounts [1]"}},
		{"legacy flagged number", post("phone_number_quality_update", flagged), []string{
			"portfolio/1/1 messaging_limit=TIER_1K @2026-11-15T12:00:00Z", `phone_number/1/12025550101 flagged=YES @2026-11-15T12:00:00Z limit="TIER_1K"`,
			"ask 1 numbers", "ask 1 account", "accounts [1]"}},
		{"downgrade", post("phone_number_quality_update", `{"display_phone_number":"12025550101","event":"DOWNGRADE","current_limit":"TIER_2K","old_limit":"TIER_10K"}`), []string{
			`portfolio/1/1 messaging_limit=TIER_2K @2026-11-15T12:00:00Z event="DOWNGRADE" old_limit="TIER_10K"`, "ask 1 numbers", "ask 1 account", "accounts [1]"}},
		{"unknown event of a number polls all the same", post("phone_number_quality_update", `{"display_phone_number":"12025550101","event":"ODD"}`), []string{
			"ask 1 numbers", "ask 1 account", "unknown event:phone_number_quality_update/ODD", "accounts [1]"}},
		{"unpause under another event", post("message_template_status_update", `{"event":"PAUSED","message_template_id":7,"other_info":{"title":"UNPAUSE"}}`), []string{
			`template/1/7 status=APPROVED @2026-11-15T12:00:00Z event="PAUSED" title="UNPAUSE"`, "accounts [1]"}},
		{"second pause lasts 6 hours", post("message_template_status_update", `{"event":"PAUSED","message_template_id":7,"other_info":{"title":"SECOND_PAUSE"}}`), []string{
			`template/1/7 status=PAUSED @2026-11-15T12:00:00Z title="SECOND_PAUSE" until="2026-11-15T18:00:00Z"`, "accounts [1]"}},
		{"pause by pacing has no end", post("message_template_status_update", `{"event":"PAUSED","message_template_id":7,"other_info":{"title":"RATE_LIMITING_PAUSE"}}`), []string{
			`template/1/7 status=PAUSED @2026-11-15T12:00:00Z title="RATE_LIMITING_PAUSE"`, "accounts [1]"}},
		{"a pause without a time has no end", entries(`{"id":"1","changes":[{"field":"message_template_status_update","value":{"event":"PAUSED","message_template_id":7,"other_info":{"title":"FIRST_PAUSE"}}}]}`), []string{
			`template/1/7 status=PAUSED @- title="FIRST_PAUSE"`, "accounts [1]"}},
		{"reinstated is two facts", post("message_template_status_update", `{"event":"REINSTATED","message_template_id":7,"reason":null}`), []string{
			`template/1/7 status=APPROVED @2026-11-15T12:00:00Z event="REINSTATED"`, "template/1/7 flagged=NO @2026-11-15T12:00:00Z", "accounts [1]"}},
		{"unseen event of a template", post("message_template_status_update", `{"event":"ODD","message_template_id":7}`), []string{
			"template/1/7 status=ODD @2026-11-15T12:00:00Z", "ask 1 templates", "unknown value:template.status/ODD", "accounts [1]"}},
		{"unseen score", post("message_template_quality_update", `{"new_quality_score":"BLUE","message_template_id":"7"}`), []string{
			"template/1/7 quality_score=BLUE @2026-11-15T12:00:00Z", "unknown value:template.quality_score/BLUE", "accounts [1]"}},
		{"correct category equal to the current one announces nothing", post("template_category_update", `{"message_template_id":7,"new_category":"UTILITY","correct_category":"utility"}`), []string{
			"template/1/7 category=UTILITY @2026-11-15T12:00:00Z", "accounts [1]"}},
		{"old spelling of a PIN that was turned off", post("security", `{"display_phone_number":"12025550101","event":"PIN_RESET_SUCCESS"}`), []string{
			"phone_number/1/12025550101 pin=PIN_REQUEST_SUCCESS @2026-11-15T12:00:00Z", "accounts [1]"}},
		{"alert without alert_info", post("account_alerts", `{"entity_type":"WABA","entity_id":1,"alert_severity":"INFO","alert_status":"RESOLVED","alert_type":"OBA_REJECTED","alert_description":"a\nb"}`), []string{
			`account/1 account_alert.OBA_REJECTED.WABA.1=RESOLVED @2026-11-15T12:00:00Z description="a b" entity="WABA 1" severity="INFORMATIONAL"`, "accounts [1]"}},
		{"alert of a new type, with what names use inside", post("account_alerts", `{"entity_type":"A.B","entity_id":"1#2","alert_info":{"alert_type":"NEW.ONE","alert_status":"ACTIVE","alert_severity":"WARNING"}}`), []string{
			`account/1 account_alert.NEW_ONE.A_B.1_2=ACTIVE @2026-11-15T12:00:00Z entity="A.B 1#2" severity="WARNING"`, "unknown value:account.alert_type/NEW.ONE", "unknown value:account.alert_entity/A.B", "accounts [1]"}},
		{"restriction of a number", post("account_update", `{"event":"ACCOUNT_RESTRICTION","phone_number":"12025550101","restriction_info":{"restriction_type":"RESTRICTED_UTILITY_TEMPLATES","expiration":"2026-11-22T12:00:00+0000"}}`), []string{
			`phone_number/1/12025550101 restriction.RESTRICTED_UTILITY_TEMPLATES=ACTIVE @2026-11-15T12:00:00Z until="2026-11-22T12:00:00Z"`, "accounts [1]"}},
		{"expiration that is none", post("account_update", `{"event":"ACCOUNT_RESTRICTION","restriction_info":[{"restriction_type":"RESTRICTED_UTILITY_TEMPLATES","expiration":"soon"}]}`), []string{
			"account/1 restriction.RESTRICTED_UTILITY_TEMPLATES=ACTIVE @2026-11-15T12:00:00Z", "unknown malformed:account_update.expiration", "accounts [1]"}},
		{"one restriction of two is broken", post("account_update", `{"event":"ACCOUNT_RESTRICTION","restriction_info":[7,{"restriction_type":"RESTRICTED_UTILITY_TEMPLATES"}]}`), []string{
			"account/1 restriction.RESTRICTED_UTILITY_TEMPLATES=ACTIVE @2026-11-15T12:00:00Z", "unknown malformed:account_update.restriction_info", "accounts [1]"}},
		{"an unseen violation without a restriction is a warning", post("account_update", `{"event":"ACCOUNT_RESTRICTION","restriction_info":[],"violation_info":{"violation_type":"ODD"}}`), []string{
			"account/1 violation=ODD @2026-11-15T12:00:00Z", "unknown value:account.violation/ODD", "accounts [1]"}},
		{"a restriction that says nothing", post("account_update", `{"event":"ACCOUNT_RESTRICTION"}`), []string{"unknown malformed:account_update", "accounts [1]"}},
		{"a violation without a type is one", post("account_update", `{"event":"ACCOUNT_VIOLATION"}`), []string{"account/1 violation=UNSPECIFIED @2026-11-15T12:00:00Z", "accounts [1]"}},
		{"a partner's event is about the account it names", post("account_update", `{"event":"PARTNER_REMOVED","waba_info":{"waba_id":"77"}}`), []string{
			"account/77 offboarded=PARTNER_REMOVED @2026-11-15T12:00:00Z", "accounts [77]"}},
		{"a partner's event that names none is about none", post("account_update", `{"event":"PARTNER_ADDED"}`), []string{"unknown malformed:account_update", "accounts []"}},
		{"an unknown partner's event that names none is about none", post("account_update", `{"event":"PARTNER_ODD"}`), []string{"unknown event:account_update/PARTNER_ODD", "accounts []"}},
		{"a partner's event about account 0 is about none", post("account_update", `{"event":"PARTNER_ADDED","waba_info":{"waba_id":"0"}}`), []string{"unknown malformed:account_update", "accounts []"}},
		{"a field of which nobody knows the shape", post("business_status_update", `{"event":"ODD"}`), []string{"unknown field:business_status_update", "accounts [1]"}},
		{"messages name their account", post("messages", `{}`), []string{"accounts [1]"}},
		{"a solution's entry is a portfolio", post("partner_solutions", `{}`), []string{"accounts []"}},
		{"names of changed fields only", entries(`{"id":"1","changed_fields":["security"]}`), []string{
			"ask 1 numbers", "ask 1 templates", "ask 1 account", "ask 1 health", "accounts [1]"}},
		{"only messages changed", entries(`{"id":"1","changed_fields":["messages"]}`), []string{"accounts []"}},
		{"an unknown field changed", entries(`{"id":"1","changed_fields":["security","odd"]}`), []string{
			"ask 1 numbers", "ask 1 templates", "ask 1 account", "ask 1 health", "unknown field:odd", "accounts [1]"}},
		{"test button", entries(`{"id":"0","time":1794744000,"changes":[{"field":"account_review_update","value":{"decision":"REJECTED"}}]}`), []string{"test button", "accounts []"}},
		{"test button as a number", entries(`{"id":0}`), []string{"test button", "accounts []"}},
		{"not ours", []byte(`{"object":"page","entry":[{"id":"1","changes":[{"field":"account_review_update","value":{"decision":"REJECTED"}}]}]}`), []string{"unknown object:page", "accounts []"}},
		{"nobody's", []byte(`{"entry":[{"id":"1","changes":[{"field":"messages"}]}]}`), []string{"unknown object:", "accounts []"}},
		{"not JSON", []byte("\x00\xff"), []string{"unknown body:not_json", "accounts []"}},
		{"nothing", nil, []string{"unknown body:not_json", "accounts []"}},
		{"no object", []byte(` [1] `), []string{"unknown body:not_an_object", "accounts []"}},
		{"bytes behind the end", append(post("account_review_update", `{"decision":"APPROVED"}`), "}"...), []string{
			"account/1 review_status=APPROVED @2026-11-15T12:00:00Z", "unknown body:not_json", "accounts [1]"}},
		{"broken off after an entry", []byte(`{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages"}]},{"id":"2","changes":[{"field":"messages"}`), []string{
			"unknown body:not_json", "accounts [1]"}},
		{"control characters in a text", post("phone_number_name_update", "{\"display_phone_number\":\"1\",\"decision\":\"APPROVED\",\"requested_verified_name\":\"a\x00\u202eb\"}"), []string{
			`phone_number/1/1 name_decision=APPROVED @2026-11-15T12:00:00Z requested="ab"`, "accounts [1]"}},
		{"lower case and dashes", post("phone_number_name_update", `{"display_phone_number":"1","decision":"rejected","rejection_reason":"NONE"}`), []string{
			"phone_number/1/1 name_decision=REJECTED @2026-11-15T12:00:00Z", "accounts [1]"}},
		{"field inside the value", entries(`{"id":"1","changes":[{"value":{"field":"account_update","event":"PARTNER_APP_INSTALLED","waba_info":{"waba_id":"77"}}}]}`), []string{
			"ask 77 account", "accounts [77]"}},
	} {
		got := strings.Split(strings.TrimSpace(lines(ParseDelivery(tc.body, received))), "\n")
		if d := cmp.Diff(tc.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, d)
		}
	}
}

func TestUnknownThingsAlikeAreKeptAFew(t *testing.T) {
	one := `{"field":"odd","value":{"n":%d}}`
	var all []string
	for i := range 1000 {
		all = append(all, fmt.Sprintf(one, i))
	}
	d := ParseDelivery(entries(`{"id":"1","changes":[`+strings.Join(all, ",")+`]}`), received)
	if len(d.Unknown) != maxLike || !strings.Contains(d.Unknown[2].Raw, `"n":2`) {
		t.Errorf("%d kept: %+v", len(d.Unknown), d.Unknown)
	}
	all = nil
	for i := range 1000 {
		all = append(all, strings.Replace(fmt.Sprintf(one, i), "odd", fmt.Sprint("odd", i), 1))
	}
	d = ParseDelivery(entries(`{"id":"1","changes":[`+strings.Join(all, ",")+`]}`), received)
	kinds := map[string]bool{}
	for _, n := range d.Unknown {
		kinds[n.Kind] = true
	}
	if n := len(d.Unknown); n != 1000 || len(kinds) != maxNovel+1 || d.Unknown[n-1].Kind != "body:too_many_unknown" || !strings.Contains(d.Unknown[n-1].Raw, `"n":999`) {
		t.Errorf("%d kept of %d kinds, the last %+v", n, len(kinds), d.Unknown[n-1])
	}
}

func TestEvidenceIsCappedValidAndDiscreet(t *testing.T) {
	long := post("account_review_update", `{"decision":"APPROVED","note":"`+strings.Repeat("é", 5000)+`"}`)
	if r := ParseDelivery(long, received).Readings[0]; len(r.Raw) > quality.MaxRawBytes || len(r.Raw) < quality.MaxRawBytes-4 || strings.Contains(r.Raw, "\ufffd") {
		t.Errorf("evidence of %d bytes", len(r.Raw))
	}
	for _, value := range []string{
		`{"x":[{"me\u0073sages":"CANARY"}]}`, `{"12025550177":{"wa_id":"CANARY"}}`, `{"a":{"from":"CANARY"},"text":"CANARY"}`, `[{"body":"CANARY"}]`,
	} {
		d := ParseDelivery(post("of_tomorrow", value), received)
		got := fmt.Sprintf("%+v", d)
		if len(d.Unknown) != 1 || strings.Contains(got, "CANARY") || strings.Contains(got, "12025550177") {
			t.Errorf("%s is kept as %s", value, got)
		}
	}
	page := []byte(`{"object":"page","entry":[{"messaging":[{"message":{"text":"CANARY"}}]}]}`)
	if got := fmt.Sprintf("%+v", ParseDelivery(page, received)); strings.Contains(got, "CANARY") {
		t.Errorf("a page is kept as %s", got)
	}
}

// TestEvidenceOfWhateverShape wraps a message in what is no notification of Meta's.
func TestEvidenceOfWhateverShape(t *testing.T) {
	message := `{"contacts":[{"profile":{"name":"CANARY"}}],"messages":[{"from":"12025550177","text":{"body":"CANARY"}}]}`
	whole := string(post("messages", message))
	for name, body := range map[string]string{
		"JSON in a text":         strconv.Quote(whole),
		"a text as a value":      string(post("of_tomorrow", strconv.Quote(message))),
		"a text as a known one":  string(post("account_update", strconv.Quote(message))),
		"a text as an entry":     string(entries(strconv.Quote(message))),
		"other quotes":           strings.ReplaceAll(whole, `"`, `'`),
		"a quote too many":       `"` + whole,
		"a quote too many later": `{"a":1,",` + whole,
		"a form":                 "object=whatsapp_business_account&from=12025550177&text=CANARY",
		"XML":                    "<from>12025550177</from><text>CANARY</text>",
		"other names":            string(post("of_tomorrow", `{"from_user_id":"12025550177","message":"CANARY","sender":"12025550177"}`)),
		"names in another case":  string(post("of_tomorrow", `{"waId":"12025550177","Text":{"Body":"CANARY"},"customerX":1,"customer":{"name":"CANARY"}}`)),
		"a map by numbers":       string(post("of_tomorrow", `{"12025550177":{"x":1}}`)),
	} {
		d := ParseDelivery([]byte(body), received)
		got := fmt.Sprintf("%+v", d)
		if len(d.Unknown) != 1 || strings.Contains(got, "CANARY") || strings.Contains(got, "12025550177") {
			t.Errorf("%s is kept as %s", name, got)
		}
	}
	d := ParseDelivery(post("of_tomorrow", `{"event":"NEW","n":[1,{"text":"CANARY"}],"caf\u00e9":true}`), received)
	if want := `{"field":"of_tomorrow","value":{"event":"NEW","n":[1,{"text":"not kept"}],"caf\u00e9":true}}`; len(d.Unknown) != 1 || d.Unknown[0].Raw != want {
		t.Errorf("kept as %+v, want %s", d.Unknown, want)
	}
}

// TestEvidenceIsMadeOnceForAValue says many unknown things of one large value.
func TestEvidenceIsMadeOnceForAValue(t *testing.T) {
	d := ParseDelivery(post("account_update", `{"event":"ACCOUNT_RESTRICTION","restriction_info":[{"restriction_type":"ODD"},{"restriction_type":"ODDER"}]}`), received)
	if len(d.Unknown) != 2 || len(d.Readings) != 2 {
		t.Fatal(brief(d))
	}
	want := unsafe.StringData(d.Readings[0].Raw)
	for _, raw := range []string{d.Readings[1].Raw, d.Unknown[0].Raw, d.Unknown[1].Raw} {
		if unsafe.StringData(raw) != want {
			t.Errorf("%s was made anew", raw)
		}
	}
}

// TestNothingSharesMemoryWithTheBody overwrites a body after it was read.
func TestNothingSharesMemoryWithTheBody(t *testing.T) {
	body := post("account_update", `{"event":"ACCOUNT_RESTRICTION","restriction_info":[{"restriction_type":"ODD","remediation":"do"}],"x":{}}`)
	d := ParseDelivery(body, received)
	before := fmt.Sprintf("%+v", d)
	for i := range body {
		body[i] = '#'
	}
	if after := fmt.Sprintf("%+v", d); after != before {
		t.Errorf("%s\nbecame %s", before, after)
	}
}

// unread fails a test that reads it.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, http.ErrBodyReadAfterClose
}
func (u unread) Close() error { return nil }

func TestUnsignedBodyIsNeitherReadNorLogged(t *testing.T) {
	var log bytes.Buffer
	c := callback(t, func(quality.Delivery) error { t.Error("received"); return nil })
	c.Log = slog.New(slog.NewTextHandler(&log, nil))
	for _, signature := range []string{"", "sha256=00", "sha1=f6246e9282eb2be576c6b3068d2b0acbd4317a26"} {
		r := httptest.NewRequest(http.MethodPost, "/webhook", unread{t})
		r.Header.Set("Expect", "100-continue")
		r.Header.Set(SignatureHeader, signature)
		rec := httptest.NewRecorder()
		c.ServeHTTP(rec, r)
		if rec.Code != http.StatusUnauthorized || log.Len() > 0 {
			t.Errorf("%q = %d, logged %q", signature, rec.Code, log.String())
		}
	}
}

// TestSendersThatReadNothingBeforeTheyAreDoneGetTheirAnswer posts as simple clients do.
func TestSendersThatReadNothingBeforeTheyAreDoneGetTheirAnswer(t *testing.T) {
	c := callback(t, func(quality.Delivery) error { t.Error("received"); return nil })
	server := httptest.NewServer(c)
	defer server.Close()
	for _, tc := range []struct {
		size      int
		signature string
		want      int
	}{
		{MaxBodyBytes, "", http.StatusUnauthorized},
		{12 << 20, "", http.StatusUnauthorized},
		{12 << 20, "sha256=" + strings.Repeat("0", 64), http.StatusRequestEntityTooLarge},
	} {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		head := fmt.Sprintf("POST /webhook HTTP/1.1\r\nHost: x\r\n%s: %s\r\nContent-Length: %d\r\n\r\n", SignatureHeader, tc.signature, tc.size)
		if _, err = conn.Write(append([]byte(head), bytes.Repeat([]byte(" "), tc.size)...)); err != nil {
			t.Errorf("%d bytes, signature %q: %v", tc.size, tc.signature, err)
		} else if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || resp.StatusCode != tc.want {
			t.Errorf("%d bytes, signature %q: %v, %v, want %d", tc.size, tc.signature, resp, err, tc.want)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestTwoSignaturesAreNone(t *testing.T) {
	c := callback(t, func(quality.Delivery) error { t.Error("received"); return nil })
	body := post("account_review_update", `{"decision":"APPROVED"}`)
	r := httptest.NewRequest(http.MethodPost, "/webhook", bytes.NewReader(body))
	r.Header.Add(SignatureHeader, sign("new-secret", body))
	r.Header.Add(SignatureHeader, sign("new-secret", body))
	rec := httptest.NewRecorder()
	if c.ServeHTTP(rec, r); rec.Code != http.StatusUnauthorized {
		t.Errorf("status = %d", rec.Code)
	}
}

func TestLogsHoldNoBodyNoSignatureNoToken(t *testing.T) {
	var log bytes.Buffer
	c := callback(t, func(quality.Delivery) error { return nil })
	c.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	good, forged := post("account_review_update", `{"decision":"CANARY"}`), post("messages", `{"text":"CANARY"}`)
	c.Handle(t.Context(), sign("new-secret", good), good)
	c.Handle(t.Context(), sign("nobody's", forged), forged)
	c.Verify("CANARY", "CANARY", "CANARY")
	c.Verify("subscribe", "verify-me", "CANARY")
	for _, s := range []string{"CANARY", "sha256=", sign("nobody's", forged)[7:], "verify-me", "new-secret"} {
		if strings.Contains(log.String(), s) {
			t.Errorf("%q in the log:\n%s", s, log.String())
		}
	}
	if strings.Count(log.String(), "\n") != 4 {
		t.Errorf("log:\n%s", log.String())
	}
}

// TestThreeMegabytesAndTheirSlackAreRead: what Meta may send, and 64 KB more.
func TestThreeMegabytesAndTheirSlackAreRead(t *testing.T) {
	received := 0
	c := callback(t, func(quality.Delivery) error { received++; return nil })
	body := bytes.Repeat([]byte(" "), 3*1024*1024+64*1024)
	if got := c.Handle(t.Context(), sign("new-secret", body), body); got.Status != http.StatusOK {
		t.Errorf("status = %d", got.Status)
	}
	r := httptest.NewRequest(http.MethodPost, "/webhook", bytes.NewReader(body))
	r.Header.Set(SignatureHeader, sign("new-secret", body))
	rec := httptest.NewRecorder()
	if c.ServeHTTP(rec, r); rec.Code != http.StatusOK || received != 2 {
		t.Errorf("status = %d, received %d of 2", rec.Code, received)
	}
}

func TestTooLargeIsRefused(t *testing.T) {
	c := callback(t, func(quality.Delivery) error { t.Error("received"); return nil })
	body := bytes.Repeat([]byte(" "), MaxBodyBytes+1)
	if got := c.Handle(t.Context(), sign("new-secret", body), body); got.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("status = %d", got.Status)
	}
	r := httptest.NewRequest(http.MethodPost, "/webhook", bytes.NewReader(body))
	r.Header.Set(SignatureHeader, sign("new-secret", body))
	rec := httptest.NewRecorder()
	c.ServeHTTP(rec, r)
	if rec.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("status = %d", rec.Code)
	}
}
