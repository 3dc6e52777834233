package whatsapp_test

import (
	"maps"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/whatsapptest"
)

var unpaid = whatsapptest.Health{CanSend: "BLOCKED", Code: 141006, Description: "There is an error with the payment method.", Solution: "Add or fix the payment method."}

func TestHealthOfAccountAndNumbers(t *testing.T) {
	r := newRig(t, nil)
	addNumbers(r.meta, 2)
	r.meta.UpdateNumber("204857390112301", func(n *whatsapptest.Number) {
		n.Health = whatsapptest.Health{CanSend: "LIMITED", Info: "Your display name has not been approved yet."}
	})
	s, err := r.Poll(t.Context(), quality.Health, waba)
	if err != nil || !s.Complete || r.meta.TotalCalls() != 2 {
		t.Fatalf("%d calls, %v", r.meta.TotalCalls(), err)
	}
	want := map[string]string{waba: "AVAILABLE", "12025550100": "AVAILABLE", "12025550101": "LIMITED"}
	if d := cmp.Diff(want, values(s, quality.CanSendMessage)); d != "" {
		t.Errorf("can send (-want +got):\n%s", d)
	}
	o := find(t, s, quality.PhoneNumber, "12025550101").Values[quality.CanSendMessage]
	// What does not apply is said to be empty, so that nothing of an earlier fault remains.
	if d := cmp.Diff(map[string]string{quality.AttrEntity: "PHONE_NUMBER", quality.AttrDescription: "Your display name has not been approved yet.", quality.AttrCodes: "", quality.AttrSolutions: ""}, o.Attrs); d != "" {
		t.Errorf("attributes (-want +got):\n%s", d)
	}
	if o = find(t, s, quality.Account, waba).Values[quality.CanSendMessage]; len(o.Attrs) != 0 {
		t.Errorf("a healthy account has attributes %v", o.Attrs)
	}
}

func TestNumberIsBlockedByItsAccount(t *testing.T) {
	r := newRig(t, nil)
	addNumbers(r.meta, 1)
	r.meta.UpdateAccount(waba, func(a *whatsapptest.Account) { a.Health = unpaid })
	s, err := r.Poll(t.Context(), quality.Health, waba)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		quality.AttrEntity: "WABA", quality.AttrCodes: "141006", quality.AttrDescription: unpaid.Description, quality.AttrSolutions: unpaid.Solution,
	}
	for _, see := range s.Subjects {
		o := see.Values[quality.CanSendMessage]
		if d := cmp.Diff(want, o.Attrs); o.Value != "BLOCKED" || d != "" {
			t.Errorf("%s: %s (-want +got):\n%s", see.Subject, o.Value, d)
		}
	}
}

func TestHealthFallsBackToTheNumbersThemselves(t *testing.T) {
	// The list omits the field, as it may.
	r := newRig(t, nil)
	addNumbers(r.meta, 2)
	r.meta.UpdateNumber("204857390112300", func(n *whatsapptest.Number) { n.Health = unpaid })
	list := serve(t, func(w http.ResponseWriter, req *http.Request) {
		if strings.HasSuffix(req.URL.Path, "/phone_numbers") {
			q := req.URL.Query()
			q.Set("fields", "id,display_phone_number,status")
			req.URL.RawQuery = q.Encode()
		}
		r.meta.ServeHTTP(w, req)
	})
	s, err := list.Poll(t.Context(), quality.Health, waba)
	want := map[string]string{waba: "AVAILABLE", "12025550100": "BLOCKED", "12025550101": "AVAILABLE"}
	if d := cmp.Diff(want, values(s, quality.CanSendMessage)); err != nil || d != "" {
		t.Errorf("omitted: %v (-want +got):\n%s", err, d)
	}
	// The list refuses the field, or is too much for Meta with it.
	for _, spec := range []whatsapptest.ErrorSpec{
		{Status: 400, Code: 100, Message: "(#100) Tried accessing nonexisting field (health_status) on node type (X)", Path: "/phone_numbers"},
		{Status: 500, Code: 1, Message: "Please reduce the amount of data you're asking for, then retry your request", Path: "/phone_numbers"},
	} {
		r := newRig(t, nil)
		addNumbers(r.meta, 2)
		proxy := serve(t, func(w http.ResponseWriter, req *http.Request) {
			if strings.Contains(req.URL.RawQuery, "health_status") && strings.HasSuffix(req.URL.Path, "/phone_numbers") {
				r.meta.FailNext(1, spec)
			}
			r.meta.ServeHTTP(w, req)
		})
		s, err := proxy.Poll(t.Context(), quality.Health, waba)
		if got := values(s, quality.CanSendMessage); err != nil || len(got) != 3 || len(s.Without) != 0 {
			t.Errorf("code %d: %v, %v", spec.Code, got, err)
		}
	}
}

