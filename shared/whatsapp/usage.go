package whatsapp

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// maxWait caps any time to wait that an answer names: no header silences us for longer.
const maxWait = 24 * time.Hour

// stopAbove is the share of Meta's allowance, in percent, above which a poll that needs more
// calls breaks off: calls beyond the allowance prolong the block.
const stopAbove = 95

// usageOf reads the usage headers of an answer. Percent is the greatest percentage that any
// of them names; unreadable headers name none.
//
// Source: Meta, Graph API rate limits: percentages, and estimated_time_to_regain_access in
// minutes; not on every response, checked 2026-11.
func usageOf(h http.Header) quality.Usage {
	var u quality.Usage
	for _, v := range h.Values("X-App-Usage") {
		u = worse(u, allowance(jsontext.Value(v)))
	}
	for _, v := range h.Values("X-Business-Use-Case-Usage") {
		var byID map[string][]jsontext.Value
		if json.Unmarshal([]byte(v), &byID, tolerant) != nil {
			continue
		}
		for _, uses := range byID {
			for _, one := range uses {
				u = worse(u, allowance(one))
			}
		}
	}
	return u
}

// allowance reads one object of percentages.
func allowance(v jsontext.Value) quality.Usage {
	var u quality.Usage
	var members map[string]jsontext.Value
	if json.Unmarshal(v, &members, tolerant) != nil {
		return u
	}
	for name, v := range members {
		s, ok := text(v)
		n, err := strconv.ParseFloat(s, 64)
		if !ok || err != nil || math.IsNaN(n) || n < 0 {
			continue
		}
		if name == "estimated_time_to_regain_access" {
			u.RegainAfter = max(u.RegainAfter, time.Duration(min(n, maxWait.Minutes())*float64(time.Minute)))
		} else {
			u.Percent = max(u.Percent, int(math.Ceil(min(n, 1000))))
		}
	}
	return u
}

// worse returns the greater of each part.
func worse(a, b quality.Usage) quality.Usage {
	return quality.Usage{Percent: max(a.Percent, b.Percent), RegainAfter: max(a.RegainAfter, b.RegainAfter)}
}

// retryAfter reads the header of that name, in seconds or as a date. Meta documents none, but
// proxies send it.
func retryAfter(h http.Header, now time.Time) time.Duration {
	s := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.Duration(min(max(n, 0), int64(maxWait/time.Second))) * time.Second
	}
	if t, err := http.ParseTime(s); err == nil {
		return min(max(t.Sub(now), 0), maxWait)
	}
	return 0
}

// maxSkew is how far our clock may differ from the server's before it is corrected.
const maxSkew = 2 * time.Second

// maxCorrection is how far an answer may move our clock. A Date further off is a proxy's mistake:
// believed once, it would outdate every later webhook.
const maxCorrection = 24 * time.Hour

// corrected is when a call began by the server's clock, whole seconds UTC: start, moved if the
// Date of the answer lies outside the time the call took by more than maxSkew. A server that
// merely answers slowly moves nothing.
func corrected(start, end time.Time, h http.Header) time.Time {
	at := start.UTC()
	if date, err := http.ParseTime(h.Get("Date")); err == nil && date.Sub(start).Abs() <= maxCorrection {
		switch {
		case date.Before(start.Add(-maxSkew)):
			at = date.UTC()
		case date.After(end.Add(maxSkew)):
			at = at.Add(date.Sub(end))
		}
	}
	return at.Truncate(time.Second)
}
