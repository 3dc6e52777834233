package quality

import (
	"fmt"
	"testing"
	"time"
)

// TestStateForgetsWhatIsLongOver: an alert about each of many numbers, year after year.
func TestStateForgetsWhatIsLongOver(t *testing.T) {
	account := State{Subject: AccountSubject("1")}
	var now time.Time
	for i := range 600 {
		now = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC).Add(time.Duration(i) * 6 * time.Hour)
		p := Point{Subject: account.Subject, Signal: AlertOf("PHONE_NUMBER", fmt.Sprint(i), "OBA_REJECTED"), Value: "ACTIVE", At: now, Track: Told, Attrs: map[string]string{AttrSeverity: "WARNING"}}
		ch, need := DefaultRules.Apply(Input{State: account, Points: []Point{p}, Now: now})
		if need != nil {
			t.Fatal(need)
		}
		account = ch.State
	}
	const open, young = 7 * 4, 4 // of 7 days, and of the day until a copy is no redelivery
	if n := len(account.Cells); n < open+young || n > open+young+maxOver+1 {
		t.Errorf("%d signals are remembered", n)
	}
	for _, inc := range account.Open {
		if _, ok := account.Cells[inc.Signal]; !ok {
			t.Errorf("the signal of open incident %s is forgotten", inc.Key)
		}
	}
	if len(account.Open) < open {
		t.Errorf("%d incidents are open, want those of 7 days", len(account.Open))
	}
}
