package template

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Function is a Lambda function.
type Function struct {
	ID               string // its logical id, after which its build target is named
	Name, ARN        string
	Handler, Runtime string
	Timeout          time.Duration
	MemoryMB         int
	Environment      map[string]string
	// LogFormat and LogLevel are how it logs, "" for Lambda's defaults.
	LogFormat, LogLevel string
	Policies            []Statement // of its role, besides logging
	Async               Async
}

// Async is what Lambda does with events that nobody waits for.
type Async struct {
	MaxRetries int
	MaxAge     time.Duration
	OnFailure  string // ARN; "" for none
}

// Allows reports whether the policies allow an action on a resource. They are compared letter by
// letter, except for a * at the end of a resource.
func (f Function) Allows(action, resource string) bool {
	allowed := false
	for _, s := range f.Policies {
		if !slices.Contains(s.Action, action) || !slices.ContainsFunc(s.Resource, func(r string) bool {
			prefix, open := strings.CutSuffix(r, "*")
			return r == resource || open && strings.HasPrefix(resource, prefix)
		}) {
			continue
		}
		if s.Effect != "Allow" {
			return false
		}
		allowed = true
	}
	return allowed
}

// Statement is one statement of a policy.
type Statement struct {
	Sid      string
	Effect   string
	Action   texts
	Resource texts
}

// Table is a DynamoDB table.
type Table struct {
	Name, ARN  string
	Attributes []struct{ AttributeName, AttributeType string }
	Key        []KeyPart
	Indexes    []Index
	StreamView string // "" for no stream
	TTL        string // attribute by which items expire, "" for none
}

// KeyPart is one attribute of a key.
type KeyPart struct{ AttributeName, KeyType string }

// Index is a global secondary index.
type Index struct {
	IndexName  string
	KeySchema  []KeyPart
	Projection struct {
		ProjectionType   string
		NonKeyAttributes []string
	}
}

// Topic is an SNS topic, Queue an SQS queue.
type (
	Topic struct{ Name, ARN string }
	Queue struct{ Name, ARN string }
)

// Subscription is one to a topic.
type Subscription struct {
	Topic              string // ARN
	Protocol, Endpoint string
	FilterPolicy       json.RawMessage // nil for none
	DeadLetters        string          // ARN; "" for none
}

// Mapping is what Lambda does with a stream.
type Mapping struct {
	Function         string // logical id
	Source           string // ARN
	StartingPosition string
	BatchSize        int
	Window           time.Duration
	Bisect           bool
	MaxRetries       int           // -1 for ever
	MaxAge           time.Duration // -1s for ever
	ReportFailures   bool
	Filters          []string // patterns; none lets everything pass
	OnFailure        string   // ARN; "" for none
}

// Schedule is a schedule that invokes a function.
type Schedule struct {
	Function   string // logical id
	Expression string
	Input      string
	MaxRetries int
	MaxAge     time.Duration
	OnFailure  string // ARN; "" for none
}

// Route is a route of the HTTP API. Method is "" for any, and Path "" for the default route.
type Route struct{ Method, Path, Function string }

// Key is the route as events name it: "POST /webhook", or $default.
func (r Route) Key() string {
	if r.Path == "" {
		return "$default"
	}
	if r.Method == "" {
		return "ANY " + r.Path
	}
	return r.Method + " " + r.Path
}
