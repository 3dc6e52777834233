package whatsapp

import (
	"context"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// messageTemplate is a row of /{WABA}/message_templates: one per name and language.
// Source: Meta, message templates of a WhatsApp Business Account, checked 2026-11.
type messageTemplate struct {
	ID              jsontext.Value `json:"id"`
	Name            jsontext.Value `json:"name"`
	Language        jsontext.Value `json:"language"`
	Status          jsontext.Value `json:"status"`
	Category        jsontext.Value `json:"category"`
	CorrectCategory jsontext.Value `json:"correct_category"`
	QualityScore    jsontext.Value `json:"quality_score"`
	RejectedReason  jsontext.Value `json:"rejected_reason"`
}

// templateFields are asked for; without the first nothing can be said. The components, which
// are big, and the customer's words, are not among them.
var templateFields = []string{
	"id", "name", "language", "status", "category", "correct_category", "quality_score", "rejected_reason",
}

var templateSignals = map[string]quality.Signal{
	"status":           quality.Status,
	"category":         quality.Category,
	"correct_category": quality.CorrectCategory,
	"quality_score":    quality.QualityScore,
}

// templates polls the message templates of an account.
func (v *visit) templates(ctx context.Context, waba string) (quality.Sighting, error) {
	r := newReader(waba, templateFields)
	without, err := v.list(ctx, listing{
		edge: "templates", path: waba + "/message_templates", fields: templateFields, needed: 1,
		begin: func(asked []string) { r = newReader(waba, asked) },
		row:   func(row jsontext.Value) { r.template(row) },
	})
	notTold := signalsOf(without, templateSignals)
	r.refused(quality.Template, notTold)
	s := r.sighting(quality.Templates, v, err)
	s.Without = notTold
	return s, err
}

// template reads one row. A score that is absent is UNKNOWN. A correct category is a value
// only where it differs from the category: then a change of category is announced. Equal to
// it, it announces nothing and is as good as absent, so that a poll sees the announcement end.
func (r *reader) template(row jsontext.Value) {
	raw := evidence(row)
	var t messageTemplate
	if row.Kind() != '{' || json.Unmarshal(row, &t, tolerant) != nil {
		r.novel("row:"+string(quality.Template), raw)
		return
	}
	id, _ := text(t.ID)
	if !isID(id) {
		r.novel("row:"+string(quality.Template)+".id", raw)
		return
	}
	see, fresh := r.seeing(quality.Subject{Kind: quality.Template, WABAID: r.waba, ID: id})
	if !fresh { // the list moved while it was read: the later page is newer
		clear(see.Values)
		clear(see.Refs)
	}
	name, _ := text(t.Name)
	see.Name = quality.Clip(name, quality.MaxTextRunes)
	if language, _ := text(t.Language); language != "" {
		see.Refs[quality.RefLanguage] = strings.ReplaceAll(quality.Clip(language, 20), "-", "_")
	}
	r.value(see, quality.Status, "status", t.Status, "", raw)
	r.value(see, quality.Category, "category", t.Category, "", raw)
	r.value(see, quality.QualityScore, "quality_score", score(t.QualityScore), quality.Unknown, raw)
	r.value(see, quality.CorrectCategory, "correct_category", t.CorrectCategory, "", raw)
	if see.Values[quality.CorrectCategory].Value == see.Values[quality.Category].Value {
		delete(see.Values, quality.CorrectCategory)
	}
	see.Values[quality.Presence] = quality.Observed{Value: quality.Present}
	// Meta keeps the reason after an edit was approved: then it explains nothing.
	reason, _ := text(t.RejectedReason)
	if status, ok := see.Values[quality.Status]; ok && status.Value != "APPROVED" && reason != "" && !strings.EqualFold(reason, "NONE") {
		status.Attrs = map[string]string{quality.AttrReason: quality.Clip(reason, quality.MaxTextRunes)}
		see.Values[quality.Status] = status
	}
}

// score is the member of that name of a quality_score object. Its date is left out: it moves
// while the score does not. Anything else is returned as it is.
func score(v jsontext.Value) jsontext.Value {
	var q struct {
		Score jsontext.Value `json:"score"`
	}
	if v.Kind() == '{' && json.Unmarshal(v, &q, tolerant) == nil {
		return q.Score
	}
	return v
}
