package whatsapp

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// reader turns the rows and nodes of one poll into a sighting.
type reader struct {
	waba     string
	asked    []string // fields; what was not asked for is not missed
	subjects []quality.Seeing
	index    map[quality.Subject]int
	standing map[quality.Subject]string // of numbers, against another row with the same digits
	unknown  []quality.Novelty
}

func newReader(waba string, asked []string) *reader {
	return &reader{waba: waba, asked: asked, index: map[quality.Subject]int{}, standing: map[quality.Subject]string{}}
}

// seeing returns a subject's place in the sighting, and whether it is new there. The pointer
// is valid until the next call.
func (r *reader) seeing(s quality.Subject) (see *quality.Seeing, fresh bool) {
	if i, ok := r.index[s]; ok {
		return &r.subjects[i], false
	}
	r.index[s] = len(r.subjects)
	r.subjects = append(r.subjects, quality.Seeing{Subject: s, Refs: map[string]string{}, Values: map[quality.Signal]quality.Observed{}})
	return &r.subjects[len(r.subjects)-1], true
}

// value reads one field as one signal. A field that was not asked for says nothing. One that
// is absent, null or empty is otherwise, if that is not "". One of a type that no signal has
// is reported and left out: the others of its row still count.
func (r *reader) value(see *quality.Seeing, sig quality.Signal, field string, v jsontext.Value, otherwise, raw string) {
	if !slices.Contains(r.asked, field) {
		return
	}
	k := see.Subject.Kind
	s, ok := text(v)
	if !ok && !absent(v) {
		r.novel("type:"+string(k)+"."+string(sig), raw)
		return
	}
	if s = quality.Clip(s, quality.MaxTextRunes); s == "" {
		s = otherwise
	}
	if sig == quality.OfficialAccount && s != "" {
		s = map[string]string{"true": quality.Yes, "false": quality.No}[s]
	}
	if s == "" {
		return
	}
	s, known := settle(k, sig, s)
	if !known {
		r.novel(noveltyValue(k, sig, s), raw)
	}
	see.Values[sig] = quality.Observed{Value: s, Raw: raw}
}

// maxNovelties bounds what one poll reports as unknown.
const maxNovelties = 100

// novel reports something unknown, once per kind and poll.
func (r *reader) novel(kind, raw string) {
	if len(r.unknown) == maxNovelties || slices.ContainsFunc(r.unknown, func(n quality.Novelty) bool { return n.Kind == kind }) {
		return
	}
	r.unknown = append(r.unknown, quality.Novelty{Kind: kind, WABAID: r.waba, Raw: raw})
}

// refused reports signals that a rule needs and whose fields Meta refused. Of the messaging limit, which
// several fields tell, it says nothing.
func (r *reader) refused(k quality.Kind, signals []quality.Signal) {
	for _, sig := range signals {
		watched := sig == quality.Category || sig == quality.CorrectCategory || slices.ContainsFunc(quality.DefaultRules, func(rule quality.Rule) bool {
			return slices.Contains(rule.Kinds, k) && rule.Reads(sig)
		})
		if watched {
			r.novel("refused:"+string(k)+"."+string(sig), "")
		}
	}
}

// sighting is what was read, as a poll of class that began at at.
func (r *reader) sighting(class quality.Class, v *visit, err error) quality.Sighting {
	s := quality.Sighting{Class: class, WABAID: r.waba, At: v.at, Complete: err == nil, Subjects: r.subjects, Unknown: r.unknown, Usage: v.usage}
	if s.At.IsZero() {
		s.At = v.c.cfg.Now().UTC().Truncate(time.Second)
	}
	for i := range s.Unknown {
		s.Unknown[i].At = s.At
	}
	return s
}

// evidence is JSON as it came, valid UTF-8, capped.
func evidence(v jsontext.Value) string {
	s := strings.ToValidUTF8(string(v), "\uFFFD")
	if len(s) <= quality.MaxRawBytes {
		return s
	}
	n := quality.MaxRawBytes
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// signalsOf returns the signals of fields that were not asked for.
func signalsOf(without []string, signals map[string]quality.Signal) []quality.Signal {
	var out []quality.Signal
	for _, f := range without {
		if s, ok := signals[f]; ok {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return out
}

// idOf is the id of a row; "" if it has none.
func idOf(row jsontext.Value) string {
	var wire struct {
		ID jsontext.Value `json:"id"`
	}
	if row.Kind() != '{' || json.Unmarshal(row, &wire, tolerant) != nil {
		return ""
	}
	id, _ := text(wire.ID)
	return id
}

// readApp reads a row of subscribed_apps.
func readApp(row jsontext.Value) (app App, ok bool) {
	var wire struct {
		Data                jsontext.Value `json:"whatsapp_business_api_data"`
		OverrideCallbackURI jsontext.Value `json:"override_callback_uri"`
	}
	var data struct {
		ID   jsontext.Value `json:"id"`
		Name jsontext.Value `json:"name"`
	}
	if row.Kind() != '{' || json.Unmarshal(row, &wire, tolerant) != nil {
		return app, false
	}
	if wire.Data.Kind() != '{' || json.Unmarshal(wire.Data, &data, tolerant) != nil {
		return app, false
	}
	app.ID, _ = text(data.ID)
	app.Name, _ = text(data.Name)
	app.OverrideURI, _ = text(wire.OverrideCallbackURI)
	return app, isID(app.ID)
}
