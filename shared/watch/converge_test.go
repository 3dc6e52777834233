package watch_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/wabawatch/wabawatch/shared/quality"
)

type said struct {
	at    time.Time
	value string
	track quality.Track
}

// sorted computes the rows of everything that was said, the slow and obvious way: within a
// second webhooks beat polls, worse beats better, and then the greater word.
func sorted(k quality.Kind, sig quality.Signal, all []said) []quality.Row {
	beats := func(a, b said) bool {
		if a.track != b.track {
			return a.track == quality.Told
		}
		if ra, rb := quality.Rank(k, sig, a.value), quality.Rank(k, sig, b.value); ra != rb {
			return ra > rb
		}
		return a.value > b.value
	}
	best := map[int64]said{}
	for _, s := range all {
		if old, ok := best[s.at.Unix()]; !ok || beats(s, old) {
			best[s.at.Unix()] = s
		}
	}
	var order []int64
	for u := range best {
		order = append(order, u)
	}
	slices.Sort(order)
	var out []quality.Row
	for i, u := range order {
		s := best[u]
		if n := len(out); n > 0 && out[n-1].Value == s.value {
			continue
		}
		r := quality.Row{Value: s.value, At: s.at, Track: s.track}
		if n := len(out); n > 0 {
			r.From, r.NotBefore = out[n-1].Value, best[order[i-1]].at
		}
		out = append(out, r)
	}
	return out
}

// TestStoredStateConverges is promise 2 through the store: several writers at once, webhooks
// that land while a poll is under way, duplicates, any order.
func TestStoredStateConverges(t *testing.T) { rapid.Check(t, storedConverges) }

func storedConverges(rt *rapid.T) {
	dir, err := os.MkdirTemp("", "wabawatch-converge-")
	if err != nil {
		rt.Fatal(err)
	}
	rt.Cleanup(func() { _ = os.RemoveAll(dir) }) // the system's cleaning does the rest
	w := newWorldIn(rt, dir, nil)
	w.watcher.Interval = time.Minute
	subjects := []quality.Subject{template("1"), template("2")}
	values := []string{"APPROVED", "PAUSED", "DISABLED", quality.Unknown}
	pick := rapid.SampledFrom(values)
	var seenMu sync.Mutex
	all := map[quality.Subject][]said{}
	say := func(s quality.Subject, x said) {
		seenMu.Lock()
		defer seenMu.Unlock()
		all[s] = append(all[s], x)
	}
	var readings []quality.Reading
	for range rapid.IntRange(1, 10).Draw(rt, "readings") {
		s := rapid.SampledFrom(subjects).Draw(rt, "subject")
		at := start.Add(time.Duration(rapid.IntRange(0, 30).Draw(rt, "at")) * time.Minute)
		v := pick.Draw(rt, "value")
		readings = append(readings, told(s, quality.Status, v, at))
		say(s, said{at, v, quality.Told})
	}
	stream := slices.Concat(readings, rapid.SliceOfN(rapid.SampledFrom(readings), 0, 6).Draw(rt, "copies"))
	stream = rapid.Permutation(stream).Draw(rt, "order")
	// Dated readings only: nothing is too far ahead once the clock stands here.
	w.pass(30 * time.Minute)
	for i := range readings {
		readings[i].At = readings[i].At.UTC()
	}
	// What two writers could not deliver is an error of the check: only the goroutine that runs it
	// may end it.
	var failed error
	deliver := func(n int) {
		n = min(n, len(stream))
		var errs [2]error
		var wg sync.WaitGroup
		for i, part := range [][]quality.Reading{stream[:n/2], stream[n/2 : n]} {
			wg.Go(func() { errs[i] = w.watcher.Observe(context.Background(), delivery(part...)) })
		}
		wg.Wait()
		failed = errors.Join(failed, errs[0], errs[1])
		stream = stream[n:]
	}
	current := map[quality.Subject]string{}
	for _, s := range subjects {
		current[s] = pick.Draw(rt, "seen")
		w.meta.set(s, quality.Status, current[s])
	}
	w.enrol()
	polls := 0
	// Drawn ahead: polls run beside the test, where nothing can be drawn.
	landings := rapid.SliceOfN(rapid.IntRange(0, 3), 40, 40).Draw(rt, "landings")
	w.meta.during = func(class quality.Class) {
		if class != quality.Templates {
			return
		}
		polls++
		for _, s := range subjects {
			say(s, said{w.now(), current[s], quality.Seen})
		}
		deliver(landings[polls%len(landings)])
	}
	for range rapid.IntRange(1, 4).Draw(rt, "rounds") {
		for _, s := range subjects {
			if rapid.Bool().Draw(rt, "change") {
				current[s] = pick.Draw(rt, "seen")
				w.meta.set(s, quality.Status, current[s])
			}
		}
		deliver(rapid.IntRange(0, 4).Draw(rt, "before"))
		w.run(time.Duration(rapid.IntRange(1, 9).Draw(rt, "minutes")) * time.Minute)
	}
	deliver(len(stream))
	for before := polls; polls < before+2; {
		w.run(time.Minute)
	}
	if failed != nil {
		rt.Fatalf("observe: %v", failed)
	}
	for _, s := range subjects {
		want := sorted(s.Kind, quality.Status, all[s])
		ignore := cmpopts.IgnoreFields(quality.Row{}, "Attrs")
		if d := cmp.Diff(want, w.history(s, quality.Status), ignore); d != "" {
			rt.Fatalf("history of %s (-want +got):\n%s", s, d)
		}
		if d := cmp.Diff(want[len(want)-1], w.state(s).Cells[quality.Status].Current, ignore); d != "" {
			rt.Fatalf("current value of %s (-want +got):\n%s", s, d)
		}
	}
}
