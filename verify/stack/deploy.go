package stack

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/wabawatch/wabawatch/shared/awscall"
	"github.com/wabawatch/wabawatch/shared/config"
	"github.com/wabawatch/wabawatch/shared/store"
	"github.com/wabawatch/wabawatch/shared/store/dynamo"
	"github.com/wabawatch/wabawatch/verify/esm"
	"github.com/wabawatch/wabawatch/verify/servers"
	"github.com/wabawatch/wabawatch/verify/template"
)

// endpoints makes clients that lead past the proxy.
type endpoints struct {
	servers *servers.Servers
	config  aws.Config
}

func newEndpoints(s *servers.Servers, key string) endpoints {
	return endpoints{s, aws.Config{Region: template.Region, Credentials: credentials.NewStaticCredentialsProvider(key, "none", "")}}
}

func (e endpoints) dynamo() *dynamodb.Client {
	return dynamodb.NewFromConfig(e.config, func(o *dynamodb.Options) { o.BaseEndpoint = &e.servers.DynamoDB })
}

func (e endpoints) records(table string) *store.Store {
	c := e.config.Copy()
	c.BaseEndpoint, c.HTTPClient = &e.servers.DynamoDB, awscall.NewHTTPClient()
	return store.New(dynamo.New(awscall.New(c, dynamo.Service), table), retention, time.Now)
}

// retention is long enough for what tests write.
const retention = 24 * time.Hour

func (e endpoints) sns() *sns.Client {
	return sns.NewFromConfig(e.config, func(o *sns.Options) { o.BaseEndpoint = &e.servers.Moto })
}

func (e endpoints) sqs() *sqs.Client {
	return sqs.NewFromConfig(e.config, func(o *sqs.Options) { o.BaseEndpoint = &e.servers.Moto })
}

func (e endpoints) ssm() *ssm.Client {
	return ssm.NewFromConfig(e.config, func(o *ssm.Options) { o.BaseEndpoint = &e.servers.Moto })
}

// deploy makes what the template has, in the order in which one thing needs another.
func (s *Stack) deploy(t *template.Template, o template.Options) {
	s.t.Helper()
	planned, err := t.Resolve(o)
	if err != nil {
		s.t.Fatal(err)
	}
	o.Physical = map[string]string{}
	for id, table := range planned.Tables {
		o.Physical[id+".StreamArn"] = s.createTable(table)
	}
	topics := s.aws.sns()
	for id, topic := range planned.Topics {
		made, err := topics.CreateTopic(s.t.Context(), &sns.CreateTopicInput{Name: &topic.Name})
		if err != nil {
			s.t.Fatal(err)
		}
		o.Physical[id] = aws.ToString(made.TopicArn)
	}
	for id, queue := range planned.Queues {
		o.Physical[id] = s.createQueue(id, queue.Name)
	}
	if s.Deployment, err = t.Resolve(o); err != nil {
		s.t.Fatal(err)
	}
	for id, sub := range s.Deployment.Subscriptions {
		s.subscribe(id, sub)
	}
	s.subscribe(Everything, template.Subscription{Topic: s.Deployment.Topics[AlertTopic].ARN})
	mapping, ok := s.Deployment.Mappings[AlertStream]
	if !ok {
		s.t.Fatalf("the template has no %s", AlertStream)
	}
	s.Stream = &esm.Mapping{
		Mapping: mapping, Now: time.Now, Invoke: s.invokeFromStream,
		Stream: &esm.Stream{URL: s.aws.servers.DynamoDB, ARN: mapping.Source, AccessKeyID: s.Name},
	}
	if mapping.OnFailure != "" {
		s.Stream.Failed = func(ctx context.Context, message []byte) error { return s.enqueue(ctx, mapping.OnFailure, message) }
	}
}

