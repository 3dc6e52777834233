package quality

// Rollup is the state of a subject or an account for people, from best to worst.
type Rollup string

// The roll-ups.
const (
	Healthy     Rollup = "healthy"
	NotKnown    Rollup = "unknown"  // never seen, or not polled for 3 intervals
	AtRisk      Rollup = "at_risk"  // a warning
	Degraded    Rollup = "degraded" // something critical
	BlockedHere Rollup = "blocked"  // cannot send
)

func (h Rollup) level() int {
	switch h {
	case NotKnown:
		return 1
	case AtRisk:
		return 2
	case Degraded:
		return 3
	case BlockedHere:
		return 4
	}
	return 0
}

// Worse returns the worse of two roll-ups.
func (h Rollup) Worse(other Rollup) Rollup {
	if other.level() > h.level() {
		return other
	}
	return h
}

// Health rolls up the open incidents of a subject. fresh says that polls have seen it within 3
// of their intervals; without that nothing is healthy.
func (s State) Health(fresh bool) Rollup {
	h := Healthy
	if !fresh {
		h = NotKnown
	}
	for _, inc := range s.Open {
		h = h.Worse(inc.health())
	}
	return h
}

// HealthForAccount is Health as it counts for the account: templates that are rejected or
// disabled are out of use, which is no state of the account, whatever else is wrong with them.
func (s State) HealthForAccount(fresh bool) Rollup {
	if status := s.Cells[Status].Known.Value; s.Subject.Kind == Template && (status == "REJECTED" || status == "DISABLED") {
		return Healthy
	}
	return s.Health(fresh)
}

func (inc Incident) health() Rollup {
	switch {
	case inc.Severity == Critical && (inc.Rule == RuleAccountDisabled || inc.Rule == RuleAccountRestricted || inc.Rule == RuleNumberStatus ||
		inc.Rule == RuleNumberHealth || inc.Rule == RuleAccountHealth):
		return BlockedHere
	case inc.Severity == Critical:
		return Degraded
	case inc.Severity == Warning:
		return AtRisk
	}
	return Healthy
}
