//go:build verify

package verify

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/wabawatch/wabawatch/shared/store"
	"github.com/wabawatch/wabawatch/shared/store/dynamotest"
	"github.com/wabawatch/wabawatch/verify/stack"
)

// TestTheContractIsHeldByTheDeployedTable: the contract is checked on a table that Go describes, for
// want of the template in those tests. Both are the same table.
func TestTheContractIsHeldByTheDeployedTable(t *testing.T) {
	t.Parallel()
	table := stack.New(t, stack.Options{}).Deployment.Tables[stack.Table]
	if d := cmp.Diff(describe(t, dynamotest.CreateInput(table.Name)), describe(t, stack.CreateInput(table))); d != "" {
		t.Errorf("table (-of the contract +of the template):\n%s", d)
	}
	if table.TTL != store.AttrExpires {
		t.Errorf("items expire by %q, the store writes %q", table.TTL, store.AttrExpires)
	}
}

// describe is the call that creates a table, with its attributes and indexes in order.
func describe(t *testing.T, in *dynamodb.CreateTableInput) any {
	t.Helper()
	slices.SortFunc(in.AttributeDefinitions, func(a, b types.AttributeDefinition) int { return strings.Compare(*a.AttributeName, *b.AttributeName) })
	slices.SortFunc(in.GlobalSecondaryIndexes, func(a, b types.GlobalSecondaryIndex) int { return strings.Compare(*a.IndexName, *b.IndexName) })
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}
