package proxy

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Fault is something that is done to a call.
type Fault struct {
	Name  string
	serve func(*exchange) error
}

// pass is what happens to a call that meets no fault.
var pass = Fault{"", func(x *exchange) error {
	a, err := x.send()
	if err != nil {
		return err
	}
	x.told = true
	return x.reply(a)
}}

// DropBefore closes the connection before the service hears of the call. DropAfter does so when it
// has done what was asked: the answer is lost. ResetBefore and ResetAfter end the connection with
// a reset.
var (
	DropBefore  = Fault{"dropped before", func(x *exchange) error { x.drop(); return nil }}
	DropAfter   = Fault{"answer lost", func(x *exchange) error { return sentThen(x, (*exchange).drop) }}
	ResetBefore = Fault{"reset before", func(x *exchange) error { x.reset(); return nil }}
	ResetAfter  = Fault{"reset after", func(x *exchange) error { return sentThen(x, (*exchange).reset) }}
)

func sentThen(x *exchange, end func(*exchange)) error {
	if _, err := x.send(); err != nil {
		return err
	}
	end(x)
	return nil
}

// Hang gives no answer until the caller gives up; HangAfter asks the service first.
var (
	Hang      = Fault{"no answer", func(x *exchange) error { <-x.r.Context().Done(); return nil }}
	HangAfter = Fault{"sent, no answer", func(x *exchange) error {
		return sentThen(x, func(x *exchange) { <-x.r.Context().Done() })
	}}
)

// Delay waits and then does f; the zero Fault passes the call on.
func Delay(d time.Duration, f Fault) Fault {
	return join(fmt.Sprintf("after %s", d), func(x *exchange) {
		select {
		case <-time.After(d):
		case <-x.r.Context().Done():
		}
	}, f)
}

// Before calls do, and then does f.
func Before(name string, do func(), f Fault) Fault { return join(name, func(*exchange) { do() }, f) }

// KillBefore calls kill, which ends the caller, before the service hears of the call.
func KillBefore(kill func()) Fault { return Before("killed before", kill, DropBefore) }

// KillAfter calls kill, which ends the caller, when the service has done what was asked.
func KillAfter(kill func()) Fault {
	return Fault{"killed after", func(x *exchange) error {
		return sentThen(x, func(x *exchange) { kill(); x.drop() })
	}}
}

func join(name string, first func(*exchange), f Fault) Fault {
	if f.serve == nil {
		f = pass
	}
	if f.Name != "" {
		name += ", " + f.Name
	}
	return Fault{name, func(x *exchange) error { first(x); return f.serve(x) }}
}

// Fail answers with a status of 500 or 503 without asking the service; FailAfter asks it first.
func Fail(status int) Fault { return Refuse(status, failure(status)) }

// FailAfter answers so although the service did what was asked.
func FailAfter(status int) Fault {
	return Fault{fmt.Sprintf("done, then %d", status), func(x *exchange) error {
		if _, err := x.send(); err != nil {
			return err
		}
		return x.reply(refusal(x.service, status, failure(status)))
	}}
}

func failure(status int) string {
	if status == http.StatusServiceUnavailable {
		return "ServiceUnavailable"
	}
	return "InternalServerError"
}

// Refuse answers with an error of the service, by its code.
func Refuse(status int, code string) Fault {
	return Fault{fmt.Sprintf("%d %s", status, code), func(x *exchange) error { return x.reply(refusal(x.service, status, code)) }}
}

// Throttle answers as the service does when there is too much to do.
var Throttle = Fault{"throttled", func(x *exchange) error {
	switch x.service {
	case SNS:
		return x.reply(refusal(SNS, http.StatusBadRequest, "Throttled"))
	case Graph:
		return x.reply(refusal(Graph, http.StatusTooManyRequests, "4"))
	}
	return x.reply(refusal(x.service, http.StatusBadRequest, "ThrottlingException"))
}}

// OverCapacity, InConflict and CheckFailed are refusals of DynamoDB's.
var (
	OverCapacity = Refuse(http.StatusBadRequest, "ProvisionedThroughputExceededException")
	InConflict   = Refuse(http.StatusBadRequest, "TransactionConflictException") // of single writes
	CheckFailed  = Refuse(http.StatusBadRequest, "ConditionalCheckFailedException")
)

