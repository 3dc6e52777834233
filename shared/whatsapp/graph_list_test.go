package whatsapp_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/whatsapp"
	"github.com/wabawatch/wabawatch/shared/whatsapptest"
)

func TestLastPageHasCursorsAndIsTheLast(t *testing.T) {
	r := newRig(t, nil)
	r.meta.PageSize = 2
	addNumbers(r.meta, 4)
	s, err := r.Poll(t.Context(), quality.Numbers, waba)
	if err != nil || len(s.Subjects) != 4 {
		t.Errorf("%d subjects, %v", len(s.Subjects), err)
	}
	if n := r.meta.TotalCalls(); n != 2 {
		t.Errorf("%d calls for two pages", n)
	}
}

// TestCursorOfNextAlone: only the cursor is taken from it, never its host or its token.
func TestCursorOfNextAlone(t *testing.T) {
	r := serve(t, func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Query().Get("access_token") != "" {
			t.Error("the token of next was sent")
		}
		if req.URL.Query().Get("after") == "c1" {
			fmt.Fprint(w, `{"data":[{"id":"2","display_phone_number":"2"}]}`)
			return
		}
		fmt.Fprint(w, `{"data":[{"id":"1","display_phone_number":"1"}],"paging":{"next":"http://169.254.169.254/x?access_token=t&after=c1"}}`)
	})
	s, err := r.Poll(t.Context(), quality.Numbers, waba)
	if err != nil || len(s.Subjects) != 2 || !s.Complete {
		t.Errorf("%d subjects, %v", len(s.Subjects), err)
	}
}

func TestCursorLoopBreaksOff(t *testing.T) {
	for name, cursors := range map[string][]string{
		"to itself":   {"a", "a", "a", "a"},
		"in a circle": {"a", "b", "a", "b"},
		"no cursor":   {"a", ""},
	} {
		calls := 0
		r := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			after := cursors[calls%len(cursors)]
			calls++
			fmt.Fprintf(w, `{"data":[{"id":"%d","display_phone_number":"%d"}],"paging":{"next":"https://x","cursors":{"after":%q}}}`, calls, calls, after)
		})
		s, err := r.Poll(t.Context(), quality.Numbers, waba)
		if p := failure(t, err); p.Failure != quality.FailMalformed {
			t.Errorf("%s: %v", name, err)
		}
		if s.Complete || len(s.Subjects) == 0 || calls > 4 {
			t.Errorf("%s: complete %t, %d subjects, %d calls", name, s.Complete, len(s.Subjects), calls)
		}
	}
}

func TestEndlessListMeetsThePageCap(t *testing.T) {
	calls := 0
	r := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		calls++
		fmt.Fprintf(w, `{"data":[],"paging":{"next":"https://x","cursors":{"after":"c%d"}}}`, calls)
	})
	s, err := r.Poll(t.Context(), quality.Numbers, waba)
	if p := failure(t, err); p.Failure != quality.FailMalformed || calls != 1000 || s.Complete {
		t.Errorf("%d calls, %v", calls, err)
	}
}

func TestStaleCursorStartsTheListAgainOnce(t *testing.T) {
	for _, tc := range []struct{ times, calls, subjects int }{{1, 5, 5}, {2, 4, 4}} {
		r := newRig(t, nil)
		r.meta.PageSize = 2
		addNumbers(r.meta, 5)
		// The second page is refused; the pages before it must not count twice.
		n := 0
		stale := whatsapptest.ErrorSpec{Status: 400, Code: 131059, Message: "(#131059) Invalid pagination cursor"}
		proxy := serve(t, func(w http.ResponseWriter, req *http.Request) {
			if req.URL.Query().Get("after") != "" && n < tc.times {
				n++
				r.meta.FailNext(1, stale)
			}
			r.meta.ServeHTTP(w, req)
		})
		s, err := proxy.Poll(t.Context(), quality.Numbers, waba)
		if tc.times == 1 && (err != nil || len(s.Subjects) != 5 || !s.Complete) {
			t.Errorf("stale once: %d subjects, %v", len(s.Subjects), err)
		}
		if tc.times == 2 {
			if p := failure(t, err); p.Failure != quality.FailTemporary || s.Complete || len(s.Subjects) != 2 {
				t.Errorf("stale twice: %d subjects, %v", len(s.Subjects), err)
			}
		}
		if got := r.meta.TotalCalls(); got != tc.calls {
			t.Errorf("stale %d times: %d calls, want %d", tc.times, got, tc.calls)
		}
	}
}

