package whatsapp

import (
	"math"
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
	users, err := strconv.ParseFloat(digits, 64) // JSON may spell a number as 2000.0 or 2e3
	if thousand {
		users *= 1000
	}
	if err != nil || !(users >= 1 && users < 1<<31) || users != math.Trunc(users) {
		return limit
	}
	n := uint64(users)
	if n%1000 == 0 {
		return "TIER_" + strconv.FormatUint(n/1000, 10) + "K"
	}
	return "TIER_" + strconv.FormatUint(n, 10)
}
