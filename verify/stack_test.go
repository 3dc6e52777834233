//go:build verify

package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/wabawatch/wabawatch/shared/store"
	"github.com/wabawatch/wabawatch/shared/store/dynamotest"
	"github.com/wabawatch/wabawatch/shared/whatsapptest"
)

const (
	appSecret = "stack-app-secret-0123456789"
	apiToken  = "stack-api-token-0123456789"
	token     = "stack-access-token-0123456789"
	waba      = "1182736455"
)

// stack is a table, a topic with a queue, secrets, a simulated Meta, and the four functions.
type stack struct {
	t                              *testing.T
	ddb                            *dynamodb.Client
	streams                        *dynamodbstreams.Client
	queue                          *sqs.Client
	table, streamARN, queueURL     string
	meta                           *whatsapptest.Meta
	webhook, poller, notifier, api *function
	read                           map[string]string // position in each shard
	env                            []string
	bin                            string
}

func newStack(t *testing.T) *stack {
	t.Helper()
	ctx := t.Context()
	dynamoURL, motoURL := address(t, "WABAWATCH_TEST_DYNAMODB"), address(t, "WABAWATCH_TEST_MOTO")
	cfg := aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("local", "local", "")}
	s := &stack{t: t, table: fmt.Sprintf("wabawatch-%d", time.Now().UnixNano()), read: map[string]string{}, meta: &whatsapptest.Meta{Token: token}}
	s.ddb = dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) { o.BaseEndpoint = &dynamoURL })
	s.streams = dynamodbstreams.NewFromConfig(cfg, func(o *dynamodbstreams.Options) { o.BaseEndpoint = &dynamoURL })
	s.queue = sqs.NewFromConfig(cfg, func(o *sqs.Options) { o.BaseEndpoint = &motoURL })
	in := dynamotest.CreateInput(s.table)
	in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeKeysOnly}
	made, err := s.ddb.CreateTable(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	s.streamARN = aws.ToString(made.TableDescription.LatestStreamArn)
	topics := sns.NewFromConfig(cfg, func(o *sns.Options) { o.BaseEndpoint = &motoURL })
	var arns []string
	for _, name := range []string{"alerts", "ops"} {
		topic, err := topics.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String(s.table + "-" + name)})
		if err != nil {
			t.Fatal(err)
		}
		arns = append(arns, aws.ToString(topic.TopicArn))
	}
	q, err := s.queue.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &s.table})
	if err != nil {
		t.Fatal(err)
	}
	s.queueURL = aws.ToString(q.QueueUrl)
	_, err = topics.Subscribe(ctx, &sns.SubscribeInput{TopicArn: &arns[0], Protocol: aws.String("sqs"), Endpoint: aws.String("arn:aws:sqs:us-east-1:123456789012:" + s.table), Attributes: map[string]string{"RawMessageDelivery": "true"}})
	if err != nil {
		t.Fatal(err)
	}
	path := "/" + s.table
	params := ssm.NewFromConfig(cfg, func(o *ssm.Options) { o.BaseEndpoint = &motoURL })
	for name, value := range map[string]string{"app-secrets": appSecret, "verify-token": "stack-verify-token-0123456789", "access-token": token, "api-token": apiToken} {
		if _, err := params.PutParameter(ctx, &ssm.PutParameterInput{Name: aws.String(path + "/" + name), Value: &value, Type: ssmtypes.ParameterTypeSecureString}); err != nil {
			t.Fatal(err)
		}
	}
	graph := httptest.NewServer(s.meta)
	t.Cleanup(graph.Close)
	s.bin = build(t)
	s.env = []string{
		"WABAWATCH_TABLE=" + s.table, "WABAWATCH_SECRETS_PATH=" + path, "WABAWATCH_SNS_TOPIC_ARN=" + arns[0], "WABAWATCH_OPS_TOPIC_ARN=" + arns[1],
		"WABAWATCH_WABA_IDS=" + waba, "WABAWATCH_GRAPH_URL=" + graph.URL, "WABAWATCH_POLL_INTERVAL=1s",
		"AWS_ENDPOINT_URL_DYNAMODB=" + dynamoURL, "AWS_ENDPOINT_URL_SNS=" + motoURL, "AWS_ENDPOINT_URL_SSM=" + motoURL,
	}
	s.webhook, s.poller, s.notifier, s.api = s.function("webhook"), s.function("poller"), s.function("notifier"), s.function("api")
	for _, f := range []*function{s.webhook, s.poller, s.notifier, s.api} {
		if err := f.start(); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: cold start %s", f.name, f.init.Round(100*time.Microsecond))
	}
	return s
}

