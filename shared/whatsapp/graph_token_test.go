package whatsapp_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/whatsapp"
	"github.com/wabawatch/wabawatch/shared/whatsapptest"
)

// tokenOf polls the token and returns what was seen.
func tokenOf(t *testing.T, r *rig) quality.Observed {
	t.Helper()
	s, err := r.Poll(t.Context(), quality.Self, "")
	if err != nil || !s.Complete || s.WABAID != "" || len(s.Subjects) != 1 || s.Subjects[0].Subject != quality.DeploymentSubject() || s.At.IsZero() {
		t.Fatalf("Poll = %+v, %v", s, err)
	}
	o := s.Subjects[0].Values[quality.Token]
	if len(o.Attrs) == 0 {
		o.Attrs = nil
	}
	return o
}

// noEnd is a token without an end, or with one that nobody may ask for.
var noEnd = quality.Observed{Value: "VALID", Attrs: map[string]string{quality.AttrUntil: "none"}}

func TestTokenAsMetaDescribesIt(t *testing.T) {
	for file, want := range map[string]quality.Observed{
		"debug_token.system_user_never_expires.json": noEnd,
		"debug_token.system_user_60_days.json":       {Value: "VALID", Attrs: map[string]string{quality.AttrUntil: "2027-01-14T00:00:00Z"}},
		"debug_token.expired.json": {Value: "INVALID", Attrs: map[string]string{
			quality.AttrUntil: "2026-11-10T00:00:00Z", quality.AttrCodes: "190", quality.AttrReason: "EXPIRED"}},
	} {
		if d := cmp.Diff(want, tokenOf(t, serve(t, fixture(t, file)))); d != "" {
			t.Errorf("%s (-want +got):\n%s", file, d)
		}
	}
}

func TestTokenStates(t *testing.T) {
	forbidden := whatsapptest.ErrorSpec{Path: "debug_token", Status: 400, Code: 100, Message: "(#100) You must provide an app access token"}
	for name, tc := range map[string]struct {
		debug whatsapptest.Debug
		specs []whatsapptest.ErrorSpec
		want  quality.Observed
	}{
		"valid":                      {want: noEnd},
		"messaging only":             {whatsapptest.Debug{Scopes: []string{"whatsapp_business_messaging"}}, nil, quality.Observed{Value: "MISSING_SCOPE", Attrs: map[string]string{quality.AttrScopes: "whatsapp_business_management"}}},
		"no scope at all":            {whatsapptest.Debug{Scopes: []string{}}, nil, quality.Observed{Value: "MISSING_SCOPE", Attrs: map[string]string{quality.AttrScopes: "whatsapp_business_management"}}},
		"management alone is enough": {whatsapptest.Debug{Scopes: []string{"whatsapp_business_management"}}, nil, noEnd},
		"the call itself says it is dead": {specs: []whatsapptest.ErrorSpec{{Status: 400, Code: 190, Subcode: 460}},
			want: quality.Observed{Value: "INVALID", Attrs: map[string]string{quality.AttrCodes: "190", quality.AttrReason: "PASSWORD_CHANGED"}}},
		"it may not ask, but works":   {debug: whatsapptest.Debug{Refused: true}, want: noEnd},
		"no permission to ask, works": {specs: []whatsapptest.ErrorSpec{{Path: "debug_token", Status: 403, Code: 10}}, want: noEnd},
		"it may not ask, and is dead": {specs: []whatsapptest.ErrorSpec{forbidden, {Path: "me", Status: 401, Code: 190, Subcode: 467}},
			want: quality.Observed{Value: "INVALID", Attrs: map[string]string{quality.AttrCodes: "190", quality.AttrReason: "INVALIDATED"}}},
	} {
		r := newRig(t, nil)
		r.meta.Debug = tc.debug
		for _, spec := range tc.specs {
			r.meta.FailNext(1, spec)
		}
		if d := cmp.Diff(tc.want, tokenOf(t, r)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestNoTokenIsAnInvalidOne(t *testing.T) {
	r := newRig(t, func(c *whatsapp.Config) { c.Token = func() string { return "" } })
	if o := tokenOf(t, r); o.Value != "INVALID" || r.meta.TotalCalls() != 0 {
		t.Errorf("token = %+v after %d calls", o, r.meta.TotalCalls())
	}
}

// TestOutageSaysNothingAboutTheToken: only Meta's word makes it invalid.
func TestOutageSaysNothingAboutTheToken(t *testing.T) {
	for _, spec := range []whatsapptest.ErrorSpec{{Status: 503, Code: 2}, {HTML: true}, {Status: 400, Code: 4}, {Raw: `{"data":{"is_valid":"no"}}`}, {Raw: `{"data":[]}`}} {
		r := newRig(t, nil)
		r.meta.FailNext(10, spec)
		s, err := r.Poll(t.Context(), quality.Self, "")
		if err == nil || s.Complete || len(s.Subjects) != 0 {
			t.Errorf("%+v: %+v, %v", spec, s, err)
		}
	}
}

func TestDebugToken(t *testing.T) {
	r := serve(t, fixture(t, "debug_token.system_user_never_expires.json"))
	got, err := r.DebugToken(t.Context())
	want := whatsapp.TokenInfo{
		AppID: "774411223300991", Application: "wabawatch", Type: "SYSTEM_USER", Valid: true, ScopesKnown: true, Code: whatsapp.NoCode,
		Scopes:  []string{"business_management", "whatsapp_business_management", "whatsapp_business_messaging", "public_profile"},
		WABAIDs: []string{"118273645546372", "118273645546399"},
	}
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("DebugToken = %v (-want +got):\n%s", err, d)
	}
	expires := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	rig := newRig(t, nil)
	rig.meta.Debug.ExpiresAt = expires
	if got, err = rig.DebugToken(t.Context()); err != nil || !got.ExpiresAt.Equal(expires) || got.WABAIDs != nil {
		t.Errorf("DebugToken = %+v, %v", got, err)
	}
}
