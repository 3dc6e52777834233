package api_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wabawatch/wabawatch/shared/api"
	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/store"
	"github.com/wabawatch/wabawatch/shared/store/bolt"
	"github.com/wabawatch/wabawatch/shared/watch"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

const (
	full    = "full-token-0123456789"
	limited = "limited-token-012345"
)

// serve stores a few readings and serves them.
func serve(t *testing.T, readings ...quality.Point) http.Handler {
	t.Helper()
	now := func() time.Time { return noon.Add(time.Hour + 120*time.Millisecond) }
	table, err := bolt.Open(filepath.Join(t.TempDir(), "api.db"), bolt.WithClock(now), bolt.WithoutSync())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = table.Close() })
	records := store.New(table, 0, now)
	w := &watch.Watcher{Store: records, Rules: quality.DefaultRules, Now: now, Log: slog.New(slog.DiscardHandler)}
	for _, p := range readings {
		p.Track = quality.Told
		d := quality.Delivery{WABAIDs: []string{p.Subject.WABAID}, Readings: []quality.Reading{{Point: p, Name: "name " + p.Subject.ID, Receipt: p.Value + p.At.String()}}}
		if err := w.Observe(context.Background(), d); err != nil {
			t.Fatal(err)
		}
	}
	s := &api.Server{
		Reader: records, Tokens: []api.Token{{Token: full}, {Token: limited, WABAIDs: []string{"1"}}},
		Interval: 5 * time.Minute, Polling: true, Now: now, Log: slog.New(slog.DiscardHandler), Version: "test",
		Word: func(a *quality.Alert) { a.Summary, a.Advice = "what "+a.Rule, "do "+a.Rule },
	}
	return s.Handler()
}

func get(t *testing.T, h http.Handler, token, path string) (int, map[string]any) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	var body map[string]any
	if strings.HasPrefix(rec.Header().Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(rec.Body.Bytes(), &body); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	return rec.Code, body
}

func point(kind quality.Kind, waba, id string, sig quality.Signal, value string, minute int) quality.Point {
	return quality.Point{Subject: quality.Subject{Kind: kind, WABAID: waba, ID: id}, Signal: sig, Value: value, At: noon.Add(time.Duration(minute) * time.Minute)}
}

func sample(t *testing.T) http.Handler {
	return serve(t,
		point(quality.Template, "1", "1584930276415311123456", quality.Status, "APPROVED", 0),
		point(quality.Template, "1", "1584930276415311123456", quality.Status, "PAUSED", 10),
		point(quality.Template, "1", "1584930276415311123456", quality.Status, "DISABLED", 20),
		point(quality.Template, "1", "2", quality.Status, "APPROVED", 5),
		point(quality.PhoneNumber, "1", "12025550101", quality.Flagged, quality.Yes, 30),
		point(quality.Template, "2", "9", quality.Status, "PAUSED", 15),
	)
}

func TestNobodyReadsWithoutAToken(t *testing.T) {
	h := sample(t)
	for _, token := range []string{"", "wrong", full + "x", strings.ToUpper(full)} {
		for _, path := range []string{"/v1/accounts", "/v1/accounts/1/numbers", "/v1/alerts", "/v1/nothing"} {
			if code, body := get(t, h, token, path); code != http.StatusUnauthorized || body["items"] != nil {
				t.Errorf("GET %s with token %q = %d %v", path, token, code, body)
			}
		}
	}
	for _, path := range []string{"/healthz", "/"} {
		if code, _ := get(t, h, "", path); code != http.StatusOK {
			t.Errorf("GET %s = %d", path, code)
		}
	}
}

