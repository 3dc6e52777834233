package whatsapp

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// TestErrorsAreDecidedByCode reads Meta's error bodies with the status they come with, and
// with others: the same error may come with different ones.
func TestErrorsAreDecidedByCode(t *testing.T) {
	for _, tc := range []struct {
		file    string
		status  int
		code    int
		subcode int
		want    quality.PollFailure
	}{
		{"0_auth", 401, 0, 0, quality.FailToken},
		{"190_460_password", 401, 190, 460, quality.FailToken},
		{"190_463_expired", 401, 190, 463, quality.FailToken},
		{"190_467_invalid", 401, 190, 467, quality.FailToken},
		{"3_capability", 500, 3, 0, quality.FailForbidden},
		{"10_permission", 403, 10, 0, quality.FailForbidden},
		{"200_permission", 403, 200, 0, quality.FailForbidden},
		{"131031_locked", 403, 131031, 0, quality.FailForbidden},
		{"33_deleted", 400, 33, 0, quality.FailMissing},
		{"803_not_found", 404, 803, 0, quality.FailMissing},
		{"1_unknown", 500, 1, 0, quality.FailTemporary},
		{"2_transient", 503, 2, 0, quality.FailTemporary},
		{"131016_service_unavailable", 503, 131016, 0, quality.FailTemporary},
		{"131057_maintenance", 500, 131057, 0, quality.FailTemporary},
		{"131059_bad_cursor", 400, 131059, 0, quality.FailTemporary},
		{"4_app_limit", 400, 4, 2446079, quality.FailThrottled},
		{"80008_buc_limit", 400, 80008, 2446079, quality.FailThrottled},
		{"130429_throughput", 400, 130429, 0, quality.FailThrottled},
		{"131056_pair", 400, 131056, 0, quality.FailThrottled},
		{"100_bad_field", 400, 100, 0, quality.FailMalformed},
		{"131042_payment", 400, 131042, 0, quality.FailMalformed},
		{"131048_spam_rate", 400, 131048, 0, quality.FailMalformed},
		{"131064_classification_limit", 400, 131064, 0, quality.FailMalformed},
		{"139200_direct_send_blocked", 400, 139200, 0, quality.FailMalformed},
		{"200005_insights", 400, 200005, 0, quality.FailMalformed},
	} {
		body, err := os.ReadFile(filepath.Join("testdata", "graph", "error."+tc.file+".json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, status := range []int{tc.status, 400, 403, 500} {
			e := readError(status, strings.NewReader(string(body)), cleaner())
			if e.Code != tc.code || e.Subcode != tc.subcode || e.Status != status || e.TraceID != "Az8or2yhqkZfEZ-_4Qn_Bam" {
				t.Errorf("%s: %+v", tc.file, e)
			}
			temporary := tc.want == quality.FailTemporary || tc.want == quality.FailThrottled
			if got := e.Failure(); got != tc.want || e.Temporary() != temporary {
				t.Errorf("%s with status %d: %s, temporary %t, want %s", tc.file, status, got, e.Temporary(), tc.want)
			}
		}
	}
}

func TestErrorsWithoutAKnownCode(t *testing.T) {
	for _, tc := range []struct {
		name   string
		status int
		body   string
		want   quality.PollFailure
	}{
		{"unknown code, client's fault", 400, `{"error":{"code":987654}}`, quality.FailMalformed},
		{"unknown code, server's fault", 500, `{"error":{"code":987654}}`, quality.FailTemporary},
		{"unknown code, said to be transient", 400, `{"error":{"code":987654,"is_transient":true}}`, quality.FailTemporary},
		{"unknown code, too many requests", 429, `{"error":{"code":987654}}`, quality.FailThrottled},
		{"known code beats transient", 400, `{"error":{"code":190,"is_transient":true}}`, quality.FailToken},
		{"100/33 is a missing object", 400, `{"error":{"code":100,"error_subcode":33}}`, quality.FailMissing},
		{"100 for want of a proof", 400, `{"error":{"code":100,"message":"API calls from the server require an appsecret_proof argument"}}`, quality.FailForbidden},
		{"code as a string", 400, `{"error":{"code":"190"}}`, quality.FailToken},
		{"no code is not code 0", 400, `{"error":{"message":"x"}}`, quality.FailMalformed},
		{"code of a wrong type", 500, `{"error":{"code":[0]}}`, quality.FailTemporary},
		{"a code too large", 400, `{"error":{"code":1e400}}`, quality.FailMalformed},
		{"error as a string", 500, `{"error":"oops"}`, quality.FailTemporary},
		{"html of a proxy", 502, `<html>Bad Gateway</html>`, quality.FailTemporary},
		{"html, whatever the status", 404, `<html>`, quality.FailTemporary},
		{"empty", 504, ``, quality.FailTemporary},
		{"truncated", 400, `{"error":{"code":190`, quality.FailTemporary},
		{"json, but no object", 400, `[1]`, quality.FailMalformed},
	} {
		if got := readError(tc.status, strings.NewReader(tc.body), cleaner()).Failure(); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

func TestErrorShowsWhatSupportAsksFor(t *testing.T) {
	e := readError(400, strings.NewReader(`{"error":{"message":"(#80008) There have been too many calls. See https://developers.facebook.com/docs?x=1","code":80008,"error_subcode":2446079,"fbtrace_id":"AbC","error_data":{"details":"Wait a bit."}}}`), cleaner())
	want := "graph: status 400 code 80008/2446079 trace AbC: (#80008) There have been too many calls. See https://developers.facebook.com/docs (Wait a bit.)"
	if e.Error() != want {
		t.Errorf("Error() = %q, want %q", e.Error(), want)
	}
}

func TestCleaner(t *testing.T) {
	clean := cleaner("EAAsecret/+=", "app&secret")
	for in, want := range map[string]string{
		"plain":                                "plain",
		"token EAAsecret/+= here":              "token [redacted] here",
		"escaped EAAsecret%2F%2B%3D here":      "escaped [redacted] here",
		"secret app&secret":                    "secret [redacted]",
		"another EAABwzLixnjYBO1234567890":     "another [redacted]",
		"access_token=abc&x=1":                 "[redacted]&x=1",
		"see http://a.example/b?c=d#e now":     "see http://a.example/b now",
		"line\nbreak\r\ttab":                   "line break  tab",
		"bidi \u202egnp.exe\u2066 and \x1b[0m": "bidi gnp.exe and [0m",
		"bad \xff byte":                        "bad \uFFFD byte",
		"  trimmed  ":                          "trimmed",
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
	long := clean(strings.Repeat("ж", 5000))
	if utf8.RuneCountInString(long) != maxErrorRunes || !utf8.ValidString(long) {
		t.Errorf("long text: %d runes", utf8.RuneCountInString(long))
	}
}

func TestRefusedField(t *testing.T) {
	fields := []string{"id", "name", "status", "category", "throughput", "name_status", "messaging_limit_tier"}
	for message, want := range map[string]string{
		"(#100) Tried accessing nonexisting field (messaging_limit_tier) on node type (WhatsAppBusinessPhoneNumber)": "messaging_limit_tier",
		"(#100) Tried accessing nonexisting field (name) on node type (WhatsAppMessageTemplate)":                     "name",
		"(#100) Unknown fields: name_status.":                             "name_status",
		"(#100) Unknown field: name":                                      "name",
		"(#100) unknown field 'status'":                                   "status",
		"(#100) Cannot query field \"throughput\" on this type":           "throughput",
		"(#100) throughput is not a valid field":                          "throughput",
		"(#100) throughput is not a valid field name":                     "throughput",
		"(#100) Invalid field name 'throughput'":                          "throughput",
		"(#100) The field named throughput does not exist":                "throughput",
		"(#100) Invalid parameter: fields=throughput":                     "throughput",
		"(#100) nonexisting fields [throughput]":                          "throughput",
		"(#100) Param fields[4] is unknown: `status`":                     "status",
		"(#100) Param fields[4] must be one of {name_status, throughput}": "",
		"(#100) The field name is required":                               "",
		"(#100) The status of this account does not allow it":             "",
		"(#100) Invalid parameter":                                        "",
		"Syntax error \"Expected end of string\"":                         "",
		"(#100) The parameter quality is required.":                       "",
		"(#100) Tried accessing nonexisting field (not_asked_for)":        "",
	} {
		if got := refusedField(message, fields); got != want {
			t.Errorf("refusedField(%q) = %q, want %q", message, got, want)
		}
	}
}
