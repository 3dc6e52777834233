package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/wabawatch/wabawatch/shared/quality"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// TestEscapingIsInjective draws pairs of ids that look alike.
func TestEscapingIsInjective(t *testing.T) {
	part := rapid.StringOf(rapid.SampledFrom([]rune("ab#%~0\x00é")))
	rapid.Check(t, func(t *rapid.T) {
		a, b := part.Draw(t, "a"), part.Draw(t, "b")
		if rapid.Bool().Draw(t, "spelled") { // what an id becomes may be another's
			b = escape(a)
		}
		if rapid.Bool().Draw(t, "long") {
			prefix := strings.Repeat("x", 300)
			a, b = prefix+a, prefix+b
		}
		if a != b && escape(a) == escape(b) {
			t.Fatalf("%q and %q both become %q", a, b, escape(a))
		}
		if e := escape(a); strings.ContainsAny(e, "#\x00") || len(e) > maxKeyPart {
			t.Fatalf("%q becomes %q", a, e)
		}
	})
}

// TestSubjectsNeverShareKeys moves the borders between account, kind and id.
func TestSubjectsNeverShareKeys(t *testing.T) {
	ids := []string{"", "1", "11", "1#", "#1", "1#template", "template#1"}
	seen := map[Key]quality.Subject{}
	points := map[string]quality.Subject{}
	for _, waba := range ids {
		for _, kind := range []quality.Kind{quality.Template, quality.PhoneNumber, quality.Account} {
			for _, id := range ids {
				s := quality.Subject{Kind: kind, WABAID: waba, ID: id}
				if other, ok := seen[stateItemKey(s)]; ok {
					t.Errorf("%v and %v share a state", s, other)
				}
				if other, ok := points[pointsPK(s)]; ok {
					t.Errorf("%v and %v share points", s, other)
				}
				seen[stateItemKey(s)], points[pointsPK(s)] = s, s
			}
		}
	}
}