func TestErrors(t *testing.T) {
	h := sample(t)
	for _, tc := range []struct {
		path    string
		code    int
		mention string
	}{
		{"/v1/accounts/77", http.StatusNotFound, "account"},
		{"/v1/accounts/1/templates/404", http.StatusNotFound, "template"},
		{"/v1/accounts/1/numbers/404", http.StatusNotFound, "phone number"},
		{"/v1/nothing", http.StatusNotFound, "route"},
		{"/v1", http.StatusNotFound, "route"},
		{"/v1/alerts?severity=bad", http.StatusBadRequest, "severity"},
		{"/v1/alerts?event=bad", http.StatusBadRequest, "event"},
		{"/v1/alerts?from=yesterday", http.StatusBadRequest, "from"},
		{"/v1/alerts?limit=0", http.StatusBadRequest, "limit"},
		{"/v1/alerts?cursor=%21", http.StatusBadRequest, "cursor"},
		{"/v1/alerts?cursor=AAAA", http.StatusBadRequest, "cursor"},
		{"/v1/alerts?cursor=" + base64.RawURLEncoding.EncodeToString([]byte("templates 2")), http.StatusBadRequest, "cursor"},
		{"/v1/alerts?severity=%zz", http.StatusBadRequest, "severity"},
		{"/v1/alerts?severity=critical;rule=x", http.StatusBadRequest, "severity"},
		{"/v1/alerts?waba_id=abc", http.StatusBadRequest, "waba_id"},
		{"/v1/incidents?waba_id=abc", http.StatusBadRequest, "waba_id"},
		{"/v1/alerts?sevrity=critical", http.StatusBadRequest, "sevrity"},
		{"/v1/accounts/abc", http.StatusBadRequest, "waba"},
		{"/v1/accounts/1/templates/2/history?from=2026-11-21T00:00:00Z&to=2026-11-20T00:00:00Z", http.StatusBadRequest, "to"},
	} {
		code, body := get(t, h, full, tc.path)
		e, _ := body["error"].(map[string]any)
		message, _ := e["message"].(string)
		if code != tc.code || !strings.Contains(message, tc.mention) || e["code"] == "" {
			t.Errorf("GET %s = %d %v, want %d mentioning %q", tc.path, code, body, tc.code, tc.mention)
		}
	}
}

func TestOnlyGETIsAnswered(t *testing.T) {
	h := sample(t)
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		r := httptest.NewRequest(method, "/v1/accounts", nil)
		r.Header.Set("Authorization", "Bearer "+full)
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if rec.Code != http.StatusMethodNotAllowed || rec.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s = %d, Allow %q", method, rec.Code, rec.Header().Get("Allow"))
		}
	}
}

func TestOtherMethodsOfTheCallback(t *testing.T) {
	rec := httptest.NewRecorder()
	sample(t).ServeHTTP(rec, httptest.NewRequest(http.MethodPut, "/webhook", nil))
	if rec.Code != http.StatusMethodNotAllowed || rec.Header().Get("Allow") != "GET, POST" {
		t.Errorf("PUT /webhook = %d, Allow %q", rec.Code, rec.Header().Get("Allow"))
	}
}

func TestTokenLimitedToAccounts(t *testing.T) {
	h := sample(t)
	for _, path := range []string{"/v1/accounts/2", "/v1/accounts/2/templates", "/v1/accounts/2/templates/9", "/v1/accounts/2/templates/9/history"} {
		if code, _ := get(t, h, limited, path); code != http.StatusNotFound {
			t.Errorf("GET %s = %d, want 404", path, code)
		}
	}
	for _, path := range []string{"/v1/accounts", "/v1/alerts", "/v1/alerts?waba_id=2", "/v1/incidents", "/v1/incidents?waba_id=2"} {
		_, body := get(t, h, limited, path)
		for _, it := range body["items"].([]any) {
			if id := it.(map[string]any)["waba_id"]; id != "1" {
				t.Errorf("GET %s shows account %v", path, id)
			}
		}
	}
}

