package whatsapptest_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/whatsapp"
	"github.com/wabawatch/wabawatch/shared/whatsapptest"
)

// inbox is a callback URL that keeps what it got, and answers with the next of statuses, or 200.
type inbox struct {
	*httptest.Server
	mu       sync.Mutex
	bodies   []string
	statuses []int
}

const secret = "0123456789abcdef0123456789abcdef"

func newInbox(t *testing.T, statuses ...int) *inbox {
	in := &inbox{statuses: statuses}
	in.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in.mu.Lock()
		defer in.mu.Unlock()
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, r.URL.Query().Get("hub.challenge"))
			return
		}
		b, _ := io.ReadAll(r.Body)
		if r.Header.Get("X-Hub-Signature-256") != whatsapptest.Sign(secret, b) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		in.bodies = append(in.bodies, string(b))
		if len(in.statuses) > 0 {
			w.WriteHeader(in.statuses[0])
			in.statuses = in.statuses[1:]
		}
	}))
	t.Cleanup(in.Close)
	return in
}

func (in *inbox) got() []string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Clone(in.bodies)
}

func TestBodyGroupsNeighboursOfOneAccountAndTime(t *testing.T) {
	at := time.Unix(1794744000, 0)
	body := whatsapptest.Body(
		whatsapptest.AccountReview("1", "REJECTED", at),
		whatsapptest.AccountUpdate("1", "ACCOUNT_DELETED", at),
		whatsapptest.AccountReview("2", "APPROVED", at),
		whatsapptest.AccountReview("2", "PENDING", time.Time{}),
	)
	var got struct {
		Object string
		Entry  []struct {
			ID      string
			Time    int64
			Changes []struct{ Field string }
		}
	}
	if err := json.Unmarshal(body, &got, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	if got.Object != "whatsapp_business_account" || len(got.Entry) != 3 || len(got.Entry[0].Changes) != 2 || got.Entry[0].Time != 1794744000 || got.Entry[2].Time != 0 {
		t.Errorf("body = %s", body)
	}
}

func TestTemplateIDIsANumberInWebhooks(t *testing.T) {
	tpl := whatsapptest.Template{ID: "1584930276415311", Name: "spring_sale", Language: "pt_BR"}
	body := string(whatsapptest.Body(whatsapptest.TemplatePaused("1", tpl, "FIRST_PAUSE", time.Unix(1, 0))))
	for _, want := range []string{`"message_template_id":1584930276415311`, `"event":"PAUSED"`, `"title":"FIRST_PAUSE"`, `"time":1`} {
		if !strings.Contains(body, want) {
			t.Errorf("body lacks %s: %s", want, body)
		}
	}
}

func TestChangesAreValues(t *testing.T) {
	c := whatsapptest.AccountUpdate("1", "ACCOUNT_VIOLATION", time.Unix(1, 0))
	more := c.With("violation_info", map[string]any{"violation_type": "SCAM"})
	if len(c.Value) != 1 || len(more.Value) != 2 || len(more.With("event", nil).Value) != 1 {
		t.Errorf("With changed its receiver: %v, %v", c, more)
	}
}

func TestSenderSendsSignedAsOftenAsAsked(t *testing.T) {
	in := newInbox(t)
	s := &whatsapptest.Sender{URL: in.URL, AppSecret: secret}
	at := time.Unix(1794744000, 0)
	changes := []whatsapptest.Change{
		whatsapptest.AccountReview("1", "APPROVED", at), whatsapptest.Banned("1", "DISABLE", at, at), whatsapptest.Capability("1", -1, at),
		whatsapptest.Restricted("1", at, at, "RESTRICTED_BIZ_INITIATED_MESSAGING"), whatsapptest.Security("1", "+1 202-555-0101", "PIN_CHANGED", at),
		whatsapptest.PhoneName("1", "+1 202-555-0101", "APPROVED", "Acme", at), whatsapptest.AccountAlert("1", "2", "WARNING", "ACTIVE", "X", at),
		whatsapptest.PhoneQualityUpdate("1", "+1 202-555-0101", "FLAGGED", "TIER_10K", at), whatsapptest.TestButton(at),
		whatsapptest.TemplateCategory("1", whatsapptest.Template{ID: "7"}, "UTILITY", "MARKETING", at),
	}
	if status, err := s.Send(t.Context(), changes...); err != nil || status != 200 || len(in.got()) != 1 {
		t.Errorf("Send = %d, %v, %d bodies", status, err, len(in.got()))
	}
	if status, err := s.SendTwice(t.Context(), changes[0]); err != nil || status != 200 || len(in.got()) != 3 || in.got()[1] != in.got()[2] {
		t.Errorf("SendTwice = %d, %v, %d bodies", status, err, len(in.got()))
	}
	if status, err := s.SendShuffled(t.Context(), rand.New(rand.NewPCG(1, 2)), changes...); err != nil || status != 200 {
		t.Errorf("SendShuffled = %d, %v", status, err)
	}
	var want []string
	for _, c := range changes {
		want = append(want, string(whatsapptest.Body(c)))
	}
	got := in.got()[3:]
	if slices.Equal(got, want) {
		t.Error("shuffled in the original order")
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("shuffled bodies = %q", got)
	}
	if status, err := s.PostSigned(t.Context(), []byte("{}"), ""); err != nil || status != 401 {
		t.Errorf("unsigned = %d, %v", status, err)
	}
	if status, body, err := s.Verify(t.Context(), "vt", "1158201444"); err != nil || status != 200 || body != "1158201444" {
		t.Errorf("Verify = %d %q %v", status, body, err)
	}
}

func TestDeliverRepeatsUntilTaken(t *testing.T) {
	in := newInbox(t, 500, 503)
	s := &whatsapptest.Sender{URL: in.URL, AppSecret: secret}
	if err := s.Deliver(t.Context(), whatsapptest.AccountReview("1", "APPROVED", time.Unix(1, 0))); err != nil || len(in.got()) != 3 {
		t.Errorf("Deliver = %v after %d posts", err, len(in.got()))
	}
}

func TestStateCanBeChangedWhileItIsRead(t *testing.T) {
	m := &whatsapptest.Meta{PageSize: 3}
	story := &whatsapptest.Story{Meta: m}
	story.Stage()
	srv := httptest.NewServer(m)
	defer srv.Close()
	c, err := whatsapp.NewClient(whatsapp.Config{BaseURL: srv.URL, Token: func() string { return "EAAany" }})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, class := range quality.Classes {
				if _, err := c.Poll(t.Context(), class, whatsapptest.StoryWABAID); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			m.UpdateAccount(whatsapptest.StoryWABAID, func(a *whatsapptest.Account) { a.Limit = "TIER_100K" })
			m.SetUsage(1, 0)
			story.Stage()
		})
	}
	wg.Wait()
	m.RemoveTemplate("1407680676729941")
	m.RemoveNumber("106540352242922")
	s, err := c.Poll(t.Context(), quality.Templates, whatsapptest.StoryWABAID)
	if err != nil || len(s.Subjects) != 4 {
		t.Errorf("templates left: %d, %v", len(s.Subjects), err)
	}
	s, err = c.Poll(t.Context(), quality.Numbers, whatsapptest.StoryWABAID)
	if err != nil || len(s.Subjects) != 1 {
		t.Errorf("numbers left: %d, %v", len(s.Subjects), err)
	}
	if n := m.Calls("GET " + whatsapptest.StoryWABAID + "/message_templates"); n < 8 {
		t.Errorf("%d calls counted", n)
	}
	m.RemoveAccount(whatsapptest.StoryWABAID)
	if _, err := c.Poll(t.Context(), quality.Numbers, whatsapptest.StoryWABAID); err == nil {
		t.Error("a removed account answers")
	}
}

