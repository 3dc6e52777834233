package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/store"
	"github.com/wabawatch/wabawatch/shared/store/bolt"
	"github.com/wabawatch/wabawatch/shared/watch"
)

// post is a publisher that accepts what it is not told to refuse.
type post struct {
	mu   sync.Mutex
	deaf bool
	fail func(quality.Alert) error
	sent []string
}

func (p *post) Ready(context.Context) (bool, error) { return !p.deaf, nil }

func (p *post) Publish(_ context.Context, parcel quality.Parcel) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range parcel.Alerts {
		if p.fail != nil {
			if err := p.fail(a); err != nil {
				return err
			}
		}
	}
	for _, a := range parcel.Alerts {
		p.sent = append(p.sent, a.ID)
	}
	return nil
}

// rig is the notifier over a file, and the records that the stream would bring it.
type rig struct {
	*notifier
	t       *testing.T
	post    *post
	now     time.Time
	records []events.DynamoDBEventRecord
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, post: &post{}, now: time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return r.now }
	table, err := bolt.Open(filepath.Join(t.TempDir(), "n.db"), bolt.WithClock(clock), bolt.WithoutSync())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := table.Close(); err != nil {
			t.Error(err)
		}
	})
	log := slog.New(slog.DiscardHandler)
	r.notifier = &notifier{log: log, courier: &watch.Courier{Outbox: store.New(table, 0, clock), Publisher: r.post, Now: clock, Log: log, Holder: "test"}}
	return r
}

// add stores an alert of an account of its own, so that no digest holds several.
func (r *rig) add(id string) {
	r.t.Helper()
	s := quality.AccountSubject(id)
	records := r.courier.Outbox.(*store.Store)
	a := quality.Alert{ID: id + ".1", Event: quality.Notice, Rule: quality.RuleAccountViolation, Severity: quality.Warning, WABAID: &s.WABAID, CreatedAt: r.now, Revision: 1}
	if err := records.AddAlert(r.t.Context(), s, a); err != nil {
		r.t.Fatal(err)
	}
	keys, err := records.Unsent(r.t.Context(), r.now.Add(time.Hour), 1000)
	if err != nil {
		r.t.Fatal(err)
	}
	known := map[string]bool{}
	for _, rec := range r.records {
		known[rec.Change.Keys[store.AttrSK].String()] = true
	}
	for _, k := range keys {
		if !known[k.Sort] {
			r.records = append(r.records, record(k, len(r.records)))
		}
	}
}

func record(k watch.AlertKey, n int) events.DynamoDBEventRecord {
	return events.DynamoDBEventRecord{EventName: "INSERT", EventID: fmt.Sprint("event ", n), Change: events.DynamoDBStreamRecord{
		SequenceNumber: fmt.Sprint(100 + n),
		Keys:           map[string]events.DynamoDBAttributeValue{store.AttrPK: events.NewStringAttribute(k.Partition), store.AttrSK: events.NewStringAttribute(k.Sort)},
	}}
}

// batch hands the records over and returns the sequence number that is reported as failed.
func (r *rig) batch() string {
	r.t.Helper()
	raw, err := json.Marshal(events.DynamoDBEvent{Records: r.records})
	if err != nil {
		r.t.Fatal(err)
	}
	out, err := r.handle(r.t.Context(), raw)
	if err != nil {
		r.t.Fatal(err)
	}
	failures := out.(events.DynamoDBEventResponse).BatchItemFailures
	if len(failures) > 1 {
		r.t.Errorf("%d failures reported, want the first", len(failures))
	}
	if len(failures) == 0 {
		return ""
	}
	return failures[0].ItemIdentifier
}

func TestFirstFailedRecordIsReported(t *testing.T) {
	r := newRig(t)
	for i := range 6 {
		r.add(fmt.Sprint(i))
	}
	r.post.fail = func(a quality.Alert) error {
		if a.ID == "2.1" || a.ID == "4.1" {
			return errors.New("SNS is down")
		}
		return nil
	}
	if got := r.batch(); got != "102" {
		t.Errorf("reported %q, want 102", got)
	}
	r.records = r.records[2:] // Lambda begins again from there
	r.post.fail = nil
	if got := r.batch(); got != "" {
		t.Errorf("reported %q after SNS was back", got)
	}
	if n := len(r.post.sent); n != 6 {
		t.Errorf("sent %v, want each alert once", r.post.sent)
	}
}

func TestRecordsThatAreNoInsertedAlertsAreLeftAlone(t *testing.T) {
	r := newRig(t)
	r.records = []events.DynamoDBEventRecord{
		record(watch.AlertKey{Partition: "W#1#0", Sort: "STATE#account#1"}, 0), {}, record(watch.AlertKey{Partition: "W#1#0", Sort: "ALERT#gone"}, 2),
	}
	r.add("1")
	r.records[len(r.records)-1].EventName = "MODIFY"
	if got := r.batch(); got != "" || len(r.post.sent) > 0 {
		t.Errorf("reported %q, sent %v", got, r.post.sent)
	}
}

func TestSweepFindsWhatTheStreamLost(t *testing.T) {
	r := newRig(t)
	r.add("1")
	sweep := func(want int) {
		t.Helper()
		if _, err := r.handle(t.Context(), json.RawMessage(`{"sweep":true}`)); err != nil {
			t.Fatal(err)
		}
		if n := len(r.post.sent); n != want {
			t.Errorf("at %s: sent %d, want %d", r.now.Format(time.TimeOnly), n, want)
		}
	}
	r.now = r.now.Add(9 * time.Minute)
	sweep(0)
	r.now = r.now.Add(2 * time.Minute)
	r.post.deaf = true // no confirmed subscription: nothing is sent, nothing is marked
	sweep(0)
	if got := r.batch(); got != "" {
		t.Errorf("reported %q while nobody listens", got)
	}
	r.post.deaf = false
	sweep(1)
	sweep(1)
	if got := r.batch(); got != "" || len(r.post.sent) != 1 {
		t.Errorf("reported %q, sent %v after the sweep", got, r.post.sent)
	}
}

func TestTestAlertNeedsAListener(t *testing.T) {
	r := newRig(t)
	r.post.deaf = true
	if _, err := r.handle(t.Context(), json.RawMessage(`{"test":true}`)); err == nil {
		t.Error("no error while nobody listens")
	}
	r.post.deaf = false
	if _, err := r.handle(t.Context(), json.RawMessage(`{"test":true}`)); err != nil || len(r.post.sent) != 1 {
		t.Errorf("sent %v, %v", r.post.sent, err)
	}
}