func TestLaterPageFailsForGood(t *testing.T) {
	r := newRig(t, nil)
	r.meta.PageSize = 2
	addNumbers(r.meta, 5)
	proxy := serve(t, func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Query().Get("after") != "" {
			r.meta.FailNext(1, whatsapptest.ErrorSpec{Status: 503, Code: 2})
		}
		r.meta.ServeHTTP(w, req)
	})
	s, err := proxy.Poll(t.Context(), quality.Numbers, waba)
	if p := failure(t, err); p.Failure != quality.FailTemporary || s.Complete || len(s.Subjects) != 2 {
		t.Errorf("complete %t, %d subjects, %v", s.Complete, len(s.Subjects), err)
	}
	if r.meta.TotalCalls() != 4 || len(proxy.waits) != 2 {
		t.Errorf("%d calls, waits %v", r.meta.TotalCalls(), proxy.waits)
	}
}

func TestUnknownFieldIsDroppedAloneAndRemembered(t *testing.T) {
	now := time.Date(2026, 11, 15, 12, 0, 0, 0, time.UTC)
	r := newRig(t, func(c *whatsapp.Config) { c.Now = func() time.Time { return now } })
	r.meta.Now = func() time.Time { return now }
	addNumbers(r.meta, 1)
	r.meta.RefuseField("name_status", false)
	r.meta.RefuseField("quality_rating", false)
	poll := func(calls int, without ...quality.Signal) {
		t.Helper()
		before := r.meta.TotalCalls()
		s, err := r.Poll(t.Context(), quality.Numbers, waba)
		if err != nil || !s.Complete {
			t.Fatalf("Poll = %v", err)
		}
		if got := r.meta.TotalCalls() - before; got != calls {
			t.Errorf("%d calls, want %d", got, calls)
		}
		if d := cmp.Diff(without, s.Without); d != "" {
			t.Errorf("without (-want +got):\n%s", d)
		}
		var told, want []string
		for _, n := range s.Unknown {
			told = append(told, n.Kind)
		}
		for _, sig := range without { // rules read both of them
			want = append(want, "refused:phone_number."+string(sig))
		}
		if d := cmp.Diff(want, told); d != "" {
			t.Errorf("unknown (-want +got):\n%s", d)
		}
		see := s.Subjects[0]
		for _, sig := range without {
			if _, ok := see.Values[sig]; ok {
				t.Errorf("%s has a value although it was not asked for", sig)
			}
		}
		if see.Values[quality.Status].Value != "CONNECTED" {
			t.Errorf("status = %v", see.Values[quality.Status])
		}
	}
	poll(3, quality.NameStatus, quality.QualityRating)
	poll(1, quality.NameStatus, quality.QualityRating)
	r.meta.RefuseField("name_status", true)
	r.meta.RefuseField("quality_rating", true)
	now = now.Add(23 * time.Hour)
	poll(1, quality.NameStatus, quality.QualityRating)
	now = now.Add(2 * time.Hour)
	poll(1)
}

func TestFieldThatNamesTheSubjectIsNotDropped(t *testing.T) {
	r := newRig(t, nil)
	addNumbers(r.meta, 1)
	r.meta.RefuseField("display_phone_number", false)
	_, err := r.Poll(t.Context(), quality.Numbers, waba)
	if p := failure(t, err); p.Failure != quality.FailMalformed || r.meta.TotalCalls() != 1 {
		t.Errorf("%d calls, %v", r.meta.TotalCalls(), err)
	}
}

