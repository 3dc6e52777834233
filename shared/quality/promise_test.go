package quality

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestAlertsKeepTheirPromises is promises 3 and 4 on whatever comes in whatever order: each
// incident is told once when it starts and once when it ends, in numbered order; nothing fires
// that a newer reading contradicts; and nothing that was over is told twice.
func TestAlertsKeepTheirPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		subject := Subject{Template, "1", "7"}
		l := newLedger(t, subject)
		pick := rapid.SampledFrom([]string{"APPROVED", "PAUSED", "DISABLED", Unknown})
		now := t0
		var told []Point
		seen := pick.Draw(t, "seen")
		l.poll(now, Templates, &Seeing{Subject: subject, Values: map[Signal]Observed{Status: {Value: seen}}}, nil, nil)
		bad := map[string]bool{"PAUSED": true, "DISABLED": true}
		for range rapid.IntRange(1, 15).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(1, 90).Draw(t, "minutes")) * time.Minute)
			before := len(l.alerts)
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0, 1:
				late := time.Duration(rapid.IntRange(0, 300).Draw(t, "late")) * time.Minute
				p := Point{Subject: subject, Signal: Status, Track: Told, Value: pick.Draw(t, "value"), At: now.Add(-late)}
				told = append(told, p)
				l.told(now, p)
			case 2:
				if len(told) > 0 {
					if ch := l.told(now, rapid.SampledFrom(told).Draw(t, "copy")); len(ch.Points) > 0 {
						t.Fatalf("a copy was added: %v", ch.Points)
					}
				}
			case 3:
				if rapid.Bool().Draw(t, "change") {
					seen = pick.Draw(t, "seen now")
				}
				l.poll(now, Templates, &Seeing{Subject: subject, Values: map[Signal]Observed{Status: {Value: seen}}}, nil, nil)
			}
			for _, a := range l.alerts[before:] {
				if a.Event == Firing && !bad[l.state.Cells[Status].Known.Value] {
					t.Fatalf("%s fired while the value is %s", *a.To, l.state.Cells[Status].Known.Value)
				}
				if a.Event == Passed && l.state.Cells[Status].Known.Value == *a.To && l.state.Cells[Status].Known.At.Equal(a.At) {
					t.Fatalf("what is in force was told as passed")
				}
			}
		}
		incidents := map[string][]Alert{}
		var order []string
		for _, a := range l.alerts {
			if a.IncidentID == nil {
				continue
			}
			if incidents[*a.IncidentID] == nil {
				order = append(order, *a.IncidentID)
			}
			incidents[*a.IncidentID] = append(incidents[*a.IncidentID], a)
		}
		open := 0
		for _, id := range order {
			var events []string
			for i, a := range incidents[id] {
				if a.Revision != i+1 {
					t.Fatalf("incident %s: alert %d has revision %d", id, i, a.Revision)
				}
				events = append(events, string(a.Event))
			}
			story := strings.Join(events, " ")
			switch {
			case story == "passed":
			case events[0] != "firing" || slices.Contains(events[1:], "firing") || slices.Contains(events[:len(events)-1], "resolved"):
				t.Fatalf("incident %s was told as %s", id, story)
			case events[len(events)-1] != "resolved":
				open++
			}
		}
		if open > 1 || open != len(l.state.Open) {
			t.Fatalf("%d incidents were told and not closed, %d are open", open, len(l.state.Open))
		}
		// What is told as passed overlaps nothing that was told before it.
		for i, a := range l.alerts {
			if a.Event != Passed {
				continue
			}
			ended, err := time.Parse(time.RFC3339, a.Details[DetailEnded])
			if err != nil {
				t.Fatalf("passed without an end: %v", a.Details)
			}
			for _, b := range l.alerts[:i] {
				if b.IncidentSince != nil && b.Event == Firing && b.IncidentSince.Before(ended) && a.IncidentSince.Before(*b.IncidentSince) {
					t.Fatalf("an incident since %s was told before, and %s to %s as passed", b.IncidentSince, a.IncidentSince, ended)
				}
				if b.Event == Passed && b.At.Equal(a.At) {
					t.Fatalf("passed at %s was told twice", a.At)
				}
			}
		}
	})
}
