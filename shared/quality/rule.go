package quality

import (
	"slices"
	"time"
)

// Rule is a level condition over a subject's current values: it holds or it does not.
type Rule struct {
	ID    string
	Kinds []Kind
	// Reads reports whether the rule looks at a signal.
	Reads func(Signal) bool
	// Holds returns what holds in a view: usually at most one finding, and one per type for
	// restrictions and account alerts.
	Holds func(Rule, View) []Finding
	// For is how long the rule must hold before it fires.
	For time.Duration
	// KeepFiringFor is how long it must not hold before it resolves, or eases.
	KeepFiringFor time.Duration
	// Repeat is the interval of reminders by severity; absent: the default of the severity;
	// negative: never.
	Repeat map[Severity]time.Duration
	// Severity replaces the severity of single values.
	Severity map[string]Severity
	// Once: what has ended stays ended until a webhook repeats what made the rule hold, since what
	// ended it is a level that may go.
	Once bool
	// Cure is the signal that ends it although its own does not change, if one poll is enough for that.
	Cure Signal
	// Notice, if not none, is the severity of a rule that tells one-time facts and never holds.
	Notice Severity
	// Off disables the rule.
	Off bool
	// Since is the ruleset that introduced the rule.
	Since int
}

// Finding is one thing that a rule finds to hold.
type Finding struct {
	// Key tells the findings of one rule apart; "" where there is only one.
	Key      string
	Severity Severity
	Signal   Signal
	Row      Row
	// Until is when it will end by itself; zero if it will not.
	Until time.Time
	// UntilReason is why it will have ended then.
	UntilReason string
	// Again are times at which it is told again, besides the reminders.
	Again []time.Time
	// Announced is what has not begun: no state of today is its end.
	Announced bool
	// Silent findings are told when they begin and end, and not in between.
	Silent bool
}

// severity is what a value means to the rule: what the configuration says, or the default.
func (r Rule) severity(value string, otherwise Severity) Severity {
	if s, ok := r.Severity[value]; ok {
		return s
	}
	if s, ok := r.Severity["*"]; ok && otherwise != NoSeverity {
		return s
	}
	return otherwise
}

// ignores reports whether the configuration says that what an incident is about is nothing to tell.
func (r Rule) ignores(inc *Incident) bool {
	kind, _ := inc.Signal.RestrictionType()
	return slices.ContainsFunc([]string{inc.Value, inc.Attrs[AttrSeverity], kind}, func(value string) bool {
		return value != "" && r.severity(value, Critical) == NoSeverity
	})
}

// repeatInterval is how often an incident that lasts is told again.
var repeatInterval = map[Severity]time.Duration{Critical: 4 * time.Hour, Warning: 24 * time.Hour}

// repeat is the interval of reminders of an incident; 0 or less for never.
func (r Rule) repeat(inc Incident) time.Duration {
	if inc.Silent {
		return 0
	}
	if d, ok := r.Repeat[inc.Severity]; ok {
		return d
	}
	return repeatInterval[inc.Severity]
}

func parseTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
