package quality

import (
	"testing"
	"time"
)

// TestATokenExpiresFromItsWarningOn, and not since it was first seen.
func TestATokenExpiresFromItsWarningOn(t *testing.T) {
	home := DeploymentSubject()
	expiry := t0.Add(60 * 24 * time.Hour)
	l := newLedger(t, home)
	l.told(t0, fact(home, Token, "VALID", t0, AttrUntil, expiry.Format(time.RFC3339)))
	l.tick(expiry.Add(-tokenWarning))
	l.tick(expiry)
	if len(l.alerts) != 2 {
		t.Fatalf("told %q", l.said())
	}
	for i, want := range []time.Time{expiry.Add(-tokenWarning), expiry} {
		if a := l.alerts[i]; !a.At.Equal(want) || !a.IncidentSince.Equal(expiry.Add(-tokenWarning)) {
			t.Errorf("%s at %s since %s, want %s since %s", a.Event, a.At, a.IncidentSince, want, expiry.Add(-tokenWarning))
		}
	}
}