func (s *stack) function(name string) *function {
	return &function{t: s.t, name: name, path: filepath.Join(s.bin, name), env: s.env, timeout: 30 * time.Second}
}

// build makes the four bootstraps for this machine, with the flags of a deployment.
func build(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"webhook", "poller", "notifier", "api"} {
		cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc,timetzdata", "-ldflags", "-s -w -buildid=", "-o", filepath.Join(dir, name), "../functions/"+name)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", name, err, out)
		}
	}
	return dir
}

// post sends a body as API Gateway does and returns the status.
func (s *stack) post(body []byte, signature string) int {
	s.t.Helper()
	e := events.APIGatewayV2HTTPRequest{Version: "2.0", RawPath: "/webhook", Headers: map[string]string{"x-hub-signature-256": signature, "content-type": "application/json"}, Body: string(body)}
	e.RequestContext.HTTP.Method, e.RequestContext.Stage = http.MethodPost, "$default"
	var resp events.APIGatewayV2HTTPResponse
	s.webhook.invoke(e, &resp)
	return resp.StatusCode
}

func (s *stack) get(path, query string) (int, map[string]any) {
	s.t.Helper()
	e := events.APIGatewayV2HTTPRequest{Version: "2.0", RawPath: path, RawQueryString: query, Headers: map[string]string{"authorization": "Bearer " + apiToken}}
	e.RequestContext.HTTP.Method, e.RequestContext.Stage = http.MethodGet, "$default"
	var resp events.APIGatewayV2HTTPResponse
	s.api.invoke(e, &resp)
	var body map[string]any
	if err := json.Unmarshal([]byte(resp.Body), &body); err != nil {
		s.t.Fatalf("%s: %v in %q", path, err, resp.Body)
	}
	return resp.StatusCode, body
}

// pump reads the table's stream and hands inserted alerts to the notifier, as Lambda does.
func (s *stack) pump() {
	s.t.Helper()
	ctx := s.t.Context()
	d, err := s.streams.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: &s.streamARN})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, shard := range d.StreamDescription.Shards {
		in := &dynamodbstreams.GetShardIteratorInput{StreamArn: &s.streamARN, ShardId: shard.ShardId, ShardIteratorType: streamtypes.ShardIteratorTypeTrimHorizon}
		if last := s.read[*shard.ShardId]; last != "" {
			in.ShardIteratorType, in.SequenceNumber = streamtypes.ShardIteratorTypeAfterSequenceNumber, &last
		}
		it, err := s.streams.GetShardIterator(ctx, in)
		if err != nil {
			s.t.Fatal(err)
		}
		got, err := s.streams.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: it.ShardIterator})
		if err != nil {
			s.t.Fatal(err)
		}
		var e events.DynamoDBEvent
		for _, r := range got.Records {
			s.read[*shard.ShardId] = aws.ToString(r.Dynamodb.SequenceNumber)
			keys := map[string]events.DynamoDBAttributeValue{}
			for name, v := range r.Dynamodb.Keys {
				keys[name] = events.NewStringAttribute(v.(*streamtypes.AttributeValueMemberS).Value)
			}
			if r.EventName == streamtypes.OperationTypeInsert && strings.HasPrefix(keys[store.AttrSK].String(), store.AlertPrefix) {
				e.Records = append(e.Records, events.DynamoDBEventRecord{EventID: aws.ToString(r.EventID), EventName: "INSERT", EventSource: "aws:dynamodb",
					Change: events.DynamoDBStreamRecord{Keys: keys, SequenceNumber: aws.ToString(r.Dynamodb.SequenceNumber)}})
			}
		}
		if len(e.Records) == 0 {
			continue
		}
		var resp events.DynamoDBEventResponse
		s.notifier.invoke(e, &resp)
		if len(resp.BatchItemFailures) > 0 {
			s.t.Errorf("batch failures %v\n%s", resp.BatchItemFailures, s.notifier.log.String())
		}
	}
}

