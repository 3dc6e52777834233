package dynamo

import (
	"encoding/json"
	"testing"
)

// FuzzAnswers reads anything as every kind of answer: what passes for an answer is an object of
// JSON that another parser takes too.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"Items":[` + itemJSON("a") + `],"LastEvaluatedKey":{"pk":{"S":"p"},"sk":{"S":"b"}}}`,
		`{"Responses":{"t":[` + itemJSON("a") + `]},"UnprocessedKeys":{"t":{"Keys":[{"pk":{"S":"p"},"sk":{"S":"b"}}]}}}`,
		`{"CancellationReasons":[{"Code":"None"},{"Code":null},null]}`, `{"Items":[{"pk":{"M":{"S":[{"N":"1"}]}}}]}`, `null`, `[`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, queryErr := decodeQuery(b)
		_, batchErr := decodeBatch(b, "t")
		decodeReasons(b)
		for _, err := range []error{queryErr, batchErr, valid(b)} {
			var object map[string]json.RawMessage
			if err == nil && json.Unmarshal(b, &object) != nil {
				t.Errorf("%q passes for an answer", b)
			}
		}
	})
}
