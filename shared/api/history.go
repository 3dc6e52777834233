package api

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// change is one row of history.
type change struct {
	Signal    quality.Signal    `json:"signal"`
	Value     string            `json:"value"`
	At        time.Time         `json:"at"`
	NotBefore *time.Time        `json:"not_before"`
	Source    string            `json:"source"`
	Details   map[string]string `json:"details,omitempty"`
}

// position orders rows; it is what cursors hold.
func (c change) position() string { return fmt.Sprintf("%020d %s", c.At.Unix(), c.Signal) }

func (s *Server) history(kind quality.Kind) func(*request) error {
	return func(r *request) error {
		st, _, err := s.find(r, kind)
		if err != nil {
			return err
		}
		return s.writeHistory(r, st)
	}
}

func (s *Server) writeHistory(r *request, states ...quality.State) error {
	limit, after, err := r.page("signal", "from", "to")
	if err != nil {
		return err
	}
	from, to, err := r.span()
	if err != nil {
		return err
	}
	var rows []change
	for _, st := range states {
		some, err := s.rows(r, st, quality.Signal(r.param("signal")), from, to)
		if err != nil {
			return err
		}
		rows = append(rows, some...)
	}
	slices.SortFunc(rows, func(a, b change) int { return cmp.Compare(a.position(), b.position()) })
	rows = slices.DeleteFunc(rows, func(c change) bool { return after != "" && c.position() <= after })
	next := ""
	if len(rows) > limit {
		rows = rows[:limit]
		next = rows[limit-1].position()
	}
	if rows == nil {
		rows = []change{}
	}
	return r.write(page(rows, r.next(next)))
}

// rows computes the history of a subject, or of one signal. The value in force at from is the
// first row of its signal, whenever it began.
func (s *Server) rows(r *request, st quality.State, only quality.Signal, from, to time.Time) ([]change, error) {
	history := map[quality.Signal][]quality.Row{}
	need := quality.Need{}
	for sig, c := range st.Cells {
		switch {
		case only != "" && sig != only:
		case !from.IsZero() && c.Agreed() && !c.Current.At.After(from):
			history[sig] = []quality.Row{c.Current} // nothing has changed since: there is nothing to read
		default:
			need[sig] = time.Time{}
		}
	}
	if len(need) > 0 {
		evidence, err := s.Reader.Evidence(r.ctx, st.Subject, need)
		if err != nil {
			return nil, err
		}
		for sig, ev := range evidence {
			history[sig] = quality.History(st.Subject.Kind, sig, st.Complete(sig, ev))
		}
	}
	var out []change
	for sig, rows := range history {
		for i, row := range rows {
			ended := i+1 < len(rows) && !from.IsZero() && !rows[i+1].At.After(from)
			if ended || !to.IsZero() && row.At.After(to) {
				continue
			}
			c := change{Signal: sig, Value: row.Value, At: row.At, Source: source(row.Track), Details: row.Attrs}
			if !row.NotBefore.IsZero() {
				c.NotBefore = &row.NotBefore
			}
			out = append(out, c)
		}
	}
	return out, nil
}
