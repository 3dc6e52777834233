package whatsapp

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// FuzzGraphDecode reads anything as any answer: nothing panics, every id is decimal, every text
// is valid UTF-8 of a bounded length, and a page is whole or an error.
func FuzzGraphDecode(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "graph", "*.json"))
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"data":[{"id":1e3,"display_phone_number":"\ud800","verified_name":"\u0000"}],"paging":{"next":1,"cursors":{"after":{}}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		rows := map[string]func(*reader, jsontext.Value){
			"numbers":   func(r *reader, row jsontext.Value) { r.number(row) },
			"templates": func(r *reader, row jsontext.Value) { r.template(row) },
			"health":    func(r *reader, row jsontext.Value) { r.healthOfNumber(row) },
		}
		asked := map[string][]string{"numbers": numberFields, "templates": templateFields, "health": healthFields}
		p, err := readPage(bytes.NewReader(body))
		for class, read := range rows {
			r := newReader("1", asked[class])
			if err == nil {
				for _, row := range p.rows {
					read(r, row)
				}
			}
			sound(t, r)
		}
		var account businessAccount
		if readNode(bytes.NewReader(body), "", &account) == nil {
			r := newReader("1", accountFields)
			r.account(account)
			if limit, _ := text(account.MessagingLimit); limit != "" {
				r.limit(portfolioOf(account), limit, "")
			}
			sound(t, r)
		}
		var node healthNode
		if readNode(bytes.NewReader(body), "", &node) == nil {
			r := newReader("1", healthFields)
			see, _ := r.seeing(quality.AccountSubject("1"))
			r.canSend(see, "1", node.HealthStatus)
			sound(t, r)
		}
		if info, err := readToken(bytes.NewReader(body)); err == nil {
			o := info.observed()
			if until := o.Attrs[quality.AttrUntil]; until != "" && until != "none" {
				if _, err := time.Parse(time.RFC3339, until); err != nil {
					t.Errorf("until %q: %v", until, err)
				}
			}
			for _, id := range info.WABAIDs {
				if !isID(id) {
					t.Errorf("account id %q", id)
				}
			}
		}
		e := readError(400, bytes.NewReader(body), cleaner("secret"))
		if s := e.Error(); !utf8.ValidString(s) || len(s) > 8<<10 || bytes.Contains([]byte(s), []byte("secret")) {
			t.Errorf("error %q", s)
		}
		_ = e.Failure()
		for _, row := range p.rows {
			idOf(row)
			readApp(row)
		}
		usageOf(map[string][]string{"X-App-Usage": {string(body)}, "X-Business-Use-Case-Usage": {string(body)}})
	})
}

// sound checks what holds for whatever was read.
func sound(t *testing.T, r *reader) {
	t.Helper()
	seen := map[quality.Subject]bool{}
	for _, see := range r.subjects {
		if !isID(see.Subject.ID) || seen[see.Subject] {
			t.Errorf("subject %v, twice %t", see.Subject, seen[see.Subject])
		}
		seen[see.Subject] = true
		texts := []string{see.Name}
		for _, ref := range see.Refs {
			texts = append(texts, ref)
		}
		if id, ok := see.Refs[quality.RefPhoneNumberID]; ok && !isID(id) {
			t.Errorf("phone number id %q", id)
		}
		for sig, o := range see.Values {
			if o.Value == "" || len(o.Raw) > quality.MaxRawBytes || !utf8.ValidString(o.Raw) {
				t.Errorf("%s = %+v", sig, o)
			}
			texts = append(texts, o.Value)
			for _, a := range o.Attrs {
				texts = append(texts, a)
			}
		}
		for _, s := range texts {
			if !utf8.ValidString(s) || utf8.RuneCountInString(s) > quality.MaxTextRunes {
				t.Errorf("text %q", s)
			}
		}
	}
	for _, n := range r.unknown {
		if n.Kind == "" || len(n.Kind) > 1<<10 || !utf8.ValidString(n.Kind) || len(n.Raw) > quality.MaxRawBytes {
			t.Errorf("novelty %+v", n)
		}
	}
}
