package template

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// small has one of everything that a deployment shows.
const small = `{
"Parameters": {
  "Days": {"Type": "Number", "Default": 400, "MinValue": 10, "MaxValue": 3660},
  "Email": {"Type": "String", "Default": "", "AllowedPattern": "^(.+@.+)?$"},
  "Level": {"Type": "String", "Default": "info", "AllowedValues": ["info", "critical"]},
  "Interval": {"Type": "String", "Default": "5m", "AllowedPattern": "^[0-9]+m$", "MaxLength": 4}
},
"Mappings": {"Severity": {"info": {"AtLeast": ["info", "critical"]}, "critical": {"AtLeast": ["critical"]}}},
"Conditions": {
  "HasEmail": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Email"}, ""]}]},
  "Loud": {"Fn::And": [{"Condition": "HasEmail"}, {"Fn::Or": [{"Fn::Equals": [{"Ref": "Level"}, "info"]}, {"Fn::Equals": ["a", "b"]}]}]}
},
"Rules": {"LevelNeedsEmail": {"RuleCondition": {"Fn::Equals": [{"Ref": "Level"}, "critical"]},
  "Assertions": [{"Assert": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Email"}, ""]}]}, "AssertDescription": "give an Email"}]}},
"Resources": {
  "Table": {"Type": "AWS::DynamoDB::Table", "Properties": {
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}], "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "GlobalSecondaryIndexes": [{"IndexName": "todo", "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}], "Projection": {"ProjectionType": "KEYS_ONLY"}}],
    "StreamSpecification": {"StreamViewType": "KEYS_ONLY"}, "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": "true"},
    "Kept": {"Fn::If": ["HasEmail", true, {"Ref": "AWS::NoValue"}]}}},
  "Topic": {"Type": "AWS::SNS::Topic", "Properties": {}},
  "Failures": {"Type": "AWS::SQS::Queue", "Properties": {}},
  "ByEmail": {"Type": "AWS::SNS::Subscription", "Condition": "HasEmail", "Properties": {"TopicArn": {"Ref": "Topic"}, "Protocol": "email",
    "Endpoint": {"Ref": "Email"}, "FilterPolicy": {"severity": {"Fn::FindInMap": ["Severity", {"Ref": "Level"}, "AtLeast"]}},
    "RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": ["Failures", "Arn"]}}}},
  "TellRole": {"Type": "AWS::IAM::Role", "Properties": {"Policies": [{"PolicyDocument": {"Statement": [
    {"Sid": "Table", "Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:Query"], "Resource": {"Fn::GetAtt": ["Table", "Arn"]}},
    {"Effect": "Allow", "Action": "dynamodb:Query", "Resource": [{"Fn::Sub": "${Table.Arn}/index/todo"}, {"Fn::If": ["Loud", "x", {"Ref": "AWS::NoValue"}]}]}]}}]}},
  "Tell": {"Type": "AWS::Lambda::Function", "Properties": {"Handler": "bootstrap", "Runtime": "provided.al2023", "Timeout": 60, "MemorySize": "256", "LoggingConfig": {"LogFormat": "JSON", "ApplicationLogLevel": "INFO"},
    "Role": {"Fn::GetAtt": "TellRole.Arn"}, "Environment": {"Variables": {"TABLE": {"Ref": "Table"}, "TOPIC": {"Ref": "Topic"}, "EMPTY": "",
    "RETENTION": {"Fn::Sub": "${Days}d"}, "SUB": {"Fn::Sub": ["${Own}-${!Left}-${AWS::Region}", {"Own": {"Ref": "Interval"}}]}, "NUMBER": 3,
    "JOINED": {"Fn::Join": [":", ["a", {"Ref": "AWS::AccountId"}]]}}}}},
  "TellInvoke": {"Type": "AWS::Lambda::EventInvokeConfig", "Properties": {"FunctionName": {"Ref": "Tell"}, "MaximumRetryAttempts": 0,
    "MaximumEventAgeInSeconds": 300, "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["Failures", "Arn"]}}}}},
  "Stream": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {"FunctionName": {"Ref": "Tell"}, "EventSourceArn": {"Fn::GetAtt": ["Table", "StreamArn"]},
    "StartingPosition": "TRIM_HORIZON", "BatchSize": 10, "MaximumBatchingWindowInSeconds": 1, "BisectBatchOnFunctionError": true, "MaximumRecordAgeInSeconds": 60,
    "FunctionResponseTypes": ["ReportBatchItemFailures"], "FilterCriteria": {"Filters": [{"Pattern": "{\"eventName\":[\"INSERT\"]}"}]}}},
  "Minute": {"Type": "AWS::Scheduler::Schedule", "Properties": {"ScheduleExpression": "rate(1 minute)", "Target": {"Arn": {"Fn::GetAtt": ["Tell", "Arn"]},
    "Input": "{}", "RetryPolicy": {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 60}, "DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["Failures", "Arn"]}}}}},
  "Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Body": {"paths": {
    "/hook": {"post": {"x-amazon-apigateway-integration": {"uri": {"Fn::Sub": "arn:x/functions/${Tell.Arn}/invocations"}, "payloadFormatVersion": "2.0"}}},
    "/$default": {"x-amazon-apigateway-any-method": {"x-amazon-apigateway-integration": {"uri": {"Fn::Sub": "arn:x/functions/${Tell.Arn}/invocations"}, "payloadFormatVersion": "2.0"}}}}}}}
}}`

