// Package dynamo keeps the table of package store in Amazon DynamoDB. What the keys mean is
// documented there; the attributes have the names of its Attr constants. It creates nothing:
// the table comes from template.yaml, with its indexes "todo" and "view" and its stream.
//
// Two things differ from the table in a file. A Limit counts what DynamoDB looks at, so a page
// may hold fewer items, or none, and not be the last. And index "todo" does not know when items
// expire, so it may yield expired ones until DynamoDB deletes them, which may take days; whoever
// reads an item by its key does not find it.
package dynamo

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/wabawatch/wabawatch/shared/store"
)

// requestTimeout bounds one request with all its attempts: the SDK itself never gives up.
const requestTimeout = 5 * time.Second

// API is what a Table uses of DynamoDB; *dynamodb.Client has it. An implementation must heed the
// options of each call: by them a Table learns whether a failed request may have been sent.
type API interface {
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

var _ API = (*dynamodb.Client)(nil)

// Table is a store.Table in DynamoDB. It is safe for concurrent use.
type Table struct {
	client API
	name   string
	now    func() time.Time
}

var _ store.Table = (*Table)(nil)

// New returns the table of that name. It asks DynamoDB nothing. Attempts are bounded by the
// client's retryer and all together by five seconds; a client whose HTTP client has a timeout of
// its own, shorter than that, recovers from connections that died unnoticed.
func New(client API, table string) *Table {
	return &Table{client: client, name: table, now: time.Now}
}

// CreateInput describes a table of that name as template.yaml does, for tests against a local
// DynamoDB. What CreateTable does not take is missing: time to live, and point-in-time recovery.
func CreateInput(table string) *dynamodb.CreateTableInput {
	var attributes []types.AttributeDefinition
	for _, name := range []string{store.AttrPK, store.AttrSK, store.AttrTodoPK, store.AttrTodoSK, store.AttrViewPK, store.AttrViewSK} {
		attributes = append(attributes, types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeTypeS})
	}
	return &dynamodb.CreateTableInput{
		TableName:            &table,
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: attributes,
		KeySchema:            keySchema(store.AttrPK, store.AttrSK),
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{
			{
				IndexName:  aws.String(string(store.Todo)),
				KeySchema:  keySchema(store.AttrTodoPK, store.AttrTodoSK),
				Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
			},
			{
				IndexName:  aws.String(string(store.View)),
				KeySchema:  keySchema(store.AttrViewPK, store.AttrViewSK),
				Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
			},
		},
		StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeKeysOnly},
	}
}

func keySchema(pk, sk string) []types.KeySchemaElement {
	return []types.KeySchemaElement{
		{AttributeName: &pk, KeyType: types.KeyTypeHash},
		{AttributeName: &sk, KeyType: types.KeyTypeRange},
	}
}
