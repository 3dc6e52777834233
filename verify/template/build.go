package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// builder turns resolved properties into a deployment.
type builder struct {
	d     *Deployment
	names *names
	roles map[string][]Statement // by ARN
}

// kinds are the types of resources that a deployment shows, those before others that need them.
var kinds = []struct {
	name string
	add  func(b *builder, id string, props any) error
}{
	{"AWS::IAM::Role", (*builder).role},
	{"AWS::Lambda::Function", (*builder).function},
	{"AWS::Lambda::EventInvokeConfig", (*builder).invoke},
	{"AWS::DynamoDB::Table", (*builder).table},
	{"AWS::SNS::Topic", (*builder).topic},
	{"AWS::SQS::Queue", (*builder).queue},
	{"AWS::SNS::Subscription", (*builder).subscription},
	{"AWS::Lambda::EventSourceMapping", (*builder).mapping},
	{"AWS::Scheduler::Schedule", (*builder).schedule},
	{"AWS::ApiGatewayV2::Api", (*builder).routes},
}

// failures is where what could not be done goes.
type failures struct{ OnFailure struct{ Destination string } }

func (b *builder) role(id string, props any) error {
	var p struct {
		Policies []struct {
			PolicyDocument struct{ Statement []Statement }
		}
	}
	if err := into(props, &p); err != nil {
		return err
	}
	arn, err := b.names.physical(id, "Arn")
	for _, policy := range p.Policies {
		b.roles[arn] = append(b.roles[arn], policy.PolicyDocument.Statement...)
	}
	return err
}

func (b *builder) function(id string, props any) error {
	var p struct {
		Handler, Runtime, Role string
		Timeout, MemorySize    number
		Environment            struct{ Variables map[string]text }
		LoggingConfig          struct{ LogFormat, ApplicationLogLevel string }
	}
	if err := into(props, &p); err != nil {
		return err
	}
	f := Function{ID: id, Handler: p.Handler, Runtime: p.Runtime, Timeout: p.Timeout.seconds(), MemoryMB: int(p.MemorySize), Environment: map[string]string{},
		LogFormat: p.LoggingConfig.LogFormat, LogLevel: p.LoggingConfig.ApplicationLogLevel, Policies: b.roles[p.Role], Async: Async{MaxRetries: 2, MaxAge: 6 * time.Hour}} // Lambda's defaults
	if p.Timeout == 0 || p.MemorySize == 0 {
		return errors.New("leaves its timeout or its memory to chance")
	}
	for name, v := range p.Environment.Variables {
		f.Environment[name] = string(v)
	}
	var err error
	f.Name, f.ARN, err = b.called(id)
	b.d.Functions[id] = f
	return err
}

// called returns name and ARN of a resource, and lets both be found again.
func (b *builder) called(id string) (name, arn string, err error) {
	name, err = b.names.physical(id, "")
	if err != nil {
		return "", "", err
	}
	arn, err = b.names.physical(id, "Arn")
	return name, arn, err
}

func (b *builder) invoke(_ string, props any) error {
	var p struct {
		FunctionName             string
		MaximumRetryAttempts     *number
		MaximumEventAgeInSeconds *number
		DestinationConfig        failures
	}
	if err := into(props, &p); err != nil {
		return err
	}
	id := b.d.LogicalID(p.FunctionName)
	f, ok := b.d.Functions[id]
	if !ok {
		return fmt.Errorf("no function %s", p.FunctionName)
	}
	if p.MaximumRetryAttempts != nil {
		f.Async.MaxRetries = int(*p.MaximumRetryAttempts)
	}
	if p.MaximumEventAgeInSeconds != nil {
		f.Async.MaxAge = p.MaximumEventAgeInSeconds.seconds()
	}
	f.Async.OnFailure = p.DestinationConfig.OnFailure.Destination
	b.d.Functions[id] = f
	return nil
}

func (b *builder) table(id string, props any) error {
	var p struct {
		AttributeDefinitions    []struct{ AttributeName, AttributeType string }
		KeySchema               []KeyPart
		GlobalSecondaryIndexes  []Index
		StreamSpecification     struct{ StreamViewType string }
		TimeToLiveSpecification struct {
			AttributeName string
			Enabled       flag
		}
	}
	if err := into(props, &p); err != nil {
		return err
	}
	t := Table{Attributes: p.AttributeDefinitions, Key: p.KeySchema, Indexes: p.GlobalSecondaryIndexes, StreamView: p.StreamSpecification.StreamViewType}
	if p.TimeToLiveSpecification.Enabled {
		t.TTL = p.TimeToLiveSpecification.AttributeName
	}
	var err error
	t.Name, t.ARN, err = b.called(id)
	b.d.Tables[id] = t
	return err
}

