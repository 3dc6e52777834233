package stack

import (
	"slices"
	"testing"

	"github.com/wabawatch/wabawatch/verify/proxy"
	"github.com/wabawatch/wabawatch/verify/template"
)

func TestEveryCallNeedsItsPermissions(t *testing.T) {
	const table = "arn:aws:dynamodb:us-east-1:123456789012:table/t"
	d := &template.Deployment{Tables: map[string]template.Table{"Table": {Name: "t", ARN: table}}}
	for _, tc := range []struct {
		service, operation, body string
		want                     []string
	}{
		{proxy.DynamoDB, "PutItem", `{"TableName":"t"}`, []string{"dynamodb:PutItem " + table}},
		{proxy.DynamoDB, "Query", `{"TableName":"t","IndexName":"todo"}`, []string{"dynamodb:Query " + table + "/index/todo"}},
		{proxy.DynamoDB, "BatchGetItem", `{"RequestItems":{"t":{"Keys":[]}}}`, []string{"dynamodb:BatchGetItem " + table}},
		{proxy.DynamoDB, "TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"t"}},{"Put":{"TableName":"t"}},{"ConditionCheck":{"TableName":"t"}}]}`,
			[]string{"dynamodb:ConditionCheckItem " + table, "dynamodb:PutItem " + table}},
		{proxy.DynamoDB, "PutItem", `{"TableName":"somebody else's"}`, []string{"dynamodb:PutItem "}},
		{proxy.SNS, "Publish", "Action=Publish&TopicArn=arn%3Aaws%3Asns%3Aa", []string{"sns:Publish arn:aws:sns:a"}},
		{proxy.SSM, "GetParameters", `{"Names":["/w/a","/w/b"]}`,
			[]string{"ssm:GetParameters arn:aws:ssm:us-east-1:123456789012:parameter/w/a", "ssm:GetParameters arn:aws:ssm:us-east-1:123456789012:parameter/w/b"}},
	} {
		needs, err := needed(d, proxy.Match{Service: tc.service, Operation: tc.operation}, []byte(tc.body))
		if err != nil {
			t.Errorf("%s: %v", tc.operation, err)
		}
		var got []string
		for _, p := range needs {
			got = append(got, p.action+" "+p.resource)
		}
		slices.Sort(got)
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s needs %q, want %q", tc.operation, got, tc.want)
		}
	}
}

func TestWhatARoleDoesNotAllowIsDenied(t *testing.T) {
	f := template.Function{Policies: []template.Statement{{Effect: "Allow", Action: []string{"dynamodb:GetItem"}, Resource: []string{"arn"}}}}
	s := &Stack{Deployment: &template.Deployment{
		Tables: map[string]template.Table{"Table": {Name: "t", ARN: "arn"}}, Functions: map[string]template.Function{API: f},
	}}
	body := []byte(`{"TableName":"t"}`)
	s.watch(proxy.Match{From: API, Service: proxy.DynamoDB, Operation: "GetItem"}, body)
	s.watch(proxy.Match{From: "a test", Service: proxy.DynamoDB, Operation: "PutItem"}, body)
	if got := s.denials.sorted(); len(got) != 0 {
		t.Errorf("denied: %q", got)
	}
	for range 2 {
		s.watch(proxy.Match{From: API, Service: proxy.DynamoDB, Operation: "PutItem"}, body)
	}
	if got := s.denials.sorted(); !slices.Equal(got, []string{"the role of ApiFunction does not allow dynamodb:PutItem on arn"}) {
		t.Errorf("denied: %q", got)
	}
}

func TestWhatLambdaDoesForARoleHasToBeAllowed(t *testing.T) {
	f := template.Function{ID: Notifier, Async: template.Async{OnFailure: "queue"}, Policies: []template.Statement{
		{Effect: "Allow", Action: []string{"dynamodb:DescribeStream", "dynamodb:GetShardIterator"}, Resource: []string{"stream"}},
	}}
	s := &Stack{Deployment: &template.Deployment{
		Functions: map[string]template.Function{Notifier: f}, Mappings: map[string]template.Mapping{AlertStream: {Function: Notifier, Source: "stream", OnFailure: "queue"}},
	}}
	s.lambdas()
	const role = "the role of NotifierFunction does not allow "
	want := []string{
		role + "dynamodb:GetRecords on stream, which Lambda does for it", role + "dynamodb:ListStreams on /stream/*, which Lambda does for it",
		role + "sqs:SendMessage on queue, which Lambda does for it",
	}
	if got := s.denials.sorted(); !slices.Equal(got, want) {
		t.Errorf("denied: %q, want %q", got, want)
	}
}
