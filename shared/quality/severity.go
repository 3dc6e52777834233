package quality

// Severity orders how bad something is.
type Severity string

// The severities, and none.
const (
	NoSeverity Severity = ""
	Info       Severity = "info"
	Warning    Severity = "warning"
	Critical   Severity = "critical"
)

// Level is 0 for none, 1 info, 2 warning, 3 critical.
func (s Severity) Level() int {
	switch s {
	case Info:
		return 1
	case Warning:
		return 2
	case Critical:
		return 3
	}
	return 0
}
