package esm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wabawatch/wabawatch/verify/template"
)

// line is a stream of one shard.
type line []Record

func (l *line) Shards(context.Context) ([]string, error) { return []string{"shard-1"}, nil }

func (l *line) Records(_ context.Context, _, after string) ([]Record, error) {
	return (*l)[indexOf(*l, after)+1:], nil
}

var start = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

// rig is a mapping with a stream, a function that answers in turn, and a clock.
type rig struct {
	Mapping
	stream  line
	answers []Answer // in turn; afterwards all succeeds
	told    []string
	now     time.Time
}

func open(change func(*template.Mapping)) *rig {
	r := &rig{now: start}
	r.Mapping = Mapping{
		Mapping: template.Mapping{Function: "Tell", Source: "arn:stream", BatchSize: 4, Window: time.Second, MaxRetries: -1, MaxAge: -time.Second, ReportFailures: true,
			Filters: []string{`{"eventName":["INSERT"]}`}},
		Stream: &r.stream,
		Invoke: func(context.Context, []byte) (Answer, error) {
			if len(r.answers) == 0 {
				return Answer{Payload: []byte(`{"batchItemFailures":[]}`)}, nil
			}
			a := r.answers[0]
			r.answers = r.answers[1:]
			return a, nil
		},
		Failed: func(_ context.Context, message []byte) error { r.told = append(r.told, string(message)); return nil },
		Now:    func() time.Time { return r.now },
	}
	if change != nil {
		change(&r.Mapping.Mapping)
	}
	return r
}

// write adds records 1, 2, ... of a kind.
func (r *rig) write(kind string, n int) {
	for range n {
		seq := fmt.Sprint(len(r.stream) + 1)
		r.stream = append(r.stream, Record{Sequence: seq, At: r.now, Raw: json.RawMessage(`{"eventName":"` + kind + `","dynamodb":{"SequenceNumber":"` + seq + `"}}`)})
	}
}