func TestSubject(t *testing.T) {
	h := sample(t)
	code, body := get(t, h, full, "/v1/accounts/1/templates/1584930276415311123456")
	if code != http.StatusOK {
		t.Fatalf("code = %d", code)
	}
	status := body["signals"].(map[string]any)["status"]
	want := map[string]any{
		"value": "DISABLED", "since": "2026-11-20T12:20:00Z", "not_before": "2026-11-20T12:10:00Z", "confirmed_at": "2026-11-20T12:20:00Z", "source": "webhook",
	}
	if d := cmp.Diff(want, status); d != "" {
		t.Errorf("status (-want +got):\n%s", d)
	}
	if n := len(body["incidents"].([]any)); n != 1 {
		t.Errorf("%d incidents, want 1", n)
	}
	_, number := get(t, h, full, "/v1/accounts/1/numbers/%2B1%20202-555-0101")
	if number["id"] != "12025550101" {
		t.Errorf("number = %v", number)
	}
	if id, ok := number["phone_number_id"]; !ok || id != nil {
		t.Errorf("phone_number_id that nobody told = %v, present %v; want null", id, ok)
	}
}

func TestAlertThatWaitsHasNotBeenPublished(t *testing.T) {
	_, body := get(t, sample(t), full, "/v1/alerts?limit=1")
	a := body["items"].([]any)[0].(map[string]any)
	if at, ok := a["published_at"]; !ok || at != nil {
		t.Errorf("published_at = %v, present %v; want null", at, ok)
	}
}

func TestTemplateFilters(t *testing.T) {
	h := sample(t)
	for path, want := range map[string]int{
		"/v1/accounts/1/templates":                 2,
		"/v1/accounts/1/templates?status=APPROVED": 1,
		"/v1/accounts/1/templates?status=PENDING":  0,
		"/v1/accounts/1/templates?name=name%202":   1,
		"/v1/accounts/1/templates?quality=RED":     0,
	} {
		if _, body := get(t, h, full, path); len(body["items"].([]any)) != want {
			t.Errorf("GET %s = %v, want %d items", path, body["items"], want)
		}
	}
}

// walk reads a list page by page.
func walk(t *testing.T, h http.Handler, path string, limit string) []any {
	t.Helper()
	var all []any
	cursor := ""
	for range 50 {
		sep := "?"
		if strings.Contains(path, "?") {
			sep = "&"
		}
		_, body := get(t, h, full, path+sep+"limit="+limit+"&cursor="+url.QueryEscape(cursor))
		all = append(all, body["items"].([]any)...)
		next, ok := body["next"].(string)
		if !ok {
			return all
		}
		cursor = next
	}
	t.Fatalf("%s does not end", path)
	return nil
}

func TestPagesAreTheWhole(t *testing.T) {
	h := sample(t)
	for _, path := range []string{
		"/v1/accounts", "/v1/accounts/1/templates", "/v1/accounts/1/templates/1584930276415311123456/history", "/v1/alerts", "/v1/alerts?waba_id=1", "/v1/incidents",
		"/v1/alerts?severity=critical",
	} {
		whole, parts := walk(t, h, path, "1000"), walk(t, h, path, "1")
		if d := cmp.Diff(whole, parts); d != "" || len(whole) == 0 {
			t.Errorf("%s in pages (-whole +pages):\n%s", path, d)
		}
	}
}

// TestPagesOfOneSubject pages through alerts that all lie in one partition.
func TestPagesOfOneSubject(t *testing.T) {
	var readings []quality.Point
	for i, status := range []string{"PAUSED", "APPROVED", "REJECTED", "APPROVED", "DISABLED", "APPROVED"} {
		readings = append(readings, point(quality.Template, "1", "2", quality.Status, status, i))
	}
	h := serve(t, readings...)
	for _, path := range []string{"/v1/alerts?waba_id=1", "/v1/alerts", "/v1/alerts?subject_id=2"} {
		whole := walk(t, h, path, "1000")
		for _, limit := range []string{"1", "2", "3"} {
			if d := cmp.Diff(whole, walk(t, h, path, limit)); d != "" || len(whole) != 6 {
				t.Errorf("%s by %s (-whole +pages):\n%s", path, limit, d)
			}
		}
	}
}

