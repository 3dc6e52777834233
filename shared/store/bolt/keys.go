package bolt

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/wabawatch/wabawatch/shared/store"
)

// Keys of buckets order as what they are made of. A part that others follow is sealed: NUL
// becomes 00 FF and the end is 00 00, which sorts before every continuation.
//
//	items    sealed(pk) sk
//	index    sealed(index pk) sealed(index sk) item key
//	expiry   8 bytes of Unix seconds, item key

// seal appends a part that others follow.
func seal(b []byte, part string) []byte { return append(stem(b, part), 0, 0) }

// stem appends a part without its end. stem+00 01 sorts after everything that has the part.
func stem(b []byte, part string) []byte {
	for i := range len(part) {
		if b = append(b, part[i]); part[i] == 0 {
			b = append(b, 0xff)
		}
	}
	return b
}

func itemKey(k store.Key) []byte {
	return append(seal(make([]byte, 0, len(k.PK)+len(k.SK)+2), k.PK), k.SK...)
}

// splitKey is the reverse of itemKey.
func splitKey(b []byte) (store.Key, error) {
	var pk []byte
	for {
		i := bytes.IndexByte(b, 0)
		if i < 0 || i+1 == len(b) {
			return store.Key{}, errors.New("item key without end of its first part")
		}
		pk = append(pk, b[:i]...)
		end := b[i+1] == 0
		if b = b[i+2:]; end {
			return store.Key{PK: string(pk), SK: string(b)}, nil
		}
		pk = append(pk, 0)
	}
}

func indexKey(k store.Key, item []byte) []byte {
	return append(seal(seal(nil, k.PK), k.SK), item...)
}

func expiryKey(unix int64, item []byte) []byte {
	// With the sign flipped, unsigned order is the order of time.
	return append(binary.BigEndian.AppendUint64(nil, uint64(unix)^1<<63), item...)
}

// span is what a query reads of its bucket: keys from lo, inclusive, to hi, exclusive.
func span(q store.Query) (lo, hi []byte, err error) {
	lo, hi = seal(nil, q.PK), append(stem(nil, q.PK), 0, 1)
	part := bytes.Clone(lo)
	switch {
	case q.From == "":
	case q.Index == store.Base:
		lo = append(bytes.Clone(part), q.From...)
	default:
		lo = seal(bytes.Clone(part), q.From)
	}
	switch {
	case q.To == "":
	case q.Index == store.Base:
		hi = append(append(bytes.Clone(part), q.To...), 0)
	default:
		hi = append(stem(bytes.Clone(part), q.To), 0, 1)
	}
	if q.Cursor == "" {
		return lo, hi, nil
	}
	last, err := base64.RawURLEncoding.DecodeString(q.Cursor)
	if err != nil {
		return nil, nil, fmt.Errorf("cursor: %w", err)
	}
	if bytes.Compare(last, lo) < 0 || bytes.Compare(last, hi) >= 0 {
		return nil, nil, errors.New("cursor of another query")
	}
	if q.Backward {
		return lo, last, nil
	}
	return append(last, 0), hi, nil
}

func cursorAt(key []byte) string { return base64.RawURLEncoding.EncodeToString(key) }
