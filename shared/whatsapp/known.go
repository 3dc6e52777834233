package whatsapp

import (
	"slices"
	"strings"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// valueSet names one signal of one kind of subject.
type valueSet struct {
	kind   quality.Kind
	signal quality.Signal
}

var (
	ratings = []string{quality.Green, quality.Yellow, quality.Red, quality.Unknown}
	yesNo   = []string{quality.Yes, quality.No}
	sending = []string{"AVAILABLE", "LIMITED", "BLOCKED"}
)

// knownValues lists, for every signal with a closed set of values, those this version knows.
// A value that is not here is kept as it is and reported once. Signals that are not here have
// an open set, such as names.
//
// Source: Meta, references of phone numbers, message templates and WhatsApp Business Account,
// with the values that only Meta's SDKs list, checked 2026-11.
var knownValues = map[valueSet][]string{
	{quality.PhoneNumber, quality.QualityRating}: ratings,
	{quality.PhoneNumber, quality.Status}: {
		"CONNECTED", "PENDING", "UNVERIFIED", "FLAGGED", "RESTRICTED", "RATE_LIMITED", "BANNED", "DISCONNECTED", "MIGRATED",
		"DELETED", "UNKNOWN", "LINKED", "UNLINKED", "OFFLINE",
	},
	{quality.PhoneNumber, quality.NameStatus}: {
		"APPROVED", "AVAILABLE_WITHOUT_REVIEW", "DECLINED", "EXPIRED", "PENDING_REVIEW", "NONE",
	},
	{quality.PhoneNumber, quality.CodeVerification}: {"VERIFIED", "NOT_VERIFIED", "UNVERIFIED", "EXPIRED"},
	{quality.PhoneNumber, quality.Throughput}:       {"STANDARD", "HIGH", "NOT_APPLICABLE"},
	{quality.PhoneNumber, quality.OfficialAccount}:  yesNo,
	{quality.PhoneNumber, quality.CanSendMessage}:   sending,
	{quality.Template, quality.Status}: {
		"APPROVED", "ARCHIVED", "DELETED", "DISABLED", "IN_APPEAL", "LIMIT_EXCEEDED", "PAUSED", "PENDING",
		"PENDING_DELETION", "REJECTED",
	},
	{quality.Template, quality.QualityScore}:    ratings,
	{quality.Template, quality.Category}:        {"MARKETING", "UTILITY", "AUTHENTICATION"},
	{quality.Template, quality.CorrectCategory}: {"MARKETING", "UTILITY", "AUTHENTICATION"},
	{quality.Account, quality.CanSendMessage}:   sending,
	{quality.Account, quality.ReviewStatus}:     {"APPROVED", "REJECTED", "PENDING", "DEFERRED"},
	{quality.Account, quality.BusinessVerification}: {
		"expired", "failed", "ineligible", "not_verified", "pending", "pending_need_more_info", "pending_submission",
		"rejected", "revoked", "verified",
	},
	{quality.Portfolio, quality.MessagingLimit}: {
		"TIER_50", "TIER_250", "TIER_1K", "TIER_2K", "TIER_10K", "TIER_100K", "TIER_UNLIMITED", quality.Unknown,
	},
}

// settle spells a value as this version knows it: NA of a rating is UNKNOWN, and case, spaces
// and dashes do not make another value. known is false for a value of a closed set that is not
// listed; it is returned as it came.
func settle(k quality.Kind, s quality.Signal, value string) (settled string, known bool) {
	set, closed := knownValues[valueSet{k, s}]
	if !closed || slices.Contains(set, value) {
		return value, true
	}
	alike := strings.NewReplacer(" ", "_", "-", "_").Replace(strings.TrimSpace(value))
	if (s == quality.QualityRating || s == quality.QualityScore) && strings.EqualFold(alike, "NA") {
		return quality.Unknown, true
	}
	for _, v := range set {
		if strings.EqualFold(v, alike) {
			return v, true
		}
	}
	return value, false
}

// noveltyValue names an unknown value of a signal, for people and as identity.
func noveltyValue(k quality.Kind, s quality.Signal, value string) string {
	return "value:" + string(k) + "." + string(s) + "/" + quality.Clip(value, 60)
}
