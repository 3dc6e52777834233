package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// The keys of the table. Ids are escaped so that different ids never share a key, and times
// have a fixed width so that the order of keys is the order of time.
//
//	pk                         sk                                    what
//	W#<waba>#<0..7>            STATE#<kind>#<id>                     state of a subject
//	W#<waba>#<0..7>            ALERT#<created>#<alert id>            alert about a subject of that shard
//	P#<waba>#<kind>#<id>       H#<signal>#<track>#<at>#<digest>      point
//	L#<waba>#<class>           DAY#<date>                            poll log of one day
//	W#<waba>#POLL              SCHEDULE                              schedule, lease, ends of the logs
//	W#<waba>#POLL              HEARTBEAT                             last webhook
//	ACCOUNTS                   <waba>                                account
//	B#<portfolio>              HOME                                  account that keeps a portfolio's state
//	R#                         AHEAD                                 some reading was dated too far ahead
//	R#<digest>                 RECEIPT                               when an undated reading first came
//	U#<kind>                   KIND                                  one kind of unknown thing is known
//	U#<kind>                   COUNT#<0..f>                          count of those whose digest begins so
//	U#<kind>                   RAW#<digest>                          one unknown thing
//
//	index   pk                 sk                                    what
//	todo    DUE#<0..7>         <due>#<pk and sk>                     states that wait for time to pass
//	todo    POLL#<0..7>        <next>#<waba>                         accounts to poll
//	todo    SEND#<0..7>        <created>#<pk and sk>                 alerts not yet done with
//	view    OPEN#<0..7>        <waba>#<kind>#<id>                    states with open incidents
//	view    FEED#<0..7>        <created>#<alert id>                  all alerts
const (
	shards = 8

	stateKey     = "STATE#"
	pointKey     = "H#"
	dayKey       = "DAY#"
	scheduleSK   = "SCHEDULE"
	heartbeatSK  = "HEARTBEAT"
	accountsPK   = "ACCOUNTS"
	homeSK       = "HOME"
	receiptSK    = "RECEIPT"
	kindSK       = "KIND"
	countKey     = "COUNT#"
	rawKey       = "RAW#"
	keyTime      = "2006-01-02T15:04:05.000Z"
	afterAll     = "\U0010FFFF" // sorts after everything that follows a prefix
	maxKeyPart   = 200
	hashedMarker = "~"
)

// aheadKey is there while some reading was dated too far ahead in the last 8 days: only then can a
// reading that looks all right be a copy of it.
var aheadKey = Key{"R#", "AHEAD"}

// escape spells a part of a key without '#', '~', '%' and control characters. Different inputs
// give different outputs; long ones are cut and end in a digest of the whole.
func escape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '#' || c == '%' || c == '~' || c < 0x20 || c >= 0x7f:
			fmt.Fprintf(&b, "%%%02X", c)
		default:
			b.WriteByte(c)
		}
	}
	out := b.String()
	if len(out) <= maxKeyPart {
		return out
	}
	sum := sha256.Sum256([]byte(s))
	return out[:maxKeyPart-40] + hashedMarker + hex.EncodeToString(sum[:16])
}

func shardOf(s string) int {
	h := fnv.New32a()
	h.Write([]byte(s))
	return int(h.Sum32() % shards)
}

func subjectID(s quality.Subject) string { return escape(string(s.Kind)) + "#" + escape(s.ID) }

func accountPK(wabaID string, shard int) string {
	return fmt.Sprintf("W#%s#%d", escape(wabaID), shard)
}

func statePK(s quality.Subject) string { return accountPK(s.WABAID, shardOf(subjectID(s))) }

func stateItemKey(s quality.Subject) Key {
	return Key{statePK(s), stateKey + subjectID(s)}
}

func alertItemKey(s quality.Subject, created time.Time, id string) Key {
	return Key{statePK(s), AlertPrefix + created.UTC().Format(keyTime) + "#" + escape(id)}
}

func pointsPK(s quality.Subject) string { return "P#" + escape(s.WABAID) + "#" + subjectID(s) }

func trackPrefix(sig quality.Signal, t quality.Track) string {
	return pointKey + escape(string(sig)) + "#" + string(t) + "#"
}

func pointItemKey(p quality.Point) Key {
	return Key{pointsPK(p.Subject), trackPrefix(p.Signal, p.Track) + p.At.UTC().Format(keyTime) + "#" + p.Key().Digest}
}

func logPK(wabaID string, c quality.Class) string {
	return "L#" + escape(wabaID) + "#" + escape(string(c))
}

func dayItemKey(wabaID string, c quality.Class, at time.Time) Key {
	return Key{logPK(wabaID, c), dayKey + at.UTC().Format(time.DateOnly)}
}

func scheduleKey(wabaID string) Key { return Key{"W#" + escape(wabaID) + "#POLL", scheduleSK} }

func heartbeatKey(wabaID string) Key { return Key{"W#" + escape(wabaID) + "#POLL", heartbeatSK} }

func accountKey(wabaID string) Key { return Key{accountsPK, escape(wabaID)} }

func homeKey(portfolioID string) Key { return Key{"B#" + escape(portfolioID), homeSK} }

func receiptKey(digest string) Key { return Key{"R#" + escape(digest), receiptSK} }

func kindKey(kind string) Key { return Key{"U#" + escape(kind), kindSK} }

// todoKey places an item in the index of what is due.
func todoKey(what string, at time.Time, id string) Key {
	return Key{fmt.Sprintf("%s#%d", what, shardOf(id)), at.UTC().Format(keyTime) + "#" + id}
}
