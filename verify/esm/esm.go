// Package esm does what Lambda's event source mapping does between a DynamoDB stream and a
// function: it filters and batches, reads partial answers, bisects, retries, gives up by count
// or age, and tells the target on failure. It takes steps when it is told to, so a test decides
// when anything happens; retries come without a pause.
//
// One batch at a time is under way in each shard, as with a parallelization factor of 1.
//
// Source: AWS, Lambda with DynamoDB streams; partial batch responses; on-failure destinations,
// checked 2026-11.
package esm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wabawatch/wabawatch/verify/filter"
	"github.com/wabawatch/wabawatch/verify/template"
)

// Record is a record of a stream.
type Record struct {
	Sequence string
	At       time.Time
	Raw      json.RawMessage // as the stream gave it, which is what the function gets
}

// Source is a stream: Shards lists its shards, oldest first, and Records what comes in one
// after a sequence number, from the beginning after "".
type Source interface {
	Shards(ctx context.Context) ([]string, error)
	Records(ctx context.Context, shard, after string) ([]Record, error)
}

// Answer is what an invocation gave: the payload of the function, or its failure.
type Answer struct {
	RequestID string
	Payload   []byte
	Failure   string // "" for none
}

// Mapping is one event source mapping. Its exported fields are set before first use. It is for
// one goroutine.
type Mapping struct {
	template.Mapping
	Stream Source
	Invoke func(ctx context.Context, event []byte) (Answer, error)
	// Failed takes what the on-failure target gets; nil if there is no target.
	Failed func(ctx context.Context, message []byte) error
	// Now is the clock by which records age and windows end.
	Now func() time.Time

	filter *filter.Filter
	shards map[string]*shard
	order  []string
	turn   int
	dead   bool
}

// shard is how far one shard was read, and what is under way.
type shard struct {
	id      string
	read    string // sequence number of the last record that was read
	pending []Record
	since   time.Time // when the first of pending was read
	retries []batch   // to be tried again, before anything else
}

// batch is a batch under way.
type batch struct {
	records []Record
	tried   int // invocations
	counted int // of those, the ones that count as retries
}

// Step is what one step did.
type Step struct {
	Shard     string
	Delivered []string // sequence numbers that the function was invoked with
	Answer    Answer
	// Failed are those of Delivered that come again, GivenUp those that never will.
	Failed, GivenUp []string
}

// maxEvent is how large an event may be.
const maxEvent = 6 << 20

// Stop makes the stream dead: nothing is delivered until Resume.
func (m *Mapping) Stop() { m.dead = true }

// Resume ends Stop. What was written meanwhile is delivered.
func (m *Mapping) Resume() { m.dead = false }

// Rewind makes everything be delivered again.
func (m *Mapping) Rewind() { m.shards, m.order = nil, nil }

// Skip passes over what was not delivered yet, as happens to what a stream keeps no longer.
func (m *Mapping) Skip(ctx context.Context) error {
	if err := m.fetch(ctx); err != nil {
		return err
	}
	for _, s := range m.shards {
		s.pending, s.retries = nil, nil
	}
	return nil
}

// Step does one invocation if there is something to deliver; it reports false if there is not,
// or if a batch waits for more until its window ends.
func (m *Mapping) Step(ctx context.Context) (Step, bool, error) { return m.step(ctx, false) }

// Pump takes steps until there is nothing to deliver, without waiting for windows to end. It is an
// error if that does not end.
func (m *Mapping) Pump(ctx context.Context) ([]Step, error) {
	const most = 10_000
	var steps []Step
	for range most {
		s, any, err := m.step(ctx, true)
		if err != nil || !any {
			return steps, err
		}
		steps = append(steps, s)
	}
	return steps, fmt.Errorf("not quiet after %d invocations", most)
}

func (m *Mapping) step(ctx context.Context, now bool) (Step, bool, error) {
	if m.dead {
		return Step{}, false, nil
	}
	if err := m.fetch(ctx); err != nil {
		return Step{}, false, err
	}
	for range m.order {
		s := m.shards[m.order[m.turn%len(m.order)]]
		m.turn++
		if step, any, err := m.shardStep(ctx, s, now); any || err != nil {
			return step, any, err
		}
	}
	return Step{}, false, nil
}

// fetch reads what the shards have, and keeps what the filter selects.
func (m *Mapping) fetch(ctx context.Context) error {
	if m.filter == nil {
		var err error
		if m.filter, err = filter.Compile(m.Filters...); err != nil {
			return err
		}
	}
	if m.shards == nil {
		m.shards = map[string]*shard{}
	}
	ids, err := m.Stream.Shards(ctx)
	if err != nil {
		return fmt.Errorf("shards: %w", err)
	}
	for _, id := range ids {
		s := m.shards[id]
		if s == nil {
			s = &shard{id: id}
			m.shards[id] = s
			m.order = append(m.order, id)
		}
		records, err := m.Stream.Records(ctx, id, s.read)
		if err != nil {
			return fmt.Errorf("records of %s: %w", id, err)
		}
		for _, r := range records {
			s.read = r.Sequence
			selected, err := m.filter.Match(r.Raw)
			if err != nil {
				return err
			}
			if selected {
				if len(s.pending) == 0 {
					s.since = m.Now()
				}
				s.pending = append(s.pending, r)
			}
		}
	}
	return nil
}

