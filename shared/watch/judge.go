package watch

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// pollOK is the value of the signal poll while polls succeed.
const pollOK = "OK"

// judge writes down whether the account can be polled, when that has changed: blindness is an
// incident. While the token itself is known to be bad, that is the incident and nothing is
// said of accounts. While polls are under way it only finds that they take too long.
func (r *run) judge(ctx context.Context, under bool) error {
	if r.wabaID == "" {
		return r.judgeToken(ctx)
	}
	now := r.Now().UTC().Truncate(time.Second)
	sched, err := r.Store.Schedule(ctx, r.wabaID)
	if err != nil {
		return err
	}
	value, attrs := r.sight(sched, now, under)
	if under && value != "BLIND" {
		return nil
	}
	subject, deployment := quality.AccountSubject(r.wabaID), quality.DeploymentSubject()
	if value != pollOK && value != string(quality.FailForbidden) && value != string(quality.FailMissing) && value != "BLIND" {
		return nil
	}
	states, heads, err := r.Store.Load(ctx, []quality.Subject{subject, deployment})
	if err != nil {
		return err
	}
	before := states[subject].Cells[quality.Poll].Current.Value
	if before == value || before == "" && value == pollOK {
		return nil
	}
	if value != pollOK {
		if slices.ContainsFunc(states[deployment].Open, func(inc quality.Incident) bool {
			return inc.Rule == quality.RuleWatchToken && inc.Severity == quality.Critical
		}) {
			return nil
		}
		a, err := r.Store.AccountRecord(ctx, r.wabaID)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if a.Origin == Heard && !sched.polled() {
			// Somebody else's account sent us webhooks; nobody asked us to read it.
			return nil
		}
	}
	p := quality.Point{Subject: subject, Signal: quality.Poll, Value: value, At: now, Track: quality.Seen, Attrs: attrs}
	in := map[quality.Subject]incoming{subject: {told: []quality.Point{p}}}
	delete(states, deployment)
	_, err = r.merge(ctx, in, &loaded{states, heads}, nil)
	return err
}

// judgeToken writes down that the token can no longer be looked at: its end would come unannounced.
func (r *run) judgeToken(ctx context.Context) error {
	now := r.Now().UTC().Truncate(time.Second)
	sched, err := r.Store.Schedule(ctx, "")
	if err != nil {
		return err
	}
	c := sched.Classes[quality.Self]
	if c.Fails == 0 || c.Failure == quality.FailToken || c.OKAt.IsZero() || now.Before(r.blindAt(quality.Self, c)) {
		return nil
	}
	subject := quality.DeploymentSubject()
	states, heads, err := r.Store.Load(ctx, []quality.Subject{subject})
	if err != nil || states[subject].Cells[quality.Token].Current.Value != "VALID" {
		return err
	}
	attrs := map[string]string{quality.AttrReason: string(c.Failure)}
	if until := states[subject].Cells[quality.Token].Current.Attrs[quality.AttrUntil]; until != "" {
		attrs[quality.AttrUntil] = until // it ends all the same
	}
	p := quality.Point{Subject: subject, Signal: quality.Token, Value: quality.Unchecked, At: now, Track: quality.Seen, Attrs: attrs}
	_, err = r.merge(ctx, map[quality.Subject]incoming{subject: {told: []quality.Point{p}}}, &loaded{states, heads}, nil)
	return err
}

// sight says how the account's polls are doing: OK, why it may not be polled, or BLIND when a
// class has not succeeded for 3 of its intervals. "" while it is too early to tell.
func (r *run) sight(s Schedule, now time.Time, under bool) (value string, attrs map[string]string) {
	var blind []string
	failing := false
	for _, class := range quality.Classes {
		c, ok := s.Classes[class]
		if !ok {
			continue
		}
		if c.Fails > 0 {
			failing = true
			if c.Failure == quality.FailForbidden || c.Failure == quality.FailMissing {
				return string(c.Failure), map[string]string{quality.AttrReason: string(class)}
			}
		}
		if !now.Before(r.blindAt(class, c)) && (c.Fails > 0 || s.QuietUntil.After(now) || under && !c.Due.After(now)) {
			why := quality.FailTemporary
			if s.QuietUntil.After(now) {
				why = quality.FailThrottled
			}
			blind = append(blind, string(class)+": "+string(cmp.Or(c.Failure, why)))
		}
	}
	switch {
	case len(blind) > 0:
		return "BLIND", map[string]string{quality.AttrReason: strings.Join(blind, ", ")}
	case failing:
		return "", nil
	}
	return pollOK, nil
}

// judgeUnder judges once per interval while polls are under way, until ctx ends: one that hangs
// is as blind as one that fails.
func (r *run) judgeUnder(ctx context.Context) {
	for sleep(ctx, r.interval(quality.Numbers)) == nil {
		if err := r.judge(ctx, true); err != nil && ctx.Err() == nil {
			r.Log.WarnContext(ctx, "blindness not judged", "waba", r.wabaID, "err", err)
		}
	}
}

// blindAt is when a class will not have succeeded for too long, in the whole seconds of judge.
func (w *Watcher) blindAt(class quality.Class, c ClassSchedule) time.Time {
	return later(c.OKAt, c.Since).Add(BlindAfter*w.interval(class) + time.Second - 1).Truncate(time.Second)
}

// judgeAt is when an account is next to be judged although no class may be due: a long wait that
// Meta demanded is no less blind than a failure. Zero for never.
func (w *Watcher) judgeAt(s Schedule, now time.Time) time.Time {
	var next time.Time
	for _, class := range quality.Classes {
		c, ok := s.Classes[class]
		if at := w.blindAt(class, c); ok && at.After(now) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next
}
