package api

import (
	"cmp"
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/watch"
)

// account is an account as it is shown.
type account struct {
	subject
	Origin         watch.Origin `json:"origin"`
	MessagingLimit *string      `json:"messaging_limit"`
	LastPoll       *time.Time   `json:"last_poll"`
	LastWebhook    *time.Time   `json:"last_webhook"`
	// LossMeter is null until webhooks that were missed are counted.
	LossMeter     *struct{} `json:"loss_meter"`
	Numbers       int       `json:"numbers"`
	Templates     int       `json:"templates"`
	OpenIncidents int       `json:"open_incidents"`
}

// maxSubjects ends a page of accounts early: each is rolled up from all its subjects, and a
// hundred with thousands of templates would take longer than an answer may.
const maxSubjects = 10_000

// parallelAccounts are rolled up at once; the states of all of them are in memory.
const parallelAccounts = 4

func (s *Server) accounts(r *request) error {
	limit, after, err := r.page()
	if err != nil {
		return err
	}
	records, err := s.Reader.Accounts(r.ctx)
	if err != nil {
		return err
	}
	records = slices.DeleteFunc(records, func(rec watch.Account) bool { return rec.WABAID <= after || !r.allows(rec.WABAID) })
	items, subjects := []account{}, 0
	for some := range slices.Chunk(records[:min(limit, len(records))], parallelAccounts) {
		rolled, err := s.rollUps(r, some)
		if err != nil {
			return err
		}
		for _, a := range rolled {
			subjects += a.Numbers + a.Templates
		}
		if items = append(items, rolled...); subjects > maxSubjects {
			break
		}
	}
	next := ""
	if len(items) < len(records) {
		next = items[len(items)-1].WABAID
	}
	return r.write(page(items, r.next(next)))
}

func (s *Server) account(r *request) error {
	if err := r.known(); err != nil {
		return err
	}
	rec, err := s.known(r)
	if err != nil {
		return err
	}
	a, err := s.rollUp(r.ctx, rec)
	if err != nil {
		return err
	}
	return r.write(a)
}

func (s *Server) rollUps(r *request, records []watch.Account) ([]account, error) {
	out := make([]account, len(records))
	g, ctx := errgroup.WithContext(r.ctx)
	for i, rec := range records {
		g.Go(func() error {
			return guarded(func() (err error) {
				out[i], err = s.rollUp(ctx, rec)
				return err
			})
		})
	}
	return out, g.Wait()
}

// rollUp shows an account as the worst of its subjects.
func (s *Server) rollUp(ctx context.Context, rec watch.Account) (account, error) {
	states, err := s.Reader.Account(ctx, rec.WABAID)
	if err != nil {
		return account{}, err
	}
	sched, err := s.Reader.Schedule(ctx, rec.WABAID)
	if err != nil {
		return account{}, err
	}
	webhook, err := s.Reader.LastWebhook(ctx, rec.WABAID)
	if err != nil {
		return account{}, err
	}
	own := quality.State{Subject: quality.AccountSubject(rec.WABAID)}
	health := quality.Healthy
	if !s.fresh(sched, quality.Numbers) {
		health = quality.NotKnown
	}
	out := account{Origin: rec.Origin}
	for _, st := range states {
		switch st.Subject.Kind {
		case quality.Account:
			own = st
		case quality.PhoneNumber:
			out.Numbers++
		case quality.Template:
			out.Templates++
		case quality.Portfolio:
			if limit := st.Cells[quality.MessagingLimit].Current.Value; limit != "" && (out.MessagingLimit == nil || st.Subject.ID == rec.PortfolioID) {
				out.MessagingLimit = &limit
			}
		}
		health = health.Worse(st.HealthForAccount(s.seen(st, sched) || !s.missed(st, sched)))
		out.OpenIncidents += len(st.Open)
	}
	if out.MessagingLimit == nil && rec.PortfolioID != "" && rec.Home != rec.WABAID {
		if out.MessagingLimit, err = s.limitAtHome(ctx, rec); err != nil {
			return account{}, err
		}
	}
	out.subject = show(own, sched.Heads(), true, s.Now())
	out.Health = health
	if out.Name == "" {
		out.Name = rec.Name
	}
	out.Incidents = openIncidents(out.Incidents, states)
	out.LastPoll, out.LastWebhook = instant(lastPoll(sched)), instant(webhook)
	return out, nil
}

// missed reports whether an account is less well known for want of a subject: a number that polls once
// listed and that is in use. What only webhooks spoke of nobody looks for.
func (s *Server) missed(st quality.State, sched watch.Schedule) bool {
	listed := !st.Cells[quality.Presence].Seen.IsZero()
	return st.Subject.Kind == quality.PhoneNumber && listed && st.OutOfUse(sched.Heads(), s.Now()) == ""
}

// lastPoll is when any class last succeeded; zero if none ever did.
func lastPoll(sched watch.Schedule) (last time.Time) {
	for _, c := range sched.Classes {
		if c.OKAt.After(last) {
			last = c.OKAt
		}
	}
	return last
}

// limitAtHome is the messaging limit of an account whose portfolio is kept under another; nil while
// it is not known.
func (s *Server) limitAtHome(ctx context.Context, rec watch.Account) (*string, error) {
	portfolio := rec.Portfolio()
	states, _, err := s.Reader.Load(ctx, []quality.Subject{portfolio})
	if err != nil {
		return nil, err
	}
	if limit := states[portfolio].Cells[quality.MessagingLimit].Current.Value; limit != "" {
		return &limit, nil
	}
	return nil, nil
}

// openIncidents lists what is open of an account's subjects, the worst first.
func openIncidents(own []incident, states []quality.State) []incident {
	for _, st := range states {
		if st.Subject.Kind == quality.Account {
			continue
		}
		for _, inc := range st.Open {
			own = append(own, incident{
				ID: inc.ID, Rule: inc.Rule, Severity: inc.Severity, Since: inc.Since,
				SubjectKind: st.Subject.Kind, SubjectID: st.Subject.ID, SubjectName: st.Name,
			})
		}
	}
	slices.SortFunc(own, func(a, b incident) int {
		return cmp.Or(b.Severity.Level()-a.Severity.Level(), a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID))
	})
	return own
}

func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// accountHistory is the history of the account itself, and of the messaging limit of its
// portfolio.
func (s *Server) accountHistory(r *request) error {
	rec, err := s.known(r)
	if err != nil {
		return err
	}
	own, limit := quality.AccountSubject(rec.WABAID), rec.Portfolio()
	states, _, err := s.Reader.Load(r.ctx, []quality.Subject{own, limit})
	if err != nil {
		return err
	}
	return s.writeHistory(r, states[own], states[limit])
}
