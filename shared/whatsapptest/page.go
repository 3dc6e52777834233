package whatsapptest

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
)

// object is a JSON object.
type object = map[string]any

func encode(v any) []byte {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		panic(err) // our own values always encode
	}
	return b
}

// chosen returns the fields of a node that the caller asked for; it always has its id.
func (m *Meta) chosen(r *http.Request, o object, known []string, nodeType string) (object, *ErrorSpec) {
	asked := strings.Split(r.URL.Query().Get("fields"), ",")
	out := object{"id": o["id"]}
	for _, f := range asked {
		if f = strings.TrimSpace(f); f == "" {
			continue
		}
		if !slices.Contains(known, f) || m.refused[f] {
			return nil, &ErrorSpec{Status: 400, Code: 100,
				Message: fmt.Sprintf("(#100) Tried accessing nonexisting field (%s) on node type (%s)", f, nodeType)}
		}
		if v, ok := o[f]; ok && v != nil {
			out[f] = v
		}
	}
	return out, nil
}

// list answers one page. Cursors are on every page, the last one included; next only where
// there is one more, and with the caller's token in it, as Meta does.
func (m *Meta) list(r *http.Request, rows []object, known []string) (any, *ErrorSpec) {
	q := r.URL.Query()
	size := 25
	if n, err := strconv.Atoi(q.Get("limit")); err == nil && n > 0 {
		size = min(n, 100)
	}
	if m.PageSize > 0 {
		size = min(size, m.PageSize)
	}
	from := 0
	if after := q.Get("after"); after != "" {
		n, ok := fromCursor(after)
		if !ok || n > len(rows) {
			return nil, &ErrorSpec{Status: 400, Code: 131059, Message: "(#131059) Invalid pagination cursor"}
		}
		from = n
	}
	to := min(from+size, len(rows))
	data := []any{}
	for _, row := range rows[from:to] {
		o, refusal := m.chosen(r, row, known, "WhatsAppBusinessObject")
		if refusal != nil {
			return nil, refusal
		}
		data = append(data, o)
	}
	if len(data) == 0 {
		if _, refusal := m.chosen(r, object{}, known, "WhatsAppBusinessObject"); refusal != nil {
			return nil, refusal
		}
		return object{"data": data}, nil
	}
	paging := object{"cursors": object{"before": cursor(from), "after": cursor(to)}}
	if to < len(rows) {
		paging["next"] = m.next(r, q, cursor(to))
	}
	return object{"data": data, "paging": paging}, nil
}

func (m *Meta) next(r *http.Request, q url.Values, after string) string {
	q.Set("access_token", Canary)
	q.Set("after", after)
	base := m.NextURL
	if base == "" {
		base = "https://graph.facebook.com"
	}
	return base + r.URL.Path + "?" + q.Encode()
}

func cursor(n int) string {
	return base64.RawURLEncoding.EncodeToString([]byte("row " + strconv.Itoa(n)))
}

func fromCursor(s string) (int, bool) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return 0, false
	}
	row, ok := strings.CutPrefix(string(b), "row ")
	n, err := strconv.Atoi(row)
	return n, ok && err == nil && n >= 0
}
