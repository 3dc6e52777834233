package whatsapp_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/whatsapptest"
)

func TestAccountAndItsPortfolio(t *testing.T) {
	r := serve(t, fixture(t, "waba.node.json"))
	s, err := r.Poll(t.Context(), quality.AccountOf, waba)
	if err != nil || !s.Complete || s.PortfolioID != portfolio || len(s.Without) != 0 || len(s.Unknown) != 0 {
		t.Fatalf("Poll = %+v, %v", s, err)
	}
	see := find(t, s, quality.Account, waba)
	if see.Name != "Acme WABA" || see.Refs[quality.RefPortfolioID] != portfolio || see.Subject != quality.AccountSubject(waba) {
		t.Errorf("account = %+v", see)
	}
	for sig, want := range map[quality.Signal]string{quality.ReviewStatus: "APPROVED", quality.BusinessVerification: "verified", quality.AccountStatus: "ACTIVE"} {
		if got := see.Values[sig].Value; got != want {
			t.Errorf("%s = %q, want %q", sig, got, want)
		}
	}
	limit := find(t, s, quality.Portfolio, portfolio)
	if limit.Subject.WABAID != waba || limit.Values[quality.MessagingLimit].Value != "TIER_10K" {
		t.Errorf("portfolio = %+v", limit)
	}
}

func TestPortfolioGoesByItsAccountWhileUnknown(t *testing.T) {
	r := serve(t, fixture(t, "waba.restricted_review.json"))
	s, err := r.Poll(t.Context(), quality.AccountOf, waba)
	if err != nil || s.PortfolioID != "" {
		t.Fatalf("Poll = %+v, %v", s, err)
	}
	if got := find(t, s, quality.Portfolio, waba).Values[quality.MessagingLimit].Value; got != "TIER_250" {
		t.Errorf("limit = %q", got)
	}
	if got := find(t, s, quality.Account, waba).Values[quality.ReviewStatus].Value; got != "REJECTED" {
		t.Errorf("review = %q", got)
	}
}

func TestLimitIsReadOffTheNumbersWhereTheAccountLacksIt(t *testing.T) {
	for name, tc := range map[string]struct {
		node, list string
		want       string
		without    []quality.Signal
	}{
		"the newer field": {`{"id":"` + waba + `"}`, `{"data":[{"id":"1"},{"id":"2","whatsapp_business_manager_messaging_limit":"TIER_2K"}]}`, "TIER_2K", nil},
		"the older field": {`{"id":"` + waba + `"}`, `{"data":[{"id":"1","messaging_limit_tier":"TIER_100K"}]}`, "TIER_100K", nil},
		"no number has it": {`{"id":"` + waba + `","whatsapp_business_manager_messaging_limit":null}`, `{"data":[]}`, "",
			[]quality.Signal{quality.MessagingLimit}},
		"the list is refused": {`{"id":"` + waba + `"}`, `{"error":{"code":10}}`, "", []quality.Signal{quality.MessagingLimit}},
	} {
		r := serve(t, func(w http.ResponseWriter, req *http.Request) {
			if strings.HasSuffix(req.URL.Path, "/phone_numbers") {
				_, _ = w.Write([]byte(tc.list))
			} else {
				_, _ = w.Write([]byte(tc.node))
			}
		})
		s, err := r.Poll(t.Context(), quality.AccountOf, waba)
		if err != nil || !s.Complete {
			t.Errorf("%s: %v", name, err)
		}
		if d := cmp.Diff(tc.without, s.Without); d != "" {
			t.Errorf("%s: without (-want +got):\n%s", name, d)
		}
		if got := values(s, quality.MessagingLimit)[waba]; got != tc.want {
			t.Errorf("%s: limit %q, want %q", name, got, tc.want)
		}
	}
}

func TestRefusedFieldsOfAnAccount(t *testing.T) {
	r := newRig(t, nil)
	addNumbers(r.meta, 1)
	r.meta.RefuseField("whatsapp_business_manager_messaging_limit", false)
	r.meta.RefuseField("owner_business_info", false)
	r.meta.RefuseField("account_review_status", false)
	s, err := r.Poll(t.Context(), quality.AccountOf, waba)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]quality.Signal{quality.ReviewStatus}, s.Without); d != "" {
		t.Errorf("without (-want +got):\n%s", d)
	}
	if got := values(s, quality.MessagingLimit)[waba]; got != "TIER_10K" {
		t.Errorf("limit by the older field = %q", got)
	}
}

func TestAnswerAboutAnotherAccountIsRefused(t *testing.T) {
	r := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"id":"1","account_review_status":"REJECTED"}`))
	})
	s, err := r.Poll(t.Context(), quality.AccountOf, waba)
	if p := failure(t, err); p.Failure != quality.FailMalformed || len(s.Subjects) != 0 {
		t.Errorf("Poll = %+v, %v", s, err)
	}
}

func TestUnknownAccountValuesAreReported(t *testing.T) {
	r := newRig(t, nil)
	r.meta.UpdateAccount(waba, func(a *whatsapptest.Account) {
		a.ReviewStatus, a.Limit, a.Verification = "PONDERED", "TIER_3K", "VERIFIED"
	})
	s, err := r.Poll(t.Context(), quality.AccountOf, waba)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"value:account.review_status/PONDERED", "value:portfolio.messaging_limit/TIER_3K"}, kinds(s)); d != "" {
		t.Errorf("unknown (-want +got):\n%s", d)
	}
	see := find(t, s, quality.Account, waba)
	if see.Values[quality.ReviewStatus].Value != "PONDERED" || see.Values[quality.BusinessVerification].Value != "verified" {
		t.Errorf("account = %+v", see.Values)
	}
}
