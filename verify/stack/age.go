package stack

import (
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/wabawatch/wabawatch/shared/store"
)

// AgeAlerts makes alerts that wait to be told look older to the sweep than they are: the functions
// run by the real clock, and the sweep leaves to the stream what the stream may still deliver. Only
// where the index files an alert is changed, and what claims or tells it files it anew.
func (s *Stack) AgeAlerts(by time.Duration) {
	s.t.Helper()
	for _, item := range slices.Collect(s.scan()) {
		partition, _ := item[store.AttrTodoPK].(*types.AttributeValueMemberS)
		filed, _ := item[store.AttrTodoSK].(*types.AttributeValueMemberS)
		if partition == nil || filed == nil || !strings.HasPrefix(partition.Value, "SEND#") {
			continue
		}
		const layout = "2006-01-02T15:04:05.000Z"
		stamp, rest, _ := strings.Cut(filed.Value, "#")
		created, err := time.Parse(layout, stamp)
		if err != nil {
			s.t.Fatalf("an alert is filed under %q: %v", filed.Value, err)
		}
		table := s.Deployment.Tables[Table]
		key := map[string]types.AttributeValue{}
		for _, part := range table.Key {
			key[part.AttributeName] = item[part.AttributeName]
		}
		_, err = s.DynamoDB.UpdateItem(s.t.Context(), &dynamodb.UpdateItemInput{
			TableName: &table.Name, Key: key, UpdateExpression: aws.String("SET " + store.AttrTodoSK + " = :filed"),
			ExpressionAttributeValues: map[string]types.AttributeValue{":filed": &types.AttributeValueMemberS{Value: created.Add(-by).Format(layout) + "#" + rest}},
		})
		if err != nil {
			s.t.Fatal(err)
		}
	}
}
