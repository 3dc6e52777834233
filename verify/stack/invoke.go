package stack

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/wabawatch/wabawatch/shared/config"
	"github.com/wabawatch/wabawatch/shared/whatsapptest"
	"github.com/wabawatch/wabawatch/verify/esm"
	"github.com/wabawatch/wabawatch/verify/filter"
	"github.com/wabawatch/wabawatch/verify/runner"
)

// Start starts one environment of each of these functions, or of all if none is named.
func (s *Stack) Start(ids ...string) {
	s.t.Helper()
	if len(ids) == 0 {
		for id := range s.Functions {
			ids = append(ids, id)
		}
	}
	for _, id := range ids {
		if err := s.Functions[id].Start(1); err != nil {
			s.t.Fatal(err)
		}
	}
}

// Try invokes a function and returns what became of it.
func (s *Stack) Try(id string, event any) runner.Result {
	s.t.Helper()
	r, err := s.Functions[id].Invoke(s.t.Context(), event)
	if err != nil {
		s.t.Fatalf("%s: %v", id, err)
	}
	return r
}

// Invoke invokes a function, which has to succeed, and decodes its answer unless into is nil.
func (s *Stack) Invoke(id string, event, into any) {
	s.t.Helper()
	r := s.Try(id, event)
	err := r.Err()
	if err == nil && into != nil {
		err = r.Decode(into)
	}
	if err != nil {
		s.t.Fatalf("%s: %v", id, err)
	}
}

// Run invokes a function as its schedule does; it has to succeed.
func (s *Stack) Run(id string) {
	s.t.Helper()
	s.Invoke(id, s.input(id), nil)
}

// Fire invokes a function as its schedule does, and does with failures what Lambda does when nobody
// waits: it tries again as often as the template says, and then sends the event to the target on
// failure, if there is one. It returns all that was tried.
func (s *Stack) Fire(id string) []runner.Result {
	s.t.Helper()
	var tried []runner.Result
	async := s.Deployment.Functions[id].Async
	for range 1 + async.MaxRetries {
		r := s.Try(id, s.input(id))
		if tried = append(tried, r); r.Failure == "" {
			return tried
		}
	}
	if async.OnFailure == "" {
		return tried
	}
	last := tried[len(tried)-1]
	message, err := json.Marshal(map[string]any{
		"version": "1.0", "timestamp": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), "requestPayload": json.RawMessage(s.input(id)),
		"requestContext":  map[string]any{"requestId": last.RequestID, "functionArn": s.Deployment.Functions[id].ARN, "condition": "RetriesExhausted", "approximateInvokeCount": len(tried)},
		"responseContext": map[string]any{"statusCode": 200, "executedVersion": "$LATEST", "functionError": last.Failure},
	})
	if err == nil {
		err = s.enqueue(s.t.Context(), async.OnFailure, message)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return tried
}

// enqueue sends a message to a queue of the template.
func (s *Stack) enqueue(ctx context.Context, arn string, body []byte) error {
	url, ok := s.queues[s.Deployment.LogicalID(arn)]
	if !ok {
		return fmt.Errorf("no queue %s", arn)
	}
	_, err := s.sqs.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String(string(body))})
	return err
}

// input is what the schedule of a function sends.
func (s *Stack) input(id string) []byte {
	s.t.Helper()
	for _, schedule := range s.Deployment.Schedules {
		if schedule.Function == id {
			return []byte(schedule.Input)
		}
	}
	s.t.Fatalf("%s has no schedule", id)
	return nil
}

