package api

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// alert is an alert as it is shown.
type alert struct {
	quality.Alert
	PublishedAt *time.Time `json:"published_at"` // when the topic took it; null while it waits
}

// maxRead is how many alerts are read for one answer. Beyond, it is shorter than its limit and says
// where to go on.
const maxRead = 10_000

func (s *Server) alerts(r *request) error {
	limit, cursor, err := r.page("waba_id", "severity", "event", "rule", "subject_id", "from", "to")
	if err != nil {
		return err
	}
	from, to, err := r.span()
	if err != nil {
		return err
	}
	severity, err := r.severity()
	if err != nil {
		return err
	}
	event, err := r.event()
	if err != nil {
		return err
	}
	waba, err := r.wabaID()
	if err != nil {
		return err
	}
	rule, subject := r.param("rule"), r.param("subject_id")
	if strings.HasPrefix(subject, "+") {
		subject = quality.Digits(subject) // a number as people write it
	}
	if waba == "" && len(r.token.WABAIDs) == 1 {
		waba = r.token.WABAIDs[0]
	}
	if waba != "" && !r.allows(waba) {
		return r.write(page([]alert{}, ""))
	}
	items := []alert{}
	for read := 0; ; {
		// A filter may leave few of many: they are read a page at a time even if one was asked for.
		found, next, err := s.Reader.Alerts(r.ctx, waba, from, to, max(limit, defaultLimit), cursor)
		if err != nil {
			return err
		}
		for i, o := range found {
			a := o.Alert
			visible := a.WABAID == nil && len(r.token.WABAIDs) == 0 || a.WABAID != nil && r.allows(*a.WABAID)
			if !visible || severity != "" && a.Severity != severity || event != "" && a.Event != event || rule != "" && a.Rule != rule || subject != "" && a.SubjectID != subject {
				continue
			}
			if s.Word != nil {
				s.Word(&a)
			}
			items = append(items, alert{a.Wire(), instant(o.SentAt.Truncate(time.Second))})
			if len(items) == limit && (next != "" || i+1 < len(found)) {
				return r.write(page(items, r.next(position(a))))
			}
		}
		cursor, read = next, read+len(found)
		if cursor == "" || read >= maxRead {
			return r.write(page(items, r.next(cursor)))
		}
	}
}

// position is where a list of alerts goes on after a.
func position(a quality.Alert) string {
	return a.CreatedAt.UTC().Format("2006-01-02T15:04:05.000Z") + "#" + a.ID
}

func (s *Server) incidents(r *request) error {
	limit, after, err := r.page("waba_id", "severity", "rule")
	if err != nil {
		return err
	}
	severity, err := r.severity()
	if err != nil {
		return err
	}
	waba, err := r.wabaID()
	if err != nil {
		return err
	}
	rule := r.param("rule")
	states, err := s.Reader.OpenStates(r.ctx, waba)
	if err != nil {
		return err
	}
	items := []incident{}
	for _, st := range states {
		id := st.Subject.WABAID
		if !r.allows(id) || id == "" && len(r.token.WABAIDs) > 0 {
			continue
		}
		for _, inc := range st.Open {
			if severity != "" && inc.Severity != severity || rule != "" && inc.Rule != rule {
				continue
			}
			items = append(items, incident{
				ID: inc.ID, Rule: inc.Rule, Severity: inc.Severity, Since: inc.Since, WABAID: id, SubjectKind: st.Subject.Kind, SubjectID: st.Subject.ID,
				SubjectName: st.Name, Signal: inc.Signal, Value: inc.Value, Until: instant(inc.Until), Resolving: !inc.ResolvingAt.IsZero(),
			})
		}
	}
	slices.SortFunc(items, func(a, b incident) int { return cmp.Compare(a.ID, b.ID) })
	items = slices.DeleteFunc(items, func(i incident) bool { return i.ID <= after })
	next := ""
	if len(items) > limit {
		items = items[:limit]
		next = items[limit-1].ID
	}
	return r.write(page(items, r.next(next)))
}
