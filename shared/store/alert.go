package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/watch"
)

// alertBody is the record of an alert: what is told, and how far its delivery is.
type alertBody struct {
	Version      int           `json:"v"`
	Alert        quality.Alert `json:"alert"`
	PrevPK       string        `json:"prev_pk,omitempty"`
	PrevSK       string        `json:"prev_sk,omitempty"`
	ClaimedBy    string        `json:"claimed_by,omitempty"`
	ClaimedUntil time.Time     `json:"claimed_until,omitzero"`
	Refused      int           `json:"refused,omitempty"`
	SentAt       time.Time     `json:"sent_at,omitzero"`
	ParkedAt     time.Time     `json:"parked_at,omitzero"`
	FoldedInto   string        `json:"folded_into,omitempty"`
}

const alertVersion = 1

func newOutgoing(s quality.Subject, a quality.Alert) watch.Outgoing {
	k := alertItemKey(s, a.CreatedAt, a.ID)
	o := watch.Outgoing{Key: watch.AlertKey{Partition: k.PK, Sort: k.SK}, Alert: a, Rev: 1}
	if a.IncidentID != nil && a.Revision > 1 && !a.PreviousAt.IsZero() {
		p := alertItemKey(s, a.PreviousAt, *a.IncidentID+"."+strconv.Itoa(a.Revision-1))
		o.Previous = watch.AlertKey{Partition: p.PK, Sort: p.SK}
	}
	return o
}

func encodeAlert(o watch.Outgoing, expires time.Time) (Item, error) {
	body, err := json.Marshal(alertBody{alertVersion, o.Alert, o.Previous.Partition, o.Previous.Sort, o.ClaimedBy, o.ClaimedUntil, o.Refused, o.SentAt, o.ParkedAt, o.FoldedInto})
	if err != nil {
		return Item{}, fmt.Errorf("encode alert %s: %w", o.Alert.ID, err)
	}
	it := Item{Key: Key{o.Key.Partition, o.Key.Sort}, Rev: o.Rev, Expires: expires, Body: string(body)}
	id := o.Key.Partition + "|" + o.Key.Sort
	if !o.Done() {
		it.Todo = todoKey("SEND", o.Alert.CreatedAt, id)
	}
	it.View = todoKey("FEED", o.Alert.CreatedAt, escape(o.Alert.ID))
	return it, nil
}

func decodeAlert(it Item) (watch.Outgoing, error) {
	var b alertBody
	if err := decode(it, &b); err != nil {
		return watch.Outgoing{}, err
	}
	if b.Version > alertVersion {
		return watch.Outgoing{}, &NewerError{it.Key, b.Version, alertVersion}
	}
	o := watch.Outgoing{
		Key: watch.AlertKey{Partition: it.PK, Sort: it.SK}, Alert: b.Alert, Previous: watch.AlertKey{Partition: b.PrevPK, Sort: b.PrevSK},
		ClaimedBy: b.ClaimedBy, ClaimedUntil: b.ClaimedUntil, Refused: b.Refused, SentAt: b.SentAt, ParkedAt: b.ParkedAt, FoldedInto: b.FoldedInto, Rev: it.Rev,
	}
	return o, nil
}

// Unsent implements watch.Outbox.
func (s *Store) Unsent(ctx context.Context, before time.Time, limit int) ([]watch.AlertKey, error) {
	items, err := s.todo(ctx, "SEND", before, limit)
	if err != nil {
		return nil, fmt.Errorf("unsent alerts: %w", err)
	}
	out := make([]watch.AlertKey, len(items))
	for i, it := range items {
		out[i] = watch.AlertKey{Partition: it.PK, Sort: it.SK}
	}
	return out, nil
}

// maxLater bounds the backlog in which Later looks, per shard.
const maxLater = 2000

