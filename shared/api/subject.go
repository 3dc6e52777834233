package api

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/watch"
)

// subject is a number, a template or an account as it is shown.
type subject struct {
	Kind          quality.Kind             `json:"kind"`
	WABAID        string                   `json:"waba_id"`
	ID            string                   `json:"id"`
	PhoneNumberID *string                  `json:"phone_number_id"` // null while no poll told it
	Display       string                   `json:"display_phone_number,omitempty"`
	Language      string                   `json:"language,omitempty"`
	Name          string                   `json:"name"`
	Health        quality.Rollup           `json:"health"`
	Signals       map[quality.Signal]value `json:"signals"`
	Incidents     []incident               `json:"incidents"`
}

type value struct {
	Value       string            `json:"value"`
	Since       time.Time         `json:"since"`
	NotBefore   *time.Time        `json:"not_before"`
	ConfirmedAt time.Time         `json:"confirmed_at"`
	Source      string            `json:"source"`
	Details     map[string]string `json:"details,omitempty"`
	// Active says of a restriction whether it is in force: lifted or expired, it keeps its value.
	Active *bool `json:"active,omitempty"`
}

type incident struct {
	ID       string           `json:"id"`
	Rule     string           `json:"rule"`
	Severity quality.Severity `json:"severity"`
	Since    time.Time        `json:"since"`
	// The rest is shown by /v1/incidents.
	WABAID      string         `json:"waba_id,omitempty"`
	SubjectKind quality.Kind   `json:"subject_kind,omitempty"`
	SubjectID   string         `json:"subject_id,omitempty"`
	SubjectName string         `json:"subject_name,omitempty"`
	Signal      quality.Signal `json:"signal,omitempty"`
	Value       string         `json:"value,omitempty"`
	Until       *time.Time     `json:"until,omitempty"`
	Resolving   bool           `json:"resolving,omitempty"`
}

func show(s quality.State, heads quality.Heads, fresh bool, now time.Time) subject {
	out := subject{
		Kind: s.Subject.Kind, WABAID: s.Subject.WABAID, ID: s.Subject.ID,
		Display: s.Refs[quality.RefDisplay], Language: s.Refs[quality.RefLanguage], Name: s.Name, Health: s.Health(fresh),
		Signals: map[quality.Signal]value{}, Incidents: []incident{},
	}
	if id := s.Refs[quality.RefPhoneNumberID]; id != "" {
		out.PhoneNumberID = &id
	}
	for sig, c := range s.Cells {
		r := c.Current
		if r.IsZero() {
			continue
		}
		v := value{Value: r.Value, Since: r.At, ConfirmedAt: s.ConfirmedAt(sig, heads), Source: source(r.Track), Details: r.Attrs}
		if !r.NotBefore.IsZero() {
			v.NotBefore = &r.NotBefore
		}
		if _, ok := sig.RestrictionType(); ok {
			active := s.Restricted(sig, heads, now)
			v.Active = &active
		}
		out.Signals[sig] = v
	}
	for _, inc := range s.Open {
		out.Incidents = append(out.Incidents, incident{ID: inc.ID, Rule: inc.Rule, Severity: inc.Severity, Since: inc.Since})
	}
	return out
}

func source(t quality.Track) string {
	if t == quality.Seen {
		return "poll"
	}
	return "webhook"
}

// fresh reports whether a class was polled so recently that what it saw still counts.
func (s *Server) fresh(sched watch.Schedule, class quality.Class) bool {
	return s.recent(class, sched.Classes[class].OKAt)
}

func (s *Server) recent(class quality.Class, at time.Time) bool {
	return s.Polling && !at.IsZero() && s.Now().Sub(at) < watch.BlindAfter*watch.Cadence(class, s.Interval)
}

// seen reports whether polls have seen a subject lately: that it is there, and of a number its
// rating, which nobody else tells and Meta may refuse.
func (s *Server) seen(st quality.State, sched watch.Schedule) bool {
	class := quality.ClassOf(st.Subject.Kind, quality.Presence)
	if !st.Covered() || !s.fresh(sched, class) {
		return false
	}
	rated, _ := sched.Heads()[class].Confirmed(quality.QualityRating)
	return st.Subject.Kind != quality.PhoneNumber || s.recent(class, rated)
}

// known returns the record of an account that exists and that the token shows.
func (s *Server) known(r *request) (watch.Account, error) {
	id, err := r.waba()
	if err != nil {
		return watch.Account{}, err
	}
	a, err := s.Reader.AccountRecord(r.ctx, id)
	if errors.Is(err, watch.ErrNotFound) {
		return a, notFound("no such account")
	}
	return a, err
}

func (s *Server) list(kind quality.Kind) func(*request) error {
	return func(r *request) error {
		var filters []string
		if kind == quality.Template {
			filters = []string{"status", "quality", "name"}
		}
		limit, after, err := r.page(filters...)
		if err != nil {
			return err
		}
		a, err := s.known(r)
		if err != nil {
			return err
		}
		states, err := s.Reader.Account(r.ctx, a.WABAID)
		if err != nil {
			return err
		}
		sched, err := s.Reader.Schedule(r.ctx, a.WABAID)
		if err != nil {
			return err
		}
		slices.SortFunc(states, func(a, b quality.State) int { return cmp.Compare(a.Subject.ID, b.Subject.ID) })
		items, next := []subject{}, ""
		for _, st := range states {
			if st.Subject.Kind != kind || st.Subject.ID <= after || !matches(st, r) {
				continue
			}
			if len(items) == limit {
				next = items[limit-1].ID
				break
			}
			items = append(items, show(st, sched.Heads(), s.seen(st, sched), s.Now()))
		}
		return r.write(page(items, r.next(next)))
	}
}

// matches applies the filters of templates.
func matches(st quality.State, r *request) bool {
	is := func(param string, sig quality.Signal) bool {
		want := r.param(param)
		return want == "" || strings.EqualFold(st.Cells[sig].Current.Value, want)
	}
	name := r.param("name")
	return is("status", quality.Status) && is("quality", quality.QualityScore) && (name == "" || st.Name == name)
}

// find reads the subject of a path.
func (s *Server) find(r *request, kind quality.Kind) (quality.State, quality.Heads, error) {
	a, err := s.known(r)
	if err != nil {
		return quality.State{}, nil, err
	}
	id := r.http.PathValue("id")
	if kind == quality.PhoneNumber {
		id = quality.Digits(id)
	}
	sub := quality.Subject{Kind: kind, WABAID: a.WABAID, ID: id}
	states, heads, err := s.Reader.Load(r.ctx, []quality.Subject{sub})
	if err != nil {
		return quality.State{}, nil, err
	}
	if states[sub].Version == 0 {
		return quality.State{}, nil, notFound("no such " + strings.ReplaceAll(string(kind), "_", " "))
	}
	return states[sub], heads[a.WABAID], nil
}

func (s *Server) one(kind quality.Kind) func(*request) error {
	return func(r *request) error {
		if err := r.known(); err != nil {
			return err
		}
		st, heads, err := s.find(r, kind)
		if err != nil {
			return err
		}
		sched, err := s.Reader.Schedule(r.ctx, st.Subject.WABAID)
		if err != nil {
			return err
		}
		return r.write(show(st, heads, s.seen(st, sched), s.Now()))
	}
}
