package whatsapp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// NoCode is the Code of an Error whose answer named none. 0 is a code of Meta's.
const NoCode = -1

// Error is a call that Meta refused, or that got no usable answer. Its texts come from Meta,
// rid of secrets, of URL queries and of characters that do not print.
type Error struct {
	// Status is the HTTP status; 0 if there was no answer.
	Status int
	// Code decides what the error means. NoCode if the answer named none.
	Code    int
	Subcode int // 0 if none
	Type    string
	Message string
	Details string
	// TraceID is what Meta's support asks for.
	TraceID string
	// Transient is Meta's own opinion, heeded only where the code is unknown.
	Transient bool
	// RetryAfter is how long Meta said to wait; zero if it did not say.
	RetryAfter time.Duration

	notJSON bool   // no answer, or one that is not JSON: a proxy, a cut connection
	shape   bool   // JSON, of a shape that is of no use
	said    string // the message as it came
	ended   error  // the context's error, where that ended the call
}

// Error shows what decides, the trace id, and Meta's message.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("graph:")
	if e.Status != 0 {
		fmt.Fprintf(&b, " status %d", e.Status)
	}
	if e.Code != NoCode {
		fmt.Fprintf(&b, " code %d", e.Code)
		if e.Subcode != 0 {
			fmt.Fprintf(&b, "/%d", e.Subcode)
		}
	}
	if e.TraceID != "" {
		b.WriteString(" trace " + e.TraceID)
	}
	b.WriteString(": " + e.Message)
	if e.Details != "" {
		b.WriteString(" (" + e.Details + ")")
	}
	return b.String()
}

// Unwrap returns the error of the context that ended the call, if one did.
func (e *Error) Unwrap() error { return e.ended }

// Temporary reports whether the same call may succeed later without anybody doing anything.
func (e *Error) Temporary() bool {
	switch e.Failure() {
	case quality.FailTemporary, quality.FailThrottled:
		return true
	}
	return false
}

// meanings lists the codes by what they mean for a call that reads.
// Source: Meta, WhatsApp error codes and Graph API error handling, checked 2026-11.
var meanings = map[quality.PollFailure][]int{
	quality.FailToken:     {0, 102, 190},
	quality.FailForbidden: {3, 10, 368, 131005, 131031},
	quality.FailMissing:   {33, 803},
	quality.FailThrottled: {4, 17, 32, 613, 80007, 80008, 130429, 131056, 133016},
	quality.FailTemporary: {1, 2, 131000, 131016, 131057, 131059, 132069, 133004, 133015, 134101, 2494100},
	// Refusals that time does not heal, whatever HTTP status they come with.
	quality.FailMalformed: {
		100, 130403, 130472, 130497, 131008, 131009, 131021, 131026, 131037, 131042, 131045, 131047, 131048, 131049,
		131050, 131051, 131052, 131053, 131055, 131062, 131063, 131064, 132000, 132001, 132005, 132007, 132012, 132015,
		132016, 132018, 132021, 132068, 133000, 133005, 133006, 133008, 133009, 133010, 134011, 134100, 134102, 135000,
		137000, 139000, 139200, 200005, 200006, 200007, 2388019, 2388039, 2388040, 2388047, 2388072, 2388073, 2388293,
		2388299,
	},
}

var meaningOf = func() map[int]quality.PollFailure {
	m := map[int]quality.PollFailure{}
	for f, codes := range meanings {
		for _, c := range codes {
			m[c] = f
		}
	}
	for c := 200; c < 300; c++ {
		m[c] = quality.FailForbidden
	}
	return m
}()

// subcodeMissing, of code 100, is an object that does not exist or is not visible.
const subcodeMissing = 33

// codeBadCursor is a stale cursor: the list starts again.
const codeBadCursor = 131059

// Failure says what the error means for a poll. The code decides, not the HTTP status: code 3,
// a missing capability, comes with status 500. Only an unknown code is judged by its status.
func (e *Error) Failure() quality.PollFailure {
	if e.Code == 100 && e.Subcode == subcodeMissing {
		return quality.FailMissing
	}
	if e.Code == 100 && strings.Contains(e.Message, "appsecret_proof") {
		return quality.FailForbidden
	}
	if f, ok := meaningOf[e.Code]; ok && e.Code != NoCode {
		return f
	}
	switch {
	case e.shape || 300 <= e.Status && e.Status < 400:
		return quality.FailMalformed
	case e.Status == http.StatusTooManyRequests:
		return quality.FailThrottled
	case e.notJSON || e.Transient || e.Status >= 500:
		return quality.FailTemporary
	}
	return quality.FailMalformed
}

// readError reads the body of a refusal. It never fails: what is no error object of Meta's
// becomes an Error without a code.
func readError(status int, body io.Reader, clean func(string) string) *Error {
	e := &Error{Status: status, Code: NoCode, Message: "no error object in the answer"}
	raw, err := io.ReadAll(io.LimitReader(body, 1<<20))
	var answer struct {
		Error jsontext.Value `json:"error"`
	}
	if uerr := json.Unmarshal(raw, &answer, tolerant); err != nil || uerr != nil {
		e.notJSON, e.Message = true, "the answer is not JSON"
		if len(raw) > 0 && jsontext.Value(raw).IsValid(tolerant) {
			e.notJSON, e.shape = false, status < 300
		}
		return e
	}
	e.read(answer.Error, clean)
	return e
}

