// Package dynamotest describes the table that package dynamo expects, for tests that make one
// in a local DynamoDB with the SDK's client.
package dynamotest

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/wabawatch/wabawatch/shared/store"
)

// CreateInput describes a table of that name as template.yaml does. What CreateTable does not
// take is missing: time to live, and point-in-time recovery.
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
