//go:build unix

package dynamo_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/wabawatch/wabawatch/shared/awscall"
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

// What the items of an alert and of a point hold; a state is about as long as an alert.
const (
	alert = `{"schema":"wabawatch.alert/1","id":"k3v9q2m7x1.1","incident_id":"k3v9q2m7x1","event":"firing","rule":"number_quality","severity":"critical",` +
		`"waba_id":"1182736455","subject_kind":"phone_number","subject_id":"12025550101","subject_name":"Example Ltd","signal":"quality_rating","from":"YELLOW","to":"RED",` +
		`"at":"2026-11-20T10:05:00Z","not_before":"2026-11-20T10:00:00Z","source":"poll","summary":"Quality rating of Example Ltd fell from YELLOW to RED.",` +
		`"advice":"Pause campaigns that people did not ask for, and look at which templates were blocked or reported.","reason":null,` +
		`"created_at":"2026-11-20T10:05:02Z","revision":1,"incident_since":"2026-11-20T10:05:00Z"}`
	point = `{"v":1,"kind":"phone_number","waba":"1182736455","id":"12025550101","signal":"quality_rating","value":"RED","at":1795169100,"track":"seen",` +
		`"raw":"{\"id\":\"2048573901\",\"display_phone_number\":\"+1 202-555-0101\",\"quality_rating\":\"RED\"}"}`
)

// spent is the processor time of this process so far, collection of garbage included.
func spent(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkWritePerChange reports the processor time that one change (state, point, alert) costs
// in a packed transaction, as a ratio to one PutItem of the SDK in the same run (T13).
func BenchmarkWritePerChange(b *testing.B) {
	client := dynamodb.New(dynamodb.Options{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), HTTPClient: always{}})
	table := dynamo.New(awscall.New(aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), HTTPClient: always{}}, dynamo.Service), "bench")
	const changes = 30
	var actions []store.Action
	for i := range changes {
		for kind, body := range map[string]string{"STATE": alert, "POINT": point, "ALERT": alert} {
			it := store.Item{Key: store.Key{PK: fmt.Sprintf("W#1#%d", i), SK: kind}, Rev: 1, Body: body}
			actions = append(actions, store.Action{Op: store.Put, Item: it, Cond: store.Cond{NotExists: kind == "STATE"}})
		}
	}
	ctx := context.Background()
	var packed, single time.Duration
	for b.Loop() {
		began := spent(b)
		if err := table.Write(ctx, actions...); err != nil {
			b.Fatal(err)
		}
		middle := spent(b)
		packed += middle - began
		for i := range changes {
			_, err := client.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("bench"), Item: map[string]types.AttributeValue{
				"pk": &types.AttributeValueMemberS{Value: fmt.Sprint(i)}, "sk": &types.AttributeValueMemberS{Value: "STATE"}, "body": &types.AttributeValueMemberS{Value: alert},
			}})
			if err != nil {
				b.Fatal(err)
			}
		}
		single += spent(b) - middle
	}
	b.ReportMetric(float64(packed)/float64(single), "T13:change/PutItem")
}
