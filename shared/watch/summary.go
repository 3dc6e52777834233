package watch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

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
