package quality

import "time"

// tokenWarning is how long before its expiry a token is worth a warning.
const tokenWarning = 14 * 24 * time.Hour

// token holds when polls are, or soon will be, refused for the token's sake.
func token() Rule {
	r := level(RuleWatchToken, Deployment, Token, tokenLevels)
	bad := r.Holds
	r.Holds = func(r Rule, v View) []Finding {
		if found := bad(r, v); found != nil {
			return found
		}
		row, ok := v.Known(Token)
		until := parseTime(row.Attrs[AttrUntil])
		if !ok || until.IsZero() {
			return nil
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
		if f.Severity == NoSeverity {
			return nil
		}
		return []Finding{f}
	}
	return r
}
