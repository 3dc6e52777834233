package template

import "fmt"

// Where a resolved template pretends to be.
const (
	Region  = "us-east-1"
	Account = "123456789012"
)

// names gives resources the names that CloudFormation would invent, in a form one can foresee.
type names struct {
	t     *Template
	stack string
	own   map[string]string // "Table.StreamArn", "Table": what is known better
	exist func(id string) (bool, error)
	back  map[string]string // logical id by what Ref or an ARN gave
}

// physical is what Ref, with attribute "", or Fn::GetAtt gives.
func (n *names) physical(id, attribute string) (string, error) {
	r, ok := n.t.Resources[id]
	if !ok {
		return "", fmt.Errorf("no parameter and no resource %s", id)
	}
	if there, err := n.exist(id); err != nil {
		return "", err
	} else if !there {
		return "", fmt.Errorf("%s is not made under these conditions", id)
	}
	key := id
	if attribute != "" {
		key += "." + attribute
	}
	v, known := n.own[key]
	if !known {
		var err error
		if v, err = invent(r.Type, n.stack+"-"+id, attribute); err != nil {
			return "", fmt.Errorf("%s: %w", key, err)
		}
	}
	n.back[v] = id
	return v, nil
}

// arns are the service in an ARN, and what stands before the name, by type.
var arns = map[string]struct{ service, kind string }{
	"AWS::DynamoDB::Table":  {"dynamodb", "table/"},
	"AWS::SNS::Topic":       {"sns", ""},
	"AWS::SQS::Queue":       {"sqs", ""},
	"AWS::Lambda::Function": {"lambda", "function:"},
	"AWS::Logs::LogGroup":   {"logs", "log-group:"},
	"AWS::IAM::Role":        {"iam", "role/"},
}

func invent(kind, name, attribute string) (string, error) {
	a, known := arns[kind]
	arn := fmt.Sprintf("arn:aws:%s:%s:%s:%s%s", a.service, Region, Account, a.kind, name)
	switch attribute {
	case "":
		switch kind {
		case "AWS::SNS::Topic":
			return arn, nil
		case "AWS::SQS::Queue":
			return "https://sqs." + Region + ".amazonaws.com/" + Account + "/" + name, nil
		}
		return name, nil
	case "Arn":
		if known {
			return arn, nil
		}
	case "StreamArn":
		return arn + "/stream/2026-01-01T00:00:00.000", nil
	case "TopicName", "QueueName":
		return name, nil
	}
	return "", fmt.Errorf("nothing is known of this attribute of %s", kind)
}