// read takes in Meta's error object, whatever of it is there.
func (e *Error) read(v jsontext.Value, clean func(string) string) {
	var wire struct {
		Message      jsontext.Value `json:"message"`
		Type         jsontext.Value `json:"type"`
		Code         jsontext.Value `json:"code"`
		ErrorSubcode jsontext.Value `json:"error_subcode"`
		Subcode      jsontext.Value `json:"subcode"` // inside debug_token
		IsTransient  jsontext.Value `json:"is_transient"`
		FBTraceID    jsontext.Value `json:"fbtrace_id"`
		ErrorData    jsontext.Value `json:"error_data"`
	}
	if v.Kind() != '{' || json.Unmarshal(v, &wire, tolerant) != nil {
		if s, ok := text(v); ok && s != "" {
			e.Message = clean(s)
		}
		return
	}
	if n, ok := integer(wire.Code); ok {
		e.Code = n
	}
	if n, ok := integer(wire.ErrorSubcode); ok {
		e.Subcode = n
	} else if n, ok := integer(wire.Subcode); ok {
		e.Subcode = n
	}
	e.Transient = wire.IsTransient.Kind() == 't'
	if s, ok := text(wire.Message); ok {
		e.said = s
		e.Message = clean(s)
	}
	if s, ok := text(wire.Type); ok {
		e.Type = clean(s)
	}
	if s, ok := text(wire.FBTraceID); ok {
		e.TraceID = clean(s)
	}
	var data struct {
		Details jsontext.Value `json:"details"`
	}
	if wire.ErrorData.Kind() == '{' && json.Unmarshal(wire.ErrorData, &data, tolerant) == nil {
		if s, ok := text(data.Details); ok {
			e.Details = clean(s)
		}
	}
}

// fieldPattern finds the field that a refusal names: "nonexisting field (foo)", "unknown field 'foo'".
// Neither pattern is compiled before it is needed: a cold start would pay for both.
var fieldPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile("(?i)\\bfields?(?: names?| named)?[:= ]*[(\\[\"'`]?\\b([a-z][a-z0-9_]*)")
})

// wordPattern finds every word that may be a field.
var wordPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile("([(\\[\"'`/]?)\\b([a-z][a-z0-9_]*)")
})

// refusedField is the one of fields that a refusal names; "" if it names none, or several
// without saying which. A field that is called like a common word must be quoted, unless
// the word "field" leads up to it.
func refusedField(message string, fields []string) string {
	if m := fieldPattern().FindStringSubmatch(message); m != nil && slices.Contains(fields, m[1]) && !strings.HasSuffix(strings.ToLower(m[0]), "field name") {
		return m[1]
	}
	common := []string{"id", "name", "language", "status", "category"}
	named := ""
	for _, m := range wordPattern().FindAllStringSubmatch(message, -1) {
		if !slices.Contains(fields, m[2]) || m[2] == named || m[1] == "" && slices.Contains(common, m[2]) {
			continue
		}
		if named != "" {
			return ""
		}
		named = m[2]
	}
	return named
}

// maxErrorRunes caps what an error repeats of Meta's words.
const maxErrorRunes = 300

var (
	queryPattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(https?://[^\s?#"'<>]*)[?#][^\s"'<>]*`)
	})
	tokenPattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`EAA[A-Za-z0-9]{8,}|((?:access|input)_token|appsecret_proof)=[^\s&"'<>]*`)
	})
)

// cleaner returns what makes a text of Meta's fit for errors and logs: no secret, no URL
// query, one line, not long. Meta repeats a malformed token in its error message.
func cleaner(secrets ...string) func(string) string {
	var pairs []string
	for _, s := range secrets {
		if s != "" {
			pairs = append(pairs, s, "[redacted]", url.QueryEscape(s), "[redacted]")
		}
	}
	known := strings.NewReplacer(pairs...)
	return func(s string) string {
		s = strings.ToValidUTF8(s, "\uFFFD")
		s = known.Replace(s)
		s = queryPattern().ReplaceAllString(s, "$1")
		s = tokenPattern().ReplaceAllString(s, "[redacted]")
		s = strings.Map(func(r rune) rune {
			switch {
			case unicode.IsSpace(r):
				return ' '
			case !unicode.IsPrint(r) || unicode.Is(unicode.Bidi_Control, r):
				return -1
			}
			return r
		}, s)
		return quality.Clip(strings.TrimSpace(s), maxErrorRunes)
	}
}

// noAnswer is the error of a call that got none. The cause's own text may hold the URL, so
// only a context's error remains in the chain.
func noAnswer(err error, clean func(string) string) *Error {
	e := &Error{Code: NoCode, notJSON: true}
	for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, end) {
			e.ended = end
		}
	}
	if ue, ok := errors.AsType[*url.Error](err); ok {
		err = ue.Err
	}
	e.Message = clean(err.Error())
	if errors.Is(err, errPinned) {
		e.notJSON, e.shape = false, true
	}
	return e
}

// failed makes the error that a poll returns.
func (v *visit) failed(err error) error {
	if err == nil {
		return nil
	}
	p := &quality.PollError{Failure: quality.FailTemporary, Usage: v.usage, Err: err}
	if e, ok := errors.AsType[*Error](err); ok {
		p.Failure, p.RetryAfter = e.Failure(), e.RetryAfter
	}
	if p.Failure == quality.FailThrottled {
		p.RetryAfter = max(p.RetryAfter, v.usage.RegainAfter)
	}
	return p
}

// malformed is an answer of no use: JSON, but not what the call is documented to answer.
func malformed(what string) *Error {
	return &Error{Code: NoCode, Status: http.StatusOK, Message: what, shape: true}
}

// isCode reports whether err is a refusal with one of codes.
func isCode(err error, codes ...int) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && slices.Contains(codes, e.Code)
}

// is reports whether err means f.
func is(err error, fs ...quality.PollFailure) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && slices.Contains(fs, e.Failure())
}

// integer reads a JSON number, or a string of digits, that fits an int.
func integer(v jsontext.Value) (int, bool) {
	s, ok := text(v)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}
