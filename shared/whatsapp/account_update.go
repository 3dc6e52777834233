package whatsapp

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// accountEvent is the value of an account_update. Which members are there depends on the event.
type accountEvent struct {
	Event       scalar         `json:"event"`
	PhoneNumber scalar         `json:"phone_number"`
	Country     scalar         `json:"country"`
	Violation   jsontext.Value `json:"violation_info"`
	Restriction jsontext.Value `json:"restriction_info"`
	Ban         jsontext.Value `json:"ban_info"`
	WABA        jsontext.Value `json:"waba_info"`
	Disconnect  jsontext.Value `json:"disconnection_info"`
	Partner     jsontext.Value `json:"partner_client_certification_info"`
}

// aboutMoney are events of prices, terms and partners, which say nothing of quality.
var aboutMoney = []string{
	"BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE", "AUTH_INTL_PRICE_ELIGIBILITY_UPDATE", "VOLUME_BASED_PRICING_TIER_UPDATE",
	"AD_ACCOUNT_LINKED", "MM_LITE_TERMS_SIGNED", "PARTNER_APP_INSTALLED", "PARTNER_APP_UNINSTALLED", "VERIFIED_ACCOUNT",
	"PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE", "BUSINESS_VERIFICATION_STATUS_UPDATE",
}

// Source: Meta, webhook reference account_update, state of 2026-04-20, checked 2026-11.
func (c *change) accountUpdate() error {
	var v accountEvent
	if err := c.decode(&v); err != nil {
		return err
	}
	event := string(v.Event)
	var info struct {
		ID scalar `json:"waba_id"`
	}
	part(v.WABA, &info)
	if isID(string(info.ID)) {
		c.waba = string(info.ID) // of PARTNER events the entry's id is a portfolio
	}
	for _, known := range aboutMoney {
		if event == known {
			if strings.HasPrefix(event, "PARTNER_APP_") {
				c.d.Asks = append(c.d.Asks, quality.Ask{WABAID: c.waba, Class: quality.AccountOf})
			}
			return nil
		}
	}
	if info.ID == "" && strings.HasPrefix(event, "PARTNER_") {
		return malformed("a partner's event without an account")
	}
	account := quality.AccountSubject(c.waba)
	switch event {
	case "ACCOUNT_VIOLATION":
		return c.violation(v)
	case "ACCOUNT_RESTRICTION":
		return c.restriction(v)
	case "DISABLED_UPDATE":
		return c.ban(v)
	case "ACCOUNT_OFFBOARDED", "ACCOUNT_DELETED", "PARTNER_REMOVED", "ACCOUNT_RECONNECTED", "PARTNER_ADDED":
		var d struct {
			Reason scalar `json:"reason"`
			By     scalar `json:"initiated_by"`
		}
		part(v.Disconnect, &d)
		c.add(account, quality.Offboarded, event, quality.AttrReason, string(d.Reason), quality.AttrDescription, string(d.By),
			quality.AttrPhoneNumber, quality.Digits(string(v.PhoneNumber)))
	case "":
		return malformed("no event")
	default:
		c.unknownEvent(event)
	}
	return nil
}

// part decodes a member that is an object; a broken one is left out.
func part(raw jsontext.Value, into any) {
	if raw.Kind() == '{' {
		_ = json.Unmarshal(raw, into, lenient)
	}
}

// concerned is the number that an event names, or else the account.
func (c *change) concerned(v accountEvent) quality.Subject {
	if number, err := c.number(string(v.PhoneNumber)); err == nil {
		return number
	}
	return quality.AccountSubject(c.waba)
}

type violationInfo struct {
	Type        scalar `json:"violation_type"`
	Remediation scalar `json:"remediation"`
}

func (c *change) violation(v accountEvent) error {
	var info violationInfo
	part(v.Violation, &info)
	if info.Type == "" {
		info.Type = "UNSPECIFIED"
	}
	c.add(quality.AccountSubject(c.waba), quality.Violation, string(info.Type), quality.AttrRemediation, string(info.Remediation),
		quality.AttrPhoneNumber, quality.Digits(string(v.PhoneNumber)))
	return nil
}

// liftings end the violation types that lift restrictions.
//
// Source: Meta, Direct Send, integrity and content guidelines, checked 2026-11.
var liftings = []string{"_UNBAN", "_RECOVERY", "_LIFTED", "_REINSTATE"}

// restriction is a restriction if it names one. Without, it is a warning or the end of
// restrictions, as its violation type says.
func (c *change) restriction(v accountEvent) error {
	var why violationInfo
	part(v.Violation, &why)
	s := c.concerned(v)
	found := false
	for _, raw := range elements(v.Restriction) {
		var r struct {
			Type        scalar         `json:"restriction_type"`
			Expiration  jsontext.Value `json:"expiration"`
			Remediation scalar         `json:"remediation"`
		}
		if raw.Kind() != '{' || json.Unmarshal(raw, &r, lenient) != nil || r.Type == "" {
			c.novel("malformed:account_update.restriction_info", c.waba, c.raw)
			continue
		}
		found = true
		c.add(s, quality.Restriction(clip(r.Type)), quality.RestrictionActive, quality.AttrUntil, rfc3339(wireTime(r.Expiration)),
			quality.AttrRemediation, string(r.Remediation), quality.AttrViolation, string(why.Type))
	}
	if found {
		return nil
	}
	kind := string(why.Type)
	for _, end := range liftings {
		if strings.HasSuffix(kind, end) {
			c.add(s, quality.RestrictionLifted, kind)
			return nil
		}
	}
	if kind == "" {
		c.unknownEvent("ACCOUNT_RESTRICTION without a restriction or a violation")
		return nil
	}
	if !strings.Contains(kind, "_WARN") && !strings.HasSuffix(kind, "_ABUSE") {
		c.unknownEvent("ACCOUNT_RESTRICTION/" + kind)
	}
	return c.violation(v)
}

// ban reads a state that may be an array, of which the last counts. The date is prose.
func (c *change) ban(v accountEvent) error {
	var info struct {
		State jsontext.Value `json:"waba_ban_state"`
		Date  scalar         `json:"waba_ban_date"`
	}
	part(v.Ban, &info)
	states := elements(info.State)
	if len(states) == 0 {
		return malformed("no ban state")
	}
	var state scalar
	if err := json.Unmarshal(states[len(states)-1], &state, lenient); err != nil || state == "" {
		return malformed("no ban state")
	}
	switch state {
	case "SCHEDULE_FOR_DISABLE", "DISABLE", "REINSTATE":
	default:
		c.novel("value:account.ban_state/"+clip(state), c.waba, c.raw)
	}
	c.add(quality.AccountSubject(c.waba), quality.BanState, string(state), quality.AttrDate, string(info.Date))
	return nil
}
