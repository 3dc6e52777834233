package quality

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"time"
)

// Track says who made an observation.
type Track string

// The tracks.
const (
	Told Track = "told" // a webhook said it
	Seen Track = "seen" // a poll saw it
)

// Point is one dated observation of one signal. Points are never changed, and a point says
// nothing about another point.
type Point struct {
	Subject Subject
	Signal  Signal
	Value   string
	// At is when it was so, UTC, whole seconds.
	At    time.Time
	Track Track
	// NotBefore, of a seen point, is the last poll that still saw the value it replaces; zero
	// if there was none.
	NotBefore time.Time
	// Attrs are details of this fact, such as the reason or until when.
	Attrs map[string]string
	// Raw is the evidence: JSON as it came, capped by whoever read it. It is no part of identity.
	Raw string
}

// Key identifies a point among those of its subject: two points with equal keys are one
// reading. It consists of the signal, the track, the time and a digest of value and attributes.
func (p Point) Key() PointKey {
	return PointKey{p.Signal, p.Track, p.At.Unix(), p.digest()}
}

// PointKey is the identity of a point within its subject.
type PointKey struct {
	Signal Signal
	Track  Track
	Unix   int64
	Digest string // 12 URL-safe characters
}

func (p Point) digest() string {
	h := sha256.New()
	h.Write([]byte(canonical(p.Value, p.Attrs)))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:9])
}

// canonical spells a value and its attributes one way only.
func canonical(value string, attrs map[string]string) string {
	var b strings.Builder
	b.WriteString(value)
	for _, k := range slices.Sorted(maps.Keys(attrs)) {
		if attrs[k] == "" {
			continue
		}
		b.WriteString("\x00" + k + "\x01" + attrs[k])
	}
	return b.String()
}

// comparePoints orders the points of one signal by time; within a second told comes after
// seen, then the value worse for the customer, then the lexically greater. The last of a
// second is the one in force. The order is total up to equal keys, so it does not depend on
// how points arrived.
func comparePoints(k Kind, a, b Point) int {
	return cmp.Or(
		a.At.Compare(b.At),
		cmp.Compare(trackOrder(a.Track), trackOrder(b.Track)),
		cmp.Compare(Rank(k, a.Signal, a.Value), Rank(k, b.Signal, b.Value)),
		compareLimits(a, b),
		cmp.Compare(a.Value, b.Value),
		cmp.Compare(canonical("", a.Attrs), canonical("", b.Attrs)),
	)
}

// compareLimits puts the lower of two messaging limits, which is the worse, last.
func compareLimits(a, b Point) int {
	if a.Signal != MessagingLimit {
		return 0
	}
	x, ok1 := limit(a.Value)
	y, ok2 := limit(b.Value)
	if !ok1 || !ok2 {
		return 0
	}
	return cmp.Compare(y, x)
}

func trackOrder(t Track) int {
	if t == Told {
		return 1
	}
	return 0
}

// MaxRawBytes is how much evidence a point keeps.
const MaxRawBytes = 4 << 10

// MaxTextRunes caps a free text from Meta that becomes an attribute or a value.
const MaxTextRunes = 500

// Clip shortens s to at most n runes, ending in an ellipsis if it cut.
func Clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}
