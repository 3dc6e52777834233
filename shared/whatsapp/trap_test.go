package whatsapp

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// post wraps one value in a notification.
func post(field, value string) []byte {
	return []byte(`{"object":"whatsapp_business_account","entry":[{"id":"1","time":1794744000,"changes":[{"field":"` + field + `","value":` + value + `}]}]}`)
}

// only returns the value and attributes of the one reading of a signal.
func only(t *testing.T, d quality.Delivery, sig quality.Signal) quality.Reading {
	t.Helper()
	var found []quality.Reading
	for _, r := range d.Readings {
		if r.Signal == sig {
			found = append(found, r)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d readings of %s in %s", len(found), sig, brief(d))
	}
	return found[0]
}

func TestTemplateIDsAreExact(t *testing.T) {
	const id = "900719925474099312345678"
	for _, spelled := range []string{id, `"` + id + `"`} {
		d := ParseDelivery(post("message_template_status_update", `{"event":"PAUSED","message_template_id":`+spelled+`}`), received)
		if got := only(t, d, quality.Status).Subject.ID; got != id {
			t.Errorf("id %s became %s", spelled, got)
		}
	}
	for _, bad := range []string{"1.5", "1e20", "-7", "null", "{}", `"abc"`, `""`} {
		d := ParseDelivery(post("message_template_status_update", `{"event":"PAUSED","message_template_id":`+bad+`}`), received)
		if len(d.Readings) != 0 || len(d.Unknown) != 1 {
			t.Errorf("id %s was taken: %s", bad, brief(d))
		}
	}
}

func TestNumbersAreNotInvented(t *testing.T) {
	for spelled, want := range map[string]string{
		`"12025550101"`: "12025550101", `12025550101`: "12025550101", `"+1 202-555-0101"`: "12025550101", `"+55 (11) 95555.0102"`: "5511955550102",
		`1.2025550101e10`: "", `-12025550101`: "", `12025550101.0`: "", `"1.2025550101e10"`: "", `"number 7"`: "", `true`: "", `[1]`: "", `""`: "", `null`: "",
	} {
		d := ParseDelivery(post("security", `{"event":"PIN_CHANGED","display_phone_number":`+spelled+`}`), received)
		switch {
		case want == "" && (len(d.Readings) != 0 || len(d.Unknown) != 1):
			t.Errorf("number %s was taken: %s", spelled, brief(d))
		case want != "" && only(t, d, quality.PIN).Subject.ID != want:
			t.Errorf("number %s: %s", spelled, brief(d))
		}
	}
}

func TestTimesInEverySpelling(t *testing.T) {
	for spelled, want := range map[string]string{
		`1795348800`:                  "2026-11-22T12:00:00Z",
		`"1795348800"`:                "2026-11-22T12:00:00Z",
		`1795348800000`:               "2026-11-22T12:00:00Z",
		`"2026-11-22T12:00:00+0000"`:  "2026-11-22T12:00:00Z",
		`"2026-11-22T14:00:00+02:00"`: "2026-11-22T12:00:00Z",
		`null`:                        "",
		`"soon"`:                      "",
	} {
		value := `{"event":"ACCOUNT_RESTRICTION","restriction_info":[{"restriction_type":"X","expiration":` + spelled + `}]}`
		d := ParseDelivery(post("account_update", value), received)
		if got := only(t, d, quality.Restriction("X")).Attrs[quality.AttrUntil]; got != want {
			t.Errorf("expiration %s = %q, want %q", spelled, got, want)
		}
	}
}

func TestLimitsInEverySpelling(t *testing.T) {
	for spelled, want := range map[string]string{
		`2000`: "TIER_2K", `"2000"`: "TIER_2K", `"TIER_2K"`: "TIER_2K", `"UNLIMITED"`: "TIER_UNLIMITED", `-1`: "TIER_UNLIMITED", `250`: "TIER_250", `"TIER_NOT_SET"`: "UNKNOWN",
	} {
		d := ParseDelivery(post("business_capability_update", `{"max_daily_conversations_per_business":`+spelled+`}`), received)
		if got := only(t, d, quality.MessagingLimit).Value; got != want {
			t.Errorf("limit %s = %s, want %s", spelled, got, want)
		}
	}
}

func TestBanStateMayBeAnArray(t *testing.T) {
	for spelled, want := range map[string]string{`"DISABLE"`: "DISABLE", `["SCHEDULE_FOR_DISABLE","DISABLE"]`: "DISABLE", `["DISABLE","REINSTATE"]`: "REINSTATE"} {
		d := ParseDelivery(post("account_update", `{"event":"DISABLED_UPDATE","ban_info":{"waba_ban_state":`+spelled+`,"waba_ban_date":"November 20, 2026"}}`), received)
		if got := only(t, d, quality.BanState).Value; got != want {
			t.Errorf("state %s = %s, want %s", spelled, got, want)
		}
	}
}

func TestRestrictionWithoutInfoIsWarningOrLifting(t *testing.T) {
	for violation, want := range map[string]quality.Signal{
		"DIRECT_SEND_UTILITY_CATEGORY_ABUSE_WARN":                quality.Violation,
		"DIRECT_SEND_UTILITY_TEMPLATE_ABUSE":                     quality.Violation,
		"DIRECT_SEND_UTILITY_CATEGORY_ABUSE_UNBAN":               quality.RestrictionLifted,
		"DIRECT_SEND_UTILITY_CATEGORY_ABUSE_RATE_LIMIT_RECOVERY": quality.RestrictionLifted,
	} {
		d := ParseDelivery(post("account_update", `{"event":"ACCOUNT_RESTRICTION","violation_info":{"violation_type":"`+violation+`"}}`), received)
		only(t, d, want)
	}
}

func TestUnseenDetailsAreReported(t *testing.T) {
	for _, tc := range [][3]string{
		{"message_template_status_update", `{"event":"REJECTED","message_template_id":7,"reason":"ODD"}`, "value:template.reason/ODD"},
		{"message_template_status_update", `{"event":"PAUSED","message_template_id":7,"other_info":{"title":"THIRD_PAUSE"}}`, "value:template.title/THIRD_PAUSE"},
		{"message_template_status_update", `{"event":"APPROVED","message_template_id":7,"message_template_category":"ODD"}`, "value:template.category/ODD"},
		{"message_template_quality_update", `{"new_quality_score":"RED","previous_quality_score":"BLUE","message_template_id":7}`, "value:template.quality_score/BLUE"},
		{"phone_number_name_update", `{"display_phone_number":"1","decision":"REJECTED","rejection_reason":"ODD"}`, "value:phone_number.rejection_reason/ODD"},
		{"account_alerts", `{"entity_type":"ODD","alert_info":{"alert_type":"OBA_REJECTED","alert_severity":"WARNING"}}`, "value:account.alert_entity/ODD"},
		{"account_update", `{"event":"PARTNER_REMOVED","waba_info":{"waba_id":"1"},"disconnection_info":{"reason":"ODD","initiated_by":"USER"}}`, "value:account.disconnection/ODD"},
		{"account_update", `{"event":"ACCOUNT_RESTRICTION","restriction_info":[{"restriction_type":"RESTRICTED_UTILITY_TEMPLATES"}],"violation_info":{"violation_type":"ODD"}}`, "value:account.violation/ODD"},
		{"account_update", `{"event":"ACCOUNT_RESTRICTION","violation_info":{"violation_type":"ODD_UNBAN"}}`, "value:account.violation/ODD_UNBAN"},
	} {
		d := ParseDelivery(post(tc[0], tc[1]), received)
		if len(d.Readings) == 0 || len(d.Unknown) != 1 || d.Unknown[0].Kind != tc[2] || d.Unknown[0].Raw == "" {
			t.Errorf("%s:\n%swant a reading, and %s", tc[1], brief(d), tc[2])
		}
	}
}

func TestNewCategoryOfANoticeIsTheCurrentOne(t *testing.T) {
	d := ParseDelivery(post("template_category_update", `{"message_template_id":7,"new_category":"UTILITY","correct_category":"MARKETING","category_update_timestamp":1794830400}`), received)
	if c, cc := only(t, d, quality.Category).Value, only(t, d, quality.CorrectCategory).Value; c != "UTILITY" || cc != "MARKETING" {
		t.Errorf("category %s, correct %s", c, cc)
	}
}

func TestQualityUnderTheWrongFieldIsQuality(t *testing.T) {
	d := ParseDelivery(post("message_template_status_update", `{"message_template_id":7,"previous_quality_score":"GREEN","new_quality_score":"RED"}`), received)
	if got := only(t, d, quality.QualityScore).Value; got != quality.Red {
		t.Errorf("score = %s", got)
	}
}

func TestOneBrokenChangeDoesNotHoldBackTheOthers(t *testing.T) {
	good := `{"field":"message_template_status_update","value":{"event":"PAUSED","message_template_id":7}}`
	for _, broken := range []string{`null`, `7`, `"x"`, `[]`, `{}`, `{"field":7}`, `{"field":"account_update"}`, `{"field":"account_update","value":[]}`,
		`{"field":"account_update","value":{"event":{}}}`, `{"field":"message_template_status_update","value":{"event":"PAUSED","message_template_id":{}}}`,
		`{"field":"security","value":{"event":"PIN_CHANGED","display_phone_number":[1]}}`} {
		body := `{"object":"whatsapp_business_account","entry":[{"id":"1","time":1794744000,"changes":[` + broken + `,` + good + `]},7,{"id":[]},{"id":"2","changes":"x"}]}`
		d := ParseDelivery([]byte(body), received)
		if got := only(t, d, quality.Status).Value; got != "PAUSED" {
			t.Errorf("beside %s: %s", broken, brief(d))
		}
		if len(d.Unknown) == 0 {
			t.Errorf("%s was not reported", broken)
		}
	}
}

func TestReceiptIgnoresOrderAndSpaceButNotContent(t *testing.T) {
	a := ParseDelivery(post("account_review_update", `{"decision":"REJECTED","x":1}`), received)
	b := ParseDelivery(post("account_review_update", ` { "x" : 1, "decision" : "REJECTED" } `), received)
	c := ParseDelivery(post("account_review_update", `{"decision":"REJECTED","x":2}`), received)
	if a.Readings[0].Receipt != b.Readings[0].Receipt || a.Readings[0].Receipt == c.Readings[0].Receipt {
		t.Errorf("receipts %s %s %s", a.Readings[0].Receipt, b.Readings[0].Receipt, c.Readings[0].Receipt)
	}
}

// TestNothingOfCustomersIsKept hides a word wherever customers' content can be.
func TestNothingOfCustomersIsKept(t *testing.T) {
	const secret = "CANARY-12025550177"
	bodies := [][]byte{
		post("messages", `{"contacts":[{"profile":{"name":"`+secret+`"},"wa_id":"`+secret+`"}],"messages":[{"from":"`+secret+`","text":{"body":"`+secret+`"}}]}`),
		post("user_preferences", `{"user_preferences":[{"wa_id":"`+secret+`"}]}`),
		post("security", `{"display_phone_number":"1","event":"PIN_RESET_REQUEST","requester":"`+secret+`"}`),
		post("brand_new_field", `{"messages":[{"from":"`+secret+`"}]}`),
		post("message_template_components_update", `{"message_template_id":7,"message_template_element":"`+secret+`"}`),
	}
	for _, body := range bodies {
		d := ParseDelivery(body, received)
		if strings.Contains(fmt.Sprintf("%+v", d), secret) {
			t.Errorf("%s\nis kept as %+v", body, d)
		}
	}
}

func TestDeepNestingAndManyEntriesEnd(t *testing.T) {
	deep := post("account_update", strings.Repeat("[", 20000)+strings.Repeat("]", 20000))
	ParseDelivery(deep, received)
	many := `{"object":"whatsapp_business_account","entry":[` + strings.Repeat(`{"id":"1","changes":[]},`, 20000) + `{"id":"1"}]}`
	if d := ParseDelivery([]byte(many), received); len(d.WABAIDs) > 1 {
		t.Errorf("%d accounts", len(d.WABAIDs))
	}
}

// canary stands for what customers wrote and who they are.
const canary = "CANARY12025550177"

// planted puts the canary into every field about messages.
const planted = `{"id":"118273645546372","changes":[{"field":"messages","value":{"contacts":[{"wa_id":"` + canary + `"}],"messages":[{"text":{"body":"` + canary + `"}}]}},{"value":{"message_echoes":[{"to":"` + canary + `"}]},"field":"smb_message_echoes"},{"field":"of_tomorrow","value":{"x":[{"from":"` + canary + `"}]}}]}`

func FuzzParseDelivery(f *testing.F) {
	files, err := filepath.Glob("testdata/webhooks/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal(len(files), err)
	}
	for _, name := range files {
		body, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		given := bytes.Clone(body)
		d := ParseDelivery(given, received)
		if !bytes.Equal(given, body) {
			t.Fatal("the body was written to")
		}
		clear(given) // nothing may share its memory
		for _, r := range d.Readings {
			if r.Subject.ID == "" || r.Value == "" || r.Track != quality.Told || len(r.Receipt) != 64 || strings.ContainsAny(r.Value, "\n\x00") ||
				len(r.Raw) > quality.MaxRawBytes || !utf8.ValidString(r.Raw) || !utf8.ValidString(r.Value) {
				t.Errorf("reading %+v", r)
			}
			if !slices.Contains(d.WABAIDs, r.Subject.WABAID) {
				t.Errorf("reading of %s, which is not among %v", r.Subject, d.WABAIDs)
			}
			for k, v := range r.Attrs {
				if v == "" || !utf8.ValidString(v) || strings.ContainsAny(v, "\n\x00\x1b\u202e") || utf8.RuneCountInString(v) > quality.MaxTextRunes {
					t.Errorf("attribute %s = %q", k, v)
				}
			}
		}
		for _, n := range d.Unknown {
			if len(n.Raw) > quality.MaxRawBytes || !utf8.ValidString(n.Raw) || utf8.RuneCountInString(n.Kind) > 200 {
				t.Errorf("novelty %+v", n)
			}
		}
		if !utf8.Valid(body) || !jsontext.Value(body).IsValid() {
			return
		}
		// White space and the order of members mean nothing.
		same := keysOf(ParseDelivery(body, received))
		sorted, ok := reordered(body)
		if ok {
			if again := keysOf(ParseDelivery(sorted, received)); !slices.Equal(same, again) {
				t.Errorf("%s\n= %v\n%s\n= %v", body, same, sorted, again)
			}
		}
		// Nor does what people write beside it.
		dense := jsontext.Value(bytes.Clone(body))
		if err := dense.Compact(); err != nil {
			t.Fatal(err)
		}
		if at := bytes.LastIndex(dense, []byte(`"entry":[{`)); at >= 0 {
			spoken := slices.Concat(dense[:at+9], []byte(planted+","), dense[at+9:])
			if got := fmt.Sprintf("%+v", ParseDelivery(spoken, received)); strings.Contains(got, canary) && !bytes.Contains(body, []byte("CANARY")) {
				t.Errorf("%s\nis kept: %s", spoken, got)
			}
		}
	})
}

// reordered writes JSON with the members of each object in reverse order, on lines of their own.
func reordered(body []byte) (out []byte, ok bool) {
	o, ok := parseObject(body)
	if ok {
		out = append(out, '{')
		slices.Reverse(o)
		for i, m := range o {
			if i > 0 {
				out = append(out, " ,\n"...)
			}
			name, err := jsontext.AppendQuote(nil, string(m.name))
			v, fine := reordered(m.value)
			if err != nil || !fine {
				return nil, false
			}
			out = append(append(append(out, name...), "\t: "...), v...)
		}
		return append(out, '}'), true
	}
	if len(body) == 0 || body[0] != '[' {
		return body, len(body) > 0
	}
	out = append(out, '[')
	for i, v := range (object{{[]byte("a"), body}}).list("a") {
		if i > 0 {
			out = append(out, ',')
		}
		v, fine := reordered(v)
		if !fine {
			return nil, false
		}
		out = append(out, v...)
	}
	return append(out, ' ', ']'), true
}

func keysOf(d quality.Delivery) []string {
	var out []string
	for _, r := range d.Readings {
		out = append(out, fmt.Sprint(r.Subject, r.Key(), r.Receipt))
	}
	return out
}