func TestHealthThatNobodyTells(t *testing.T) {
	r := newRig(t, nil)
	addNumbers(r.meta, 2)
	r.meta.RefuseField("health_status", false)
	for range 2 {
		s, err := r.Poll(t.Context(), quality.Health, waba)
		if d := cmp.Diff([]quality.Signal{quality.CanSendMessage}, s.Without); err != nil || d != "" {
			t.Errorf("Poll = %v, without (-want +got):\n%s", err, d)
		}
	}
	if n := r.meta.Calls("GET 204857390112300") + r.meta.Calls("GET 204857390112301"); n > 2 {
		t.Errorf("numbers asked %d times for what they refuse", n)
	}
}

func TestHealthOfOneNodeRefusedOrFailing(t *testing.T) {
	refuse := func(spec whatsapptest.ErrorSpec) (quality.Sighting, error) {
		r := newRig(t, nil)
		addNumbers(r.meta, 2)
		for _, id := range []string{"204857390112300", "204857390112301"} {
			r.meta.UpdateNumber(id, func(n *whatsapptest.Number) { n.Extra = map[string]any{"health_status": nil} })
		}
		spec.Path = "204857390112301"
		r.meta.FailNext(3, spec)
		return r.Poll(t.Context(), quality.Health, waba)
	}
	s, err := refuse(whatsapptest.ErrorSpec{Status: 403, Code: 10})
	if got := values(s, quality.CanSendMessage); err != nil || !s.Complete || len(got) != 1 || len(s.Subjects) != 3 {
		t.Errorf("refused: %v of %d subjects, %v", got, len(s.Subjects), err)
	}
	s, err = refuse(whatsapptest.ErrorSpec{Status: 503, Code: 2})
	if p := failure(t, err); p.Failure != quality.FailTemporary || s.Complete || values(s, quality.CanSendMessage)[waba] != "AVAILABLE" {
		t.Errorf("failing: %+v, %v", s, err)
	}
	// Numbers that were not asked, or did not answer, have no say: not even that they have no value.
	if len(s.Subjects) != 1 {
		t.Errorf("failing: %d subjects, want the account alone", len(s.Subjects))
	}
}

// TestHealthAsMetaWritesIt reads the documented examples.
func TestHealthAsMetaWritesIt(t *testing.T) {
	for file, want := range map[string]quality.Observed{
		"health_status.phone_available.json": {Value: "AVAILABLE"},
		"health_status.phone_limited.json": {Value: "LIMITED", Attrs: map[string]string{quality.AttrEntity: "PHONE_NUMBER",
			quality.AttrDescription: "Your display name has not been approved yet. Your message limit will increase after the display name is approved."}},
		"health_status.waba_blocked_payment.json": {Value: "BLOCKED", Attrs: map[string]string{quality.AttrEntity: "WABA", quality.AttrCodes: "141006",
			quality.AttrDescription: "There is an error with the payment method.", quality.AttrSolutions: "Add or fix the payment method in WhatsApp Manager."}},
	} {
		node, err := os.ReadFile("testdata/graph/" + file)
		if err != nil {
			t.Fatal(err)
		}
		r := serve(t, func(w http.ResponseWriter, req *http.Request) {
			switch {
			case strings.HasSuffix(req.URL.Path, "/phone_numbers"):
				_, _ = w.Write([]byte(`{"data":[{"id":"204857390112345","display_phone_number":"1"}]}`))
			case strings.Contains(string(node), `"id": "`+req.URL.Path[len("/v26.0/"):]+`"`+"\n}"):
				_, _ = w.Write(node)
			default:
				w.WriteHeader(403)
				_, _ = w.Write([]byte(`{"error":{"code":10}}`))
			}
		})
		s, err := r.Poll(t.Context(), quality.Health, waba)
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
		found := false
		for _, see := range s.Subjects {
			o, ok := see.Values[quality.CanSendMessage]
			if !ok {
				continue
			}
			found = true
			o.Raw = ""
			maps.DeleteFunc(o.Attrs, func(_, v string) bool { return v == "" })
			if len(o.Attrs) == 0 {
				o.Attrs = nil
			}
			if d := cmp.Diff(want, o); d != "" {
				t.Errorf("%s (-want +got):\n%s", file, d)
			}
		}
		if !found {
			t.Errorf("%s: nobody is %s", file, want.Value)
		}
	}
}
