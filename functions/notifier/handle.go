package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/wabawatch/wabawatch/shared/notify"
	"github.com/wabawatch/wabawatch/shared/store"
	"github.com/wabawatch/wabawatch/shared/watch"
)

type notifier struct {
	courier *watch.Courier
	writer  notify.Writer
	log     *slog.Logger
}

// event is any of the three inputs.
type event struct {
	Records []events.DynamoDBEventRecord `json:"Records"`
	Sweep   bool                         `json:"sweep"`
	Test    bool                         `json:"test"`
}

// reserve is kept back from the invocation's time to mark what was published.
const reserve = 3 * time.Second

func (n *notifier) handle(ctx context.Context, raw json.RawMessage) (any, error) {
	var e event
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, fmt.Errorf("event: %w", err)
	}
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-reserve))
		defer cancel()
	}
	switch {
	case e.Test:
		return map[string]string{"result": "sent"}, n.test(ctx)
	case e.Sweep:
		return map[string]string{"result": "swept"}, n.courier.Sweep(ctx)
	}
	return n.stream(ctx, e.Records)
}

// stream delivers the alerts of a batch and reports the first record, in the order of the
// stream, whose alert is not done with: from there Lambda retries.
func (n *notifier) stream(ctx context.Context, records []events.DynamoDBEventRecord) (events.DynamoDBEventResponse, error) {
	var keys []watch.AlertKey
	of := make([]watch.AlertKey, len(records))
	for i, r := range records {
		k, ok := alertKey(r)
		if !ok {
			n.log.WarnContext(ctx, "record is no inserted alert", "record", r.EventID)
			continue
		}
		of[i] = k
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return events.DynamoDBEventResponse{}, nil
	}
	failed, err := n.courier.Deliver(ctx, keys)
	if err != nil {
		n.log.ErrorContext(ctx, "batch not delivered", "records", len(records), "err", err)
		return failedFrom(records[0]), nil
	}
	for i, r := range records {
		why, bad := failed[of[i]]
		if !bad || of[i] == (watch.AlertKey{}) {
			continue
		}
		n.log.ErrorContext(ctx, "alert not delivered", "record", r.EventID, "held", errors.Is(why, watch.ErrHeld), "err", why)
		return failedFrom(r), nil
	}
	return events.DynamoDBEventResponse{}, nil
}

// alertKey reads the key of an inserted alert. What the record says beyond it may be old by now
// and is not looked at.
func alertKey(r events.DynamoDBEventRecord) (watch.AlertKey, bool) {
	pk, ok1 := r.Change.Keys[store.AttrPK]
	sk, ok2 := r.Change.Keys[store.AttrSK]
	if !ok1 || !ok2 || pk.DataType() != events.DataTypeString || sk.DataType() != events.DataTypeString {
		return watch.AlertKey{}, false
	}
	k := watch.AlertKey{Partition: pk.String(), Sort: sk.String()}
	// The filter of the stream lets inserts through only, so a record that does not say is one.
	inserted := r.EventName == "" || r.EventName == string(events.DynamoDBOperationTypeInsert)
	return k, inserted && strings.HasPrefix(k.Sort, store.AlertPrefix)
}

func failedFrom(r events.DynamoDBEventRecord) events.DynamoDBEventResponse {
	return events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{{ItemIdentifier: r.Change.SequenceNumber}}}
}

// test sends one labelled alert by every channel.
func (n *notifier) test(ctx context.Context) error {
	return watch.SendTest(ctx, n.courier.Publisher, n.writer.Word, time.Now().UTC(), rand.Text())
}