func resolve(t *testing.T, text string, o Options) *Deployment {
	t.Helper()
	d, err := try(text, o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func try(text string, o Options) (*Deployment, error) {
	tpl, err := Parse([]byte(text))
	if err != nil {
		return nil, err
	}
	return tpl.Resolve(o)
}

func TestFunctionHasItsEnvironmentAndPolicies(t *testing.T) {
	f := resolve(t, small, Options{Stack: "s", Parameters: map[string]string{"Days": "20"}}).Functions["Tell"]
	want := map[string]string{
		"TABLE": "s-Table", "TOPIC": "arn:aws:sns:us-east-1:123456789012:s-Topic", "EMPTY": "", "RETENTION": "20d", "SUB": "5m-${Left}-us-east-1",
		"NUMBER": "3", "JOINED": "a:123456789012",
	}
	if d := cmp.Diff(want, f.Environment); d != "" {
		t.Errorf("environment (-want +got):\n%s", d)
	}
	if f.Timeout != time.Minute || f.MemoryMB != 256 || f.LogFormat != "JSON" || f.LogLevel != "INFO" || f.Async.MaxRetries != 0 || f.Async.MaxAge != 5*time.Minute || !strings.HasSuffix(f.Async.OnFailure, ":s-Failures") {
		t.Errorf("function = %+v", f)
	}
	table := "arn:aws:dynamodb:us-east-1:123456789012:table/s-Table"
	for _, tc := range []struct {
		action, resource string
		want             bool
	}{
		{"dynamodb:GetItem", table, true},
		{"dynamodb:PutItem", table, false},
		{"dynamodb:Query", table + "/index/todo", true},
		{"dynamodb:GetItem", table + "/index/todo", false},
		{"dynamodb:Query", table + "/index/view", false},
	} {
		if got := f.Allows(tc.action, tc.resource); got != tc.want {
			t.Errorf("Allows(%s, %s) = %t", tc.action, tc.resource, got)
		}
	}
}

func TestTableIsWhole(t *testing.T) {
	got := resolve(t, small, Options{Stack: "s"}).Tables["Table"]
	if got.Name != "s-Table" || got.TTL != "expires" || got.StreamView != "KEYS_ONLY" || len(got.Attributes) != 1 || len(got.Key) != 1 ||
		len(got.Indexes) != 1 || got.Indexes[0].IndexName != "todo" || got.Indexes[0].Projection.ProjectionType != "KEYS_ONLY" {
		t.Errorf("table = %+v", got)
	}
}

func TestConditionsMakeAndUnmakeResources(t *testing.T) {
	if got := resolve(t, small, Options{}).Subscriptions; len(got) != 0 {
		t.Errorf("without an address there are %v", got)
	}
	d := resolve(t, small, Options{Parameters: map[string]string{"Email": "a@b", "Level": "critical"}})
	got := d.Subscriptions["ByEmail"]
	var policy map[string][]string
	if err := json.Unmarshal(got.FilterPolicy, &policy); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string][]string{"severity": {"critical"}}, policy); d != "" {
		t.Errorf("filter policy (-want +got):\n%s", d)
	}
	if got.Protocol != "email" || got.Endpoint != "a@b" || d.LogicalID(got.Topic) != "Topic" || d.LogicalID(got.DeadLetters) != "Failures" {
		t.Errorf("subscription = %+v", got)
	}
	if loud := resolve(t, small, Options{Parameters: map[string]string{"Email": "a@b"}}); !loud.Functions["Tell"].Allows("dynamodb:Query", "x") {
		t.Error("a condition made of others does not hold")
	}
}

