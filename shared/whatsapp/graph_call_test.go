package whatsapp_test

import (
	"testing"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/whatsapp"
	"github.com/wabawatch/wabawatch/shared/whatsapptest"
)

// TestCallsAreRepeatedOnlyWhereItHelps counts the calls that one failing call makes, and what
// the account is told to wait.
func TestCallsAreRepeatedOnlyWhereItHelps(t *testing.T) {
	for _, tc := range []struct {
		name  string
		spec  whatsapptest.ErrorSpec
		want  quality.PollFailure
		calls int
		wait  time.Duration
	}{
		{"500 with code 3 is a missing capability", whatsapptest.ErrorSpec{Status: 500, Code: 3}, quality.FailForbidden, 1, 0},
		{"100/33 is missing or not ours", whatsapptest.ErrorSpec{Status: 400, Code: 100, Subcode: 33}, quality.FailMissing, 1, 0},
		{"dead token", whatsapptest.ErrorSpec{Status: 400, Code: 190, Subcode: 463}, quality.FailToken, 1, 0},
		{"no permission", whatsapptest.ErrorSpec{Status: 403, Code: 200}, quality.FailForbidden, 1, 0},
		{"transient", whatsapptest.ErrorSpec{Status: 503, Code: 2, Transient: true}, quality.FailTemporary, 3, 0},
		{"unknown error", whatsapptest.ErrorSpec{Status: 500, Code: 1}, quality.FailTemporary, 3, 0},
		{"html", whatsapptest.ErrorSpec{HTML: true}, quality.FailTemporary, 3, 0},
		{"html with status 200", whatsapptest.ErrorSpec{HTML: true, Status: 200}, quality.FailTemporary, 3, 0},
		{"truncated JSON", whatsapptest.ErrorSpec{Raw: `{"data":[{"id":"1","display_phone_number":"1"},{"id`}, quality.FailTemporary, 3, 0},
		{"connection dies mid-body", whatsapptest.ErrorSpec{CutBody: true}, quality.FailTemporary, 3, 0},
		{"throttled", whatsapptest.ErrorSpec{Status: 400, Code: 80008}, quality.FailThrottled, 1, 0},
		{"throttled by the app's limit, though transient", whatsapptest.ErrorSpec{Status: 429, Code: 4, Transient: true}, quality.FailThrottled, 1, 0},
		{"told to wait long", whatsapptest.ErrorSpec{Status: 503, Code: 2, Headers: map[string]string{"Retry-After": "90"}}, quality.FailTemporary, 1, 90 * time.Second},
		{"told to wait shortly", whatsapptest.ErrorSpec{Status: 429, Code: 4, Headers: map[string]string{"Retry-After": "3"}}, quality.FailThrottled, 3, 3 * time.Second},
		{"unknown code, client's fault", whatsapptest.ErrorSpec{Status: 400, Code: 987654}, quality.FailMalformed, 1, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, nil)
			addNumbers(r.meta, 2)
			r.meta.FailNext(10, tc.spec)
			s, err := r.Poll(t.Context(), quality.Numbers, waba)
			p := failure(t, err)
			if p.Failure != tc.want || p.RetryAfter != tc.wait || s.Complete || len(s.Subjects) != 0 {
				t.Errorf("failure %s after %v, %d subjects, want %s after %v", p.Failure, p.RetryAfter, len(s.Subjects), tc.want, tc.wait)
			}
			if r.meta.TotalCalls() != tc.calls || len(r.waits) != tc.calls-1 {
				t.Errorf("%d calls with waits %v, want %d", r.meta.TotalCalls(), r.waits, tc.calls)
			}
			for i, w := range r.waits {
				if least := max(500*time.Millisecond<<i, tc.wait); w != least {
					t.Errorf("wait %d = %v, want %v", i, w, least)
				}
			}
		})
	}
}

func TestCallsRecover(t *testing.T) {
	for name, spec := range map[string]whatsapptest.ErrorSpec{
		"transient": {Status: 503, Code: 2}, "html": {HTML: true}, "cut": {CutBody: true}, "hang": {Hang: true},
	} {
		r := newRig(t, func(c *whatsapp.Config) { c.Timeout = 100 * time.Millisecond })
		addNumbers(r.meta, 2)
		r.meta.FailNext(2, spec)
		s, err := r.Poll(t.Context(), quality.Numbers, waba)
		if err != nil || !s.Complete || len(s.Subjects) != 2 {
			t.Errorf("%s: %d subjects, %v", name, len(s.Subjects), err)
		}
	}
}

// TestThrottledPollSaysWhenToComeBack: the header counts in minutes.
func TestThrottledPollSaysWhenToComeBack(t *testing.T) {
	r := newRig(t, nil)
	r.meta.SetUsage(100, 19)
	r.meta.FailNext(1, whatsapptest.ErrorSpec{Status: 400, Code: 80008, Subcode: 2446079})
	_, err := r.Poll(t.Context(), quality.Numbers, waba)
	p := failure(t, err)
	want := quality.Usage{Percent: 100, RegainAfter: 19 * time.Minute}
	if p.Failure != quality.FailThrottled || p.RetryAfter != 19*time.Minute || p.Usage != want {
		t.Errorf("%+v", p)
	}
}

func TestListBreaksOffBeforeTheAllowanceIsSpent(t *testing.T) {
	r := newRig(t, nil)
	r.meta.PageSize = 2
	addNumbers(r.meta, 6)
	r.meta.SetUsage(96, 0)
	s, err := r.Poll(t.Context(), quality.Numbers, waba)
	if p := failure(t, err); p.Failure != quality.FailThrottled || s.Complete || len(s.Subjects) != 2 || r.meta.TotalCalls() != 1 {
		t.Errorf("%d calls, %d subjects, %v", r.meta.TotalCalls(), len(s.Subjects), err)
	}
	r.meta.SetUsage(94, 0)
	if s, err = r.Poll(t.Context(), quality.Numbers, waba); err != nil || s.Usage.Percent != 94 {
		t.Errorf("at 94 %%: usage %+v, %v", s.Usage, err)
	}
}

// TestSightingIsDatedByMetasClock: the poll begins when its first request does.
func TestSightingIsDatedByMetasClock(t *testing.T) {
	ours := time.Date(2026, 11, 15, 12, 0, 0, 700e6, time.UTC)
	ticks := 0
	r := newRig(t, func(c *whatsapp.Config) {
		c.Now = func() time.Time { ticks++; return ours.Add(time.Duration(ticks) * 100 * time.Millisecond) }
	})
	r.meta.PageSize = 1
	addNumbers(r.meta, 4)
	r.meta.Now = func() time.Time { return ours }
	s, err := r.Poll(t.Context(), quality.Numbers, waba)
	if want := ours.Truncate(time.Second); err != nil || !s.At.Equal(want) {
		t.Errorf("equal clocks: %v, want %v, %v", s.At, want, err)
	}
	r.meta.Now = func() time.Time { return ours.Add(-5 * time.Minute) }
	if s, err = r.Poll(t.Context(), quality.Numbers, waba); err != nil || ours.Sub(s.At) < 4*time.Minute {
		t.Errorf("ours ahead: %v, %v", s.At, err)
	}
	r.meta.Now = func() time.Time { return ours.Add(5 * time.Minute) }
	if s, err = r.Poll(t.Context(), quality.Numbers, waba); err != nil || s.At.Sub(ours) < 4*time.Minute {
		t.Errorf("ours behind: %v, %v", s.At, err)
	}
}