func TestStoryIsToldOnceAndLabelled(t *testing.T) {
	in := newInbox(t)
	m := &whatsapptest.Meta{}
	at := time.Unix(1794744000, 0)
	story := &whatsapptest.Story{Meta: m, Sender: &whatsapptest.Sender{URL: in.URL, AppSecret: secret}, Now: func() time.Time { return at }}
	var said []string
	if err := story.Tell(t.Context(), 0, func(s string) { said = append(said, s) }); err != nil {
		t.Fatal(err)
	}
	for _, s := range said {
		if !strings.HasPrefix(s, "simulation: ") {
			t.Errorf("not labelled: %q", s)
		}
	}
	got := strings.Join(in.got(), "\n")
	yellow, red := strings.Index(got, `"new_quality_score":"YELLOW"`), strings.Index(got, `"new_quality_score":"RED"`)
	if paused := strings.Index(got, "FIRST_PAUSE"); yellow < 0 || red < yellow || paused < red || strings.Contains(got, "phone_number") {
		t.Errorf("webhooks = %s", got)
	}
	srv := httptest.NewServer(m)
	defer srv.Close()
	c, err := whatsapp.NewClient(whatsapp.Config{BaseURL: srv.URL, Token: func() string { return "EAAany" }})
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Poll(t.Context(), quality.Templates, whatsapptest.StoryWABAID)
	if err != nil || s.Subjects[3].Values[quality.Status].Value != "PAUSED" || s.Subjects[3].Values[quality.QualityScore].Value != "RED" {
		t.Errorf("template at the end = %+v, %v", s.Subjects[3], err)
	}
	if len(s.Unknown) != 0 {
		t.Errorf("the story has unknown values: %v", s.Unknown)
	}
}

func TestStoryEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	story := &whatsapptest.Story{Meta: &whatsapptest.Meta{}, Sender: &whatsapptest.Sender{}}
	err := story.Tell(ctx, time.Hour, func(string) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Tell = %v", err)
	}
}
