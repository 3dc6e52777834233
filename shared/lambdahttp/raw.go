package lambdahttp

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json/jsontext"
)

// Callback is a handler that takes a request in parts, so that an event with a large body is
// walked once and a body nobody signed is never decoded.
type Callback[R any] struct {
	// Signature is the name of the header that must be there, and Shaped whether its value can
	// be a signature at all.
	Signature string
	Shaped    func(string) bool
	// Verify answers GET, Handle answers POST.
	Verify func(query url.Values) R
	Handle func(ctx context.Context, signature string, body []byte) R
	// Answer spells what they return.
	Answer func(R) (status int, body string)
}

// Raw is a lambda.Handler for one callback URL.
type Raw[R any] struct{ Callback Callback[R] }

// envelope is what a callback needs of an event, its body still as it was sent.
type envelope struct {
	method, path, query, signature string
	body                           jsontext.Value
	base64                         bool
}

// Invoke implements lambda.Handler.
func (h Raw[R]) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	e, err := h.walk(event)
	if err != nil {
		return nil, fmt.Errorf("event: %w", err)
	}
	answer := func(r R) ([]byte, error) {
		status, body := h.Callback.Answer(r)
		return respond(status, body)
	}
	switch e.method {
	case http.MethodGet:
		q, err := url.ParseQuery(e.query)
		if err != nil {
			return respond(http.StatusBadRequest, "bad request\n")
		}
		return answer(h.Callback.Verify(q))
	case http.MethodPost:
		if !h.Callback.Shaped(e.signature) {
			return answer(h.Callback.Handle(ctx, e.signature, nil))
		}
		body, err := e.decode()
		if err != nil {
			return respond(http.StatusBadRequest, "bad request\n")
		}
		return answer(h.Callback.Handle(ctx, e.signature, body))
	}
	return respond(http.StatusMethodNotAllowed, "method not allowed\n")
}

func respond(status int, body string) ([]byte, error) {
	return json.Marshal(events.APIGatewayV2HTTPResponse{StatusCode: status, Body: body, Headers: map[string]string{
		"content-type": "text/plain; charset=utf-8", "cache-control": "no-store", "x-content-type-options": "nosniff",
	}})
}

// walk reads the members it needs, wherever they stand, and skips the rest. If the headers come
// first, as they do, and hold nothing like a signature, the body is not even looked for.
func (h Raw[R]) walk(event []byte) (e envelope, err error) {
	d := jsontext.NewDecoder(bytes.NewReader(event), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if tok, err := d.ReadToken(); err != nil || tok.Kind() != '{' {
		return e, errors.Join(errors.New("not an object"), err)
	}
	headers := false
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return e, err
		}
		switch name.String() {
		case "rawPath":
			e.path, err = readString(d)
		case "rawQueryString":
			e.query, err = readString(d)
		case "headers":
			headers = true
			e.signature, err = h.header(d)
		case "requestContext":
			e.method, err = method(d)
		case "isBase64Encoded":
			var v jsontext.Value
			v, err = d.ReadValue()
			e.base64 = v.Kind() == 't'
		case "body":
			if headers && e.method != "" && e.method != http.MethodGet && !h.Callback.Shaped(e.signature) {
				return e, nil
			}
			var v jsontext.Value
			v, err = d.ReadValue()
			e.body = v.Clone()
		default:
			err = d.SkipValue()
		}
		if err != nil {
			return e, err
		}
	}
	return e, nil
}

// header finds the signature among the headers, whatever its case.
func (h Raw[R]) header(d *jsontext.Decoder) (value string, err error) {
	v, err := d.ReadValue()
	if err != nil {
		return "", err
	}
	var all map[string]string
	if err := json.Unmarshal(v, &all); err != nil {
		return "", err
	}
	for name, v := range all {
		if strings.EqualFold(name, h.Callback.Signature) {
			return v, nil
		}
	}
	return "", nil
}

func method(d *jsontext.Decoder) (string, error) {
	v, err := d.ReadValue()
	if err != nil {
		return "", err
	}
	var c struct {
		HTTP struct {
			Method string `json:"method"`
		} `json:"http"`
	}
	err = json.Unmarshal(v, &c)
	return c.HTTP.Method, err
}

func readString(d *jsontext.Decoder) (string, error) {
	tok, err := d.ReadToken()
	if err != nil {
		return "", err
	}
	if tok.Kind() != '"' {
		return "", nil
	}
	return tok.String(), nil
}

// decode gives the exact bytes that were posted.
func (e envelope) decode() ([]byte, error) {
	if e.body.Kind() != '"' {
		return nil, nil
	}
	text, err := jsontext.AppendUnquote(make([]byte, 0, len(e.body)), e.body)
	if err != nil || !e.base64 {
		return text, err
	}
	n, err := base64.StdEncoding.Decode(text, text)
	return text[:n], err
}
