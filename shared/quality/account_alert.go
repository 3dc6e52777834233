package quality

import (
	"maps"
	"slices"
	"strings"
)

// accountAlert holds for every alert of Meta's that is active and no mere information.
func accountAlert() Rule {
	isAlert := func(s Signal) bool { _, ok := s.AlertType(); return ok }
	return Rule{
		ID: RuleAccountAlert, Kinds: []Kind{Account}, Since: 1,
		Reads: isAlert,
		Holds: func(r Rule, v View) []Finding {
			var out []Finding
			for _, sig := range slices.Sorted(maps.Keys(v.levels)) {
				row, ok := v.Known(sig)
				if !isAlert(sig) || !ok || row.Value != "ACTIVE" {
					continue
				}
				f := Finding{Key: string(sig), Severity: r.severity(row.Attrs[AttrSeverity], alertSeverity(row.Attrs)), Signal: sig, Row: row,
					Until: v.newest(sig).Add(endAfter), UntilReason: ReasonNotRepeated}
				if f.Severity.Level() >= Warning.Level() && v.At.Before(f.Until) {
					out = append(out, f)
				}
			}
			return out
		},
	}
}

func alertSeverity(attrs map[string]string) Severity {
	switch strings.ToUpper(attrs[AttrSeverity]) {
	case "CRITICAL":
		return Critical
	case "WARNING":
		return Warning
	}
	return Info
}