// endless is a reader of alerts that never end and of which no filter finds one.
type endless struct {
	api.Reader
	calls, read int
}

func (e *endless) Alerts(_ context.Context, _ string, _, _ time.Time, limit int, _ string) ([]watch.Outgoing, string, error) {
	e.calls, e.read = e.calls+1, e.read+limit
	return make([]watch.Outgoing, limit), "2026-11-20T12:00:00.000Z#1", nil
}

// TestRareAlertsDoNotReadForEver: an answer may be short, and then says where to go on.
func TestRareAlertsDoNotReadForEver(t *testing.T) {
	reader := &endless{}
	s := &api.Server{Reader: reader, Tokens: []api.Token{{Token: full}}, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	code, body := get(t, s.Handler(), full, "/v1/alerts?rule=none&limit=1")
	if code != http.StatusOK || len(body["items"].([]any)) != 0 || body["next"] == nil {
		t.Errorf("answer = %d %v, want an empty page that is not the last", code, body)
	}
	if reader.calls > 200 || reader.read > 20_000 {
		t.Errorf("%d calls read %d alerts", reader.calls, reader.read)
	}
}

// crowded is a reader of accounts of which each has more subjects than a page may roll up.
type crowded struct{ api.Reader }

func (crowded) Accounts(context.Context) ([]watch.Account, error) {
	var out []watch.Account
	for id := range 9 {
		out = append(out, watch.Account{WABAID: strconv.Itoa(id)})
	}
	return out, nil
}

func (crowded) Account(_ context.Context, waba string) ([]quality.State, error) {
	return slices.Repeat([]quality.State{{Subject: quality.Subject{Kind: quality.Template, WABAID: waba, ID: "7"}}}, 10_001), nil
}

func (crowded) Schedule(context.Context, string) (watch.Schedule, error) {
	return watch.Schedule{}, nil
}

func (crowded) LastWebhook(context.Context, string) (time.Time, error) { return time.Time{}, nil }

// TestLargeAccountsMakeShortPages: the next page goes on after the last account that was shown.
func TestLargeAccountsMakeShortPages(t *testing.T) {
	s := &api.Server{Reader: crowded{}, Tokens: []api.Token{{Token: full}}, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	if items := walk(t, s.Handler(), "/v1/accounts", "100"); len(items) != 9 {
		t.Errorf("%d accounts, want 9", len(items))
	}
	_, body := get(t, s.Handler(), full, "/v1/accounts")
	if items := body["items"].([]any); len(items) != 4 || body["next"] == nil {
		t.Errorf("a page of %d accounts, next %v; want those of one reading, and more", len(items), body["next"])
	}
}

func TestHistoryBeginsWithTheValueInForce(t *testing.T) {
	h := sample(t)
	path := "/v1/accounts/1/templates/1584930276415311123456/history?signal=status&from=2026-11-20T12:15:00Z"
	_, body := get(t, h, full, path)
	var got []string
	for _, it := range body["items"].([]any) {
		row := it.(map[string]any)
		got = append(got, row["value"].(string)+" "+row["at"].(string))
	}
	want := []string{"PAUSED 2026-11-20T12:10:00Z", "DISABLED 2026-11-20T12:20:00Z"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("history (-want +got):\n%s", d)
	}
}

// unread is a Reader whose history costs too much to read.
type unread struct {
	api.Reader
	t *testing.T
}

func (u unread) Evidence(_ context.Context, s quality.Subject, need quality.Need) (map[quality.Signal]quality.Evidence, error) {
	u.t.Errorf("the history of %s was read: %v", s, need)
	return nil, nil
}

// TestQuietHistoryIsNotRead: of a signal that has not changed since, the state knows all there is.
func TestQuietHistoryIsNotRead(t *testing.T) {
	now := func() time.Time { return noon.Add(time.Hour) }
	table, err := bolt.Open(filepath.Join(t.TempDir(), "api.db"), bolt.WithClock(now), bolt.WithoutSync())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = table.Close() })
	records := store.New(table, 0, now)
	w := &watch.Watcher{Store: records, Rules: quality.DefaultRules, Now: now, Log: slog.New(slog.DiscardHandler)}
	p := point(quality.Template, "1", "7", quality.Status, "APPROVED", 0)
	p.Track = quality.Told
	if err := w.Observe(t.Context(), quality.Delivery{WABAIDs: []string{"1"}, Readings: []quality.Reading{{Point: p, Receipt: "x"}}}); err != nil {
		t.Fatal(err)
	}
	s := &api.Server{Reader: unread{records, t}, Tokens: []api.Token{{Token: full}}, Interval: 5 * time.Minute, Now: now, Log: slog.New(slog.DiscardHandler)}
	_, body := get(t, s.Handler(), full, "/v1/accounts/1/templates/7/history?from=2026-11-20T12:30:00Z")
	items := body["items"].([]any)
	if len(items) != 1 || items[0].(map[string]any)["value"] != "APPROVED" || items[0].(map[string]any)["at"] != "2026-11-20T12:00:00Z" {
		t.Errorf("history = %v, want the value in force", items)
	}
}

