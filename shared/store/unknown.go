package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

type kindBody struct {
	Version int       `json:"v"`
	Kind    string    `json:"kind"`
	Count   int       `json:"count"`
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
}

type rawBody struct {
	Version int       `json:"v"`
	Kind    string    `json:"kind"`
	WABAID  string    `json:"waba,omitempty"`
	Raw     string    `json:"raw"`
	At      time.Time `json:"at"`
}

const unknownVersion = 1

func decodeKind(it Item) (kindBody, error) {
	var b kindBody
	if err := decode(it, &b); err != nil {
		return kindBody{}, err
	}
	if b.Version > unknownVersion {
		return kindBody{}, &NewerError{it.Key, b.Version, unknownVersion}
	}
	return b, nil
}

// maxRaw caps the evidence of one unknown thing.
const maxRaw = 64 << 10

// Novelty implements watch.Store. The thing and its count change together, so a redelivery
// counts nothing.
func (s *Store) Novelty(ctx context.Context, n quality.Novelty) error {
	if len(n.Raw) > maxRaw {
		n.Raw = n.Raw[:maxRaw]
	}
	sum := sha256.Sum256([]byte(n.WABAID + "\x00" + n.Raw))
	raw := Key{kindKey(n.Kind).PK, rawKey + hex.EncodeToString(sum[:16])}
	for range 5 {
		items, err := s.table.Get(ctx, raw, kindKey(n.Kind))
		if err != nil {
			return fmt.Errorf("unknown %s: %w", n.Kind, err)
		}
		count := kindBody{Version: unknownVersion, Kind: n.Kind, First: n.At.UTC()}
		rev := int64(0)
		for _, it := range items {
			if it.Key == raw {
				return nil
			}
			if count, err = decodeKind(it); err != nil {
				return err
			}
			rev = it.Rev
		}
		count.Count, count.Last = count.Count+1, n.At.UTC()
		kb, err := json.Marshal(count)
		if err != nil {
			return fmt.Errorf("encode count of %s: %w", n.Kind, err)
		}
		rb, err := json.Marshal(rawBody{unknownVersion, n.Kind, n.WABAID, n.Raw, n.At.UTC()})
		if err != nil {
			return fmt.Errorf("encode unknown %s: %w", n.Kind, err)
		}
		err = s.table.Write(ctx,
			Action{Op: Put, Item: Item{Key: kindKey(n.Kind), Rev: rev + 1, Body: string(kb)}, Cond: unchanged(rev)},
			Action{Op: Put, Item: Item{Key: raw, Body: string(rb), Expires: s.expires()}, Cond: Cond{NotExists: true}})
		if err == nil {
			return nil
		}
		if !errors.Is(err, ErrConflict) && !errors.Is(err, ErrAmbiguous) {
			return fmt.Errorf("store unknown %s: %w", n.Kind, err)
		}
	}
	return fmt.Errorf("store unknown %s: %w", n.Kind, ErrConflict)
}

// KnownNovelties implements watch.Store.
func (s *Store) KnownNovelties(ctx context.Context, kinds []string) (map[string]bool, error) {
	keys := make([]Key, len(kinds))
	for i, k := range kinds {
		keys[i] = kindKey(k)
	}
	items, err := s.table.Get(ctx, keys...)
	if err != nil {
		return nil, fmt.Errorf("kinds of unknown things: %w", err)
	}
	known := map[string]bool{}
	for _, it := range items {
		b, err := decodeKind(it)
		if err != nil {
			return nil, err
		}
		known[b.Kind] = true
	}
	return known, nil
}
