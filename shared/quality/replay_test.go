package quality

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// pastView is the view of a moment made from everything before it at once: what a replay, which
// only moves on, must come to as well.
func pastView(k Kind, at time.Time, obs map[Signal][]observation) View {
	v := View{At: at, Kind: k, levels: map[Signal]viewed{}}
	for sig, all := range obs {
		upTo := slices.DeleteFunc(slices.Clone(all), func(o observation) bool { return o.at.After(at) })
		if len(upTo) == 0 {
			continue
		}
		var l viewed
		if known := knownRows(k, sig, upTo); len(known) > 0 {
			l.known = known[len(known)-1]
		}
		if every := rows(upTo, anyValue, 0); !Known(every[len(every)-1].Value) {
			l.unknownSince = every[len(every)-1].At
		}
		for _, o := range upTo {
			if o.track == Seen {
				if o.value != l.seen {
					l.seenAt = time.Time{}
				}
				l.seen, l.seenBefore, l.seenAt = o.value, l.seenAt, o.at
			} else if o.value == l.known.Value {
				l.told = o.at
			}
		}
		v.levels[sig] = l
	}
	return v
}

func TestReplayComesToTheViewOfEachMoment(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 1))
		kind := []Kind{PhoneNumber, Template}[rng.IntN(2)]
		obs := map[Signal][]observation{}
		for _, sig := range []Signal{Flagged, Status, Presence} {
			at := t0
			for range rng.IntN(30) {
				at = at.Add(time.Duration(rng.IntN(3)) * []time.Duration{time.Second, time.Hour, endAfter}[rng.IntN(3)])
				obs[sig] = append(obs[sig], observation{
					at, []string{Yes, No, Unknown}[rng.IntN(3)], []Track{Told, Seen}[rng.IntN(2)],
					map[string]string{AttrTitle: fmt.Sprint(rng.IntN(2))}, rng.IntN(4) > 0,
				})
			}
		}
		film := newReplay(kind, obs)
		for at := t0.Add(-time.Second); at.Before(t0.Add(20 * endAfter)); at = at.Add(time.Duration(rng.IntN(int(endAfter)))) {
			got, want := film.until(at), pastView(kind, at, obs)
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(View{}, viewed{})); diff != "" {
				t.Fatalf("seed %d: view of %s: %s", seed, at, diff)
			}
		}
	}
}

// TestReplayGrowsWithTheHistory: a body may bring a thousand changes of one signal, and each commit
// replays what came before.
func TestReplayGrowsWithTheHistory(t *testing.T) {
	rule := DefaultRules[slices.IndexFunc(DefaultRules, func(r Rule) bool { return r.ID == RuleTemplateQuality })]
	work := func(n int) float64 {
		var obs []observation
		for i := range n {
			obs = append(obs, observation{at(i), []string{Green, Red}[i%2], Told, map[string]string{AttrPrevious: Green}, true})
		}
		return testing.AllocsPerRun(1, func() { stretches(rule, Template, map[Signal][]observation{QualityScore: obs}, at(n)) })
	}
	if few, many := work(200), work(1600); many > 12*few {
		t.Errorf("8 times the history takes %.0f times the work", many/few)
	}
}