func TestAlertsAreNewestFirstAndFiltered(t *testing.T) {
	h := sample(t)
	_, body := get(t, h, full, "/v1/alerts?subject_id=1584930276415311123456")
	var events []string
	for _, it := range body["items"].([]any) {
		events = append(events, it.(map[string]any)["event"].(string))
	}
	if d := cmp.Diff([]string{"escalated", "firing"}, events); d != "" {
		t.Errorf("events (-want +got):\n%s", d)
	}
	for _, it := range body["items"].([]any) {
		if a := it.(map[string]any); a["summary"] != "what template_status" || a["advice"] != "do template_status" {
			t.Errorf("alert %s is not in words: %v", a["event"], a)
		}
	}
}

// frail is a reader that panics, of accounts or of their states.
type frail struct {
	api.Reader
	accounts bool
}

func (f frail) Accounts(context.Context) ([]watch.Account, error) {
	if f.accounts {
		panic("a fault of ours")
	}
	return []watch.Account{{WABAID: "1"}, {WABAID: "2"}}, nil
}

func (frail) Account(context.Context, string) ([]quality.State, error) { panic("a fault of ours") }

func TestAPanicIsAnAnswerAndALogLine(t *testing.T) {
	for _, reader := range []frail{{accounts: true}, {}} {
		var log strings.Builder
		s := &api.Server{Reader: reader, Tokens: []api.Token{{Token: full}}, Now: time.Now, Log: slog.New(slog.NewTextHandler(&log, nil))}
		code, body := get(t, s.Handler(), full, "/v1/accounts")
		if code != http.StatusInternalServerError || body["error"] == nil || !strings.Contains(log.String(), "a fault of ours") {
			t.Errorf("answer %d %v, log %q", code, body, log.String())
		}
	}
}

// numbered is a reader of one account with one number, polled a minute ago.
type numbered struct {
	api.Reader
	presence string    // as polls saw it
	rated    time.Time // when polls could last ask for the rating
}

func (n numbered) Accounts(context.Context) ([]watch.Account, error) {
	return []watch.Account{{WABAID: "1"}}, nil
}

func (n numbered) AccountRecord(context.Context, string) (watch.Account, error) {
	return watch.Account{WABAID: "1"}, nil
}

