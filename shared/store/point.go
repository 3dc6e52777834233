package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

type pointBody struct {
	Version   int               `json:"v"`
	Kind      quality.Kind      `json:"kind"`
	WABAID    string            `json:"waba,omitempty"`
	ID        string            `json:"id"`
	Signal    quality.Signal    `json:"signal"`
	Value     string            `json:"value"`
	At        int64             `json:"at"`
	Track     quality.Track     `json:"track"`
	NotBefore int64             `json:"not_before,omitempty"`
	Attrs     map[string]string `json:"attrs,omitempty"`
	Raw       string            `json:"raw,omitempty"`
}

const pointVersion = 1

func encodePoint(p quality.Point, expires time.Time) (Item, error) {
	body, err := json.Marshal(pointBody{pointVersion, p.Subject.Kind, p.Subject.WABAID, p.Subject.ID, p.Signal, p.Value, unix(p.At), p.Track, unix(p.NotBefore), p.Attrs, p.Raw})
	if err != nil {
		return Item{}, fmt.Errorf("encode point of %s: %w", p.Subject, err)
	}
	return Item{Key: pointItemKey(p), Body: string(body), Expires: expires}, nil
}

func decodePoint(it Item) (quality.Point, error) {
	var b pointBody
	if err := decode(it, &b); err != nil {
		return quality.Point{}, err
	}
	if b.Version > pointVersion {
		return quality.Point{}, &NewerError{it.Key, b.Version, pointVersion}
	}
	return quality.Point{
		Subject: quality.Subject{Kind: b.Kind, WABAID: b.WABAID, ID: b.ID}, Signal: b.Signal, Value: b.Value, At: fromUnix(b.At),
		Track: b.Track, NotBefore: fromUnix(b.NotBefore), Attrs: b.Attrs, Raw: b.Raw,
	}, nil
}

// Stored implements watch.Store.
func (s *Store) Stored(ctx context.Context, points []quality.Point) (map[quality.Subject]map[quality.PointKey]bool, error) {
	keys := make([]Key, len(points))
	by := make(map[Key]quality.Point, len(points))
	for i, p := range points {
		keys[i] = pointItemKey(p)
		by[keys[i]] = p
	}
	items, err := s.table.Get(ctx, keys...)
	if err != nil {
		return nil, fmt.Errorf("look for %d points: %w", len(points), err)
	}
	out := map[quality.Subject]map[quality.PointKey]bool{}
	for _, it := range items {
		p := by[it.Key]
		if out[p.Subject] == nil {
			out[p.Subject] = map[quality.PointKey]bool{}
		}
		out[p.Subject][p.Key()] = true
	}
	return out, nil
}