func TestAnswersThatAreNoLists(t *testing.T) {
	for body, want := range map[string]quality.PollFailure{
		`{}`:                               quality.FailMalformed, // no list is not an empty list
		`{"data":{}}`:                      quality.FailMalformed,
		`{"success":true}`:                 quality.FailMalformed,
		`[]`:                               quality.FailMalformed,
		`"ok"`:                             quality.FailMalformed,
		`null`:                             quality.FailMalformed,
		``:                                 quality.FailTemporary,
		`{"data":[{"id":"1"`:               quality.FailTemporary,
		`{"data":[]`:                       quality.FailTemporary,
		`{"data":[],}`:                     quality.FailTemporary,
		`<html></html>`:                    quality.FailTemporary,
		`{"error":{"code":190}}`:           quality.FailToken,
		`{"error":{"message":"x"}}`:        quality.FailMalformed,
		`{"data":[],"error":{"code":4}}`:   quality.FailThrottled,
		`{"data":[],"paging":{"next":{}}}`: quality.FailMalformed,
	} {
		r := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
		s, err := r.Poll(t.Context(), quality.Numbers, waba)
		if p := failure(t, err); p.Failure != want || s.Complete || len(s.Subjects) != 0 {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
		if retried := len(r.waits) == 2; retried != (want == quality.FailTemporary) {
			t.Errorf("%s: waits %v", body, r.waits)
		}
	}
}

func TestBodyThatNeverEndsIsCut(t *testing.T) {
	var sent atomic.Int64
	r := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		chunk := []byte(`{"id":"1","display_phone_number":"1","verified_name":"` + strings.Repeat("x", 1<<16) + `"},`)
		n, err := w.Write([]byte(`{"data":[`))
		for err == nil {
			sent.Add(int64(n))
			n, err = w.Write(chunk)
		}
	})
	s, err := r.Poll(t.Context(), quality.Numbers, waba)
	if p := failure(t, err); p.Failure != quality.FailMalformed || len(s.Subjects) != 0 || !strings.Contains(err.Error(), "16 MB") {
		t.Errorf("%d subjects, %v", len(s.Subjects), err)
	}
	if sent.Load() > 64<<20 {
		t.Errorf("%d bytes read", sent.Load())
	}
}