// CreateInput is the call that creates a table of the template. DynamoDB takes its expiry in
// another call.
func CreateInput(table template.Table) *dynamodb.CreateTableInput {
	in := &dynamodb.CreateTableInput{TableName: &table.Name, BillingMode: types.BillingModePayPerRequest, KeySchema: keySchema(table.Key)}
	for _, a := range table.Attributes {
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: &a.AttributeName, AttributeType: types.ScalarAttributeType(a.AttributeType)})
	}
	for _, i := range table.Indexes {
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName: &i.IndexName, KeySchema: keySchema(i.KeySchema),
			Projection: &types.Projection{ProjectionType: types.ProjectionType(i.Projection.ProjectionType), NonKeyAttributes: i.Projection.NonKeyAttributes},
		})
	}
	if table.StreamView != "" {
		in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewType(table.StreamView)}
	}
	return in
}

// createTable creates a table and returns the ARN of its stream.
func (s *Stack) createTable(table template.Table) string {
	s.t.Helper()
	made, err := s.DynamoDB.CreateTable(s.t.Context(), CreateInput(table))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { // the context of the test has ended
		if _, err := s.DynamoDB.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &table.Name}); err != nil {
			s.t.Error(err)
		}
	})
	if table.TTL != "" {
		spec := &types.TimeToLiveSpecification{AttributeName: &table.TTL, Enabled: aws.Bool(true)}
		if _, err := s.DynamoDB.UpdateTimeToLive(s.t.Context(), &dynamodb.UpdateTimeToLiveInput{TableName: &table.Name, TimeToLiveSpecification: spec}); err != nil {
			s.t.Fatal(err)
		}
	}
	return aws.ToString(made.TableDescription.LatestStreamArn)
}

func keySchema(parts []template.KeyPart) []types.KeySchemaElement {
	var out []types.KeySchemaElement
	for _, p := range parts {
		out = append(out, types.KeySchemaElement{AttributeName: &p.AttributeName, KeyType: types.KeyType(p.KeyType)})
	}
	return out
}

// createQueue creates a queue and returns its URL.
func (s *Stack) createQueue(id, name string) string {
	s.t.Helper()
	made, err := s.sqs.CreateQueue(s.t.Context(), &sqs.CreateQueueInput{QueueName: &name})
	if err != nil {
		s.t.Fatal(err)
	}
	s.queues[id] = aws.ToString(made.QueueUrl)
	return s.queues[id]
}

// subscribe puts a queue in the place of a subscriber, with the subscriber's filter policy.
func (s *Stack) subscribe(id string, sub template.Subscription) {
	s.t.Helper()
	url := s.createQueue(id, s.Name+"-"+id)
	got, err := s.sqs.GetQueueAttributes(s.t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameQueueArn}})
	if err != nil {
		s.t.Fatal(err)
	}
	in := &sns.SubscribeInput{TopicArn: &sub.Topic, Protocol: aws.String("sqs"), Endpoint: aws.String(got.Attributes["QueueArn"]), Attributes: map[string]string{}}
	if sub.FilterPolicy != nil {
		in.Attributes["FilterPolicy"] = string(sub.FilterPolicy)
	}
	if _, err := s.aws.sns().Subscribe(s.t.Context(), in); err != nil {
		s.t.Fatalf("subscribe for %s: %v", id, err)
	}
}

// storeSecrets puts the secrets where the template says they are.
func (s *Stack) storeSecrets() {
	s.t.Helper()
	client := s.aws.ssm()
	for name, value := range s.Secrets {
		if value == "" {
			continue
		}
		in := &ssm.PutParameterInput{Name: aws.String(s.Deployment.Parameters["SecretsPath"] + "/" + string(name)), Value: &value, Type: ssmtypes.ParameterTypeSecureString, Overwrite: aws.Bool(true)}
		if _, err := client.PutParameter(s.t.Context(), in); err != nil {
			s.t.Fatal(err)
		}
	}
}

// SetSecret replaces a secret, as an operator does.
func (s *Stack) SetSecret(name config.Name, value string) {
	s.t.Helper()
	s.Secrets[name] = value
	s.storeSecrets()
}
