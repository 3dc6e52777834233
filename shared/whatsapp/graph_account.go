package whatsapp

import (
	"context"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// businessAccount is the node of a WhatsApp Business Account.
// Source: Meta, WhatsApp Business Account node; the limit since v24.0; status only in Meta's
// SDKs, checked 2026-11.
type businessAccount struct {
	ID                         jsontext.Value `json:"id"`
	Name                       jsontext.Value `json:"name"`
	AccountReviewStatus        jsontext.Value `json:"account_review_status"`
	BusinessVerificationStatus jsontext.Value `json:"business_verification_status"`
	Status                     jsontext.Value `json:"status"`
	MessagingLimit             jsontext.Value `json:"whatsapp_business_manager_messaging_limit"`
	OwnerBusinessInfo          jsontext.Value `json:"owner_business_info"`
}

// limitField holds the messaging limit, on the account and on each of its numbers.
const limitField = "whatsapp_business_manager_messaging_limit"

var accountFields = []string{
	"id", "name", "account_review_status", "business_verification_status", "status", limitField, "owner_business_info",
}

var accountSignals = map[string]quality.Signal{
	"account_review_status":        quality.ReviewStatus,
	"business_verification_status": quality.BusinessVerification,
	"status":                       quality.AccountStatus,
	limitField:                     quality.MessagingLimit,
}

// account polls the node of an account: review, verification, and the messaging limit of the
// portfolio that owns it. Where the node lacks the limit, the account's numbers are asked.
func (v *visit) account(ctx context.Context, waba string) (quality.Sighting, error) {
	var wire businessAccount
	asked, without, err := v.node(ctx, "account", waba, accountFields, 1, &wire)
	r := newReader(waba, asked)
	if err != nil {
		return r.sighting(quality.AccountOf, v, err), err
	}
	raw := r.account(wire)
	portfolio := portfolioOf(wire)
	notTold := signalsOf(without, accountSignals)
	r.refused(quality.Account, notTold)
	limit, _ := text(wire.MessagingLimit)
	if limit == "" {
		if limit, raw, err = v.limitOfNumbers(ctx, waba); err != nil {
			limit = ""
		}
		// Not being told is no reading: the limit stays what it was.
		notTold = slices.DeleteFunc(notTold, func(s quality.Signal) bool { return s == quality.MessagingLimit })
		if limit == "" {
			notTold = append(notTold, quality.MessagingLimit)
		}
	}
	if limit != "" {
		r.limit(portfolio, limit, raw)
	}
	s := r.sighting(quality.AccountOf, v, nil)
	s.PortfolioID, s.Without = portfolio, notTold
	return s, nil
}

// account reads the node itself, and returns it as evidence.
func (r *reader) account(wire businessAccount) (raw string) {
	if b, err := json.Marshal(wire, tolerant, json.OmitZeroStructFields(true)); err == nil {
		raw = evidence(b)
	}
	see, _ := r.seeing(quality.AccountSubject(r.waba))
	name, _ := text(wire.Name)
	see.Name = quality.Clip(name, quality.MaxTextRunes)
	if p := portfolioOf(wire); p != "" {
		see.Refs[quality.RefPortfolioID] = p
	}
	r.value(see, quality.ReviewStatus, "account_review_status", wire.AccountReviewStatus, "", raw)
	r.value(see, quality.BusinessVerification, "business_verification_status", wire.BusinessVerificationStatus, "", raw)
	r.value(see, quality.AccountStatus, "status", wire.Status, "", raw)
	return raw
}

// limit puts a messaging limit on the portfolio, or on the account in its place while the
// portfolio is unknown.
func (r *reader) limit(portfolio, limit, raw string) {
	if portfolio == "" {
		portfolio = r.waba
	}
	see, _ := r.seeing(quality.Subject{Kind: quality.Portfolio, WABAID: r.waba, ID: portfolio})
	tier, known := settle(quality.Portfolio, quality.MessagingLimit, NormaliseTier(quality.Clip(limit, quality.MaxTextRunes)))
	if !known {
		r.novel(noveltyValue(quality.Portfolio, quality.MessagingLimit, tier), raw)
	}
	see.Values[quality.MessagingLimit] = quality.Observed{Value: tier, Raw: raw}
}

// portfolioOf is the id of the business portfolio that owns an account; "" if not said.
func portfolioOf(wire businessAccount) string {
	var owner struct {
		ID jsontext.Value `json:"id"`
	}
	if wire.OwnerBusinessInfo.Kind() != '{' || json.Unmarshal(wire.OwnerBusinessInfo, &owner, tolerant) != nil {
		return ""
	}
	if id, _ := text(owner.ID); isID(id) {
		return id
	}
	return ""
}

// limitOfNumbers reads the portfolio's limit off the account's numbers, which all share it.
// The older field, messaging_limit_tier, says the same since v24.0 and is asked for as well.
func (v *visit) limitOfNumbers(ctx context.Context, waba string) (limit, raw string, err error) {
	at := v.at
	_, err = v.list(ctx, listing{
		edge: "limit", path: waba + "/phone_numbers", fields: []string{"id", limitField, "messaging_limit_tier"}, needed: 1,
		begin: func([]string) { limit, raw = "", "" },
		row: func(row jsontext.Value) {
			var n struct {
				Limit jsontext.Value `json:"whatsapp_business_manager_messaging_limit"`
				Tier  jsontext.Value `json:"messaging_limit_tier"`
			}
			if limit != "" || row.Kind() != '{' || json.Unmarshal(row, &n, tolerant) != nil {
				return
			}
			raw = evidence(row)
			if limit, _ = text(n.Limit); limit == "" {
				limit, _ = text(n.Tier)
			}
		},
	})
	v.at = at
	return limit, raw, err
}
