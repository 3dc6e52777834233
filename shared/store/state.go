package store

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// stateBody is the record of a state: short names and whole seconds, since an account has
// thousands of them and every poll reads them all.
type stateBody struct {
	Version int                         `json:"v"`
	Kind    quality.Kind                `json:"kind"`
	WABAID  string                      `json:"waba,omitempty"`
	ID      string                      `json:"id"`
	Name    string                      `json:"name,omitempty"`
	Refs    map[string]string           `json:"refs,omitempty"`
	Cells   map[quality.Signal]cellBody `json:"cells,omitempty"`
	Logged  map[quality.Class]int64     `json:"logged,omitempty"`
	Open    []quality.Incident          `json:"open,omitempty"`
	Pending []quality.Pending           `json:"pending,omitempty"`
	Past    []quality.Span              `json:"past,omitempty"`
	Notices []quality.NoticeMark        `json:"notices,omitempty"`
	Ruleset int                         `json:"rules,omitempty"`
	Due     int64                       `json:"due,omitempty"`
}

type cellBody struct {
	Told    *markBody `json:"t,omitempty"`
	Seen    *markBody `json:"s,omitempty"`
	Current *rowBody  `json:"c,omitempty"` // absent: the one mark there is
	Known   *rowBody  `json:"k,omitempty"` // absent: the current row
	KnownAt int64     `json:"ka,omitempty"`
}

type markBody struct {
	Value string            `json:"v"`
	At    int64             `json:"a"`
	Until int64             `json:"u,omitempty"`
	Attrs map[string]string `json:"d,omitempty"`
}

type rowBody struct {
	Value     string            `json:"v,omitempty"`
	From      string            `json:"f,omitempty"`
	At        int64             `json:"a,omitempty"`
	NotBefore int64             `json:"n,omitempty"`
	Track     quality.Track     `json:"t,omitempty"`
	Attrs     map[string]string `json:"d,omitempty"`
}

func encodeState(s quality.State) (Item, error) {
	b := stateBody{
		Version: quality.StateVersion, Kind: s.Subject.Kind, WABAID: s.Subject.WABAID, ID: s.Subject.ID, Name: s.Name, Refs: s.Refs,
		Open: s.Open, Pending: s.Pending, Past: s.Past, Notices: s.Notices, Ruleset: s.Ruleset, Due: unix(s.Due),
	}
	for class, at := range s.Logged {
		if b.Logged == nil {
			b.Logged = map[quality.Class]int64{}
		}
		b.Logged[class] = unix(at)
	}
	for sig, c := range s.Cells {
		if b.Cells == nil {
			b.Cells = map[quality.Signal]cellBody{}
		}
		b.Cells[sig] = encodeCell(c)
	}
	body, err := json.Marshal(b)
	if err != nil {
		return Item{}, fmt.Errorf("encode state of %s: %w", s.Subject, err)
	}
	it := Item{Key: stateItemKey(s.Subject), Rev: s.Version, Body: string(body)}
	if !s.Due.IsZero() {
		it.Todo = todoKey("DUE", s.Due, it.PK+"|"+it.SK)
	}
	if len(s.Open) > 0 {
		id := escape(s.Subject.WABAID) + "#" + subjectID(s.Subject)
		it.View = Key{fmt.Sprintf("OPEN#%d", shardOf(id)), id}
	}
	return it, nil
}

func decodeState(it Item) (quality.State, error) {
	var b stateBody
	if err := decode(it, &b); err != nil {
		return quality.State{}, err
	}
	if b.Version > quality.StateVersion {
		return quality.State{}, &NewerError{Key: it.Key, Version: b.Version, Reads: quality.StateVersion}
	}
	s := quality.State{
		Subject: quality.Subject{Kind: b.Kind, WABAID: b.WABAID, ID: b.ID}, Name: b.Name, Refs: b.Refs,
		Open: utcIncidents(b.Open), Pending: b.Pending, Past: b.Past, Notices: b.Notices, Ruleset: b.Ruleset, Due: fromUnix(b.Due), Version: it.Rev,
	}
	for class, at := range b.Logged {
		if s.Logged == nil {
			s.Logged = map[quality.Class]time.Time{}
		}
		s.Logged[class] = fromUnix(at)
	}
	for sig, c := range b.Cells {
		if s.Cells == nil {
			s.Cells = map[quality.Signal]quality.Cell{}
		}
		s.Cells[sig] = decodeCell(c)
	}
	return s, nil
}