// Later implements watch.Outbox. An alert's key ends in its id, which is the incident's and a
// number: the index alone tells.
func (s *Store) Later(ctx context.Context, than []watch.Outgoing) ([]watch.AlertKey, error) {
	given, wanted := map[Key]bool{}, map[Key]bool{}
	for _, o := range than {
		given[Key{o.Key.Partition, o.Key.Sort}] = true
		if o.Alert.IncidentID != nil {
			wanted[Key{o.Key.Partition, escape(*o.Alert.IncidentID)}] = true
		}
	}
	items, err := s.todo(ctx, "SEND", s.now().Add(time.Minute), maxLater)
	if err != nil {
		return nil, fmt.Errorf("later alerts: %w", err)
	}
	var out []watch.AlertKey
	for _, it := range items {
		id := it.SK[strings.LastIndexByte(it.SK, '#')+1:]
		if dot := strings.LastIndexByte(id, '.'); dot > 0 && !given[it.Key] && wanted[Key{it.PK, id[:dot]}] {
			out = append(out, watch.AlertKey{Partition: it.PK, Sort: it.SK})
		}
	}
	return out, nil
}

// todo reads one kind of the index of what is due, all shards merged, the oldest first.
func (s *Store) todo(ctx context.Context, what string, before time.Time, limit int) ([]Item, error) {
	var out []Item
	for i := range shards {
		items, err := s.all(ctx, Query{Index: Todo, PK: fmt.Sprintf("%s#%d", what, i), To: before.UTC().Format(keyTime) + afterAll, Limit: limit})
		if err != nil {
			return nil, err
		}
		out = append(out, items...)
	}
	slices.SortFunc(out, func(a, b Item) int { return cmp.Compare(a.Todo.SK, b.Todo.SK) })
	return out[:min(limit, len(out))], nil
}

// Outgoing implements watch.Outbox.
func (s *Store) Outgoing(ctx context.Context, keys []watch.AlertKey) ([]watch.Outgoing, error) {
	ks := make([]Key, len(keys))
	for i, k := range keys {
		ks[i] = Key{k.Partition, k.Sort}
	}
	items, err := s.table.Get(ctx, ks...)
	if err != nil {
		return nil, fmt.Errorf("read alerts: %w", err)
	}
	var out []watch.Outgoing
	for _, it := range items {
		o, err := decodeAlert(it)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	slices.SortFunc(out, func(a, b watch.Outgoing) int { return a.Alert.CreatedAt.Compare(b.Alert.CreatedAt) })
	return out, nil
}

// Update implements watch.Outbox.
func (s *Store) Update(ctx context.Context, alerts ...*watch.Outgoing) error {
	actions := make([]Action, len(alerts))
	for i, o := range alerts {
		next := *o
		next.Rev++
		it, err := encodeAlert(next, s.expires())
		if err != nil {
			return err
		}
		actions[i] = Action{Op: Put, Item: it, Cond: Cond{Rev: o.Rev}}
	}
	if err := s.table.Write(ctx, actions...); err != nil {
		return fmt.Errorf("update %d alerts, first %s: %w", len(alerts), alerts[0].Alert.ID, translate(err))
	}
	for _, o := range alerts {
		o.Rev++
	}
	return nil
}

// AddAlert implements watch.Store.
func (s *Store) AddAlert(ctx context.Context, sub quality.Subject, a quality.Alert) error {
	it, err := encodeAlert(newOutgoing(sub, a), s.expires())
	if err != nil {
		return err
	}
	err = s.table.Write(ctx, Action{Op: Put, Item: it, Cond: Cond{NotExists: true}})
	if errors.Is(err, ErrConflict) {
		return nil // it is there
	}
	if err != nil {
		return fmt.Errorf("store alert %s: %w", a.ID, translate(err))
	}
	return nil
}

// FirstLook implements watch.Outbox: the unsent first-look alerts of the heading's account.
func (s *Store) FirstLook(ctx context.Context, head watch.Outgoing) ([]watch.AlertKey, error) {
	if head.Alert.WABAID == nil {
		return nil, nil
	}
	from := head.Alert.CreatedAt.Add(-time.Hour)
	var out []watch.AlertKey
	for i := range shards {
		items, err := s.all(ctx, Query{PK: accountPK(*head.Alert.WABAID, i), From: AlertPrefix + from.UTC().Format(keyTime), To: AlertPrefix + head.Alert.CreatedAt.UTC().Format(keyTime) + afterAll})
		if err != nil {
			return nil, fmt.Errorf("first look of %s: %w", *head.Alert.WABAID, err)
		}
		for _, it := range items {
			o, err := decodeAlert(it)
			if err != nil {
				return nil, err
			}
			if o.Alert.FirstLook && !o.Done() {
				out = append(out, o.Key)
			}
		}
	}
	return out, nil
}
