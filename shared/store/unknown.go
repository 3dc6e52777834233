package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// kindBody says that a kind is known. Those of older versions carry the count as well.
type kindBody struct {
	Version int       `json:"v"`
	Kind    string    `json:"kind"`
	Count   int       `json:"count,omitempty"`
	First   time.Time `json:"first"`
}

// countBody counts the things of one kind whose digests begin alike.
type countBody struct {
	Version int       `json:"v"`
	Count   int       `json:"count"`
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
	err := decode(it, &b)
	if err == nil && b.Version > unknownVersion {
		err = &NewerError{it.Key, b.Version, unknownVersion}
	}
	return b, err
}

func decodeCount(it Item) (countBody, error) {
	var b countBody
	err := decode(it, &b)
	if err == nil && b.Version > unknownVersion {
		err = &NewerError{it.Key, b.Version, unknownVersion}
	}
	return b, err
}

// Room for unknown things: how much of one is kept, and how many go into one transaction, also where
// JSON spells each of their bytes with six.
const (
	maxRaw       = 64 << 10
	packUnknowns = 10
)

// Novelties implements watch.Store. Things and their count change together, so a redelivery counts
// nothing. The count of a kind lies on several items: on the day that Meta adds a field, every body
// has one.
func (s *Store) Novelties(ctx context.Context, all []quality.Novelty) error {
	things := map[Key]map[Key]quality.Novelty{} // by the item that counts them
	for _, n := range all {
		if len(n.Raw) > maxRaw {
			n.Raw = n.Raw[:maxRaw]
		}
		sum := sha256.Sum256([]byte(n.WABAID + "\x00" + n.Raw))
		digest := hex.EncodeToString(sum[:16])
		count, raw := Key{kindKey(n.Kind).PK, countKey + digest[:1]}, Key{kindKey(n.Kind).PK, rawKey + digest}
		if things[count] == nil {
			things[count] = map[Key]quality.Novelty{}
		}
		things[count][raw] = n
	}
	var g errgroup.Group // a conflict over one is no reason to leave the others
	g.SetLimit(parallelWrites)
	for count, some := range things {
		g.Go(func() error {
			for keys := range slices.Chunk(slices.Collect(maps.Keys(some)), packUnknowns) {
				if err := s.keep(ctx, count, keys, some); err != nil {
					return fmt.Errorf("store unknown %s: %w", some[keys[0]].Kind, translate(err))
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// keep stores and counts those things among keys that are not stored yet.
func (s *Store) keep(ctx context.Context, count Key, keys []Key, things map[Key]quality.Novelty) error {
	kind := kindKey(things[keys[0]].Kind)
	items, err := s.table.Get(ctx, append([]Key{kind, count}, keys...)...)
	if err != nil {
		return err
	}
	have := map[Key]Item{}
	for _, it := range items {
		have[it.Key] = it
	}
	var w puts
	var newest quality.Novelty
	for _, key := range keys {
		if _, ok := have[key]; !ok {
			newest = things[key]
			body := rawBody{unknownVersion, newest.Kind, newest.WABAID, newest.Raw, newest.At.UTC()}
			w.add(Item{Key: key, Expires: s.expires()}, body, Cond{NotExists: true})
		}
	}
	if len(w.actions) == 0 {
		return nil
	}
	counted := countBody{Version: unknownVersion}
	if it, ok := have[count]; ok {
		if counted, err = decodeCount(it); err != nil {
			return err
		}
	}
	counted.Count, counted.Last = counted.Count+len(w.actions), newest.At.UTC()
	rev := have[count].Rev
	w.add(Item{Key: count, Rev: rev + 1}, counted, unchanged(rev))
	if it, ok := have[kind]; !ok {
		w.add(Item{Key: kind, Rev: 1}, kindBody{Version: unknownVersion, Kind: newest.Kind, First: newest.At.UTC()}, Cond{NotExists: true})
	} else if _, err := decodeKind(it); err != nil {
		return err
	}
	if w.err != nil {
		return w.err
	}
	return s.table.Write(ctx, w.actions...)
}

// puts gathers items to write, and what went wrong in spelling them.
type puts struct {
	actions []Action
	err     error
}

func (p *puts) add(it Item, body any, cond Cond) {
	text, err := json.Marshal(body)
	it.Body = string(text)
	p.actions, p.err = append(p.actions, Action{Op: Put, Item: it, Cond: cond}), errors.Join(p.err, err)
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
