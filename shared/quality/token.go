package quality

import "time"

// tokenWarning is how long before its expiry a token is worth a warning.
const tokenWarning = 14 * 24 * time.Hour

// token holds when polls are, or soon will be, refused for the token's sake.
func token() Rule {
	r := level(RuleWatchToken, Deployment, Token, tokenLevels)
	bad := r.Holds
	r.Holds = func(r Rule, v View) []Finding {
		found := bad(r, v)
		row, ok := v.Known(Token)
		until := parseTime(row.Attrs[AttrUntil])
		if !ok || until.IsZero() {
			return found
		}
		// Time alone made it so, not the change to VALID.
		f := Finding{Signal: Token, Row: row}
		f.Row.From, f.Row.NotBefore = "", time.Time{}
		switch {
		case !v.At.Before(until):
			f.Severity = r.severity("EXPIRED", Critical)
			f.Row.At = later(row.At, until)
		case !v.At.Before(until.Add(-tokenWarning)):
			f.Severity = r.severity("EXPIRING", Warning)
			f.Row.At = later(row.At, until.Add(-tokenWarning))
		}
		if f.Severity == NoSeverity || len(found) > 0 && found[0].Severity.Level() >= f.Severity.Level() {
			return found
		}
		return []Finding{f}
	}
	return r
}