// utcIncidents gives times the one location that comparisons expect.
func utcIncidents(in []quality.Incident) []quality.Incident {
	for i := range in {
		inc := &in[i]
		for _, t := range []*time.Time{&inc.At, &inc.Since, &inc.NotBefore, &inc.OpenedAt, &inc.ResolvingAt, &inc.EasingAt, &inc.Until, &inc.ToldAt} {
			*t = t.UTC()
		}
	}
	return in
}

func encodeCell(c quality.Cell) cellBody {
	b := cellBody{Told: encodeMark(c.Told), Seen: encodeMark(c.Seen), KnownAt: unix(c.KnownAt)}
	if !reflect.DeepEqual(c.Current, onlyRow(c)) {
		b.Current = encodeRow(c.Current)
	}
	if !reflect.DeepEqual(c.Known, c.Current) {
		b.Known = encodeRow(c.Known)
	}
	return b
}

func decodeCell(b cellBody) quality.Cell {
	c := quality.Cell{Told: decodeMark(b.Told), Seen: decodeMark(b.Seen), KnownAt: fromUnix(b.KnownAt)}
	if c.Current = onlyRow(c); b.Current != nil {
		c.Current = decodeRow(b.Current)
	}
	if c.Known = c.Current; b.Known != nil {
		c.Known = decodeRow(b.Known)
	}
	return c
}

// onlyRow is the row of a cell that has one mark and no history before it.
func onlyRow(c quality.Cell) quality.Row {
	switch {
	case c.Told.IsZero() && !c.Seen.IsZero():
		return quality.Row{Value: c.Seen.Value, At: c.Seen.At, Track: quality.Seen, Attrs: c.Seen.Attrs}
	case c.Seen.IsZero() && !c.Told.IsZero():
		return quality.Row{Value: c.Told.Value, At: c.Told.At, Track: quality.Told, Attrs: c.Told.Attrs}
	}
	return quality.Row{}
}

func encodeMark(m quality.Mark) *markBody {
	if m.IsZero() {
		return nil
	}
	return &markBody{m.Value, unix(m.At), unix(m.Until), m.Attrs}
}

func decodeMark(b *markBody) quality.Mark {
	if b == nil {
		return quality.Mark{}
	}
	return quality.Mark{Value: b.Value, At: fromUnix(b.At), Until: fromUnix(b.Until), Attrs: b.Attrs}
}

func encodeRow(r quality.Row) *rowBody {
	return &rowBody{r.Value, r.From, unix(r.At), unix(r.NotBefore), r.Track, r.Attrs}
}

func decodeRow(b *rowBody) quality.Row {
	return quality.Row{Value: b.Value, From: b.From, At: fromUnix(b.At), NotBefore: fromUnix(b.NotBefore), Track: b.Track, Attrs: b.Attrs}
}

// unix is whole seconds, 0 for the zero time.
func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func fromUnix(s int64) time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(s, 0).UTC()
}

// NewerError says that a record was written by a newer wabawatch than this one.
type NewerError struct {
	Key            Key
	Version, Reads int
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("item %s has version %d; this wabawatch reads up to version %d: upgrade it", e.Key, e.Version, e.Reads)
}

func decode(it Item, into any) error {
	if err := json.Unmarshal([]byte(it.Body), into); err != nil {
		return fmt.Errorf("decode item %s: %w", it.Key, err)
	}
	return nil
}
