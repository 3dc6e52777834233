package dynamo_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/wabawatch/wabawatch/shared/store"
	"github.com/wabawatch/wabawatch/shared/store/dynamo"
)

// always answers every request with success at once: what is left is the client's own work.
type always struct{}

func (always) Do(r *http.Request) (*http.Response, error) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return nil, err
	}
	h := http.Header{"Content-Type": {"application/x-amz-json-1.0"}}
	return &http.Response{StatusCode: http.StatusOK, Header: h, Body: io.NopCloser(strings.NewReader("{}")), Request: r}, nil
}

// BenchmarkWritePerChange reports what one change (state, point, alert) costs in a packed
// transaction, as a ratio to one PutItem of the SDK in the same run (T13).
func BenchmarkWritePerChange(b *testing.B) {
	client := dynamodb.New(dynamodb.Options{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), HTTPClient: always{}})
	table := dynamo.New(client, "bench")
	body := strings.Repeat("x", 600)
	const changes = 30
	var actions []store.Action
	for i := range changes {
		for _, kind := range []string{"STATE", "POINT", "ALERT"} {
			it := store.Item{Key: store.Key{PK: fmt.Sprintf("W#1#%d", i), SK: kind}, Rev: 1, Body: body}
			actions = append(actions, store.Action{Op: store.Put, Item: it, Cond: store.Cond{NotExists: kind == "STATE"}})
		}
	}
	ctx := context.Background()
	var packed, single time.Duration
	for b.Loop() {
		began := time.Now()
		if err := table.Write(ctx, actions...); err != nil {
			b.Fatal(err)
		}
		packed += time.Since(began)
		began = time.Now()
		for i := range changes {
			_, err := client.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("bench"), Item: map[string]types.AttributeValue{
				"pk": &types.AttributeValueMemberS{Value: fmt.Sprint(i)}, "sk": &types.AttributeValueMemberS{Value: "STATE"}, "body": &types.AttributeValueMemberS{Value: body},
			}})
			if err != nil {
				b.Fatal(err)
			}
		}
		single += time.Since(began)
	}
	b.ReportMetric(float64(packed)/float64(single), "T13:change/PutItem")
}