// Pump leads the table's stream to the notifier until nothing is left, as Lambda does.
func (s *Stack) Pump() []esm.Step {
	s.t.Helper()
	steps, err := s.Stream.Pump(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return steps
}

func (s *Stack) invokeFromStream(ctx context.Context, event []byte) (esm.Answer, error) {
	r, err := s.Functions[s.Stream.Function].Invoke(ctx, event)
	return esm.Answer{RequestID: r.RequestID, Payload: r.Payload, Failure: r.Failure}, err
}

// Route is the function that gets requests for a method and path.
func (s *Stack) Route(method, path string) string {
	fallback := ""
	for _, r := range s.Deployment.Routes {
		switch {
		case r.Path == "":
			fallback = r.Function
		case r.Path == path && (r.Method == "" || r.Method == method):
			return r.Function
		}
	}
	return fallback
}

// Request sends a request as API Gateway does. It may be called from any goroutine.
func (s *Stack) Request(ctx context.Context, method, path, query string, header map[string]string, body []byte) (events.APIGatewayV2HTTPResponse, error) {
	e := s.request(method, path, header)
	e.RawQueryString, e.Body = query, string(body)
	return s.send(ctx, e)
}

// request is the event of a request without its body.
func (s *Stack) request(method, path string, header map[string]string) events.APIGatewayV2HTTPRequest {
	e := events.APIGatewayV2HTTPRequest{Version: "2.0", RouteKey: "$default", RawPath: path, Headers: header}
	for _, r := range s.Deployment.Routes {
		if r.Function == s.Route(method, path) && r.Path == path && r.Method == method {
			e.RouteKey = r.Key()
		}
	}
	e.RequestContext.RouteKey, e.RequestContext.Stage = e.RouteKey, "$default"
	e.RequestContext.HTTP.Method, e.RequestContext.HTTP.Path = method, path
	return e
}

func (s *Stack) send(ctx context.Context, e events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	method, path := e.RequestContext.HTTP.Method, e.RawPath
	var resp events.APIGatewayV2HTTPResponse
	r, err := s.Functions[s.Route(method, path)].Invoke(ctx, e)
	if err == nil {
		err = r.Decode(&resp)
	}
	if err != nil {
		return resp, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return resp, nil
}

// callback is where Meta sends notifications.
const callback = "/webhook"

// Deliver sends a body under a signature to the callback URL and returns the status of the answer.
// It may be called from any goroutine.
func (s *Stack) Deliver(ctx context.Context, body []byte, signature string) (int, error) {
	resp, err := s.Request(ctx, http.MethodPost, callback, "", notification(signature), body)
	return resp.StatusCode, err
}

// DeliverEncoded is Deliver as API Gateway does it with a body that it takes for binary: in base64.
func (s *Stack) DeliverEncoded(ctx context.Context, body []byte, signature string) (int, error) {
	e := s.request(http.MethodPost, callback, notification(signature))
	e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	resp, err := s.send(ctx, e)
	return resp.StatusCode, err
}

// notification is the header of a webhook. Without a signature it has none.
func notification(signature string) map[string]string {
	h := map[string]string{"content-type": "application/json"}
	if signature != "" {
		h["x-hub-signature-256"] = signature
	}
	return h
}

// Post is Deliver where an answer is certain.
func (s *Stack) Post(body []byte, signature string) int {
	s.t.Helper()
	status, err := s.Deliver(s.t.Context(), body, signature)
	if err != nil {
		s.t.Fatal(err)
	}
	return status
}

// Send sends changes in one signed body and returns the status of the answer.
func (s *Stack) Send(changes ...whatsapptest.Change) int {
	s.t.Helper()
	body := whatsapptest.Body(changes...)
	return s.Post(body, whatsapptest.Sign(s.Secrets[config.AppSecrets], body))
}

// Get asks the API and returns status and answer.
func (s *Stack) Get(path, query string) (int, map[string]any) {
	s.t.Helper()
	header := map[string]string{"authorization": "Bearer " + s.Secrets[config.APITokens]}
	resp, err := s.Request(s.t.Context(), http.MethodGet, path, query, header, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	var body map[string]any
	if err := json.Unmarshal([]byte(resp.Body), &body); err != nil {
		s.t.Fatalf("GET %s: %v in %q", path, err, resp.Body)
	}
	return resp.StatusCode, body
}

// Selects reports whether a record of the stream, as JSON, passes the mapping's filter.
func (s *Stack) Selects(record []byte) (bool, error) {
	f, err := filter.Compile(s.Stream.Filters...)
	if err != nil {
		return false, err
	}
	return f.Match(record)
}
