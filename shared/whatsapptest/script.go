package whatsapptest

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ErrorSpec is one failure of the simulated API.
type ErrorSpec struct {
	// Path limits the failure to calls whose path below the version contains it.
	Path string
	// Delay comes before anything else.
	Delay time.Duration
	// Status, Code and the rest make an error object as Meta's. Code 0 with Status 0 is no error.
	Status, Code, Subcode int
	Message               string
	Transient             bool
	// Headers are added to the answer.
	Headers map[string]string
	// HTML answers as a proxy does, with Status or 502 and no JSON.
	HTML bool
	// Raw answers with Status or 200 and exactly this body.
	Raw string
	// CutBody answers truly, but closes the connection in the middle.
	CutBody bool
	// Hang answers nothing until the caller gives up.
	Hang bool

	left int
}

// FailNext makes the next n calls that match spec.Path fail so. Failures are used up in the
// order in which they were scripted.
func (m *Meta) FailNext(n int, spec ErrorSpec) {
	m.mu.Lock()
	defer m.mu.Unlock()
	spec.left = n
	m.script = append(m.script, spec)
}

// RefuseField makes Meta not know a field, as after a new version; again allows it.
func (m *Meta) RefuseField(name string, again bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refused == nil {
		m.refused = map[string]bool{}
	}
	m.refused[name] = !again
}

// SetUsage makes answers carry usage headers: the share of the allowance that is spent, and
// the minutes until access returns. Zeros remove them.
func (m *Meta) SetUsage(percent, regainMinutes int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.usage = [2]int{percent, regainMinutes}
}

// scripted takes the next failure for a path off the script.
func (m *Meta) scripted(path string) (ErrorSpec, bool) {
	for i := range m.script {
		if s := &m.script[i]; s.left > 0 && strings.Contains(path, s.Path) {
			s.left--
			return *s, true
		}
	}
	return ErrorSpec{}, false
}

// fail plays a failure; false if the answer is still to be given.
func (s ErrorSpec) fail(w http.ResponseWriter, r *http.Request) bool {
	if s.Hang {
		<-r.Context().Done()
		return true
	}
	if s.Delay > 0 {
		select {
		case <-r.Context().Done():
			return true
		case <-time.After(s.Delay):
		}
	}
	for k, v := range s.Headers {
		w.Header().Set(k, v)
	}
	switch {
	case s.HTML:
		w.Header().Set("Content-Type", "text/html; charset=UTF-8")
		w.WriteHeader(or(s.Status, http.StatusBadGateway))
		_, _ = w.Write([]byte("<!DOCTYPE html><html><body><h1>Sorry, something went wrong.</h1></body></html>"))
	case s.Raw != "":
		w.WriteHeader(or(s.Status, http.StatusOK))
		_, _ = w.Write([]byte(s.Raw))
	case s.Status != 0:
		s.write(w)
	default:
		return false
	}
	return true
}

// write answers with an error object of Meta's.
func (s ErrorSpec) write(w http.ResponseWriter) {
	e := object{"message": s.Message, "type": "OAuthException", "code": s.Code, "fbtrace_id": "Az8or2yhqkZfEZ-_4Qn_Bam"}
	if s.Subcode != 0 {
		e["error_subcode"] = s.Subcode
	}
	if s.Transient {
		e["is_transient"] = true
	}
	if s.Message == "" {
		e["message"] = "(#" + strconv.Itoa(s.Code) + ") simulated"
	}
	w.WriteHeader(or(s.Status, http.StatusBadRequest))
	_, _ = w.Write(encode(object{"error": e}))
}

// cutShort sends half of an answer and drops the connection.
func cutShort(w http.ResponseWriter, body any) {
	b := encode(body)
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	_, _ = w.Write(b[:len(b)/2])
	panic(http.ErrAbortHandler)
}

var invalidToken = ErrorSpec{Status: 401, Code: 190, Subcode: 467, Message: "Error validating access token: The session is invalid because the user logged out."}

func missing(id string) *ErrorSpec {
	return &ErrorSpec{Status: 400, Code: 100, Subcode: 33,
		Message: "Unsupported get request. Object with ID '" + id + "' does not exist, cannot be loaded due to missing permissions, or does not support this operation"}
}

func or(n, otherwise int) int {
	if n != 0 {
		return n
	}
	return otherwise
}
