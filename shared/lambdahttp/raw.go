package lambdahttp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Callback is a handler that takes a request in parts, so that an event with a large body is
// walked once and a body nobody signed is never decoded.
type Callback[R any] struct {
	// Signature is the name of the header that must be there, and Shaped whether its value can
	// be a signature at all.
	Signature string
	Shaped    func(string) bool
	// Verify answers GET, Handle answers POST. body belongs to Handle until it returns.
	Verify func(query url.Values) R
	Handle func(ctx context.Context, signature string, body []byte) R
	// Answer spells what they return.
	Answer func(R) (status int, body string)
}

// Raw is a lambda.Handler for one callback URL. It uses the memory of the event it is given: a
// body is decoded where it lies.
type Raw[R any] struct {
	Callback Callback[R]
	// Path is where the callback lives, whatever the stage or base path before it. "" means
	// /webhook; anything else is not found.
	Path string
}

// envelope is what a callback needs of an event.
type envelope struct {
	method, path, query, signature string
	headers, context               bool // seen
	at                             int  // where the body is; 0 if there is none
	body                           []byte
	base64                         bool
}

// Invoke implements lambda.Handler.
func (h Raw[R]) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	e, err := h.walk(event)
	if errors.Is(err, errBody) {
		return respond(http.StatusBadRequest, "bad request\n")
	}
	if err != nil {
		return nil, fmt.Errorf("event: %w", err)
	}
	path := h.Path
	if path == "" {
		path = "/webhook"
	}
	if e.path != "" && !strings.HasSuffix(e.path, path) {
		return respond(http.StatusNotFound, "not found\n")
	}
	answer := func(r R) ([]byte, error) {
		status, body := h.Callback.Answer(r)
		return respond(status, body)
	}
	switch e.method {
	case http.MethodGet:
		q, _ := url.ParseQuery(e.query) // what can be parsed counts, as it does over HTTP
		return answer(h.Callback.Verify(q))
	case http.MethodPost:
		return answer(h.Callback.Handle(ctx, e.signature, e.body))
	}
	return respond(http.StatusMethodNotAllowed, "method not allowed\n")
}

// respond writes the answer of an HTTP API. Nearly all are a status and nothing more.
func respond(status int, body string) ([]byte, error) {
	text := []byte(`""`)
	if body != "" {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return nil, fmt.Errorf("answer: %w", err)
		}
	}
	out := append(make([]byte, 0, 256), `{"statusCode":`...)
	out = strconv.AppendInt(out, int64(status), 10)
	out = append(out, `,"headers":{"content-type":"text/plain; charset=utf-8","cache-control":"no-store","x-content-type-options":"nosniff"`...)
	if status == http.StatusMethodNotAllowed {
		out = append(out, `,"allow":"GET, POST"`...)
	}
	out = append(append(out, `},"body":`...), text...)
	return append(out, '}'), nil
}

// errEnough ends a walk: what is left of the event changes no answer.
var errEnough = errors.New("nothing more is needed")

// walk reads the members it needs, wherever they stand, and skips the rest. If headers and
// method come before the body, as they do, and nothing looks like a signature, the body is not
// even looked for.
func (h Raw[R]) walk(event []byte) (e envelope, err error) {
	w := &walker{b: event}
	err = w.members(func(name []byte) (err error) {
		switch string(name) {
		case "rawPath":
			e.path, err = w.text()
		case "rawQueryString":
			e.query, err = w.text()
		case "headers":
			e.headers = true
			e.signature, err = h.header(w)
		case "requestContext":
			e.context = true
			e.method, err = method(w)
		case "isBase64Encoded":
			e.base64 = w.kind() == 't'
			err = w.skip()
		case "body":
			if w.kind() != '"' {
				return w.skip()
			}
			e.at = w.i
			switch {
			case !e.headers || !e.context:
				return w.skip()
			case !h.wanted(e):
				return errEnough
			}
			e.body, err = w.unescape()
		default:
			err = w.skip()
		}
		return err
	})
	switch {
	case errors.Is(err, errEnough):
		return e, nil
	case err != nil:
		return e, err
	case e.at == 0 || !h.wanted(e):
		return e, nil
	}
	if e.body == nil {
		w.i = e.at
		if e.body, err = w.unescape(); err != nil {
			return e, err
		}
	}
	if e.base64 {
		e.body, err = decode64(e.body)
	}
	return e, err
}

// wanted reports whether the body of a request changes its answer.
func (h Raw[R]) wanted(e envelope) bool {
	return e.method == http.MethodPost && h.Callback.Shaped(e.signature)
}

// header finds the signature among the headers, whatever its case.
func (h Raw[R]) header(w *walker) (value string, err error) {
	if w.kind() != '{' {
		return "", w.skip()
	}
	err = w.members(func(name []byte) (err error) {
		if len(name) == len(h.Callback.Signature) && strings.EqualFold(string(name), h.Callback.Signature) {
			value, err = w.text()
			return err
		}
		return w.skip()
	})
	return value, err
}

// method finds http.method in a request context.
func method(w *walker) (value string, err error) {
	if w.kind() != '{' {
		return "", w.skip()
	}
	err = w.members(func(name []byte) error {
		if string(name) != "http" || w.kind() != '{' {
			return w.skip()
		}
		return w.members(func(name []byte) (err error) {
			if string(name) != "method" {
				return w.skip()
			}
			value, err = w.text()
			return err
		})
	})
	return value, err
}