// TestPointsNeverShareKeys: every part of a point's identity is in its key.
func TestPointsNeverShareKeys(t *testing.T) {
	draw := rapid.Custom(func(t *rapid.T) quality.Point {
		return quality.Point{
			Subject: quality.Subject{Kind: quality.Template, WABAID: "1", ID: rapid.SampledFrom([]string{"7", "8"}).Draw(t, "id")},
			Signal:  rapid.SampledFrom([]quality.Signal{quality.Status, quality.QualityScore, quality.Restriction("A"), quality.Restriction("A#told")}).Draw(t, "signal"),
			Track:   rapid.SampledFrom([]quality.Track{quality.Told, quality.Seen}).Draw(t, "track"),
			Value:   rapid.SampledFrom([]string{"A", "B"}).Draw(t, "value"),
			At:      noon.Add(time.Duration(rapid.IntRange(0, 1).Draw(t, "at")) * time.Second),
			Attrs:   map[string]string{quality.AttrReason: rapid.SampledFrom([]string{"", "SCAM"}).Draw(t, "reason")},
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw.Draw(t, "a"), draw.Draw(t, "b")
		same := a.Subject == b.Subject && a.Key() == b.Key()
		if got := pointItemKey(a) == pointItemKey(b); got != same {
			t.Fatalf("%+v and %+v share a key: %t, want %t", a, b, got, same)
		}
	})
}

// TestThousandTemplatesMeetEveryShard keeps one account's load off one partition.
func TestThousandTemplatesMeetEveryShard(t *testing.T) {
	load := map[string]int{}
	for i := range 1000 {
		load[statePK(quality.Subject{Kind: quality.Template, WABAID: "1", ID: time.Duration(i).String()})]++
	}
	if len(load) != shards {
		t.Errorf("%d partitions, want %d", len(load), shards)
	}
	for pk, n := range load {
		if n > 1000/shards*2 {
			t.Errorf("partition %s takes %d of 1000", pk, n)
		}
	}
}

func sampleState() quality.State {
	return quality.State{
		Subject: quality.Subject{Kind: quality.PhoneNumber, WABAID: "1", ID: "12025550101"}, Name: "Example Ltd", Refs: map[string]string{quality.RefPhoneNumberID: "204"},
		Cells: map[quality.Signal]quality.Cell{
			quality.Presence: {Seen: quality.Mark{Value: quality.Present, At: noon}, Current: quality.Row{Value: quality.Present, At: noon, Track: quality.Seen}, Known: quality.Row{Value: quality.Present, At: noon, Track: quality.Seen}},
			quality.QualityRating: {
				Seen:    quality.Mark{Value: quality.Unknown, At: noon.Add(time.Hour), Until: noon.Add(2 * time.Hour), Attrs: map[string]string{"a": "b"}},
				Told:    quality.Mark{Value: quality.Red, At: noon},
				Current: quality.Row{Value: quality.Unknown, From: quality.Red, At: noon.Add(time.Hour), NotBefore: noon, Track: quality.Seen},
				Known:   quality.Row{Value: quality.Red, At: noon, Track: quality.Told, Attrs: map[string]string{"reason": "x"}}, KnownAt: noon,
			},
		},
		Logged: map[quality.Class]time.Time{quality.Numbers: noon},
		Open:   []quality.Incident{{ID: "i", Rule: quality.RuleNumberQuality, Severity: quality.Critical, Worst: quality.Critical, At: noon, Since: noon, OpenedAt: noon, ToldAt: noon, Revision: 2}},
		Past:   []quality.Span{{Rule: "r", From: noon, To: noon}}, Notices: []quality.NoticeMark{{Signal: "s", Value: "v", At: noon}},
		Pending: []quality.Pending{{Rule: "r", Since: noon}}, Ruleset: 1, Due: noon.Add(time.Hour), Version: 7,
	}
}

func TestStateSurvivesItsRecord(t *testing.T) {
	want := sampleState()
	it, err := encodeState(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeState(it)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" || !reflect.DeepEqual(want, got) {
		t.Errorf("state (-want +got):\n%s", d)
	}
	if it.Todo.PK == "" || it.View.PK == "" {
		t.Errorf("a state that is due and has an incident is in neither index: %+v", it)
	}
}

// TestCommonStateIsSmall keeps the common number under 1 KB: every poll reads all of them.
func TestCommonStateIsSmall(t *testing.T) {
	s := quality.State{Subject: quality.Subject{Kind: quality.PhoneNumber, WABAID: "118273645546372", ID: "12025550101"}, Name: "Example Ltd", Version: 3, Ruleset: 1,
		Refs: map[string]string{quality.RefPhoneNumberID: "204857390112345", quality.RefDisplay: "+1 202-555-0101"}, Cells: map[quality.Signal]quality.Cell{}}
	for _, sig := range []quality.Signal{quality.QualityRating, quality.Status, quality.NameStatus, quality.VerifiedName, quality.Throughput, quality.CodeVerification, quality.OfficialAccount, quality.Presence, quality.CanSendMessage} {
		row := quality.Row{Value: "CONNECTED", At: noon, Track: quality.Seen}
		s.Cells[sig] = quality.Cell{Seen: quality.Mark{Value: "CONNECTED", At: noon}, Current: row, Known: row}
	}
	it, err := encodeState(s)
	if err != nil || len(it.Body) > 1024 {
		t.Errorf("%d bytes, %v: %s", len(it.Body), err, it.Body)
	}
}

func TestNewerRecordIsRefusedByName(t *testing.T) {
	it, err := encodeState(sampleState())
	if err != nil {
		t.Fatal(err)
	}
	var body map[string]any
	if err := json.Unmarshal([]byte(it.Body), &body); err != nil {
		t.Fatal(err)
	}
	body["v"] = quality.StateVersion + 1
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	it.Body = string(b)
	_, err = decodeState(it)
	if newer, ok := errors.AsType[*NewerError](err); !ok || !strings.Contains(newer.Error(), it.SK) {
		t.Errorf("decodeState of a newer record = %v", err)
	}
	kind := Item{Key: kindKey("field:x"), Body: fmt.Sprintf(`{"v":%d,"kind":"field:x","count":3}`, unknownVersion+1)}
	_, err = decodeKind(kind)
	if newer, ok := errors.AsType[*NewerError](err); !ok || newer.Version != unknownVersion+1 {
		t.Errorf("decodeKind of a newer record = %v", err)
	}
}

func TestPollLogSurvivesItsRecord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := noon.Truncate(24 * time.Hour)
		var want []quality.LogEntry
		for range rapid.IntRange(1, 300).Draw(t, "polls") {
			at = at.Add(time.Duration(rapid.IntRange(1, 280).Draw(t, "gap")) * time.Second)
			e := quality.LogEntry{At: at}
			if rapid.IntRange(0, 9).Draw(t, "without") == 0 {
				e.Without = []quality.Signal{quality.Throughput}
			}
			want = append(want, e)
		}
		it, err := encodeDay("1", quality.Numbers, want, time.Time{}, 1)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeDay(it)
		if err != nil {
			t.Fatal(err)
		}
		same := slices.EqualFunc(want, got, func(a, b quality.LogEntry) bool { return a.At.Equal(b.At) && slices.Equal(a.Without, b.Without) })
		if !same {
			t.Fatalf("log %v became %v", want, got)
		}
	})
}