func (n numbered) Account(context.Context, string) ([]quality.State, error) {
	line := quality.State{Subject: quality.Subject{Kind: quality.PhoneNumber, WABAID: "1", ID: "12025550101"}, Version: 1, Cells: map[quality.Signal]quality.Cell{}}
	for sig, value := range map[quality.Signal]string{quality.Presence: n.presence, quality.QualityRating: quality.Green} {
		row := quality.Row{Value: value, At: noon.Add(-time.Hour), Track: quality.Seen}
		line.Cells[sig] = quality.Cell{Seen: quality.Mark{Value: value, At: row.At}, Current: row, Known: row}
	}
	return []quality.State{line}, nil
}

func (n numbered) Schedule(context.Context, string) (watch.Schedule, error) {
	ago := noon.Add(-time.Minute)
	head := quality.Head{Last: ago, Prev: ago.Add(-5 * time.Minute), Lagging: map[quality.Signal]quality.Lag{quality.QualityRating: {Last: n.rated}}}
	return watch.Schedule{WABAID: "1", Classes: map[quality.Class]watch.ClassSchedule{quality.Numbers: {OKAt: ago, Head: head}}}, nil
}

func (n numbered) LastWebhook(context.Context, string) (time.Time, error) { return time.Time{}, nil }

// TestWhatPollsNoLongerSeeIsNotHealthy: a number that is listed no more, or whose rating Meta refuses, is
// unknown, and so is its account unless the number is out of use.
func TestWhatPollsNoLongerSeeIsNotHealthy(t *testing.T) {
	lately, longAgo := noon.Add(-time.Minute), noon.Add(-time.Hour)
	for _, tc := range []struct {
		name            string
		reader          numbered
		number, account string
	}{
		{"listed and rated", numbered{presence: quality.Present, rated: lately}, "healthy", "healthy"},
		{"listed, its rating refused", numbered{presence: quality.Present, rated: longAgo}, "unknown", "unknown"},
		{"listed, its rating never told", numbered{presence: quality.Present}, "unknown", "unknown"},
		{"missing", numbered{presence: quality.Missing, rated: lately}, "unknown", "unknown"},
		{"gone", numbered{presence: quality.Gone, rated: lately}, "unknown", "healthy"},
	} {
		s := &api.Server{Reader: tc.reader, Tokens: []api.Token{{Token: full}}, Interval: 5 * time.Minute, Polling: true, Now: func() time.Time { return noon }, Log: slog.New(slog.DiscardHandler)}
		for path, want := range map[string]string{"/v1/accounts/1/numbers": tc.number, "/v1/accounts": tc.account} {
			_, body := get(t, s.Handler(), full, path)
			if got := body["items"].([]any)[0].(map[string]any)["health"]; got != want {
				t.Errorf("%s: GET %s: health %v, want %s", tc.name, path, got, want)
			}
		}
	}
}

func TestARestrictionSaysWhetherItIsInForce(t *testing.T) {
	until := func(minute int) quality.Point {
		p := point(quality.Account, "1", "1", quality.Restriction(fmt.Sprint("UNTIL_", minute)), quality.RestrictionActive, 0)
		p.Attrs = map[string]string{quality.AttrUntil: noon.Add(time.Duration(minute) * time.Minute).Format(time.RFC3339)}
		return p
	}
	_, body := get(t, serve(t, until(30), until(90)), full, "/v1/accounts/1") // it is an hour past noon
	signals := body["signals"].(map[string]any)
	for sig, want := range map[string]bool{"restriction.UNTIL_30": false, "restriction.UNTIL_90": true} {
		if got := signals[sig].(map[string]any)["active"]; got != want {
			t.Errorf("%s: active %v, want %v", sig, got, want)
		}
	}
}

func TestTimesOfAlertsAreWholeSeconds(t *testing.T) {
	_, body := get(t, sample(t), full, "/v1/alerts")
	for _, it := range body["items"].([]any) {
		if at := it.(map[string]any)["created_at"].(string); len(at) != len("2026-11-20T12:00:00Z") {
			t.Errorf("created_at %q", at)
		}
	}
}
