package watch_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/store"
	"github.com/wabawatch/wabawatch/shared/store/bolt"
	"github.com/wabawatch/wabawatch/shared/watch"
)

var start = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

// failer is a test, or one check of a property.
type failer interface {
	Helper()
	Error(...any)
	Fatal(...any)
	Fatalf(string, ...any)
	Cleanup(func())
}

// world is wabawatch over a table in a file, with a clock and a Meta of its own.
type world struct {
	t       failer
	mu      sync.Mutex
	at      time.Time
	table   store.Table
	store   *store.Store
	watcher *watch.Watcher
	courier *watch.Courier
	meta    *meta
	post    *post
}

func newWorld(t testing.TB, wrap func(store.Table) store.Table) *world {
	t.Helper()
	return newWorldIn(t, t.TempDir(), wrap)
}

// newWorldIn keeps the file in a directory that is empty.
func newWorldIn(t failer, dir string, wrap func(store.Table) store.Table) *world {
	t.Helper()
	w := &world{t: t, at: start, meta: &meta{}, post: &post{ready: true}}
	table, err := bolt.Open(filepath.Join(dir, "w.db"), bolt.WithClock(w.now), bolt.WithoutSync())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := table.Close(); err != nil {
			t.Error(err)
		}
	})
	w.table = table
	if wrap != nil {
		w.table = wrap(table)
	}
	w.meta.now = w.now
	w.store = store.New(w.table, 0, w.now)
	log := slog.New(slog.DiscardHandler)
	w.watcher = &watch.Watcher{
		Store: w.store, Source: w.meta, Rules: quality.DefaultRules, Now: w.now, Log: log,
		Interval: 5 * time.Minute, WABAIDs: []string{"1"}, Holder: "test", Lease: 2 * time.Minute,
	}
	w.courier = &watch.Courier{Outbox: w.store, Publisher: w.post, Now: w.now, Log: log, Holder: "test"}
	return w
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
}

func (w *world) observe(rs ...quality.Reading) {
	w.t.Helper()
	if err := w.watcher.Observe(context.Background(), delivery(rs...)); err != nil {
		w.t.Fatalf("observe: %v", err)
	}
}

func delivery(rs ...quality.Reading) quality.Delivery {
	d := quality.Delivery{Readings: slices.Clone(rs)}
	for _, r := range rs {
		if id := r.Subject.WABAID; !slices.Contains(d.WABAIDs, id) {
			d.WABAIDs = append(d.WABAIDs, id)
		}
	}
	return d
}

func (w *world) tick() {
	w.t.Helper()
	if err := w.watcher.Tick(context.Background()); err != nil {
		w.t.Fatalf("tick: %v", err)
	}
}

// run lets time pass in steps of a minute, as the schedule does.
func (w *world) run(d time.Duration) {
	w.t.Helper()
	for end := w.now().Add(d); w.now().Before(end); {
		w.pass(time.Minute)
		w.tick()
	}
}

func (w *world) enrol() {
	w.t.Helper()
	if err := w.watcher.Enrol(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) flush() {
	w.t.Helper()
	if err := w.courier.Flush(context.Background()); err != nil {
		w.t.Fatalf("flush: %v", err)
	}
}

func (w *world) state(s quality.Subject) quality.State {
	w.t.Helper()
	states, _, err := w.store.Load(context.Background(), []quality.Subject{s})
	if err != nil {
		w.t.Fatal(err)
	}
	return states[s]
}

// history returns the rows of a signal as the store has them.
func (w *world) history(s quality.Subject, sig quality.Signal) []quality.Row {
	w.t.Helper()
	ev, err := w.store.Evidence(context.Background(), s, quality.Need{sig: time.Time{}})
	if err != nil {
		w.t.Fatal(err)
	}
	return quality.History(s.Kind, sig, ev[sig])
}

func number(digits string) quality.Subject {
	return quality.Subject{Kind: quality.PhoneNumber, WABAID: "1", ID: digits}
}

func template(id string) quality.Subject {
	return quality.Subject{Kind: quality.Template, WABAID: "1", ID: id}
}

func told(s quality.Subject, sig quality.Signal, value string, at time.Time) quality.Reading {
	return quality.Reading{
		Point:   quality.Point{Subject: s, Signal: sig, Value: value, At: at, Track: quality.Told},
		Receipt: fmt.Sprintf("%s/%s/%s/%d", s, sig, value, at.Unix()),
	}
}

// meta is Meta as polls see it.
type meta struct {
	mu      sync.Mutex
	now     func() time.Time
	seen    map[quality.Subject]map[quality.Signal]quality.Observed
	fail    error
	during  func(quality.Class) // runs after the answer was made, before the poller has it
	polls   map[quality.Class]int
	without []quality.Signal
	usage   quality.Usage
}

func (m *meta) set(s quality.Subject, sig quality.Signal, value string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.seen == nil {
		m.seen = map[quality.Subject]map[quality.Signal]quality.Observed{}
	}
	if m.seen[s] == nil {
		m.seen[s] = map[quality.Signal]quality.Observed{}
	}
	m.seen[s][sig] = quality.Observed{Value: value}
}

func (m *meta) Poll(_ context.Context, class quality.Class, wabaID string) (quality.Sighting, error) {
	m.mu.Lock()
	if m.polls == nil {
		m.polls = map[quality.Class]int{}
	}
	m.polls[class]++
	fail, during := m.fail, m.during
	out := quality.Sighting{Class: class, WABAID: wabaID, At: m.now().Truncate(time.Second), Complete: true, Without: m.without, Usage: m.usage}
	for s, values := range m.seen {
		see := quality.Seeing{Subject: s, Name: "name of " + s.ID, Values: map[quality.Signal]quality.Observed{}}
		for sig, o := range values {
			if quality.ClassOf(s.Kind, sig) == class {
				see.Values[sig] = o
			}
		}
		listed := quality.ClassOf(s.Kind, quality.Presence) == class
		if s.WABAID == wabaID && (listed || len(see.Values) > 0) {
			out.Subjects = append(out.Subjects, see)
		}
	}
	m.mu.Unlock()
	if fail != nil && class != quality.Self {
		return quality.Sighting{}, fail
	}
	if during != nil {
		during(class)
	}
	return out, nil
}

func (m *meta) NumberExists(context.Context, string) (bool, error) { return false, nil }

func (m *meta) Discover(context.Context, string) ([]string, error) { return nil, nil }

// post is a publisher that keeps what it was given.
type post struct {
	mu    sync.Mutex
	sent  []quality.Parcel
	ready bool
	fail  func(quality.Parcel) error
}

func (p *post) Publish(_ context.Context, parcel quality.Parcel) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		if err := p.fail(parcel); err != nil {
			return err
		}
	}
	p.sent = append(p.sent, parcel)
	return nil
}

func (p *post) Ready(context.Context) (bool, error) { return p.ready, nil }

// said lists what was published: event, rule, severity.
func (p *post) said() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for _, parcel := range p.sent {
		for _, a := range parcel.Alerts {
			out = append(out, fmt.Sprintf("%s %s %s", a.Event, a.Rule, a.Severity))
		}
	}
	return out
}
