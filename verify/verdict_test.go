//go:build verify

package verify

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/verify/stack"
)

// shownRow is a row of a history as the API shows it.
type shownRow struct {
	Signal, Value, Source string
	At                    time.Time
	NotBefore             *time.Time `json:"not_before"`
}

// checkShown holds what the API shows of a subject, while it is written, against what was sent.
func (r *ordeal) checkShown(of subject, body []byte) {
	var page struct{ Items []shownRow }
	if err := json.Unmarshal(body, &page); err != nil {
		r.t.Errorf("%s: %v", of, err)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, x := range page.Items {
		r.shown++
		if x.Source == "webhook" && !r.sent[shownAs(of, x.Signal, x.Value, x.At.Unix())] {
			r.t.Errorf("%s shows %s=%s at %s, which nobody told", of, x.Signal, x.Value, x.At)
		}
	}
}

// ask reads an answer of the API.
func (r *ordeal) ask(path, query string, into any) {
	r.t.Helper()
	status, answer := r.Get(path, query)
	b, err := json.Marshal(answer)
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if status != http.StatusOK || err != nil {
		r.t.Errorf("GET %s?%s = %d %s, %v", path, query, status, b, err)
	}
}

// signalOf is a signal of a subject.
type signalOf struct {
	subject
	signal quality.Signal
}

// known are the readings that were acknowledged, by signal.
func (r *ordeal) known() map[signalOf][]reading {
	out := map[signalOf][]reading{}
	for _, x := range r.all {
		if !x.known {
			r.t.Errorf("%v is never acknowledged", x.change)
			continue
		}
		for _, one := range x.readings {
			k := signalOf{one.subject, one.signal}
			out[k] = append(out[k], one)
		}
	}
	return out
}

// checkHistories counts the readings that are lost, and the signals of which history, value or incident is not
// what the model says.
func (r *ordeal) checkHistories() (lost, wrong int) {
	for k, readings := range r.known() {
		lost += r.lost(k, readings)
		want := modelled(readings)
		var page struct {
			Items []shownRow
			Next  *string
		}
		r.ask(k.String()+"/history", "limit=1000&signal="+string(k.signal), &page)
		var got []row
		for _, x := range page.Items {
			one := row{value: x.Value, at: x.At.Unix()}
			if x.NotBefore != nil {
				one.notBefore = x.NotBefore.Unix()
			}
			got = append(got, one)
		}
		d := cmp.Diff(want, got, cmp.AllowUnexported(row{}))
		if d == "" {
			d = r.checkNow(k, want[len(want)-1])
		}
		if d != "" {
			wrong++
			r.t.Errorf("%s of %s (-model +API):\n%s", k.signal, k.subject, d)
		}
	}
	return lost, wrong
}

// lost counts the readings of a signal that are not stored.
func (r *ordeal) lost(k signalOf, readings []reading) (n int) {
	s := quality.AccountSubject(k.waba)
	if _, id, ok := strings.Cut(k.path, "/templates/"); ok {
		s = quality.Subject{Kind: quality.Template, WABAID: k.waba, ID: id}
	} else if _, id, ok := strings.Cut(k.path, "/numbers/"); ok {
		s = quality.Subject{Kind: quality.PhoneNumber, WABAID: k.waba, ID: id}
	}
	evidence, err := r.Records.Evidence(r.t.Context(), s, quality.Need{k.signal: time.Time{}})
	if err != nil {
		r.t.Fatal(err)
	}
	stored := map[reading]bool{}
	for _, p := range evidence[k.signal].Points {
		stored[reading{k.subject, k.signal, p.Value, p.At.Unix()}] = true
	}
	for _, x := range readings {
		if !stored[x] {
			n++
			r.t.Errorf("%v was acknowledged and is lost", x)
		}
	}
	return n
}

// checkNow compares the current value of a signal and its incident with the last row of its history.
func (r *ordeal) checkNow(k signalOf, last row) string {
	type incident struct {
		Rule    string
		Subject string `json:"subject_id"`
	}
	var got struct {
		Signals map[quality.Signal]struct {
			Value string
			Since time.Time
		}
		Incidents []incident
	}
	if k.path == "" { // an account shows no signals
		var page struct{ Items []incident }
		r.ask("/v1/incidents", "limit=1000&waba_id="+k.waba, &page)
		got.Incidents = page.Items
	} else {
		r.ask(k.String(), "", &got)
		if now := got.Signals[k.signal]; now.Value != last.value || now.Since.Unix() != last.at {
			return fmt.Sprintf("is %s since %s, with a history that ends in %v", now.Value, now.Since, last)
		}
	}
	bad := slices.Contains(alarming[k.signal].values, last.value)
	open := slices.ContainsFunc(got.Incidents, func(x incident) bool { return x.Rule == rule(k.subject, k.signal) })
	if !alarming[k.signal].lasts && open != bad {
		return fmt.Sprintf("is %s, with incidents %v", last.value, got.Incidents)
	}
	return ""
}

// tally counts what was told.
type tally struct{ alerts, again, bound int }

// checkAlerts holds what SNS accepted against the alerts that are stored.
func (r *ordeal) checkAlerts() tally {
	stored, _, err := r.Records.Alerts(r.t.Context(), "", time.Time{}, time.Time{}, 1_000_000, "")
	if err != nil {
		r.t.Fatal(err)
	}
	out := tally{alerts: len(stored)}
	told := map[string]int{}    // publications by alert
	excused := map[string]int{} // of those, the ones that may have to be repeated
	order := map[string][]int{} // revisions by incident
	about := map[string]bool{}  // rules and subjects
	for i, p := range r.Topics[stack.AlertTopic].Accepted() {
		alerts, err := stack.Message{ID: p.ID, Texts: p.Texts}.Alerts()
		if err != nil {
			r.t.Fatal(err)
		}
		slices.SortFunc(alerts, func(a, b stack.Alert) int { return a.Revision - b.Revision })
		for _, a := range alerts {
			told[a.ID]++
			if p.Lost || r.crashed[i] {
				excused[a.ID]++
			}
			order[a.Incident] = append(order[a.Incident], a.Revision)
			about[a.Rule+" "+a.Subject] = true
		}
	}
	revisions := map[string][]int{}
	exists := map[string]bool{}
	for _, o := range stored {
		a, as := o.Alert, o.Alert.ID
		exists[a.ID] = true
		if o.FoldedInto != "" {
			as = o.FoldedInto
		}
		if told[as] == 0 || o.SentAt.IsZero() || !o.ParkedAt.IsZero() {
			r.t.Errorf("%s %s of %s %s was told %d times, and is marked as told at %s", a.Event, a.Rule, a.SubjectID, a.ID, told[as], o.SentAt)
		}
		if a.IncidentID != nil {
			revisions[*a.IncidentID] = append(revisions[*a.IncidentID], a.Revision)
		}
	}
	for id, n := range told {
		out.again += n - 1
		out.bound += excused[id]
		if !exists[id] || n-1 > excused[id] {
			r.t.Errorf("alert %s was told %d times; %d of them may be repeated (stored: %t)", id, n, excused[id], exists[id])
		}
	}
	for id, all := range revisions {
		slices.Sort(all)
		last := all[len(all)-1]
		if last != len(all) || all[0] != 1 {
			r.t.Errorf("incident %s has the revisions %v", id, all)
		}
		checkOrder(r, id, order[id], last)
	}
	r.checkTold(about)
	return out
}

// checkOrder: the alerts of an incident are first told in their order, and the last is its last word.
func checkOrder(r *ordeal, incident string, told []int, last int) {
	newest := 0
	for i, n := range told {
		if n < newest && !slices.Contains(told[:i], n) {
			r.t.Errorf("of incident %s came %v", incident, told)
		}
		newest = max(newest, n)
	}
	if len(told) == 0 || told[len(told)-1] != last {
		r.t.Errorf("of incident %s came %v, and the last word should be %d", incident, told, last)
	}
}

// checkTold: whatever was ever wrong was told of.
func (r *ordeal) checkTold(about map[string]bool) {
	for k, readings := range r.known() {
		id := k.path[strings.LastIndex(k.path, "/")+1:]
		if id == "" {
			id = k.waba
		}
		bad := slices.ContainsFunc(modelled(readings), func(x row) bool { return slices.Contains(alarming[k.signal].values, x.value) })
		if what := rule(k.subject, k.signal) + " " + id; bad && !about[what] {
			r.t.Errorf("nobody was told of %s", what)
		}
	}
	if what := quality.RuleNumberQuality + " 12025550101"; !about[what] {
		r.t.Errorf("nobody was told of %s", what)
	}
}

// checkNames holds the history of the polled number against the names it had: those that are in it came in
// their order, none is said to have begun before it did or after it was over, and until when the one before
// lasted is no later than it did.
func (r *ordeal) checkNames() {
	var page struct{ Items []shownRow }
	r.ask("/v1/accounts/"+waba+"/numbers/12025550101/history", "limit=1000&signal=verified_name", &page)
	before := -1
	until := func(i int) int64 { // when the i-th name was over
		if i+1 < len(r.names) {
			return r.names[i+1].at.Unix()
		}
		return time.Now().Unix()
	}
	for i, x := range page.Items {
		now := slices.IndexFunc(r.names, func(n named) bool { return n.name == x.Value })
		honest := now > before && x.At.Unix() >= r.names[now].at.Unix() && x.At.Unix() <= until(now)
		if i > 0 {
			honest = honest && x.NotBefore != nil && !x.NotBefore.Before(page.Items[i-1].At) && x.NotBefore.Unix() <= until(before)
		}
		if !honest {
			r.t.Errorf("row %d is %+v; the names were %v", i, x, r.names)
		}
		before = now
	}
	if before != len(r.names)-1 || len(page.Items) < 2 {
		r.t.Errorf("the history of the name is %+v; the names were %v", page.Items, r.names)
	}
}