// TestManyTemplatesNeedLittleMemory: 6,000 templates with all they could carry.
func TestManyTemplatesNeedLittleMemory(t *testing.T) {
	filler := strings.Repeat("a", 2000)
	var after, before runtime.MemStats
	r := serve(t, func(w http.ResponseWriter, req *http.Request) {
		var n int
		fmt.Sscanf(req.URL.Query().Get("after"), "p%d", &n)
		var rows []string
		for i := range 100 {
			rows = append(rows, fmt.Sprintf(`{"id":"%d","name":"t%d","status":"APPROVED","category":"UTILITY","quality_score":{"score":"GREEN","x":"%s"}}`, n*100+i+1, i, filler))
		}
		next := ""
		if n < 59 {
			next = `,"next":"x"`
		}
		fmt.Fprintf(w, `{"data":[%s],"paging":{"cursors":{"after":"p%d"}%s}}`, strings.Join(rows, ","), n+1, next)
	})
	runtime.GC()
	runtime.ReadMemStats(&before)
	s, err := r.Poll(t.Context(), quality.Templates, waba)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if err != nil || len(s.Subjects) != 6000 {
		t.Fatalf("%d subjects, %v", len(s.Subjects), err)
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 40<<20 {
		t.Errorf("the sighting holds %d MB", grown>>20)
	}
	runtime.KeepAlive(s)
}

func TestDiscoverListsOwnedAndSharedAccounts(t *testing.T) {
	r := newRig(t, nil)
	r.meta.PageSize = 1
	for _, a := range []whatsapptest.Account{{ID: "118273645546399"}, {ID: "118273645546401", Shared: true}, {ID: "5", Shared: true}} {
		a.PortfolioID = portfolio
		r.meta.SetAccount(a)
	}
	got, err := r.Discover(t.Context(), portfolio)
	if d := cmp.Diff([]string{"118273645546372", "118273645546399", "118273645546401", "5"}, got); err != nil || d != "" {
		t.Errorf("Discover = %v (-want +got):\n%s", err, d)
	}
	r.meta.FailNext(1, whatsapptest.ErrorSpec{Path: "client_", Status: 403, Code: 200})
	if got, err := r.Discover(t.Context(), portfolio); failure(t, err).Failure != quality.FailForbidden || len(got) != 2 {
		t.Errorf("without permission: %v, %v", got, err)
	}
}

// TestDiscoverKeepsWhatItCouldList: a token that may not list shared accounts still finds its own.
func TestDiscoverKeepsWhatItCouldList(t *testing.T) {
	for _, refused := range []string{"owned", "client"} {
		r := serve(t, func(w http.ResponseWriter, req *http.Request) {
			if strings.Contains(req.URL.Path, refused+"_whatsapp") {
				w.WriteHeader(http.StatusForbidden)
				fmt.Fprint(w, `{"error":{"message":"(#200) Requires business_management permission","code":200}}`)
				return
			}
			fmt.Fprintf(w, `{"data":[{"id":%q}]}`, waba)
		})
		got, err := r.Discover(t.Context(), portfolio)
		if failure(t, err).Failure != quality.FailForbidden || !slices.Equal(got, []string{waba}) {
			t.Errorf("%s refused: Discover = %v, %v", refused, got, err)
		}
	}
}

func TestDiscoverReadsMetasPages(t *testing.T) {
	r := serve(t, fixture(t, "business.owned_wabas.page1.json", "business.owned_wabas.page2_last.json", "business.client_wabas.json"))
	got, err := r.Discover(t.Context(), portfolio)
	if err != nil || !slices.Equal(got, []string{"118273645546372", "118273645546399", "118273645546401"}) {
		t.Errorf("Discover = %v, %v", got, err)
	}
}

func TestNumberExists(t *testing.T) {
	r := newRig(t, nil)
	addNumbers(r.meta, 1)
	for _, tc := range []struct {
		name   string
		id     string
		spec   *whatsapptest.ErrorSpec
		exists bool
		fails  bool
	}{
		{"it does", "204857390112300", nil, true, false},
		{"100/33 may mean gone", "999", nil, false, false},
		{"33 is a deleted number", "204857390112300", &whatsapptest.ErrorSpec{Status: 400, Code: 33}, false, false},
		{"803 is not found", "204857390112300", &whatsapptest.ErrorSpec{Status: 404, Code: 803}, false, false},
		{"a lost permission proves nothing", "204857390112300", &whatsapptest.ErrorSpec{Status: 403, Code: 10}, false, true},
		{"an outage proves nothing", "204857390112300", &whatsapptest.ErrorSpec{Status: 503, Code: 2}, false, true},
		{"another node proves nothing", "204857390112300", &whatsapptest.ErrorSpec{Raw: `{"id":"7"}`}, false, true},
	} {
		if tc.spec != nil {
			r.meta.FailNext(3, *tc.spec)
		}
		exists, err := r.NumberExists(t.Context(), tc.id)
		if exists != tc.exists || (err != nil) != tc.fails {
			t.Errorf("%s: %t, %v", tc.name, exists, err)
		}
		for r.meta.TotalCalls() > 0 { // use up what was not needed
			if exists, _ := r.NumberExists(t.Context(), "204857390112300"); exists {
				break
			}
		}
	}
}

func TestSubscribe(t *testing.T) {
	r := newRig(t, nil)
	r.meta.UpdateAccount(waba, func(a *whatsapptest.Account) { a.Unsubscribed = true })
	if apps, err := r.SubscribedApps(t.Context(), waba); err != nil || len(apps) != 0 {
		t.Errorf("SubscribedApps = %v, %v", apps, err)
	}
	if err := r.Subscribe(t.Context(), waba); err != nil {
		t.Error(err)
	}
	apps, err := r.SubscribedApps(t.Context(), waba)
	if d := cmp.Diff([]whatsapp.App{{ID: "774411223300991", Name: "wabawatch"}}, apps); err != nil || d != "" {
		t.Errorf("SubscribedApps = %v (-want +got):\n%s", err, d)
	}
	r.meta.UpdateAccount(waba, func(a *whatsapptest.Account) { a.SubscribeFails = true })
	if err := r.Subscribe(t.Context(), waba); err == nil {
		t.Error("success:false passes for success")
	}
}

func TestName(t *testing.T) {
	r := newRig(t, nil)
	if name, err := r.Name(t.Context(), waba); err != nil || name != "Acme WABA" {
		t.Errorf("Name = %q, %v", name, err)
	}
	_, err := r.Name(t.Context(), "1")
	if p := failure(t, err); p.Failure != quality.FailMissing {
		t.Errorf("Name of nobody = %v", err)
	}
}

func TestPollEndsWithItsContext(t *testing.T) {
	r := newRig(t, nil)
	r.meta.FailNext(10, whatsapptest.ErrorSpec{Hang: true})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := r.Poll(ctx, quality.Numbers, waba)
	if p := failure(t, err); p.Failure != quality.FailTemporary || !errors.Is(err, context.DeadlineExceeded) || len(r.waits) != 0 {
		t.Errorf("Poll = %v, waits %v", err, r.waits)
	}
}
