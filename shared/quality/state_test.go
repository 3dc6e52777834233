package quality_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

func ExampleState_Current() {
	at := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	s := quality.State{
		Subject: quality.AccountSubject("118273645546372"),
		Cells: map[quality.Signal]quality.Cell{quality.ReviewStatus: {
			Told: quality.Mark{Value: "REJECTED", At: at.Add(3 * time.Minute)},
			Seen: quality.Mark{Value: "APPROVED", At: at},
		}},
	}
	m, track, _ := s.Current(quality.ReviewStatus, nil)
	fmt.Println("before the next poll:", m.Value, "by", track)

	// Five minutes later a poll sees what polls saw before: it leaves no point, only its time.
	heads := quality.Heads{quality.AccountOf: {Last: at.Add(5 * time.Minute)}}
	m, track, _ = s.Current(quality.ReviewStatus, heads)
	fmt.Println("after it:", m.Value, "by", track)
	// Output:
	// before the next poll: REJECTED by told
	// after it: APPROVED by seen
}

// TestToldWinsTies: a webhook and a poll of the same second.
func TestToldWinsTies(t *testing.T) {
	at := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	cell := quality.Cell{Told: quality.Mark{Value: "REJECTED", At: at}, Seen: quality.Mark{Value: "APPROVED", At: at.Add(-time.Hour)}}
	s := quality.State{Subject: quality.AccountSubject("1"), Cells: map[quality.Signal]quality.Cell{quality.ReviewStatus: cell}}
	for _, tc := range []struct {
		name      string
		confirmed time.Time
		want      string
	}{
		{"the poll began a second before", at.Add(-time.Second), "REJECTED"},
		{"the poll began in the same second", at, "REJECTED"},
		{"the poll began a second after", at.Add(time.Second), "APPROVED"},
	} {
		heads := quality.Heads{quality.AccountOf: {Last: tc.confirmed}}
		if m, _, ok := s.Current(quality.ReviewStatus, heads); !ok || m.Value != tc.want {
			t.Errorf("%s: Current = %s, %t, want %s", tc.name, m.Value, ok, tc.want)
		}
	}
}
