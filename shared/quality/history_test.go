package quality

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestOutlineMakesTheSameRows(t *testing.T) {
	number := Subject{PhoneNumber, "1", "12025550101"}
	rapid.Check(t, func(t *rapid.T) {
		second := rapid.IntRange(0, 40)
		var ev Evidence
		for range rapid.IntRange(0, 6).Draw(t, "points") {
			ev.Points = append(ev.Points, Point{
				Subject: number, Signal: Status, At: at(second.Draw(t, "at")),
				Value: rapid.SampledFrom([]string{"CONNECTED", "RESTRICTED", Unknown}).Draw(t, "value"),
				Track: rapid.SampledFrom([]Track{Told, Seen}).Draw(t, "track"),
			})
		}
		for i := range rapid.IntRange(1, 3).Draw(t, "presences") {
			value := []string{Present, Missing}[i%2]
			ev.Presence = append(ev.Presence, Point{Subject: number, Signal: Presence, Value: value, At: at(10*i + second.Draw(t, "presence")/10), Track: Seen})
		}
		for s := 0; s < 45; s += rapid.IntRange(1, 4).Draw(t, "step") {
			e := LogEntry{At: at(s)}
			if rapid.IntRange(0, 9).Draw(t, "refused") == 0 {
				e.Without = []Signal{Status}
			}
			ev.Log = append(ev.Log, e)
		}
		whole := rows(observations(PhoneNumber, Status, ev), anyValue, 0)
		if d := cmp.Diff(whole, History(PhoneNumber, Status, ev)); d != "" {
			t.Fatalf("rows (-of all that was observed +of the outline):\n%s", d)
		}
	})
}

// TestOutlineGrowsWithChanges: a year of polls that find nothing new is two observations.
func TestOutlineGrowsWithChanges(t *testing.T) {
	number := Subject{PhoneNumber, "1", "12025550101"}
	seen := func(sig Signal, value string, at time.Time) Point {
		return Point{Subject: number, Signal: sig, Value: value, At: at, Track: Seen}
	}
	ev := Evidence{
		Presence: []Point{seen(Presence, Present, t0)},
		Points:   []Point{seen(QualityRating, Green, t0), seen(QualityRating, Red, t0.Add(100*day))},
	}
	for i := range 365 * 288 {
		ev.Log = append(ev.Log, LogEntry{At: t0.Add(time.Duration(i) * 5 * time.Minute)})
	}
	if n := len(outline(PhoneNumber, QualityRating, ev)); n != 8 {
		t.Errorf("%d observations, want each point, its first confirmation and its last two", n)
	}
}
