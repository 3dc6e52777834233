package stack

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"

	"github.com/wabawatch/wabawatch/verify/proxy"
	"github.com/wabawatch/wabawatch/verify/template"
)

// permission is what a role has to allow for a call.
type permission struct{ action, resource string }

// watch compares a call of a function with the policies of its role. The emulators allow
// everything; AWS would not.
func (s *Stack) watch(call proxy.Match, body []byte) {
	f, ok := s.Deployment.Functions[call.From]
	if !ok || call.Service == proxy.Graph {
		return
	}
	needs, err := needed(s.Deployment, call, body)
	if err != nil {
		s.denials.add(fmt.Sprintf("%s calls %s: %v", call.From, call.Operation, err))
	}
	for _, p := range needs {
		if !f.Allows(p.action, p.resource) {
			s.denials.add(fmt.Sprintf("the role of %s does not allow %s on %s", call.From, p.action, p.resource))
		}
	}
}

// lambdas compares what Lambda itself does in the name of a function's role: read its stream, and
// send what could not be done where the template says.
func (s *Stack) lambdas() {
	deny := func(f template.Function, action, resource string) {
		if !f.Allows(action, resource) {
			s.denials.add(fmt.Sprintf("the role of %s does not allow %s on %s, which Lambda does for it", f.ID, action, resource))
		}
	}
	for _, m := range s.Deployment.Mappings {
		f := s.Deployment.Functions[m.Function]
		for _, action := range []string{"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"} {
			deny(f, action, m.Source)
		}
		deny(f, "dynamodb:ListStreams", s.Deployment.Tables[s.Deployment.LogicalID(m.Source)].ARN+"/stream/*")
		if m.OnFailure != "" {
			deny(f, "sqs:SendMessage", m.OnFailure)
		}
	}
	for _, f := range s.Deployment.Functions {
		if f.Async.OnFailure != "" {
			deny(f, "sqs:SendMessage", f.Async.OnFailure)
		}
	}
}

// needed lists what a call needs.
//
// Source: AWS, service authorization reference for DynamoDB, SNS and Systems Manager; DynamoDB
// transactions need the permissions of their actions, checked 2026-11.
func needed(d *template.Deployment, call proxy.Match, body []byte) ([]permission, error) {
	switch call.Service {
	case proxy.DynamoDB:
		return neededOfTable(d, call.Operation, body)
	case proxy.SNS:
		form, err := url.ParseQuery(string(body))
		return []permission{{"sns:" + call.Operation, form.Get("TopicArn")}}, err
	case proxy.SSM:
		var in struct{ Names []string }
		err := json.Unmarshal(body, &in)
		var out []permission
		for _, name := range in.Names {
			out = append(out, permission{"ssm:" + call.Operation, fmt.Sprintf("arn:aws:ssm:%s:%s:parameter%s", template.Region, template.Account, name)})
		}
		return out, err
	}
	return nil, fmt.Errorf("nothing is known of %s", call.Service)
}

func neededOfTable(d *template.Deployment, operation string, body []byte) ([]permission, error) {
	type target struct{ TableName string }
	var in struct {
		TableName, IndexName string
		RequestItems         map[string]json.RawMessage
		TransactItems        []struct{ Put, Update, Delete, ConditionCheck, Get *target }
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	arns := map[string]string{}
	for _, t := range d.Tables {
		arns[t.Name] = t.ARN
	}
	switch operation {
	case "TransactWriteItems", "TransactGetItems":
		all := map[permission]bool{}
		for _, item := range in.TransactItems {
			for action, t := range map[string]*target{"PutItem": item.Put, "UpdateItem": item.Update, "DeleteItem": item.Delete, "ConditionCheckItem": item.ConditionCheck, "GetItem": item.Get} {
				if t != nil {
					all[permission{"dynamodb:" + action, arns[t.TableName]}] = true
				}
			}
		}
		return slices.Collect(maps.Keys(all)), nil
	case "BatchGetItem", "BatchWriteItem":
		var out []permission
		for name := range in.RequestItems {
			out = append(out, permission{"dynamodb:" + operation, arns[name]})
		}
		return out, nil
	}
	resource := arns[in.TableName]
	if in.IndexName != "" {
		resource += "/index/" + in.IndexName
	}
	return []permission{{"dynamodb:" + operation, resource}}, nil
}
