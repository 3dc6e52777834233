package whatsapp

import (
	"context"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// phoneNumber is a row of /{WABA}/phone_numbers. Its members are read one by one, so that one
// of an unexpected type costs no more than itself.
// Source: Meta, phone numbers of a WhatsApp Business Account, checked 2026-11.
type phoneNumber struct {
	ID                        jsontext.Value `json:"id"`
	DisplayPhoneNumber        jsontext.Value `json:"display_phone_number"`
	VerifiedName              jsontext.Value `json:"verified_name"`
	QualityRating             jsontext.Value `json:"quality_rating"`
	Status                    jsontext.Value `json:"status"`
	NameStatus                jsontext.Value `json:"name_status"`
	Throughput                jsontext.Value `json:"throughput"`
	CodeVerificationStatus    jsontext.Value `json:"code_verification_status"`
	IsOfficialBusinessAccount jsontext.Value `json:"is_official_business_account"`
	AccountMode               jsontext.Value `json:"account_mode"`
}

// numberFields are asked for; the first two identify the number.
var numberFields = []string{
	"id", "display_phone_number", "verified_name", "quality_rating", "status", "name_status", "throughput",
	"code_verification_status", "is_official_business_account", "account_mode",
}

var numberSignals = map[string]quality.Signal{
	"verified_name":                quality.VerifiedName,
	"quality_rating":               quality.QualityRating,
	"status":                       quality.Status,
	"name_status":                  quality.NameStatus,
	"throughput":                   quality.Throughput,
	"code_verification_status":     quality.CodeVerification,
	"is_official_business_account": quality.OfficialAccount,
}

// numbers polls the phone numbers of an account.
func (v *visit) numbers(ctx context.Context, waba string) (quality.Sighting, error) {
	r := newReader(waba, numberFields)
	without, err := v.list(ctx, listing{
		edge: "numbers", path: waba + "/phone_numbers", fields: numberFields, needed: 2,
		begin: func(asked []string) { r = newReader(waba, asked) },
		row:   func(row jsontext.Value) { r.number(row) },
	})
	notTold := signalsOf(without, numberSignals)
	r.refused(quality.PhoneNumber, notTold)
	s := r.sighting(quality.Numbers, v, err)
	s.Without = notTold
	return s, err
}

// number reads one row. Rating: NA, null and absent are UNKNOWN.
func (r *reader) number(row jsontext.Value) {
	raw := evidence(row)
	see := r.identify(row, raw)
	if see == nil {
		return
	}
	var n phoneNumber
	if json.Unmarshal(row, &n, tolerant) != nil {
		return
	}
	for _, f := range []struct {
		field     string
		value     jsontext.Value
		otherwise string
	}{
		{"verified_name", n.VerifiedName, ""},
		{"quality_rating", n.QualityRating, quality.Unknown},
		{"status", n.Status, ""},
		{"name_status", n.NameStatus, ""},
		{"throughput", level(n.Throughput), ""},
		{"code_verification_status", n.CodeVerificationStatus, ""},
		{"is_official_business_account", n.IsOfficialBusinessAccount, ""},
	} {
		r.value(see, numberSignals[f.field], f.field, f.value, f.otherwise, raw)
	}
	see.Values[quality.Presence] = quality.Observed{Value: quality.Present}
}

// identify finds the number that a row is about, by the digits of its display number: webhooks
// know no other id. It returns nil if there is no telling, and reports that; or if another row
// of the list has the same digits and stands for the number. That is so of a number that moved:
// the connected row stands, else the greater id. A number of Meta's sandbox is none of the
// customer's, and its values mean nothing.
func (r *reader) identify(row jsontext.Value, raw string) *quality.Seeing {
	var n phoneNumber
	if row.Kind() != '{' || json.Unmarshal(row, &n, tolerant) != nil {
		r.novel("row:"+string(quality.PhoneNumber), raw)
		return nil
	}
	if mode, _ := text(n.AccountMode); strings.EqualFold(mode, "SANDBOX") {
		return nil
	}
	display, _ := text(n.DisplayPhoneNumber)
	digits := quality.Digits(display)
	if digits == "" || len(digits) > 32 {
		r.novel("row:"+string(quality.PhoneNumber)+".display_phone_number", raw)
		return nil
	}
	id, _ := text(n.ID)
	if !isID(id) {
		id = ""
	}
	status, _ := text(n.Status)
	rank := standing(status, id)
	see, fresh := r.seeing(quality.Subject{Kind: quality.PhoneNumber, WABAID: r.waba, ID: digits})
	if !fresh {
		if rank < r.standing[see.Subject] {
			return nil
		}
		clear(see.Values)
		clear(see.Refs)
	}
	r.standing[see.Subject] = rank
	name, _ := text(n.VerifiedName)
	see.Name = quality.Clip(name, quality.MaxTextRunes)
	see.Refs[quality.RefDisplay] = quality.Clip(display, 40)
	if id != "" {
		see.Refs[quality.RefPhoneNumberID] = id
	}
	return see
}

// standing orders rows of one number: by being connected, then by the size of the id.
func standing(status, id string) string {
	live := "0"
	if s, _ := settle(quality.PhoneNumber, quality.Status, status); s == "CONNECTED" {
		live = "1"
	}
	return live + string(rune('0'+len(id))) + id
}

// level is the member of that name of a throughput object. Anything else is returned as it is.
func level(v jsontext.Value) jsontext.Value {
	var t struct {
		Level jsontext.Value `json:"level"`
	}
	if v.Kind() == '{' && json.Unmarshal(v, &t, tolerant) == nil {
		return t.Level
	}
	return v
}