func TestMappingScheduleAndRoutes(t *testing.T) {
	d := resolve(t, small, Options{Physical: map[string]string{"Table.StreamArn": "arn:true"}})
	m := d.Mappings["Stream"]
	want := Mapping{Function: "Tell", Source: "arn:true", StartingPosition: "TRIM_HORIZON", BatchSize: 10, Window: time.Second, Bisect: true, MaxRetries: -1,
		MaxAge: time.Minute, ReportFailures: true, Filters: []string{`{"eventName":["INSERT"]}`}}
	if d := cmp.Diff(want, m); d != "" {
		t.Errorf("mapping (-want +got):\n%s", d)
	}
	s := d.Schedules["Minute"]
	if s.Function != "Tell" || s.Expression != "rate(1 minute)" || s.Input != "{}" || s.MaxRetries != 2 || s.MaxAge != time.Minute || d.LogicalID(s.OnFailure) != "Failures" {
		t.Errorf("schedule = %+v", s)
	}
	var keys []string
	for _, r := range d.Routes {
		keys = append(keys, r.Key()+" "+r.Function)
	}
	if d := cmp.Diff([]string{"$default Tell", "POST /hook Tell"}, keys); d != "" {
		t.Errorf("routes (-want +got):\n%s", d)
	}
}

func TestParametersAreCheckedAsCloudFormationDoes(t *testing.T) {
	for name, tc := range map[string]struct {
		params map[string]string
		want   string
	}{
		"value not allowed":   {map[string]string{"Level": "loud"}, "not one of"},
		"pattern":             {map[string]string{"Interval": "1s"}, "not like"},
		"too long":            {map[string]string{"Interval": "10000m"}, "more than"},
		"too small":           {map[string]string{"Days": "9"}, "beyond"},
		"too large":           {map[string]string{"Days": "4000"}, "beyond"},
		"no number":           {map[string]string{"Days": "many"}, "no number"},
		"unknown":             {map[string]string{"Weeks": "1"}, "no parameter Weeks"},
		"a rule is not kept":  {map[string]string{"Level": "critical"}, "give an Email"},
		"pattern is anchored": {map[string]string{"Interval": "5m5"}, "not like"},
	} {
		if _, err := try(small, Options{Parameters: tc.params}); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want mention of %q", name, err, tc.want)
		}
	}
	d := resolve(t, small, Options{Parameters: map[string]string{"Interval": "1s"}, Unchecked: []string{"Interval"}})
	if got := d.Functions["Tell"].Environment["SUB"]; !strings.HasPrefix(got, "1s-") {
		t.Errorf("an unchecked value gives %s", got)
	}
}

func TestWhatIsNotKnownIsRefused(t *testing.T) {
	for name, tc := range map[string]struct{ old, new, want string }{
		"function":           {`{"Fn::Sub": "${Days}d"}`, `{"Fn::Select": [0, ["a"]]}`, "Fn::Select is not known"},
		"resource":           {`"TABLE": {"Ref": "Table"}`, `"TABLE": {"Ref": "Tabel"}`, "no resource Tabel"},
		"attribute":          {`["Table", "StreamArn"]`, `["Table", "Nonsense"]`, "Table.Nonsense"},
		"condition":          {`["HasEmail", true`, `["HasMail", true`, "no condition HasMail"},
		"circle":             {`{"Fn::Equals": ["a", "b"]}`, `{"Condition": "Loud"}`, "depends on itself"},
		"map":                {`{"Ref": "Level"}, "AtLeast"`, `{"Ref": "Level"}, "Least"`, "nothing at"},
		"unmade resource":    {`"TOPIC": {"Ref": "Topic"}`, `"TOPIC": {"Ref": "ByEmail"}`, "not made"},
		"filter of the body": {`"Protocol": "email"`, `"Protocol": "email", "FilterPolicyScope": "MessageBody"`, "MessageBody"},
		"payload":            {`/invocations"}, "payloadFormatVersion": "2.0"`, `/invocations"}, "payloadFormatVersion": "1.0"`, "payload format"},
	} {
		text := strings.Replace(small, tc.old, tc.new, 1)
		if text == small {
			t.Fatalf("%s: nothing to replace", name)
		}
		o := Options{Parameters: map[string]string{"Email": "a@b"}}
		if name == "unmade resource" {
			o = Options{}
		}
		if _, err := try(text, o); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want mention of %q", name, err, tc.want)
		}
	}
}

func TestNoValueLeavesTheMemberOut(t *testing.T) {
	e := &evaluator{t: &Template{Conditions: map[string]any{"No": map[string]any{"Fn::Equals": []any{"a", "b"}}}}}
	v, err := e.value(map[string]any{"a": map[string]any{"Fn::If": []any{"No", 1, map[string]any{"Ref": "AWS::NoValue"}}}, "b": []any{map[string]any{"Ref": "AWS::NoValue"}, "x"}})
	if err != nil {
		t.Fatal(err)
	}
	got := v.(map[string]any)
	if keys := slices.Collect(maps.Keys(got)); len(keys) != 1 || len(got["b"].([]any)) != 1 {
		t.Errorf("resolved to %v", got)
	}
}
