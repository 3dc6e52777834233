package whatsapp

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/wabawatch/wabawatch/shared/quality"
)

func TestUsageHeaders(t *testing.T) {
	for file, want := range map[string]quality.Usage{
		"headers.normal.json":    {Percent: 4},
		"headers.throttled.json": {Percent: 100, RegainAfter: 19 * time.Minute},
		"headers.absent.json":    {},
	} {
		b, err := os.ReadFile(filepath.Join("testdata", "graph", file))
		if err != nil {
			t.Fatal(err)
		}
		var answer struct {
			Headers map[string]string `json:"headers"`
		}
		if err := json.Unmarshal(b, &answer); err != nil {
			t.Fatal(err)
		}
		h := http.Header{}
		for k, v := range answer.Headers {
			h.Set(k, v)
		}
		if got := usageOf(h); got != want {
			t.Errorf("%s: %+v, want %+v", file, got, want)
		}
	}
	for name, tc := range map[string]struct {
		app, business string
		want          quality.Usage
	}{
		"garbage":            {`{"call_count":`, `[]`, quality.Usage{}},
		"the greatest wins":  {`{"call_count":3,"total_time":80.2}`, `{"1":[{"call_count":2}],"2":[{"total_cputime":7},{"call_count":40}]}`, quality.Usage{Percent: 81}},
		"wrong types":        {`{"call_count":[1],"x":"high"}`, `{"1":[7,null,{"call_count":"12"}]}`, quality.Usage{Percent: 12}},
		"beyond all measure": {`{"call_count":1e300}`, `{"1":[{"estimated_time_to_regain_access":1e300}]}`, quality.Usage{Percent: 1000, RegainAfter: 24 * time.Hour}},
		"negative":           {`{"call_count":-5}`, `{"1":[{"estimated_time_to_regain_access":-1}]}`, quality.Usage{}},
	} {
		h := http.Header{"X-App-Usage": {tc.app}, "X-Business-Use-Case-Usage": {tc.business}}
		if got := usageOf(h); got != tc.want {
			t.Errorf("%s: %+v, want %+v", name, got, tc.want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 15, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                              0,
		"120":                           2 * time.Minute,
		"-1":                            0,
		"99999999999":                   24 * time.Hour,
		"soon":                          0,
		"Sun, 15 Nov 2026 12:00:30 GMT": 30 * time.Second,
		"Sun, 15 Nov 2026 11:00:00 GMT": 0,
	} {
		if got := retryAfter(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("retryAfter(%q) = %v, want %v", value, got, want)
		}
	}
}

func TestStartIsCorrectedByTheServersClock(t *testing.T) {
	start := time.Date(2026, 11, 15, 12, 0, 10, 900e6, time.UTC)
	end := start.Add(4 * time.Second)
	second := func(s int) time.Time { return time.Date(2026, 11, 15, 12, 0, s, 0, time.UTC) }
	for _, tc := range []struct {
		name string
		date string
		want time.Time
	}{
		{"equal clocks", "Sun, 15 Nov 2026 12:00:11 GMT", second(10)},
		{"a slow answer is no skew", "Sun, 15 Nov 2026 12:00:14 GMT", second(10)},
		{"two seconds are nothing", "Sun, 15 Nov 2026 12:00:09 GMT", second(10)},
		{"ours is five minutes ahead", "Sun, 15 Nov 2026 11:55:12 GMT", second(12).Add(-5 * time.Minute)},
		{"ours is five minutes behind", "Sun, 15 Nov 2026 12:05:14 GMT", second(10).Add(5 * time.Minute)},
		{"no clock is that wrong", "Thu, 01 Jan 2099 00:00:00 GMT", second(10)},
		{"nor that slow", "Thu, 01 Jan 1970 00:00:00 GMT", second(10)},
		{"no date", "", second(10)},
		{"no date worth the name", "yesterday", second(10)},
	} {
		got := corrected(start, end, http.Header{"Date": {tc.date}})
		if !got.Equal(tc.want) || got.Nanosecond() != 0 || got.Location() != time.UTC {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}
