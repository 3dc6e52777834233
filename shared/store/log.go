package store

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// dayBody is the poll log of one class for one day. Times are differences of seconds from the
// one before, the first from midnight, as varints: a poll every 5 minutes makes 0.8 KB a day.
type dayBody struct {
	Version int    `json:"v"`
	Times   string `json:"times"` // base64
	// Without holds, by index of the entry, the signals that it did without.
	Without map[int][]quality.Signal `json:"without,omitempty"`
}

const dayVersion = 1

func encodeDay(wabaID string, class quality.Class, entries []quality.LogEntry, expires time.Time, rev int64) (Item, error) {
	key := dayItemKey(wabaID, class, entries[0].At)
	last := midnight(entries[0].At)
	b := dayBody{Version: dayVersion}
	var buf []byte
	for i, e := range entries {
		buf = binary.AppendUvarint(buf, uint64(e.At.Unix()-last))
		last = e.At.Unix()
		if len(e.Without) > 0 {
			if b.Without == nil {
				b.Without = map[int][]quality.Signal{}
			}
			b.Without[i] = e.Without
		}
	}
	b.Times = base64.RawStdEncoding.EncodeToString(buf)
	body, err := json.Marshal(b)
	if err != nil {
		return Item{}, fmt.Errorf("encode poll log %s: %w", key, err)
	}
	return Item{Key: key, Rev: rev, Expires: expires, Body: string(body)}, nil
}

func decodeDay(it Item) ([]quality.LogEntry, error) {
	var b dayBody
	if err := decode(it, &b); err != nil {
		return nil, err
	}
	if b.Version > dayVersion {
		return nil, &NewerError{it.Key, b.Version, dayVersion}
	}
	day, err := time.Parse(time.DateOnly, it.SK[len(dayKey):])
	if err != nil {
		return nil, fmt.Errorf("poll log %s: %w", it.Key, err)
	}
	buf, err := base64.RawStdEncoding.DecodeString(b.Times)
	if err != nil {
		return nil, fmt.Errorf("poll log %s: %w", it.Key, err)
	}
	var out []quality.LogEntry
	last := day.Unix()
	for i := 0; len(buf) > 0; i++ {
		d, n := binary.Uvarint(buf)
		if n <= 0 {
			return nil, fmt.Errorf("poll log %s: broken times", it.Key)
		}
		buf = buf[n:]
		last += int64(d)
		out = append(out, quality.LogEntry{At: time.Unix(last, 0).UTC(), Without: slices.Clone(b.Without[i])})
	}
	return out, nil
}

func midnight(t time.Time) int64 { return t.UTC().Truncate(24 * time.Hour).Unix() }
