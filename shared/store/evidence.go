package store

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// Evidence implements watch.Store. Log and presence are read once for all signals that share them.
func (s *Store) Evidence(ctx context.Context, sub quality.Subject, need quality.Need) (map[quality.Signal]quality.Evidence, error) {
	out := make(map[quality.Signal]quality.Evidence, len(need))
	oldest := map[quality.Class]time.Time{}
	for sig, from := range need {
		class := quality.ClassOf(sub.Kind, sig)
		if old, ok := oldest[class]; !ok || from.Before(old) {
			oldest[class] = from
		}
	}
	var mu sync.Mutex
	logs := map[quality.Class][]quality.LogEntry{}
	var presence []quality.Point
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(parallelReads)
	for class, from := range oldest {
		if class == "" {
			continue
		}
		g.Go(func() error {
			entries, err := s.pollLog(gctx, sub.WABAID, class, from)
			mu.Lock()
			defer mu.Unlock()
			logs[class] = entries
			return err
		})
	}
	if sub.Kind == quality.PhoneNumber || sub.Kind == quality.Template {
		g.Go(func() (err error) {
			presence, err = s.track(gctx, sub, quality.Presence, quality.Seen, time.Time{})
			return err
		})
	}
	for sig, from := range need {
		g.Go(func() error {
			ev := quality.Evidence{From: from}
			for _, t := range []quality.Track{quality.Told, quality.Seen} {
				points, err := s.track(gctx, sub, sig, t, from)
				if err != nil {
					return err
				}
				ev.Points = append(ev.Points, points...)
			}
			mu.Lock()
			defer mu.Unlock()
			out[sig] = ev
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("evidence of %s: %w", sub, err)
	}
	for sig, ev := range out {
		ev.Log, ev.Presence = since(logs[quality.ClassOf(sub.Kind, sig)], ev.From), presence
		out[sig] = ev
	}
	return out, nil
}

// since leaves out the entries before from, but for the newest of them.
func since(log []quality.LogEntry, from time.Time) []quality.LogEntry {
	n, _ := slices.BinarySearchFunc(log, from, func(e quality.LogEntry, t time.Time) int { return e.At.Compare(t) })
	return log[max(0, n-1):]
}

// track reads the points of one track since from, and the newest before: all of its instant, since the
// key does not say which of them is in force.
func (s *Store) track(ctx context.Context, sub quality.Subject, sig quality.Signal, t quality.Track, from time.Time) ([]quality.Point, error) {
	pk, prefix := pointsPK(sub), trackPrefix(sig, t)
	start := prefix
	if !from.IsZero() {
		before := Query{PK: pk, From: prefix, To: prefix + from.UTC().Format(keyTime), Backward: true, Limit: 1}
		start = before.To
		for more := true; more; {
			page, err := s.table.Query(ctx, before)
			if err != nil {
				return nil, err
			}
			if len(page.Items) > 0 {
				start = page.Items[0].SK[:len(prefix)+len(keyTime)]
			}
			before.Cursor = page.Next
			more = len(page.Items) == 0 && page.Next != ""
		}
	}
	rest, err := s.all(ctx, Query{PK: pk, From: start, To: prefix + afterAll})
	if err != nil {
		return nil, err
	}
	var out []quality.Point
	for _, it := range rest {
		p, err := decodePoint(it)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// pollLog reads the log of a class since from, and the newest entry before, ascending.
func (s *Store) pollLog(ctx context.Context, wabaID string, class quality.Class, from time.Time) ([]quality.LogEntry, error) {
	pk := logPK(wabaID, class)
	start := dayKey
	var items []Item
	if !from.IsZero() {
		start = dayItemKey(wabaID, class, from).SK
		before, err := s.all(ctx, Query{PK: pk, From: dayKey, To: dayItemKey(wabaID, class, from.Add(-24*time.Hour)).SK, Backward: true, Limit: 1})
		if err != nil {
			return nil, err
		}
		items = before
	}
	rest, err := s.all(ctx, Query{PK: pk, From: start, To: dayKey + afterAll})
	if err != nil {
		return nil, err
	}
	var out []quality.LogEntry
	for _, it := range append(items, rest...) {
		entries, err := decodeDay(it)
		if err != nil {
			return nil, err
		}
		out = append(out, entries...)
	}
	return since(out, from), nil
}
