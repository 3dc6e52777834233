package whatsapp_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/whatsapptest"
)

// addNumbers gives the account n healthy numbers.
func addNumbers(m *whatsapptest.Meta, n int) {
	for i := range n {
		m.SetNumber(waba, whatsapptest.Number{
			ID: fmt.Sprintf("2048573901123%02d", i), Display: fmt.Sprintf("+1 202-555-01%02d", i), Name: fmt.Sprintf("Acme %d", i),
			Rating: "GREEN", Status: "CONNECTED", NameStatus: "APPROVED", Throughput: "STANDARD", CodeVerification: "VERIFIED",
		})
	}
}

// fixture serves files of testdata/graph, one a call; the last one for ever.
func fixture(t *testing.T, names ...string) http.HandlerFunc {
	t.Helper()
	var bodies [][]byte
	for _, name := range names {
		b, err := os.ReadFile(filepath.Join("testdata", "graph", name))
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, b)
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(bodies[0])
		if len(bodies) > 1 {
			bodies = bodies[1:]
		}
	}
}

// values returns what a sighting says about a signal, by id of the subject.
func values(s quality.Sighting, sig quality.Signal) map[string]string {
	out := map[string]string{}
	for _, see := range s.Subjects {
		if o, ok := see.Values[sig]; ok {
			out[see.Subject.ID] = o.Value
		}
	}
	return out
}

func kinds(s quality.Sighting) []string {
	var out []string
	for _, n := range s.Unknown {
		out = append(out, n.Kind)
	}
	return out
}

func find(t *testing.T, s quality.Sighting, kind quality.Kind, id string) quality.Seeing {
	t.Helper()
	for _, see := range s.Subjects {
		if see.Subject.Kind == kind && see.Subject.ID == id {
			return see
		}
	}
	t.Fatalf("no %s %s in %v", kind, id, s.Subjects)
	return quality.Seeing{}
}

func TestNumbersAcrossPages(t *testing.T) {
	r := serve(t, fixture(t, "phone_numbers.page1.json", "phone_numbers.page2_last.json"))
	s, err := r.Poll(t.Context(), quality.Numbers, waba)
	if err != nil {
		t.Fatal(err)
	}
	if !s.Complete || s.Class != quality.Numbers || s.WABAID != waba || s.At.IsZero() || len(s.Without) > 0 || len(s.Unknown) > 0 {
		t.Errorf("sighting = %+v", s)
	}
	want := map[string]string{"12025550101": "GREEN", "5511955550102": "YELLOW", "442079460103": "RED"}
	if d := cmp.Diff(want, values(s, quality.QualityRating)); d != "" {
		t.Errorf("ratings (-want +got):\n%s", d)
	}
	see := find(t, s, quality.PhoneNumber, "12025550101")
	wantRefs := map[string]string{quality.RefPhoneNumberID: "204857390112345", quality.RefDisplay: "+1 202-555-0101"}
	if d := cmp.Diff(wantRefs, see.Refs); d != "" || see.Name != "Acme Support" || see.Subject.WABAID != waba {
		t.Errorf("name %q, subject %v, refs (-want +got):\n%s", see.Name, see.Subject, d)
	}
	got := map[quality.Signal]string{}
	for sig, o := range see.Values {
		got[sig] = o.Value
	}
	if d := cmp.Diff(map[quality.Signal]string{
		quality.QualityRating: "GREEN", quality.Status: "CONNECTED", quality.NameStatus: "APPROVED", quality.VerifiedName: "Acme Support",
		quality.Throughput: "STANDARD", quality.CodeVerification: "VERIFIED", quality.OfficialAccount: "NO", quality.Presence: "PRESENT",
	}, got); d != "" {
		t.Errorf("values (-want +got):\n%s", d)
	}
	if raw := see.Values[quality.Status].Raw; !strings.Contains(raw, `"204857390112345"`) {
		t.Errorf("evidence = %q", raw)
	}
}

