package watch_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/store"
	"github.com/wabawatch/wabawatch/shared/store/tabletest"
)

// TestWhatIsAcknowledgedIsStored looks at once, before any copy comes that would heal a loss.
func TestWhatIsAcknowledgedIsStored(t *testing.T) {
	tpl := template("1")
	observe := func(t *testing.T, before, after func(int, []store.Action) error) (writes int) {
		var f *tabletest.Faulty
		w := newWorld(t, func(tab store.Table) store.Table {
			f = &tabletest.Faulty{Table: tab, Before: before, After: after}
			return f
		})
		err := w.watcher.Observe(t.Context(), delivery(told(tpl, quality.Status, "PAUSED", w.now())))
		if got := w.state(tpl).Cells[quality.Status].Current.Value; err == nil && got != "PAUSED" {
			t.Errorf("acknowledged, and the status is %q", got)
		}
		return f.Counts().Writes
	}
	count := observe(t, nil, nil)
	for n := 1; n <= count; n++ {
		t.Run(fmt.Sprintf("write %d of %d", n, count), func(t *testing.T) {
			observe(t, tabletest.Nth(n, errDown), nil)
			observe(t, tabletest.Nth(n, store.ErrAmbiguous), nil)
			observe(t, tabletest.Nth(n, &store.ConflictError{Failed: []int{0}, Transient: true}), nil)
			observe(t, nil, tabletest.Nth(n, store.ErrAmbiguous))
		})
	}
}

// cutShort is a Meta whose lists break off before some template.
type cutShort struct {
	*meta
	before quality.Subject
}

func (m cutShort) Poll(ctx context.Context, class quality.Class, wabaID string) (quality.Sighting, error) {
	s, err := m.meta.Poll(ctx, class, wabaID)
	if err != nil || class != quality.Templates {
		return s, err
	}
	s.Complete = false
	for i, see := range s.Subjects {
		if see.Subject == m.before {
			s.Subjects = append(s.Subjects[:i], s.Subjects[i+1:]...)
			break
		}
	}
	return s, &quality.PollError{Failure: quality.FailTemporary, Err: errDown}
}

// TestPartialPollSaysNothingOfAbsence: what it brought counts, what it lacks does not.
func TestPartialPollSaysNothingOfAbsence(t *testing.T) {
	w := newWorld(t, nil)
	listed, beyond := template("1"), template("2")
	for _, s := range []quality.Subject{listed, beyond} {
		w.meta.set(s, quality.Status, "APPROVED")
	}
	w.enrol()
	w.run(2 * time.Minute)
	w.watcher.Source = cutShort{w.meta, beyond}
	w.meta.set(listed, quality.Status, "PAUSED")
	w.run(90 * time.Minute)
	if v := w.state(listed).Cells[quality.Status].Current.Value; v != "PAUSED" {
		t.Errorf("what a partial poll brought is %s", v)
	}
	if v := w.state(beyond).Cells[quality.Presence].Seen.Value; v == quality.Missing || v == quality.Gone {
		t.Errorf("what a partial poll lacks is %s", v)
	}
}
