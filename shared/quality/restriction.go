package quality

import (
	"maps"
	"slices"
	"time"
)

// restricted holds for every type of restriction that is newer than the last lifting and whose
// expiry is ahead. One without an expiry ends when nobody repeats it.
func restricted() Rule {
	isRestriction := func(s Signal) bool { _, ok := s.RestrictionType(); return ok }
	return Rule{
		ID: RuleAccountRestricted, Kinds: []Kind{Account, PhoneNumber}, Since: 1,
		Reads: func(s Signal) bool { return s == RestrictionLifted || isRestriction(s) },
		Holds: func(r Rule, v View) []Finding {
			var out []Finding
			lifted, _ := v.Known(RestrictionLifted)
			for _, sig := range slices.Sorted(maps.Keys(v.levels)) {
				row, ok := v.Known(sig)
				if !isRestriction(sig) || !ok || !v.newest(sig).After(v.newest(RestrictionLifted)) && !lifted.IsZero() {
					continue
				}
				kind, _ := sig.RestrictionType()
				f := Finding{Key: string(sig), Severity: r.severity(kind, r.severity(row.Value, Critical)), Signal: sig, Row: row,
					Until: parseTime(row.Attrs[AttrUntil]), UntilReason: ReasonExpired}
				if f.Until.IsZero() {
					f.Until, f.UntilReason = v.heard(sig).Add(endAfter), ReasonNotRepeated
				}
				if v.At.Before(f.Until) && f.Severity != NoSeverity {
					out = append(out, f)
				}
			}
			return out
		},
	}
}

// Restricted reports whether a restriction is in force at now.
func (s State) Restricted(sig Signal, heads Heads, now time.Time) bool {
	r := restricted()
	return slices.ContainsFunc(r.Holds(r, s.view(now, heads)), func(f Finding) bool { return f.Signal == sig })
}
