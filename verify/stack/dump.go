package stack

import (
	"encoding/json"
	"fmt"
	"iter"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Items returns all items of the table as JSON objects by their key, "pk | sk": two states of a
// table that are the same are equal.
func (s *Stack) Items() map[string]string {
	s.t.Helper()
	out := map[string]string{}
	for item := range s.scan() {
		plain := map[string]any{}
		for name, v := range item {
			plain[name] = value(v)
		}
		b, err := json.Marshal(plain)
		if err != nil {
			s.t.Fatal(err)
		}
		key := ""
		for i, part := range s.Deployment.Tables[Table].Key {
			if i > 0 {
				key += " | "
			}
			key += fmt.Sprint(plain[part.AttributeName])
		}
		out[key] = string(b)
	}
	return out
}

// scan yields all items of the table.
func (s *Stack) scan() iter.Seq[map[string]types.AttributeValue] {
	s.t.Helper()
	name := s.Deployment.Tables[Table].Name
	return func(yield func(map[string]types.AttributeValue) bool) {
		pages := dynamodb.NewScanPaginator(s.DynamoDB, &dynamodb.ScanInput{TableName: &name})
		for pages.HasMorePages() {
			page, err := pages.NextPage(s.t.Context())
			if err != nil {
				s.t.Fatal(err)
			}
			for _, item := range page.Items {
				if !yield(item) {
					return
				}
			}
		}
	}
}

// value is an attribute as JSON has it. The table holds texts and numbers; anything else shows its
// type.
func value(v types.AttributeValue) any {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return json.Number(v.Value)
	}
	return fmt.Sprintf("%T", v)
}
