//go:build verify

package verify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/whatsapptest"
)

// The model says what a set of webhooks comes to, in as few words as that can be said. It shares
// nothing with what it is compared to but the names of signals.

// subject is something that is watched, by its address in the API.
type subject struct{ waba, path string }

func (s subject) String() string { return "/v1/accounts/" + s.waba + s.path }

// reading is what one webhook says of one signal.
type reading struct {
	subject subject
	signal  quality.Signal
	value   string
	at      int64
}

// row is one line of a history: since at the value is so, and until notBefore it was known to be the one
// before.
type row struct {
	value         string
	at, notBefore int64 // seconds; notBefore is 0 for the first
}

// worst orders the values that one second may have; the last is in force.
var worst = map[string]int{
	"UNKNOWN": 0, "APPROVED": 1, "PENDING": 1, "DEFERRED": 1, "GREEN": 1, "NO": 1,
	"PAUSED": 3, "REJECTED": 3, "YELLOW": 3, "YES": 3, "DISABLED": 4, "RED": 4,
}

// modelled sorts readings of one signal and leaves out what repeats what is so already.
func modelled(readings []reading) []row {
	sorted := slices.SortedFunc(slices.Values(readings), func(a, b reading) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(worst[a.value], worst[b.value]), cmp.Compare(a.value, b.value))
	})
	var rows []row
	var last int64
	for i, r := range sorted {
		if i+1 < len(sorted) && sorted[i+1].at == r.at {
			continue
		}
		if n := len(rows); n == 0 || rows[n-1].value != r.value {
			rows = append(rows, row{r.value, r.at, last})
		}
		last = r.at
	}
	return rows
}

// alarming are the values that open an incident, by signal of numbers, templates and accounts, and the
// rule that does.
var alarming = map[quality.Signal]struct {
	rule   string
	values []string
	lasts  bool // an hour longer than its value
}{
	quality.Status:       {quality.RuleTemplateStatus, []string{"PAUSED", "REJECTED", "DISABLED"}, false},
	quality.QualityScore: {quality.RuleTemplateQuality, []string{"YELLOW", "RED"}, true},
	quality.NameDecision: {quality.RuleNumberName, []string{"REJECTED"}, false},
	quality.ReviewStatus: {quality.RuleAccountReview, []string{"REJECTED"}, false},
	quality.Flagged:      {"", []string{"YES"}, false}, // a rule for templates, and one for numbers
}

// rule is the rule that a signal of a subject may break.
func rule(s subject, sig quality.Signal) string {
	switch {
	case sig != quality.Flagged:
		return alarming[sig].rule
	case strings.HasPrefix(s.path, "/numbers"):
		return quality.RuleNumberFlagged
	}
	return quality.RuleTemplateFlagged
}

// telling is a webhook's change and the readings in it.
type telling struct {
	change   whatsapptest.Change
	readings []reading
	known    bool // it was acknowledged
}

// templates and numbers are how many of them each account of a story has.
const (
	storyTemplates = 8
	storyNumbers   = 2
)

// newTelling invents the n-th change of some accounts. Time goes on by half a second each and some come late, all
// at one of few seconds, so that some are the same.
func newTelling(n int, pick func(int) int, wabas []string, began time.Time) *telling {
	w := pick(len(wabas))
	waba := wabas[w]
	at := began.Add(-6*time.Hour + time.Duration(n)*time.Second/2)
	if pick(5) == 0 {
		at = at.Add(-time.Duration(pick(600)) * time.Second)
	}
	at = at.Truncate(20 * time.Second)
	out := &telling{}
	says := func(path string, sig quality.Signal, value string) {
		out.readings = append(out.readings, reading{subject{waba, path}, sig, value, at.Unix()})
	}
	one := func(values ...string) string { return values[pick(len(values))] }
	number := fmt.Sprintf("1202555%02d%02d", w, pick(storyNumbers))
	id := fmt.Sprintf("90071992547409%02d%02d", w, pick(storyTemplates))
	tpl := whatsapptest.Template{ID: id, Name: "autumn_sale_" + id, Language: "en_US"}
	switch pick(10) {
	case 0, 1, 2, 3:
		event := one("APPROVED", "PENDING", "PAUSED", "REJECTED", "DISABLED", "FLAGGED")
		out.change = whatsapptest.TemplateStatus(waba, tpl, event, at)
		if event == "FLAGGED" {
			says("/templates/"+id, quality.Flagged, "YES")
			break
		}
		says("/templates/"+id, quality.Status, event)
		if event == "APPROVED" {
			says("/templates/"+id, quality.Flagged, "NO")
		}
	case 4, 5, 6:
		score := one("GREEN", "YELLOW", "RED", "UNKNOWN")
		out.change = whatsapptest.TemplateQuality(waba, tpl, "UNKNOWN", score, at)
		says("/templates/"+id, quality.QualityScore, score)
	case 7:
		flagged := pick(2) == 0
		event, value := "UNFLAGGED", "NO"
		if flagged {
			event, value = "FLAGGED", "YES"
		}
		out.change = whatsapptest.PhoneQualityUpdate(waba, number, event, "", at)
		says("/numbers/"+number, quality.Flagged, value)
	case 8:
		decision := one("APPROVED", "PENDING", "DEFERRED", "REJECTED")
		out.change = whatsapptest.PhoneName(waba, number, decision, "Example Ltd", at)
		says("/numbers/"+number, quality.NameDecision, decision)
	default:
		decision := one("APPROVED", "PENDING", "REJECTED")
		out.change = whatsapptest.AccountReview(waba, decision, at)
		says("", quality.ReviewStatus, decision)
	}
	return out
}