// Cancel cancels a transaction for these reasons, one for each of its actions in turn: None,
// ConditionalCheckFailed, TransactionConflict, ThrottlingError, ProvisionedThroughputExceeded ...
// Actions beyond them get None.
func Cancel(reasons ...string) Fault {
	return Fault{"cancelled for " + strings.Join(reasons, ", "), func(x *exchange) error {
		var in struct{ TransactItems []json.RawMessage }
		if err := json.Unmarshal(x.body, &in); err != nil {
			return err
		}
		all := make([]map[string]string, max(len(in.TransactItems), len(reasons)))
		var codes []string
		for i := range all {
			all[i] = map[string]string{"Code": "None"}
			if i < len(reasons) && reasons[i] != "None" {
				all[i] = map[string]string{"Code": reasons[i], "Message": "injected"}
			}
			codes = append(codes, all[i]["Code"])
		}
		a := refusal(DynamoDB, http.StatusBadRequest, "TransactionCanceledException")
		body, err := json.Marshal(map[string]any{
			"__type":  "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
			"Message": "Transaction cancelled, please refer cancellation reasons for specific reasons [" + strings.Join(codes, ", ") + "]", "CancellationReasons": all,
		})
		a.body = body
		if err != nil {
			return err
		}
		return x.reply(a)
	}}
}

// Unprocessed answers a BatchGetItem with none of its items, and all of its keys as left over.
var Unprocessed = Fault{"nothing processed", func(x *exchange) error {
	var in struct{ RequestItems json.RawMessage }
	if err := json.Unmarshal(x.body, &in); err != nil {
		return err
	}
	body, err := json.Marshal(map[string]any{"Responses": map[string]any{}, "UnprocessedKeys": in.RequestItems})
	if err != nil {
		return err
	}
	return x.reply(answer{http.StatusOK, http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, body})
}}

// Truncate cuts the answer in the middle. Corrupt gives it a checksum that is not its own.
var (
	Truncate = Fault{"answer cut", func(x *exchange) error {
		a, err := x.send()
		if err != nil {
			return err
		}
		a.header.Set("Content-Length", strconv.Itoa(len(a.body)))
		a.body = a.body[:len(a.body)/2]
		if err := x.reply(a); err != nil {
			return err
		}
		if err := http.NewResponseController(x.w).Flush(); err != nil {
			return err
		}
		panic(http.ErrAbortHandler)
	}}
	Corrupt = Fault{"wrong checksum", func(x *exchange) error {
		a, err := x.send()
		if err != nil {
			return err
		}
		a.header.Set("X-Amz-Crc32", "1")
		return x.reply(a)
	}}
)

// Trickle sends the answer a byte at a time, with a pause before each.
func Trickle(pause time.Duration) Fault {
	return Fault{"trickled", func(x *exchange) error {
		a, err := x.send()
		if err != nil {
			return err
		}
		rest := a.body
		a.body = nil
		a.header.Set("Content-Length", strconv.Itoa(len(rest)))
		if err := x.reply(a); err != nil {
			return err
		}
		flush := http.NewResponseController(x.w).Flush
		for i := range rest {
			select {
			case <-time.After(pause):
			case <-x.r.Context().Done():
				return nil
			}
			if _, err := x.w.Write(rest[i : i+1]); err != nil {
				return err
			}
			if err := flush(); err != nil {
				return err
			}
		}
		x.told = true
		return nil
	}}
}

// refusal is an error as the service writes it.
func refusal(service string, status int, code string) answer {
	const message = "injected"
	switch service {
	case SNS:
		type fault struct {
			XMLName xml.Name `xml:"http://sns.amazonaws.com/doc/2010-03-31/ ErrorResponse"`
			Type    string   `xml:"Error>Type"`
			Code    string   `xml:"Error>Code"`
			Message string   `xml:"Error>Message"`
			Request string   `xml:"RequestId"`
		}
		side := "Sender"
		if status >= http.StatusInternalServerError {
			side = "Receiver"
		}
		if code == failure(http.StatusInternalServerError) {
			code = "InternalError" // its own word
		}
		body, err := xml.Marshal(fault{Type: side, Code: code, Message: message, Request: "injected"})
		if err != nil {
			panic(err) // texts only
		}
		return answer{status, http.Header{"Content-Type": {"text/xml"}}, body}
	case Graph:
		n, err := strconv.Atoi(code)
		if err != nil {
			n = 1 // an unknown error
		}
		body := fmt.Appendf(nil, `{"error":{"message":%q,"type":"OAuthException","code":%d,"fbtrace_id":"injected"}}`, message, n)
		return answer{status, http.Header{"Content-Type": {"application/json"}}, body}
	case SSM:
		return answer{status, http.Header{"Content-Type": {"application/x-amz-json-1.1"}}, fmt.Appendf(nil, `{"__type":%q,"message":%q}`, code, message)}
	}
	body := fmt.Appendf(nil, `{"__type":"com.amazonaws.dynamodb.v20120810#%s","message":%q}`, code, message)
	return answer{status, http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, body}
}
