package watch_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// guarded is Meta as polls see it, where the token is not always told of.
type guarded struct {
	*meta
	token error
}

func (g *guarded) Poll(ctx context.Context, class quality.Class, wabaID string) (quality.Sighting, error) {
	if class == quality.Self && g.token != nil {
		return quality.Sighting{}, g.token
	}
	return g.meta.Poll(ctx, class, wabaID)
}

// TestATokenThatCannotBeCheckedIsTold: the other polls go on, so nothing else would say that its end will
// come unannounced.
func TestATokenThatCannotBeCheckedIsTold(t *testing.T) {
	w := newWorld(t, nil)
	g := &guarded{meta: w.meta}
	w.watcher.Source = g
	w.meta.set(quality.DeploymentSubject(), quality.Token, "VALID")
	w.meta.set(number("1"), quality.QualityRating, quality.Green)
	w.enrol()
	w.run(10 * time.Minute)
	g.token = &quality.PollError{Failure: quality.FailTemporary, Err: errors.New("(#1)")}
	w.run(2 * time.Hour)
	w.flush()
	if said := w.post.said(); len(said) != 0 {
		t.Errorf("told %v after two intervals", said)
	}
	w.run(2 * time.Hour)
	w.flush()
	g.token = nil
	w.run(2 * time.Hour)
	w.flush()
	if got, want := strings.Join(w.post.said(), ", "), "firing watch_token warning, resolved watch_token warning"; got != want {
		t.Errorf("told %q, want %q", got, want)
	}
}