// received empties the queue and lists what came: event, rule, subject.
func (s *stack) received() []string {
	s.t.Helper()
	var out []string
	for {
		got, err := s.queue.ReceiveMessage(context.WithoutCancel(s.t.Context()), &sqs.ReceiveMessageInput{QueueUrl: &s.queueURL, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"}})
		if err != nil {
			s.t.Fatal(err)
		}
		if len(got.Messages) == 0 {
			return out
		}
		for _, m := range got.Messages {
			var body struct {
				Schema string
				Alerts []struct {
					Event, Rule, SubjectID, Severity string
					Subject                          string `json:"subject_id"`
					Summary, Advice                  string
				}
			}
			if err := json.Unmarshal([]byte(aws.ToString(m.Body)), &body); err != nil || body.Schema != "wabawatch.alerts/1" {
				s.t.Errorf("message %s: %v", aws.ToString(m.Body), err)
			}
			for _, a := range body.Alerts {
				out = append(out, a.Event+" "+a.Rule+" "+a.Subject)
				s.t.Logf("alert: %s | %s", a.Summary, a.Advice)
			}
			if _, err := s.queue.DeleteMessage(s.t.Context(), &sqs.DeleteMessageInput{QueueUrl: &s.queueURL, ReceiptHandle: m.ReceiptHandle}); err != nil {
				s.t.Fatal(err)
			}
		}
	}
}

// TestTheWholeLine leads a paused template and a number's rating through the four functions.
func TestTheWholeLine(t *testing.T) {
	s := newStack(t)
	sale := whatsapptest.Template{ID: "9007199254740993123", Name: "autumn_sale", Language: "en_US", Status: "APPROVED", Category: "MARKETING", Score: "GREEN"}
	number := whatsapptest.Number{ID: "2048573901", Display: "+1 202-555-0101", Name: "Example Ltd", Rating: "GREEN", Status: "CONNECTED"}
	s.meta.SetAccount(whatsapptest.Account{ID: waba, Name: "Example", ReviewStatus: "APPROVED", Limit: "TIER_10K", PortfolioID: "9"})
	s.meta.SetNumber(waba, number)
	s.meta.SetTemplate(waba, sale)
	s.poller.invoke(struct{}{}, nil)
	if code, n := s.get("/v1/accounts/"+waba+"/numbers/12025550101", ""); code != http.StatusOK || n["name"] != "Example Ltd" {
		t.Fatalf("number after the first poll = %d %v\n%s", code, n, s.poller.log.String())
	}
	body := whatsapptest.Body(whatsapptest.TemplatePaused(waba, sale, "FIRST_PAUSE", time.Now()))
	if code := s.post(body, "sha256="+strings.Repeat("0", 64)); code != http.StatusUnauthorized {
		t.Errorf("wrongly signed = %d, want 401", code)
	}
	for range 2 {
		if code := s.post(body, whatsapptest.Sign(appSecret, body)); code != http.StatusOK {
			t.Fatalf("signed = %d\n%s", code, s.webhook.log.String())
		}
	}
	s.meta.UpdateTemplate(sale.ID, func(x *whatsapptest.Template) { x.Status = "PAUSED" })
	s.meta.UpdateNumber(number.ID, func(n *whatsapptest.Number) { n.Rating = "YELLOW" })
	time.Sleep(1100 * time.Millisecond) // until the numbers are due
	s.poller.invoke(struct{}{}, nil)
	s.pump()
	got := strings.Join(s.received(), "\n")
	for _, want := range []string{"firing template_status " + sale.ID, "firing number_quality 12025550101"} {
		if strings.Count(got, want) != 1 {
			t.Errorf("out of SNS came\n%s\nwant once: %s", got, want)
		}
	}
	if _, tpl := s.get("/v1/accounts/"+waba+"/templates/"+sale.ID, ""); !strings.Contains(fmt.Sprint(tpl["signals"]), "PAUSED") {
		t.Errorf("template = %v", tpl)
	}
	if _, alerts := s.get("/v1/alerts", "event=firing"); len(alerts["items"].([]any)) != 2 || strings.Contains(fmt.Sprint(alerts), "published_at:<nil>") {
		t.Errorf("alerts = %v", alerts)
	}
	var result map[string]string
	s.notifier.invoke(map[string]bool{"sweep": true}, &result)
	s.notifier.invoke(map[string]bool{"test": true}, &result)
	if got := s.received(); len(got) != 1 || !strings.Contains(got[0], "watch_test") {
		t.Errorf("after sweep and test came %v, want the test alone", got)
	}
}

// TestMissingSecretsFailTheStart names every missing path and the command that sets it.
func TestMissingSecretsFailTheStart(t *testing.T) {
	s := &stack{t: t, bin: build(t)}
	s.env = []string{"WABAWATCH_TABLE=none", "WABAWATCH_SECRETS_PATH=/nowhere", "AWS_ENDPOINT_URL_DYNAMODB=" + address(t, "WABAWATCH_TEST_DYNAMODB"), "AWS_ENDPOINT_URL_SSM=" + address(t, "WABAWATCH_TEST_MOTO")}
	err := s.function("webhook").start()
	for _, want := range []string{"/nowhere/app-secrets", "/nowhere/verify-token", "put-parameter"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("start = %v, want mention of %s", err, want)
		}
	}
}
