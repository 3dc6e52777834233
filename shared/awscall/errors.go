package awscall

import (
	"fmt"
	"net/http"
	"strings"
)

// Error is a refusal by the service, or by something in between, which has no Code.
type Error struct {
	Service string
	Status  int
	// Code is the service's name for what is wrong, without namespace.
	Code string
	// Message is for people: the first line of what the service says, not longer than a log
	// should hold.
	Message string
	// RequestID is what AWS's support asks for; "" if there is none.
	RequestID string
	// Body is the answer as it came. It may repeat parts of the request.
	Body []byte
}

// Error says who answered what.
func (e *Error) Error() string {
	s := fmt.Sprintf("%s answered %d", e.Service, e.Status)
	if e.Code != "" {
		s += " " + e.Code
	}
	if e.Message != "" {
		s += ": " + e.Message
	}
	if e.RequestID != "" {
		s += " (request " + e.RequestID + ")"
	}
	return s
}

// Codes that mean the same for every service.
// Source: AWS SDK for Go v2, aws/retry, its lists of codes; DynamoDB, SNS and Systems Manager
// API references, common errors; checked 2026-11.
var (
	// temporaryCodes: nothing was done, and a later attempt may succeed.
	temporaryCodes = []string{
		"Throttling", "ThrottlingException", "Throttled", "ThrottledException", "RequestThrottled", "RequestThrottledException",
		"TooManyRequestsException", "ProvisionedThroughputExceededException", "TransactionInProgressException", "RequestLimitExceeded",
		"BandwidthLimitExceeded", "LimitExceededException", "SlowDown", "PriorRequestNotComplete", "RequestTimeout", "RequestTimeoutException",
	}
	// internalCodes: whatever status they come with, the service does not know what it did.
	internalCodes = []string{"InternalServerError", "InternalServerException", "InternalFailure", "InternalError", "ServiceUnavailable", "ServiceUnavailableException"}
	// skewCodes may mean that our clock is wrong, and then only if the answer's Date says so too.
	skewCodes = []string{"RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture", "InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure", "AccessDeniedException"}
	// expiredCodes: the credentials were good once.
	expiredCodes = []string{"ExpiredToken", "ExpiredTokenException"}
)

// maxMessage bounds a Message, in bytes.
const maxMessage = 400

func newError(s Service, resp *http.Response, body []byte) *Error {
	e := &Error{Service: s.Name, Status: resp.StatusCode, Body: body, RequestID: resp.Header.Get("X-Amzn-Requestid")}
	code, message := s.Fault(body)
	if h := resp.Header.Get("X-Amzn-Errortype"); h != "" {
		code = h
	}
	e.Code = bare(code)
	// A refused signature comes with the request as it should have been signed, session token
	// and all, on the lines below the first.
	message, _, _ = strings.Cut(message, "\n")
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "") + "..."
	}
	e.Message = message
	return e
}

// bare takes the code out of com.amazonaws.dynamodb.v20120810#Code and of Code:http://...
func bare(code string) string {
	code, _, _ = strings.Cut(code, ":")
	if i := strings.LastIndexByte(code, '#'); i >= 0 {
		code = code[i+1:]
	}
	return strings.TrimSpace(code)
}
