package watch

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
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
		return nil
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

// judgeDiscovery writes down whether accounts can be discovered, when that has changed: not, once
// Meta refuses or has failed several times. While the token is known to be bad, that is told.
func (w *Watcher) judgeDiscovery(ctx context.Context, err error) error {
	failure := pollError(err)
	w.mu.Lock()
	if w.undiscovered++; failure == nil {
		w.undiscovered = 0
	}
	often := w.undiscovered >= BlindAfter
	w.mu.Unlock()
	value, attrs := pollOK, map[string]string(nil)
	if failure != nil {
		refused := failure.Failure == quality.FailForbidden || failure.Failure == quality.FailMissing
		if failure.Failure == quality.FailToken || !refused && !often || ctx.Err() != nil {
			return nil
		}
		value, attrs = quality.Unlisted, map[string]string{quality.AttrReason: "discovery: " + string(failure.Failure)}
	}
	subject := quality.DeploymentSubject()
	states, heads, err := w.Store.Load(ctx, []quality.Subject{subject})
	if err != nil {
		return err
	}
	if before := states[subject].Cells[quality.Poll].Current.Value; before == value || before == "" && value == pollOK {
		return nil
	}
	p := quality.Point{Subject: subject, Signal: quality.Poll, Value: value, At: w.Now().UTC().Truncate(time.Second), Track: quality.Seen, Attrs: attrs}
	_, err = w.merge(ctx, map[quality.Subject]incoming{subject: {told: []quality.Point{p}}}, &loaded{states, heads}, nil)
	return err
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

// summarise heads what an account's first poll found with one alert, under which it is told.
func (r *run) summarise(ctx context.Context) error {
	var first []quality.Alert
	worst := quality.Info
	for _, a := range r.alerts {
		if a.FirstLook {
			first = append(first, a)
			if a.Severity.Level() > worst.Level() {
				worst = a.Severity
			}
		}
	}
	if len(first) == 0 {
		return nil
	}
	now := r.Now().UTC().Truncate(time.Millisecond)
	subject := quality.AccountSubject(r.wabaID)
	states, _, err := r.Store.Load(ctx, []quality.Subject{subject})
	if err != nil {
		return err
	}
	sum := sha256.New()
	var rules []string
	for _, a := range first {
		sum.Write([]byte(a.ID))
		if !slices.Contains(rules, a.Rule) {
			rules = append(rules, a.Rule)
		}
	}
	slices.Sort(rules)
	head := quality.Alert{
		Schema: quality.AlertSchema, ID: hex.EncodeToString(sum.Sum(nil)[:10]) + ".1", Event: quality.Notice, Rule: quality.RuleFirstLook,
		Severity: worst, WABAID: &r.wabaID, SubjectKind: subject.Kind, SubjectID: subject.ID, SubjectName: states[subject].Name,
		At: now.Truncate(time.Second), Source: "poll", CreatedAt: now, Revision: 1,
		Details: map[string]string{"incidents": strconv.Itoa(len(first)), "rules": strings.Join(rules, ",")},
	}
	return r.Store.AddAlert(ctx, subject, head)
}