func (b *builder) topic(id string, _ any) error {
	arn, err := b.names.physical(id, "")
	b.d.Topics[id] = Topic{Name: arn[strings.LastIndexByte(arn, ':')+1:], ARN: arn}
	return err
}

func (b *builder) queue(id string, _ any) error {
	url, arn, err := b.called(id)
	b.d.Queues[id] = Queue{Name: url[strings.LastIndexByte(url, '/')+1:], ARN: arn}
	return err
}

func (b *builder) subscription(id string, props any) error {
	var p struct {
		TopicArn, Protocol, Endpoint string
		FilterPolicyScope            string
		FilterPolicy                 json.RawMessage
		RedrivePolicy                struct{ DeadLetterTargetArn string }
	}
	if err := into(props, &p); err != nil {
		return err
	}
	if p.FilterPolicyScope != "" && p.FilterPolicyScope != "MessageAttributes" {
		return fmt.Errorf("filter policies of scope %s are not known here", p.FilterPolicyScope)
	}
	b.d.Subscriptions[id] = Subscription{p.TopicArn, p.Protocol, p.Endpoint, p.FilterPolicy, p.RedrivePolicy.DeadLetterTargetArn}
	return nil
}

func (b *builder) mapping(id string, props any) error {
	p := struct {
		FunctionName, EventSourceArn, StartingPosition string
		BatchSize, MaximumBatchingWindowInSeconds      number
		MaximumRetryAttempts                           number
		MaximumRecordAgeInSeconds                      number
		BisectBatchOnFunctionError                     flag
		FunctionResponseTypes                          []string
		FilterCriteria                                 struct{ Filters []struct{ Pattern string } }
		DestinationConfig                              failures
	}{BatchSize: 100, MaximumRetryAttempts: -1, MaximumRecordAgeInSeconds: -1} // Lambda's defaults
	if err := into(props, &p); err != nil {
		return err
	}
	m := Mapping{
		Function: b.d.LogicalID(p.FunctionName), Source: p.EventSourceArn, StartingPosition: p.StartingPosition, BatchSize: int(p.BatchSize),
		Window: p.MaximumBatchingWindowInSeconds.seconds(), Bisect: bool(p.BisectBatchOnFunctionError), MaxRetries: int(p.MaximumRetryAttempts),
		MaxAge: p.MaximumRecordAgeInSeconds.seconds(), ReportFailures: slices.Contains(p.FunctionResponseTypes, "ReportBatchItemFailures"),
		OnFailure: p.DestinationConfig.OnFailure.Destination,
	}
	for _, f := range p.FilterCriteria.Filters {
		m.Filters = append(m.Filters, f.Pattern)
	}
	b.d.Mappings[id] = m
	return nil
}

func (b *builder) schedule(id string, props any) error {
	var p struct {
		ScheduleExpression string
		Target             struct {
			Arn, Input       string
			DeadLetterConfig struct{ Arn string }
			RetryPolicy      struct{ MaximumRetryAttempts, MaximumEventAgeInSeconds number }
		}
	}
	if err := into(props, &p); err != nil {
		return err
	}
	b.d.Schedules[id] = Schedule{
		Function: b.d.LogicalID(p.Target.Arn), Expression: p.ScheduleExpression, Input: p.Target.Input, OnFailure: p.Target.DeadLetterConfig.Arn,
		MaxRetries: int(p.Target.RetryPolicy.MaximumRetryAttempts), MaxAge: p.Target.RetryPolicy.MaximumEventAgeInSeconds.seconds(),
	}
	return nil
}

// routes reads the OpenAPI document that SAM writes for an HTTP API.
func (b *builder) routes(_ string, props any) error {
	type method struct {
		Integration struct {
			URI     string
			Version text `json:"payloadFormatVersion"`
		} `json:"x-amazon-apigateway-integration"`
	}
	var p struct {
		Body struct{ Paths map[string]map[string]method }
	}
	if err := into(props, &p); err != nil {
		return err
	}
	for _, path := range slices.Sorted(maps.Keys(p.Body.Paths)) {
		for _, verb := range slices.Sorted(maps.Keys(p.Body.Paths[path])) {
			m := p.Body.Paths[path][verb].Integration
			if m.Version != "2.0" {
				return fmt.Errorf("route %s %s has payload format %q", verb, path, m.Version)
			}
			_, rest, _ := strings.Cut(m.URI, "/functions/")
			r := Route{Method: strings.ToUpper(verb), Path: path, Function: b.d.LogicalID(strings.TrimSuffix(rest, "/invocations"))}
			if r.Function == "" {
				return fmt.Errorf("route %s %s leads to %s", verb, path, m.URI)
			}
			if verb == "x-amazon-apigateway-any-method" {
				r.Method = ""
			}
			if path == "/$default" {
				r.Path = ""
			}
			b.d.Routes = append(b.d.Routes, r)
		}
	}
	return nil
}

// into decodes resolved properties.
func into(v, target any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, target)
}
