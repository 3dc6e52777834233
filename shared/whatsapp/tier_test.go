package whatsapp

import (
	"testing"

	"github.com/wabawatch/wabawatch/shared/quality"
)

func TestNormaliseTier(t *testing.T) {
	for in, want := range map[string]string{
		"TIER_250": "TIER_250", "250": "TIER_250", "TIER_1K": "TIER_1K", "1000": "TIER_1K", "TIER_2000": "TIER_2K", "2k": "TIER_2K",
		"10000": "TIER_10K", "tier_100k": "TIER_100K", "100000": "TIER_100K", "50": "TIER_50", "TIER_UNLIMITED": "TIER_UNLIMITED",
		"unlimited": "TIER_UNLIMITED", "-1": "TIER_UNLIMITED", "TIER_NOT_SET": "UNKNOWN", "UNTIERED": "UNKNOWN", "": "UNKNOWN", " 250 ": "TIER_250",
		"TIER_SOMETHING": "TIER_SOMETHING", "0": "0", "-5": "-5", "2.5": "2.5", "2000.0": "TIER_2K", "2e3": "TIER_2K", "1e5": "TIER_100K", "NaN": "NaN", "1e99": "1e99", "99999999999999999999": "99999999999999999999", "K": "K",
	} {
		if got := NormaliseTier(in); got != want {
			t.Errorf("NormaliseTier(%q) = %q, want %q", in, got, want)
		}
		if again := NormaliseTier(NormaliseTier(in)); again != NormaliseTier(in) {
			t.Errorf("NormaliseTier(%q) is not stable: %q", in, again)
		}
	}
}

func TestSettle(t *testing.T) {
	for _, tc := range []struct {
		kind  quality.Kind
		sig   quality.Signal
		value string
		want  string
		known bool
	}{
		{quality.PhoneNumber, quality.QualityRating, "NA", "UNKNOWN", true},
		{quality.PhoneNumber, quality.QualityRating, "n/a", "n/a", false},
		{quality.PhoneNumber, quality.Status, "connected", "CONNECTED", true},
		{quality.PhoneNumber, quality.Status, "Rate Limited", "RATE_LIMITED", true},
		{quality.PhoneNumber, quality.Status, "NA", "NA", false},
		{quality.PhoneNumber, quality.VerifiedName, "anything at all", "anything at all", true},
		{quality.Account, quality.BusinessVerification, "NOT_VERIFIED", "not_verified", true},
		{quality.Template, quality.Status, "pending deletion", "PENDING_DELETION", true},
		{quality.Template, quality.Status, "PURPLE", "PURPLE", false},
	} {
		got, known := settle(tc.kind, tc.sig, tc.value)
		if got != tc.want || known != tc.known {
			t.Errorf("settle(%s, %s, %q) = %q, %t, want %q, %t", tc.kind, tc.sig, tc.value, got, known, tc.want, tc.known)
		}
	}
}
