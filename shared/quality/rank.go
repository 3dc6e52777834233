package quality

// Rank orders the values of a signal by how bad they are for the customer: 0 no reading, 1
// healthy, 2 not known to this version, 3 what a rule calls a warning, 4 what it calls critical.
func Rank(k Kind, s Signal, value string) int {
	if !Known(value) {
		return 0
	}
	switch severityOf(k, s, value) {
	case Critical:
		return 4
	case Warning:
		return 3
	case unseen:
		return 2
	}
	return 1
}

// unseen is the severity of a value that the tables of a closed signal do not name.
const unseen Severity = "unseen"
