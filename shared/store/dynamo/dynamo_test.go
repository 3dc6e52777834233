//go:build dynamodb

package dynamo_test

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/wabawatch/wabawatch/shared/awscall"
	"github.com/wabawatch/wabawatch/shared/store"
	"github.com/wabawatch/wabawatch/shared/store/dynamo"
	"github.com/wabawatch/wabawatch/shared/store/dynamotest"
	"github.com/wabawatch/wabawatch/shared/store/tabletest"
)

var tables atomic.Int64

// local returns an empty table in DynamoDB Local, which the environment names.
func local(t *testing.T) store.Table {
	t.Helper()
	url := os.Getenv("WABAWATCH_TEST_DYNAMODB")
	if url == "" {
		t.Fatal("WABAWATCH_TEST_DYNAMODB is not set: the address of DynamoDB Local, http://127.0.0.1:8000 for instance")
	}
	// Without -sharedDb the access key names the database: letters and digits.
	name := fmt.Sprintf("t%dx%dx%d", os.Getpid(), time.Now().UnixNano(), tables.Add(1))
	cfg := aws.Config{
		Region: "us-east-1", BaseEndpoint: &url,
		Credentials: credentials.NewStaticCredentialsProvider(name, "none", ""),
	}
	client := dynamodb.NewFromConfig(cfg)
	if _, err := client.CreateTable(context.Background(), dynamotest.CreateInput(name)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &name}); err != nil {
			t.Error(err)
		}
	})
	return dynamo.New(awscall.New(cfg, dynamo.Service), name)
}

func TestConformance(t *testing.T) { tabletest.Run(t, local) }
