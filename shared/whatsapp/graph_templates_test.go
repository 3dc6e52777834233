package whatsapp_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/whatsapptest"
)

func TestTemplatesAcrossPages(t *testing.T) {
	r := serve(t, fixture(t, "message_templates.page1.json", "message_templates.page2_last.json"))
	s, err := r.Poll(t.Context(), quality.Templates, waba)
	if err != nil || !s.Complete || len(s.Unknown) != 0 {
		t.Fatalf("Poll = %v, %v", s.Unknown, err)
	}
	want := map[string]string{"1584930276415308": "GREEN", "1584930276415311": "RED", "726518390044217": "UNKNOWN"}
	if d := cmp.Diff(want, values(s, quality.QualityScore)); d != "" {
		t.Errorf("scores (-want +got):\n%s", d)
	}
	want = map[string]string{"1584930276415308": "APPROVED", "1584930276415311": "PAUSED", "726518390044217": "APPROVED"}
	if d := cmp.Diff(want, values(s, quality.Status)); d != "" {
		t.Errorf("status (-want +got):\n%s", d)
	}
	see := find(t, s, quality.Template, "1584930276415311")
	if see.Name != "spring_sale_variant_b" || see.Refs[quality.RefLanguage] != "pt_BR" || see.Values[quality.Category].Value != "MARKETING" {
		t.Errorf("template = %+v", see)
	}
	if attrs := see.Values[quality.Status].Attrs; len(attrs) != 0 {
		t.Errorf("reason NONE became %v", attrs)
	}
}

func TestEveryTemplateStatusIsKept(t *testing.T) {
	r := serve(t, fixture(t, "message_templates.every_status.json"))
	s, err := r.Poll(t.Context(), quality.Templates, waba)
	if err != nil || len(s.Subjects) != 11 {
		t.Fatalf("%d subjects, %v", len(s.Subjects), err)
	}
	if d := cmp.Diff([]string{"value:template.status/SOMETHING_NEW"}, kinds(s)); d != "" {
		t.Errorf("unknown (-want +got):\n%s", d)
	}
}

func TestRejectionHasItsReason(t *testing.T) {
	r := serve(t, fixture(t, "message_templates.rejected.json"))
	s, err := r.Poll(t.Context(), quality.Templates, waba)
	if err != nil {
		t.Fatal(err)
	}
	o := find(t, s, quality.Template, "1584930276415399").Values[quality.Status]
	if o.Value != "REJECTED" || o.Attrs[quality.AttrReason] != "INVALID_FORMAT" {
		t.Errorf("status = %+v", o)
	}
}

func TestApprovedTemplateHasNoReason(t *testing.T) {
	r := newRig(t, nil)
	r.meta.SetTemplate(waba, whatsapptest.Template{ID: "1", Name: "a", Status: "APPROVED", RejectedReason: "SCAM"})
	s, err := r.Poll(t.Context(), quality.Templates, waba)
	if err != nil || len(s.Subjects[0].Values[quality.Status].Attrs) != 0 {
		t.Errorf("Poll = %+v, %v", s.Subjects, err)
	}
}

// TestCorrectCategoryCountsOnlyWhereItDiffers: equal to the category it announces nothing.
func TestCorrectCategoryCountsOnlyWhereItDiffers(t *testing.T) {
	for file, want := range map[string]map[string]string{
		"message_templates.category_change_pending.json":    {"1584930276415308": "MARKETING"},
		"message_templates.direct_send_auto_generated.json": {},
		"message_templates.page2_last.json":                 {},
		"message_templates.empty_with_summary.json":         {},
		"message_templates.rejected.json":                   {},
		"message_templates.every_status.json":               {},
	} {
		r := serve(t, fixture(t, file))
		s, err := r.Poll(t.Context(), quality.Templates, waba)
		if d := cmp.Diff(want, values(s, quality.CorrectCategory)); err != nil || d != "" {
			t.Errorf("%s: %v (-want +got):\n%s", file, err, d)
		}
	}
}

func TestScoreThatIsAbsentIsUnknown(t *testing.T) {
	rows := ""
	for i, score := range []string{``, `,"quality_score":null`, `,"quality_score":{}`, `,"quality_score":{"score":null}`, `,"quality_score":{"score":"NA"}`, `,"quality_score":"UNKNOWN"`} {
		rows += fmt.Sprintf(`,{"id":"%d","name":"t","language":"en-US","status":"APPROVED"%s}`, i+1, score)
	}
	r := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"data":[%s]}`, rows[1:]) })
	s, err := r.Poll(t.Context(), quality.Templates, waba)
	if err != nil || len(s.Subjects) != 6 || len(s.Unknown) != 0 {
		t.Fatalf("Poll = %+v, %v", s, err)
	}
	for _, see := range s.Subjects {
		if see.Values[quality.QualityScore].Value != quality.Unknown || see.Refs[quality.RefLanguage] != "en_US" {
			t.Errorf("%+v", see)
		}
	}
}

func TestTemplateWithAnOddMemberStays(t *testing.T) {
	r := newRig(t, nil)
	r.meta.SetTemplate(waba, whatsapptest.Template{ID: "1", Name: "a", Score: "GREEN", Extra: map[string]any{"status": map[string]any{"v": 1}}})
	r.meta.SetTemplate(waba, whatsapptest.Template{ID: "x", Name: "b", Status: "APPROVED"})
	s, err := r.Poll(t.Context(), quality.Templates, waba)
	if err != nil || !s.Complete || len(s.Subjects) != 1 || s.Subjects[0].Values[quality.QualityScore].Value != "GREEN" {
		t.Errorf("Poll = %+v, %v", s, err)
	}
	if d := cmp.Diff([]string{"type:template.status", "row:template.id"}, kinds(s)); d != "" {
		t.Errorf("unknown (-want +got):\n%s", d)
	}
}
