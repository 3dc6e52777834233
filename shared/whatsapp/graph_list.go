package whatsapp

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// tolerant reads what a strict parser would refuse: a wrong byte in a name is no reason to
// know nothing about ten numbers.
var tolerant = json.JoinOptions(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))

// pageSize is how many rows a page is asked to have, the most that Meta gives.
const pageSize = 100

// listing is one list to be read from its first page to its last.
type listing struct {
	edge   string   // what the memory of refused fields is kept under
	path   string   // below the version
	fields []string // what to ask for
	needed int      // the first of fields that the list is of no use without
	// begin is called before the first page, again if the list starts over, with the fields
	// that are asked for; row for each row of a page that arrived whole. A row is valid only
	// during the call.
	begin func(asked []string)
	row   func(jsontext.Value)
}

// list reads a list. It pages by cursor: the next URL that Meta sends holds the token, so it
// only says that there is more, and with which cursor if no member does; it is never followed,
// kept or logged. It returns the fields
// that Meta refused. On an error the rows of the pages before have been delivered.
//
// Source: Meta, Graph API paginated results; a stale cursor is error 131059, checked 2026-11.
func (v *visit) list(ctx context.Context, l listing) (without []string, err error) {
	restarted := false
	for {
		without, err = v.withFields(ctx, l.edge, l.fields, l.needed, func(asked []string) error {
			l.begin(asked)
			return v.pages(ctx, l, asked)
		})
		if restarted || !isCode(err, codeBadCursor) {
			return without, err
		}
		restarted = true
	}
}

func (v *visit) pages(ctx context.Context, l listing, asked []string) error {
	var began time.Time
	used := map[string]bool{}
	after := ""
	for n := 1; ; n++ {
		q := url.Values{"limit": {strconv.Itoa(pageSize)}}
		if len(asked) > 0 {
			q.Set("fields", strings.Join(asked, ","))
		}
		if after != "" {
			q.Set("after", after)
		}
		var page page
		err := v.get(ctx, l.path, q, func(r io.Reader) (err error) {
			page, err = readPage(r)
			return err
		})
		if err != nil {
			return err
		}
		if n == 1 {
			began = v.at
		}
		v.at = began
		for _, row := range page.rows {
			l.row(row)
		}
		switch {
		case !page.more:
			return nil
		case page.after == "":
			return malformed("the list goes on, but has no cursor")
		case used[page.after]:
			return malformed("the list goes round in a circle")
		case n == v.c.cfg.MaxPages:
			return malformed("the list has more than " + strconv.Itoa(n) + " pages")
		}
		if err := v.exhausted(); err != nil {
			return err
		}
		after = page.after
		used[after] = true
	}
}

// page is one page of a list.
type page struct {
	rows  []jsontext.Value
	after string // cursor of the next page; also set on the last one
	more  bool   // whether there is a next page
}

// readPage reads one page, row by row. A page without a list is an error: it must not pass for
// an empty one.
func readPage(r io.Reader) (page, error) {
	var p page
	listed := false
	err := readObject(r, func(name string, d *jsontext.Decoder) error {
		switch {
		case name == "data" && d.PeekKind() == '[':
			listed, p.rows = true, p.rows[:0]
			if _, err := d.ReadToken(); err != nil {
				return err
			}
			for d.PeekKind() != ']' {
				row, err := d.ReadValue()
				if err != nil {
					return err
				}
				p.rows = append(p.rows, row.Clone())
			}
			_, err := d.ReadToken()
			return err
		case name == "paging" && d.PeekKind() == '{':
			v, err := d.ReadValue()
			if err != nil {
				return err
			}
			return p.cursor(v)
		}
		return d.SkipValue()
	})
	if err == nil && !listed {
		err = malformed("the answer has no list")
	}
	return p, err
}

func (p *page) cursor(v jsontext.Value) error {
	var wire struct {
		Next    jsontext.Value `json:"next"`
		Cursors jsontext.Value `json:"cursors"`
	}
	var cursors struct {
		After jsontext.Value `json:"after"`
	}
	if err := json.Unmarshal(v, &wire, tolerant); err != nil {
		return err
	}
	if wire.Cursors.Kind() == '{' {
		if err := json.Unmarshal(wire.Cursors, &cursors, tolerant); err != nil {
			return err
		}
	}
	p.after, _ = text(cursors.After)
	next, ok := text(wire.Next)
	p.more = !absent(wire.Next) && !(ok && next == "")
	if u, err := url.Parse(next); p.more && p.after == "" && err == nil {
		p.after = u.Query().Get("after")
	}
	return nil
}

