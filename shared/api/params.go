package api

import (
	"encoding/base64"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

const (
	defaultLimit = 100
	maxLimit     = 1000
)

// known refuses parameters that the route does not have: a misspelt filter must not look like
// an empty one.
func (r *request) known(names ...string) error {
	for pair := range strings.SplitSeq(r.http.URL.RawQuery, "&") {
		// What cannot be read would otherwise be left out, and with it a filter.
		if _, err := url.ParseQuery(pair); err != nil {
			name, _, _ := strings.Cut(pair, "=")
			return badParameter(name, "is not encoded as in a URL")
		}
	}
	for name, values := range r.http.URL.Query() {
		if !slices.Contains(names, name) {
			return badParameter(name, "not known here; known are "+strings.Join(names, ", "))
		}
		if len(values) > 1 {
			return badParameter(name, "given more than once")
		}
	}
	return nil
}

func (r *request) param(name string) string { return r.http.URL.Query().Get(name) }

// page reads where the page of a list begins, after a position, and how many items it may have. names
// are the other parameters of the list.
func (r *request) page(names ...string) (limit int, after string, err error) {
	if err := r.known(append(names, "limit", "cursor")...); err != nil {
		return 0, "", err
	}
	if limit, err = r.limit(); err != nil {
		return 0, "", err
	}
	after, err = r.cursor()
	return limit, after, err
}

func (r *request) limit() (int, error) {
	v := r.param("limit")
	if v == "" {
		return defaultLimit, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > maxLimit {
		return 0, badParameter("limit", "must be a number from 1 to "+strconv.Itoa(maxLimit))
	}
	return n, nil
}

func (r *request) time(name string) (time.Time, error) {
	v := r.param(name)
	if v == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, v); err == nil {
		return t.UTC(), nil
	}
	if t, err := time.Parse(time.DateOnly, v); err == nil {
		return t, nil
	}
	return time.Time{}, badParameter(name, "must be a time such as 2026-11-20T10:05:00Z, or a date")
}

// span reads from and to.
func (r *request) span() (from, to time.Time, err error) {
	if from, err = r.time("from"); err != nil {
		return from, to, err
	}
	if to, err = r.time("to"); err != nil {
		return from, to, err
	}
	if !from.IsZero() && !to.IsZero() && to.Before(from) {
		return from, to, badParameter("to", "is before from")
	}
	return from, to, nil
}

// cursor reads the position at which a list goes on. It begins with the name of the list that gave
// it: a position in one means nothing in another.
func (r *request) cursor() (string, error) {
	v := r.param("cursor")
	if v == "" {
		return "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(v)
	position, ok := strings.CutPrefix(string(b), r.list())
	if err != nil || !ok || position == "" {
		return "", badParameter("cursor", "is not one that this list gave")
	}
	return position, nil
}

// next is the cursor of a position.
func (r *request) next(position string) string {
	if position == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte(r.list() + position))
}

// list names the list that is read.
func (r *request) list() string { return path.Base(r.http.URL.Path) + " " }

func (r *request) severity() (quality.Severity, error) {
	v := quality.Severity(r.param("severity"))
	if v != "" && v.Level() == 0 {
		return "", badParameter("severity", "must be critical, warning or info")
	}
	return v, nil
}

func (r *request) event() (quality.Event, error) {
	v := quality.Event(r.param("event"))
	events := []quality.Event{quality.Firing, quality.Escalated, quality.Eased, quality.Reminder, quality.Resolved, quality.Passed, quality.Notice}
	if v != "" && !slices.Contains(events, v) {
		return "", badParameter("event", "must be one of firing, escalated, eased, reminder, resolved, passed, notice")
	}
	return v, nil
}

// wabaID reads the account that a list is limited to; "" for all.
func (r *request) wabaID() (string, error) {
	id := r.param("waba_id")
	if strings.Trim(id, "0123456789") != "" {
		return "", badParameter("waba_id", "must be the decimal id of an account")
	}
	return id, nil
}

// waba reads the account of a path, and refuses those that the token does not show as if they
// did not exist.
func (r *request) waba() (string, error) {
	id := r.http.PathValue("waba")
	if id == "" || strings.Trim(id, "0123456789") != "" {
		return "", badParameter("waba", "must be the decimal id of an account")
	}
	if !r.allows(id) {
		return "", notFound("no such account")
	}
	return id, nil
}
