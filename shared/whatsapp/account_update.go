package whatsapp

import (
	"slices"
	"strings"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// aboutMoney are events of prices, terms and verification, which say nothing of quality.
var aboutMoney = []string{
	"BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE", "AUTH_INTL_PRICE_ELIGIBILITY_UPDATE", "VOLUME_BASED_PRICING_TIER_UPDATE",
	"AD_ACCOUNT_LINKED", "MM_LITE_TERMS_SIGNED", "VERIFIED_ACCOUNT",
}

// certifications are events about the verification of a client's business, in the words of
// Meta and of relays. They name no account: their entry is a portfolio.
var certifications = []string{"PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE", "BUSINESS_VERIFICATION_STATUS_UPDATE"}

// ofPortfolio are events besides those of partners whose entry is a portfolio.
var ofPortfolio = []string{"AD_ACCOUNT_LINKED", "MM_LITE_TERMS_SIGNED"}

// accountUpdate is a dozen notifications in one; its event says which.
//
// Source: Meta, webhook reference account_update, state of 2026-04-20, checked 2026-11.
func (c *change) accountUpdate() error {
	event := upper(c.text("event"))
	if event == "" {
		return lacking("no event")
	}
	if id := c.part("waba_info").text("waba_id"); isID(id) && strings.Trim(id, "0") != "" {
		c.waba = id
	} else if strings.HasPrefix(event, "PARTNER_") || slices.Contains(certifications, event) || slices.Contains(ofPortfolio, event) {
		c.waba = ""
	}
	switch event {
	case "ACCOUNT_VIOLATION":
		c.violation()
	case "ACCOUNT_RESTRICTION":
		return c.restriction()
	case "DISABLED_UPDATE":
		return c.ban()
	case "ACCOUNT_OFFBOARDED", "ACCOUNT_DELETED", "PARTNER_REMOVED", "ACCOUNT_RECONNECTED", "PARTNER_ADDED":
		if c.waba == "" {
			return lacking("a partner's event without an account")
		}
		why := c.part("disconnection_info")
		c.check("account.disconnection", why.text("reason"), disconnections...)
		c.check("account.disconnected_by", why.text("initiated_by"), "USER", "SYSTEM")
		c.add(quality.AccountSubject(c.waba), quality.Offboarded, event, quality.AttrReason, why.text("reason"),
			quality.AttrDescription, why.text("initiated_by"), quality.AttrPhoneNumber, c.namedNumber())
	case "PARTNER_APP_INSTALLED", "PARTNER_APP_UNINSTALLED":
		if c.waba == "" {
			return lacking("a partner's event without an account")
		}
		c.ask(c.waba, quality.AccountOf) // what can be polled has changed
	default:
		if !slices.Contains(aboutMoney, event) && !slices.Contains(certifications, event) {
			c.unknownEvent(event)
		}
	}
	return nil
}

// disconnections are why a number left, by its owner's phone.
//
// Source: Meta, webhook reference account_update, checked 2026-11.
var disconnections = []string{
	"ACCOUNT_DISCONNECTED", "BUSINESS_DOWNGRADE", "CHANGE_NUMBER", "COMPANION_INACTIVITY", "PRIMARY_INACTIVITY", "USER_RE_REGISTERED",
}

// namedNumber is the digits of the number that an event of the account names; "" if none.
func (c *change) namedNumber() string {
	number, _ := c.number("phone_number")
	return number.ID
}

// concerned is the number that an event names, or else the account.
func (c *change) concerned() quality.Subject {
	if number, ok := c.number("phone_number"); ok {
		return number
	}
	return quality.AccountSubject(c.waba)
}

// violationTypes are the policies, the calling qualities, and the warnings of Direct Send.
//
// Source: Meta, policy violations and Direct Send, integrity and content guidelines, with the
// calling types that only relays document, checked 2026-11.
var violationTypes = []string{
	"ADULT", "ALCOHOL", "ANIMALS", "BODY_PARTS_FLUIDS", "DATING", "DIGITAL_SERVICES_PRODUCTS", "DRUGS", "GAMBLING", "HEALTHCARE",
	"ILLEGAL_PRODUCTS", "MISLEADING", "OVERTLY_SEXUALIZED_POSITIONING", "REAL_FAKE_CURRENCY", "SCAM", "SUPPLEMENTS",
	"THIRD_PARTY_INFRINGEMENTS", "TOBACCO", "UNAUTHORIZED_MEDIA", "WEAPONS",
	"LOW_BUSINESS_INITIATED_CALLING_QUALITY", "LOW_USER_INITIATED_CALLING_QUALITY", "USER_INITIATED_CALLS_LOW_PICKUP_RATE",
	"DIRECT_SEND_UTILITY_CATEGORY_ABUSE_WARN", "DIRECT_SEND_UTILITY_TEMPLATE_ABUSE_WARN", "DIRECT_SEND_UTILITY_TEMPLATE_ABUSE",
}

// violation warns of a violation. One without a type is a warning all the same.
func (c *change) violation() {
	info := c.part("violation_info")
	kind := "UNSPECIFIED"
	if t := info.text("violation_type"); t != "" {
		kind = c.check("account.violation", t, violationTypes...)
	}
	c.add(quality.AccountSubject(c.waba), quality.Violation, kind, quality.AttrRemediation, info.text("remediation"),
		quality.AttrPhoneNumber, c.namedNumber())
}

// restrictionTypes are what Meta may keep an account or a number from.
//
// Source: Meta, webhook reference account_update, checked 2026-11.
var restrictionTypes = []string{
	"RESTRICTED_BIZ_INITIATED_MESSAGING", "RESTRICTED_CUSTOMER_INITIATED_MESSAGING", "RESTRICTED_ADD_PHONE_NUMBER_ACTION",
	"RESTRICTED_UTILITY_TEMPLATES", "RESTRICTED_DIRECT_SEND_UTILITY_TEMPLATES", "RESTRICTED_BUSINESS_INITIATED_CALLING",
	"RESTRICTED_USER_INITIATED_CALLING", "RESTRICTED_BIZ_INITIATED_AND_USER_INITIATED_CALLING",
	"RESTRICTED_USER_INITIATED_CALLING_CALL_BUTTON_HIDDEN",
}

// liftings end the violation types that lift restrictions; stages are the ends of those known.
//
// Source: Meta, Direct Send, integrity and content guidelines, checked 2026-11.
var (
	liftings = []string{"_UNBAN", "_RECOVERY"}
	stages   = []string{"_WARN", "_RATE_LIMIT", "_STRIKE_1", "_STRIKE_2", "_OFFBOARD", "_UNBAN", "_RATE_LIMIT_RECOVERY"}
)

// checkStage reports a violation type behind a restriction, or behind its end, that is none of
// those this version knows.
func (c *change) checkStage(why string) {
	for _, abuse := range []string{"DIRECT_SEND_UTILITY_CATEGORY_ABUSE", "DIRECT_SEND_UTILITY_TEMPLATE_ABUSE"} {
		if stage, ok := strings.CutPrefix(upper(why), abuse); ok && slices.Contains(stages, stage) {
			return
		}
	}
	c.check("account.violation", why, violationTypes...)
}

// restriction is a restriction if it names one. Without, it is a warning or the end of
// restrictions, as its violation type says.
func (c *change) restriction() error {
	why := c.part("violation_info").text("violation_type")
	s := c.concerned()
	found := false
	for _, raw := range c.list("restriction_info") {
		r, _ := parseObject(raw)
		kind := r.text("restriction_type")
		if kind == "" {
			c.odd("malformed:account_update.restriction_info")
			continue
		}
		found = true
		kind = c.check("account.restriction", kind, restrictionTypes...)
		until := stamp(r.raw("expiration"))
		if until == "" && r.text("expiration") != "" && r.text("expiration") != "0" {
			c.odd("malformed:account_update.expiration")
		}
		c.add(s, quality.Restriction(token(kind)), quality.RestrictionActive, quality.AttrUntil, until,
			quality.AttrRemediation, r.text("remediation"), quality.AttrViolation, why)
	}
	if found {
		c.checkStage(why)
		return nil
	}
	if slices.ContainsFunc(liftings, func(end string) bool { return strings.HasSuffix(upper(why), end) }) {
		c.checkStage(why)
		c.add(s, quality.RestrictionLifted, upper(why))
		return nil
	}
	if why == "" {
		return lacking("neither a restriction nor a violation")
	}
	c.violation()
	return nil
}

// ban reads a state that may be an array, of which the last counts. The date is prose.
//
// Source: Meta, webhook reference account_update and a sample of manage webhooks, checked 2026-11.
func (c *change) ban() error {
	info := c.part("ban_info")
	states := info.list("waba_ban_state")
	if len(states) == 0 || scalar(states[len(states)-1]) == "" {
		return lacking("no ban state")
	}
	state := c.check("account.ban_state", scalar(states[len(states)-1]), "SCHEDULE_FOR_DISABLE", "DISABLE", "REINSTATE")
	c.add(quality.AccountSubject(c.waba), quality.BanState, state, quality.AttrDate, info.text("waba_ban_date"))
	return nil
}
