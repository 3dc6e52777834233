package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/watch"
)

type scheduleBody struct {
	Version  int            `json:"v"`
	Schedule watch.Schedule `json:"schedule"`
}

const scheduleVersion = 1

func decodeSchedule(it Item) (watch.Schedule, error) {
	var b scheduleBody
	if err := decode(it, &b); err != nil {
		return watch.Schedule{}, err
	}
	if b.Version > scheduleVersion {
		return watch.Schedule{}, &NewerError{it.Key, b.Version, scheduleVersion}
	}
	b.Schedule.Rev = it.Rev
	return b.Schedule, nil
}

// Schedule implements watch.Store.
func (s *Store) Schedule(ctx context.Context, wabaID string) (watch.Schedule, error) {
	items, err := s.table.Get(ctx, scheduleKey(wabaID))
	if err != nil {
		return watch.Schedule{}, fmt.Errorf("schedule of %s: %w", wabaID, err)
	}
	if len(items) == 0 {
		return watch.Schedule{WABAID: wabaID}, nil
	}
	return decodeSchedule(items[0])
}

// PutSchedule implements watch.Store. Log and schedule change together, so the heads that the
// schedule holds are always the end of the log.
func (s *Store) PutSchedule(ctx context.Context, sched watch.Schedule, entries map[quality.Class]quality.LogEntry) error {
	var actions []Action
	for _, class := range slices.Sorted(maps.Keys(entries)) {
		e := entries[class]
		key := dayItemKey(sched.WABAID, class, e.At)
		items, err := s.table.Get(ctx, key)
		if err != nil {
			return fmt.Errorf("poll log %s: %w", key, err)
		}
		day, rev := []quality.LogEntry(nil), int64(0)
		if len(items) > 0 {
			if day, err = decodeDay(items[0]); err != nil {
				return err
			}
			rev = items[0].Rev
		}
		if n := len(day); n > 0 && !e.At.After(day[n-1].At) {
			return fmt.Errorf("poll log %s: %s is not after %s", key, e.At, day[n-1].At)
		}
		it, err := encodeDay(sched.WABAID, class, append(day, e), s.expires(), rev+1)
		if err != nil {
			return err
		}
		actions = append(actions, Action{Op: Put, Item: it, Cond: unchanged(rev)})
	}
	cond := unchanged(sched.Rev)
	sched.Rev++
	body, err := json.Marshal(scheduleBody{scheduleVersion, sched})
	if err != nil {
		return fmt.Errorf("encode schedule of %s: %w", sched.WABAID, err)
	}
	it := Item{Key: scheduleKey(sched.WABAID), Rev: sched.Rev, Body: string(body)}
	if next := sched.Next(s.now()); !next.IsZero() {
		it.Todo = todoKey("POLL", next, escape(sched.WABAID))
	}
	actions = append(actions, Action{Op: Put, Item: it, Cond: cond})
	if err := s.table.Write(ctx, actions...); err != nil {
		return fmt.Errorf("store schedule of %s: %w", sched.WABAID, translate(err))
	}
	return nil
}

// Due implements watch.Store.
func (s *Store) Due(ctx context.Context, now time.Time, limit int) ([]quality.Subject, []string, error) {
	due, err := s.todo(ctx, "DUE", now, limit)
	if err != nil {
		return nil, nil, fmt.Errorf("due subjects: %w", err)
	}
	keys := make([]Key, len(due))
	for i, it := range due {
		keys[i] = it.Key
	}
	items, err := s.table.Get(ctx, keys...)
	if err != nil {
		return nil, nil, fmt.Errorf("due subjects: %w", err)
	}
	var subjects []quality.Subject
	for _, it := range items {
		st, err := decodeState(it)
		if err != nil {
			return nil, nil, err
		}
		if !st.Due.IsZero() && !st.Due.After(now) {
			subjects = append(subjects, st.Subject)
		}
	}
	polls, err := s.todo(ctx, "POLL", now, limit)
	if err != nil {
		return nil, nil, fmt.Errorf("due polls: %w", err)
	}
	if len(polls) == 0 {
		return subjects, nil, nil
	}
	keys = keys[:0]
	for _, it := range polls {
		keys = append(keys, it.Key)
	}
	if items, err = s.table.Get(ctx, keys...); err != nil {
		return nil, nil, fmt.Errorf("due polls: %w", err)
	}
	scheds := map[string]watch.Schedule{}
	for _, it := range items {
		sched, err := decodeSchedule(it)
		if err != nil {
			return nil, nil, err
		}
		scheds[it.PK] = sched
	}
	var wabaIDs []string
	for _, it := range polls { // in order of time
		sched, ok := scheds[it.PK]
		if next := sched.Next(now); ok && !next.IsZero() && !next.After(now) && !slices.Contains(wabaIDs, sched.WABAID) {
			wabaIDs = append(wabaIDs, sched.WABAID)
		}
	}
	return subjects, wabaIDs, nil
}