func TestEmptyListWithoutPaging(t *testing.T) {
	r := serve(t, fixture(t, "phone_numbers.empty.json"))
	s, err := r.Poll(t.Context(), quality.Numbers, waba)
	if err != nil || !s.Complete || len(s.Subjects) != 0 {
		t.Errorf("Poll = %+v, %v", s, err)
	}
}

func TestRatingNAIsUnknown(t *testing.T) {
	rows := ""
	for i, rating := range []string{`,"quality_rating":"NA"`, `,"quality_rating":"UNKNOWN"`, `,"quality_rating":null`, ``, `,"quality_rating":""`} {
		rows += fmt.Sprintf(`,{"id":"%d","display_phone_number":"+1 202-555-010%d"%s}`, i+1, i, rating)
	}
	r := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"data":[%s]}`, rows[1:]) })
	s, err := r.Poll(t.Context(), quality.Numbers, waba)
	if err != nil || len(s.Unknown) != 0 {
		t.Fatalf("Poll = %v, %v", s.Unknown, err)
	}
	got := values(s, quality.QualityRating)
	if len(got) != 5 {
		t.Errorf("ratings = %v", got)
	}
	for id, v := range got {
		if v != quality.Unknown {
			t.Errorf("rating of %s = %q, want UNKNOWN", id, v)
		}
	}
}

func TestEveryNumberStatusIsKept(t *testing.T) {
	r := serve(t, fixture(t, "phone_numbers.every_status.json"))
	s, err := r.Poll(t.Context(), quality.Numbers, waba)
	if err != nil || len(s.Subjects) != 15 {
		t.Fatalf("%d subjects, %v", len(s.Subjects), err)
	}
	if got := values(s, quality.Status)["12025550124"]; got != "SOMETHING_NEW" {
		t.Errorf("unseen status = %q", got)
	}
	if d := cmp.Diff([]string{"value:phone_number.status/SOMETHING_NEW"}, kinds(s)); d != "" {
		t.Errorf("unknown (-want +got):\n%s", d)
	}
	if n := s.Unknown[0]; n.WABAID != waba || !n.At.Equal(s.At) || !strings.Contains(n.Raw, "SOMETHING_NEW") {
		t.Errorf("novelty = %+v", n)
	}
}

// TestDigitsAreTheSubject: "+1 202-555-0101" and "12025550101" are one number.
func TestDigitsAreTheSubject(t *testing.T) {
	for _, display := range []string{`"+1 202-555-0101"`, `"12025550101"`, `12025550101`, `"(+1) 202 555 01 01"`} {
		r := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"data":[{"id":"1","display_phone_number":%s,"status":"CONNECTED"}]}`, display)
		})
		s, err := r.Poll(t.Context(), quality.Numbers, waba)
		if err != nil || len(s.Subjects) != 1 || s.Subjects[0].Subject.ID != "12025550101" {
			t.Errorf("%s: %v, %v", display, s.Subjects, err)
		}
	}
}