// pump returns what was delivered, batch by batch.
func (r *rig) pump(t *testing.T) []string {
	t.Helper()
	steps, err := r.Pump(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, s := range steps {
		out = append(out, strings.Join(s.Delivered, " "))
	}
	return out
}

func (r *rig) wants(t *testing.T, want ...string) {
	t.Helper()
	if d := cmp.Diff(want, r.pump(t)); d != "" {
		t.Errorf("batches (-want +got):\n%s", d)
	}
}

func failing(sequences ...string) Answer {
	var items []string
	for _, s := range sequences {
		items = append(items, `{"itemIdentifier":"`+s+`"}`)
	}
	return Answer{Payload: []byte(`{"batchItemFailures":[` + strings.Join(items, ",") + `]}`)}
}

var broken = Answer{Failure: "Unhandled", RequestID: "r-1"}

func TestBatchesHoldWhatTheFilterSelects(t *testing.T) {
	r := open(nil)
	r.write("INSERT", 2)
	r.write("REMOVE", 3)
	r.write("INSERT", 4)
	r.wants(t, "1 2 6 7", "8 9")
	r.wants(t)
	r.write("INSERT", 1)
	r.wants(t, "10")
}

func TestAStepWaitsForTheWindow(t *testing.T) {
	r := open(nil)
	r.write("INSERT", 3)
	if _, any, err := r.Step(t.Context()); any || err != nil {
		t.Errorf("a batch that is not full goes out at once: %v", err)
	}
	r.now = r.now.Add(time.Second)
	if s, any, err := r.Step(t.Context()); !any || err != nil || len(s.Delivered) != 3 {
		t.Errorf("after the window: %+v %t %v", s, any, err)
	}
	r.write("INSERT", 4)
	if s, any, err := r.Step(t.Context()); !any || err != nil || len(s.Delivered) != 4 {
		t.Errorf("a full batch waits: %+v %t %v", s, any, err)
	}
}

func TestThePartialAnswerRestartsAtTheLowest(t *testing.T) {
	for _, tc := range []struct {
		name   string
		answer Answer
		want   []string
	}{
		{"one", failing("3"), []string{"1 2 3 4", "3 4"}},
		{"the lowest of several", failing("4", "2"), []string{"1 2 3 4", "2 3 4"}},
		{"none", failing(), []string{"1 2 3 4"}},
		{"null", Answer{Payload: []byte(`null`)}, []string{"1 2 3 4"}},
		{"an empty object", Answer{Payload: []byte(`{}`)}, []string{"1 2 3 4"}},
		{"an empty identifier", failing(""), []string{"1 2 3 4", "1 2 3 4"}},
		{"one that was not in the batch", failing("9"), []string{"1 2 3 4", "1 2 3 4"}},
		{"null as identifier", Answer{Payload: []byte(`{"batchItemFailures":[{"itemIdentifier":null}]}`)}, []string{"1 2 3 4", "1 2 3 4"}},
		{"another key", Answer{Payload: []byte(`{"batchItemFailures":[{"id":"3"}]}`)}, []string{"1 2 3 4", "1 2 3 4"}},
		{"no JSON", Answer{Payload: []byte(`fine`)}, []string{"1 2 3 4", "1 2 3 4"}},
		{"an error of the function", broken, []string{"1 2 3 4", "1 2 3 4"}},
	} {
		r := open(nil)
		r.write("INSERT", 4)
		r.answers = []Answer{tc.answer}
		if d := cmp.Diff(tc.want, r.pump(t)); d != "" {
			t.Errorf("%s: batches (-want +got):\n%s", tc.name, d)
		}
	}
	r := open(func(m *template.Mapping) { m.ReportFailures = false })
	r.write("INSERT", 4)
	r.answers = []Answer{failing("1")}
	r.wants(t, "1 2 3 4")
}

func TestBisectIsolatesTheRecordThatFails(t *testing.T) {
	r := open(func(m *template.Mapping) { m.Bisect, m.MaxRetries = true, 1 })
	r.write("INSERT", 4)
	r.Invoke = func(_ context.Context, event []byte) (Answer, error) {
		if strings.Contains(string(event), `"SequenceNumber":"3"`) {
			return broken, nil
		}
		return failing(), nil
	}
	r.wants(t, "1 2 3 4", "1 2", "3 4", "3", "3", "4")
	if len(r.told) != 1 || !strings.Contains(r.told[0], `"startSequenceNumber":"3"`) || !strings.Contains(r.told[0], `"endSequenceNumber":"3"`) {
		t.Errorf("the target was told %v", r.told)
	}
}

func TestAPartialAnswerIsNotBisectedFurther(t *testing.T) {
	r := open(func(m *template.Mapping) { m.Bisect, m.MaxRetries = true, 1 })
	r.write("INSERT", 4)
	r.answers = []Answer{failing("2"), failing("2")}
	r.wants(t, "1 2 3 4", "2 3 4")
	if len(r.told) != 1 || !strings.Contains(r.told[0], `"batchSize":3`) {
		t.Errorf("the target was told %v", r.told)
	}
}

func TestGivenUpAfterRetries(t *testing.T) {
	r := open(func(m *template.Mapping) { m.MaxRetries = 2 })
	r.write("INSERT", 2)
	r.answers = slices.Repeat([]Answer{broken}, 3)
	r.wants(t, "1 2", "1 2", "1 2")
	var message struct {
		RequestContext struct {
			Condition              string
			ApproximateInvokeCount int
		}
		ResponseContext    struct{ FunctionError string }
		DDBStreamBatchInfo struct {
			BatchSize                              int
			StartSequenceNumber, EndSequenceNumber string
			StreamArn                              string
		}
	}
	if len(r.told) != 1 {
		t.Fatalf("the target was told %v", r.told)
	}
	if err := json.Unmarshal([]byte(r.told[0]), &message); err != nil {
		t.Fatal(err)
	}
	if m := message; m.RequestContext.Condition != "RetryAttemptsExhausted" || m.RequestContext.ApproximateInvokeCount != 3 || m.ResponseContext.FunctionError != "Unhandled" ||
		m.DDBStreamBatchInfo.BatchSize != 2 || m.DDBStreamBatchInfo.StartSequenceNumber != "1" || m.DDBStreamBatchInfo.EndSequenceNumber != "2" || m.DDBStreamBatchInfo.StreamArn != "arn:stream" {
		t.Errorf("message = %s", r.told[0])
	}
	r.write("INSERT", 1)
	r.wants(t, "3")
}

func TestGivenUpByAge(t *testing.T) {
	r := open(func(m *template.Mapping) { m.MaxAge = time.Hour })
	r.write("INSERT", 2)
	r.now = r.now.Add(time.Hour + time.Second)
	r.write("INSERT", 1)
	r.wants(t, "3")
	if len(r.told) != 1 || !strings.Contains(r.told[0], "RecordAgeExceeded") || !strings.Contains(r.told[0], `"batchSize":2`) {
		t.Errorf("the target was told %v", r.told)
	}
}

func TestDeadStreamAndWhatIsKeptNoLonger(t *testing.T) {
	r := open(nil)
	r.Stop()
	r.write("INSERT", 2)
	r.wants(t)
	r.Resume()
	r.wants(t, "1 2")
	r.write("INSERT", 2)
	if err := r.Skip(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.wants(t)
	r.Rewind()
	r.wants(t, "1 2 3 4")
}

func TestEventIsTheRecordsWithTheirSource(t *testing.T) {
	r := open(nil)
	r.write("INSERT", 2)
	var got string
	r.Invoke = func(_ context.Context, event []byte) (Answer, error) { got = string(event); return failing(), nil }
	r.pump(t)
	want := `{"Records":[{"eventName":"INSERT","dynamodb":{"SequenceNumber":"1"},"eventSourceARN":"arn:stream"},{"eventName":"INSERT","dynamodb":{"SequenceNumber":"2"},"eventSourceARN":"arn:stream"}]}`
	if got != want {
		t.Errorf("event = %s", got)
	}
}

func TestAnInvocationThatCannotBeMadeLosesNothing(t *testing.T) {
	r := open(nil)
	r.write("INSERT", 2)
	invoke := r.Invoke
	r.Invoke = func(context.Context, []byte) (Answer, error) { return Answer{}, errors.New("no function") }
	if _, err := r.Pump(t.Context()); err == nil {
		t.Error("nobody hears that there is no function")
	}
	r.Invoke = invoke
	r.wants(t, "1 2")
}

func TestPumpEndsWhenNothingHelps(t *testing.T) {
	r := open(nil)
	r.write("INSERT", 1)
	r.Invoke = func(context.Context, []byte) (Answer, error) { return broken, nil }
	if _, err := r.Pump(t.Context()); err == nil || !strings.Contains(err.Error(), "not quiet") {
		t.Errorf("err = %v", err)
	}
}
