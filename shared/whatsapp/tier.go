package whatsapp

import (
	"strconv"
	"strings"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// NormaliseTier spells a messaging limit as a tier: "TIER_2K" for TIER_2K, TIER_2000, 2000 and
// "2000"; "TIER_UNLIMITED" for UNLIMITED and -1. A limit that is not decided yet (TIER_NOT_SET,
// UNTIERED) is UNKNOWN: the one before it stays in mind. Anything else is returned as it came.
//
// Source: Meta, messaging limits, and business_capability_update, whose limit comes as a
// number or as a tier, checked 2026-11.
func NormaliseTier(limit string) string {
	t := strings.ToUpper(strings.TrimSpace(limit))
	t = strings.TrimPrefix(t, "TIER_")
	switch t {
	case "UNLIMITED", "-1":
		return "TIER_UNLIMITED"
	case "NOT_SET", "UNTIERED", "UNKNOWN", "":
		return quality.Unknown
	}
	digits, thousand := strings.CutSuffix(t, "K")
	n, err := strconv.ParseUint(digits, 10, 31)
	if err != nil || n == 0 {
		return limit
	}
	if thousand {
		n *= 1000
	}
	if n%1000 == 0 {
		return "TIER_" + strconv.FormatUint(n/1000, 10) + "K"
	}
	return "TIER_" + strconv.FormatUint(n, 10)
}