func TestHugeIDsStayExact(t *testing.T) {
	const huge = "9007199254740993123456789"
	r := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"data":[{"id":%s,"name":"a","display_phone_number":"1","status":"PAUSED"},{"id":"%s1","name":"b","display_phone_number":"2"}]}`, huge, huge)
	})
	s, err := r.Poll(t.Context(), quality.Templates, waba)
	if err != nil || len(s.Subjects) != 2 || s.Subjects[0].Subject.ID != huge || s.Subjects[1].Subject.ID != huge+"1" {
		t.Errorf("templates = %v, %v", s.Subjects, err)
	}
	s, err = r.Poll(t.Context(), quality.Numbers, waba)
	if err != nil || s.Subjects[0].Refs[quality.RefPhoneNumberID] != huge {
		t.Errorf("numbers = %v, %v", s.Subjects, err)
	}
}

func TestOddRowsCostNoMoreThanThemselves(t *testing.T) {
	r := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"data":[
			{"id":"1","display_phone_number":"+1 202-555-0101","status":["CONNECTED"],"quality_rating":{"a":1},"throughput":"HIGH","is_official_business_account":true},
			{"id":"2","status":"CONNECTED"},
			{"id":"3","display_phone_number":"none"},
			17,
			null,
			{"id":{},"display_phone_number":"+1 202-555-0102","status":"BANNED","throughput":{},"verified_name":7}
		],"paging":[]}`))
	})
	s, err := r.Poll(t.Context(), quality.Numbers, waba)
	if err != nil || !s.Complete || len(s.Subjects) != 2 {
		t.Fatalf("Poll = %+v, %v", s, err)
	}
	if d := cmp.Diff([]string{"type:phone_number.quality_rating", "type:phone_number.status", "row:phone_number.display_phone_number", "row:phone_number"}, kinds(s)); d != "" {
		t.Errorf("unknown (-want +got):\n%s", d)
	}
	if d := cmp.Diff(map[string]string{"12025550101": "HIGH"}, values(s, quality.Throughput)); d != "" {
		t.Errorf("throughput (-want +got):\n%s", d)
	}
	if d := cmp.Diff(map[string]string{"12025550101": "YES"}, values(s, quality.OfficialAccount)); d != "" {
		t.Errorf("official (-want +got):\n%s", d)
	}
	if d := cmp.Diff(map[string]string{"12025550102": "BANNED"}, values(s, quality.Status)); d != "" {
		t.Errorf("status (-want +got):\n%s", d)
	}
}

// TestSameDigitsTwice: of a number that moved, the connected entry stands, whatever the order.
func TestSameDigitsTwice(t *testing.T) {
	rows := []string{
		`{"id":"30","display_phone_number":"+1 202-555-0101","status":"MIGRATED","quality_rating":"RED"}`,
		`{"id":"4","display_phone_number":"12025550101","status":"CONNECTED","quality_rating":"GREEN"}`,
		`{"id":"5","display_phone_number":"12025550101","status":"DISCONNECTED"}`,
	}
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {0, 2, 1}} {
		r := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"data":[%s,%s,%s]}`, rows[order[0]], rows[order[1]], rows[order[2]])
		})
		s, err := r.Poll(t.Context(), quality.Numbers, waba)
		if err != nil || len(s.Subjects) != 1 {
			t.Fatalf("Poll = %v, %v", s.Subjects, err)
		}
		see := s.Subjects[0]
		if see.Values[quality.Status].Value != "CONNECTED" || see.Refs[quality.RefPhoneNumberID] != "4" || see.Values[quality.QualityRating].Value != "GREEN" {
			t.Errorf("order %v: %+v", order, see)
		}
	}
}

// TestSandboxNumbersAreNotWatched: of no class; a number whose mode is not said is live.
func TestSandboxNumbersAreNotWatched(t *testing.T) {
	r := serve(t, func(w http.ResponseWriter, req *http.Request) {
		if !strings.HasSuffix(req.URL.Path, "/phone_numbers") {
			fmt.Fprintf(w, `{"id":%q,"health_status":{"can_send_message":"AVAILABLE"}}`, waba)
			return
		}
		if !strings.Contains(req.URL.Query().Get("fields"), "account_mode") {
			t.Errorf("mode not asked for: %s", req.URL.Query().Get("fields"))
		}
		fmt.Fprint(w, `{"data":[
			{"id":"1","display_phone_number":"+1 202-555-0101","account_mode":"LIVE","quality_rating":"GREEN"},
			{"id":"2","display_phone_number":"+1 202-555-0102","account_mode":"SANDBOX","quality_rating":"RED"},
			{"id":"3","display_phone_number":"+1 202-555-0103","quality_rating":"GREEN"}]}`)
	})
	for _, class := range []quality.Class{quality.Numbers, quality.Health} {
		s, err := r.Poll(t.Context(), class, waba)
		var got []string
		for _, see := range s.Subjects {
			if see.Subject.Kind == quality.PhoneNumber {
				got = append(got, see.Subject.ID)
			}
		}
		if d := cmp.Diff([]string{"12025550101", "12025550103"}, got); err != nil || d != "" {
			t.Errorf("%s: %v (-want +got):\n%s", class, err, d)
		}
	}
}