// shardStep tries what waits to be tried again, and else a new batch.
func (m *Mapping) shardStep(ctx context.Context, s *shard, now bool) (Step, bool, error) {
	if len(s.retries) == 0 {
		full := len(s.pending) >= m.BatchSize
		if len(s.pending) == 0 || !full && !now && m.Now().Before(s.since.Add(m.Window)) {
			return Step{}, false, nil
		}
		n, bytes := 0, 0
		for n < min(len(s.pending), m.BatchSize) {
			if bytes += len(s.pending[n].Raw); n > 0 && bytes > maxEvent*9/10 {
				break
			}
			n++
		}
		s.retries = []batch{{records: s.pending[:n:n]}}
		s.pending, s.since = s.pending[n:], m.Now()
	}
	b := s.retries[0]
	s.retries = s.retries[1:]
	return m.deliver(ctx, s, b)
}

// deliver invokes the function with a batch, after giving up what is too old.
func (m *Mapping) deliver(ctx context.Context, s *shard, b batch) (Step, bool, error) {
	step := Step{Shard: s.id}
	if old := m.tooOld(b.records); old > 0 {
		gone := batch{b.records[:old], b.tried, b.counted}
		step.GivenUp = sequences(gone.records)
		if err := m.giveUp(ctx, s, gone, "RecordAgeExceeded", Answer{}); err != nil {
			return step, true, err
		}
		if b.records = b.records[old:]; len(b.records) == 0 {
			return step, true, nil
		}
	}
	event, err := m.event(b.records)
	if err != nil {
		return step, true, err
	}
	step.Delivered = sequences(b.records)
	if step.Answer, err = m.Invoke(ctx, event); err != nil {
		s.retries = append([]batch{b}, s.retries...)
		return step, true, err
	}
	b.tried++
	first, whole := m.failedFrom(b.records, step.Answer)
	if first == len(b.records) {
		return step, true, nil
	}
	rest := batch{b.records[first:], b.tried, b.counted}
	step.Failed = sequences(rest.records)
	switch {
	case m.Bisect && whole && len(rest.records) > 1:
		// Halves are tried next, and splitting is not counted. A partial answer splits where it says.
		half := len(rest.records) / 2
		s.retries = append([]batch{{rest.records[:half], b.tried, b.counted}, {rest.records[half:], b.tried, b.counted}}, s.retries...)
	case m.MaxRetries >= 0 && rest.counted >= m.MaxRetries:
		step.GivenUp, step.Failed = append(step.GivenUp, step.Failed...), nil
		return step, true, m.giveUp(ctx, s, rest, "RetryAttemptsExhausted", step.Answer)
	default:
		rest.counted++
		s.retries = append([]batch{rest}, s.retries...)
	}
	return step, true, nil
}

// tooOld counts the records at the beginning that are older than the mapping delivers.
func (m *Mapping) tooOld(records []Record) int {
	n := 0
	for m.MaxAge >= 0 && n < len(records) && m.Now().Sub(records[n].At) > m.MaxAge {
		n++
	}
	return n
}

// failedFrom is the index of the first record that has to come again, len(records) if none. whole
// says that the function failed as a whole, or that its answer makes no sense, which is the same.
func (m *Mapping) failedFrom(records []Record, a Answer) (first int, whole bool) {
	if a.Failure != "" {
		return 0, true
	}
	if !m.ReportFailures || len(a.Payload) == 0 {
		return len(records), false
	}
	var failures struct {
		BatchItemFailures []map[string]*string `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(a.Payload, &failures); err != nil {
		return 0, true
	}
	first = len(records)
	for _, f := range failures.BatchItemFailures {
		id := f["itemIdentifier"]
		if id == nil {
			return 0, true
		}
		i := indexOf(records, *id)
		if i < 0 {
			return 0, true
		}
		first = min(first, i)
	}
	return first, false
}

func indexOf(records []Record, sequence string) int {
	for i, r := range records {
		if r.Sequence == sequence {
			return i
		}
	}
	return -1
}

// event is what the function gets: the records as they are, with the stream they came from.
func (m *Mapping) event(records []Record) ([]byte, error) {
	source, err := json.Marshal(m.Source)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	b.WriteString(`{"Records":[`)
	for i, r := range records {
		raw, ok := strings.CutSuffix(strings.TrimSpace(string(r.Raw)), "}")
		if !ok {
			return nil, errors.New("a record is no object")
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(raw + `,"eventSourceARN":` + string(source) + "}")
	}
	b.WriteString("]}")
	return []byte(b.String()), nil
}

func sequences(records []Record) []string {
	var out []string
	for _, r := range records {
		out = append(out, r.Sequence)
	}
	return out
}

// giveUp tells the on-failure target about a batch that is delivered no more.
func (m *Mapping) giveUp(ctx context.Context, s *shard, b batch, why string, a Answer) error {
	if m.Failed == nil {
		return nil
	}
	stamp := func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
	first, last := b.records[0], b.records[len(b.records)-1]
	message := map[string]any{
		"version": "1.0", "timestamp": stamp(m.Now()),
		"requestContext": map[string]any{"requestId": a.RequestID, "functionArn": m.Function, "condition": why, "approximateInvokeCount": b.tried},
		"DDBStreamBatchInfo": map[string]any{
			"shardId": s.id, "startSequenceNumber": first.Sequence, "endSequenceNumber": last.Sequence, "batchSize": len(b.records), "streamArn": m.Source,
			"approximateArrivalOfFirstRecord": stamp(first.At), "approximateArrivalOfLastRecord": stamp(last.At),
		},
	}
	if b.tried > 0 {
		response := map[string]any{"statusCode": 200, "executedVersion": "$LATEST"}
		if a.Failure != "" {
			response["functionError"] = a.Failure
		}
		message["responseContext"] = response
	}
	body, err := json.Marshal(message)
	if err != nil {
		return err
	}
	return m.Failed(ctx, body)
}