// readObject calls member for each member of the one JSON object in r. An object that is an
// error of Meta's, in spite of the status, is returned as that.
func readObject(r io.Reader, member func(name string, d *jsontext.Decoder) error) error {
	d := jsontext.NewDecoder(r, tolerant)
	open, err := d.ReadToken()
	if err != nil {
		return err
	}
	if open.Kind() != '{' {
		return malformed("the answer is not an object")
	}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		key := name.String()
		if key == "error" && d.PeekKind() == '{' {
			v, err := d.ReadValue()
			if err != nil {
				return err
			}
			return errorOf(v)
		}
		if err := member(key, d); err != nil {
			return err
		}
	}
	_, err = d.ReadToken()
	return err
}

// node reads the fields of one node into wire, a struct. It returns the fields Meta refused.
func (v *visit) node(ctx context.Context, edge, id string, fields []string, needed int, wire any) (asked, without []string, err error) {
	without, err = v.withFields(ctx, edge, fields, needed, func(ask []string) error {
		asked = ask
		return v.get(ctx, id, url.Values{"fields": {strings.Join(ask, ",")}}, func(r io.Reader) error {
			return readNode(r, id, wire)
		})
	})
	return asked, without, err
}

// readNode reads a node into wire, a struct. It must be the node that was asked for, unless id
// is empty. wire is written only once the whole answer is there.
func readNode(r io.Reader, id string, wire any) error {
	v, err := jsontext.NewDecoder(r, tolerant).ReadValue()
	if err != nil {
		return err
	}
	var head struct {
		ID    jsontext.Value `json:"id"`
		Error jsontext.Value `json:"error"`
	}
	if v.Kind() != '{' || json.Unmarshal(v, &head, tolerant) != nil {
		return malformed("the answer is not an object")
	}
	if head.Error.Kind() == '{' {
		return errorOf(head.Error)
	}
	if got, _ := text(head.ID); id != "" && got != id {
		return malformed("the answer is about another node")
	}
	if json.Unmarshal(v, wire, tolerant) != nil {
		return malformed("the node cannot be read")
	}
	return nil
}

// errorOf is an error object that came with the status of a success. Its texts are as Meta
// wrote them: take cleans them, since it knows the secrets.
func errorOf(v jsontext.Value) *Error {
	e := &Error{Status: http.StatusOK, Code: NoCode, shape: true, Message: "an error without a message"}
	e.read(v, func(s string) string { return s })
	return e
}

// fieldMemory is how long a field that Meta refused is not asked for.
const fieldMemory = 24 * time.Hour

// withFields calls try with the fields to ask for. When Meta refuses one of them by name,
// exactly that one is left out, now and for a day, and try is called again.
func (v *visit) withFields(ctx context.Context, edge string, fields []string, needed int, try func(asked []string) error) (without []string, err error) {
	asked := v.c.askable(edge, fields)
	for {
		err = try(asked)
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Code != 100 || e.Subcode == subcodeMissing {
			break
		}
		field := refusedField(e.said, asked)
		if field == "" || slices.Index(fields, field) < needed {
			break
		}
		asked = slices.DeleteFunc(slices.Clone(asked), func(f string) bool { return f == field })
		v.c.refuse(edge, field)
		v.c.log.WarnContext(ctx, "meta refused a field", "edge", edge, "field", field, "trace", e.TraceID)
	}
	for _, f := range fields {
		if !slices.Contains(asked, f) {
			without = append(without, f)
		}
	}
	return without, err
}

func (c *Client) askable(edge string, fields []string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.cfg.Now()
	return slices.DeleteFunc(slices.Clone(fields), func(f string) bool { return now.Before(c.refused[edge][f]) })
}

// asks reports whether a field is asked for: Meta has not refused it of late.
func (c *Client) asks(edge, field string) bool {
	return len(c.askable(edge, []string{field})) > 0
}

func (c *Client) refuse(edge, field string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refused[edge] == nil {
		c.refused[edge] = map[string]time.Time{}
	}
	c.refused[edge][field] = c.cfg.Now().Add(fieldMemory)
}

// text reads a string, a number or a boolean as Meta spells it; ok is false for anything else.
// Ids come as strings or as numbers, and stay exact either way.
func text(v jsontext.Value) (s string, ok bool) {
	switch v.Kind() {
	case '"':
		b, _ := jsontext.AppendUnquote(nil, v)
		return string(b), true
	case '0':
		return string(v), true
	case 't':
		return "true", true
	case 'f':
		return "false", true
	}
	return "", false
}

// absent reports whether a member was not sent, or sent as null.
func absent(v jsontext.Value) bool { return cmp.Or(v.Kind(), 'n') == 'n' }
