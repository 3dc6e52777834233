package awscall

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestRefusalsAreRead(t *testing.T) {
	for _, tc := range []struct {
		name          string
		body          string
		header        []string
		code, message string
	}{
		{"with a namespace", `{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"slow"}`, nil, "ThrottlingException", "slow"},
		{"without", `{"__type":"ParameterNotFound","Message":"none"}`, nil, "ParameterNotFound", "none"},
		{"in the header", `{"message":"no"}`, []string{"X-Amzn-Errortype", "AccessDeniedException:http://internal.amazon.com/coral/com.amazon.coral.service/"}, "AccessDeniedException", "no"},
		{"as code", `{"code":"Refused"}`, nil, "Refused", ""},
		{"header before body", `{"__type":"A#B"}`, []string{"X-Amzn-Errortype", "C"}, "C", ""},
		{"not JSON", `<html>`, nil, "", ""},
		{"nothing", ``, nil, "", ""},
		{"another JSON", `[1]`, nil, "", ""},
	} {
		c, _ := over(reply(403, tc.body, tc.header...))
		err := c.Do(t.Context(), Request{Operation: "Post"})
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Code != tc.code || e.Message != tc.message || e.Status != 403 || string(e.Body) != tc.body {
			t.Errorf("%s: %#v, want code %q and message %q", tc.name, err, tc.code, tc.message)
		}
	}
}

func TestErrorsSayWhatIsNeeded(t *testing.T) {
	c, _ := over(reply(400, `{"__type":"a#Nope","message":"no such ledger"}`, "X-Amzn-Requestid", "R1"))
	if got, want := c.Do(t.Context(), Request{Operation: "Post"}).Error(), "Post: ledger answered 400 Nope: no such ledger (request R1)"; got != want {
		t.Errorf("error is %q, want %q", got, want)
	}
}

// What a service says of a refused signature repeats the request as it should have been signed.
func TestErrorsHoldNothingSecret(t *testing.T) {
	c, _ := over(reply(403, `{"__type":"InvalidSignatureException","message":"The request signature we calculated does not match.\n\n`+
		`The Canonical String for this request should have been\n'POST\n/\n\nx-amz-security-token:the-session-token\n'"}`))
	err := c.Do(t.Context(), Request{Operation: "Post", Body: []byte("the-body")})
	for _, secret := range []string{"the-session-token", "the-secret-key", "the-body"} {
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("error is %v, with %s", err, secret)
		}
	}
	if !strings.Contains(err.Error(), "does not match") {
		t.Errorf("error is %v", err)
	}
	c, _ = over(reply(400, `{"__type":"ValidationException","message":"`+strings.Repeat("é", 100_000)+`"}`))
	if err := c.Do(t.Context(), Request{Operation: "Post"}); len(err.Error()) > 2*maxMessage || !utf8.ValidString(err.Error()) {
		t.Errorf("error of %d bytes", len(err.Error()))
	}
}
