package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wabawatch/wabawatch/shared/whatsapptest"
)

// TestMain lets the test binary be the program, so that tests can start it and kill it.
func TestMain(m *testing.M) {
	if os.Getenv("WABAWATCH_TEST_BE_MAIN") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

const (
	appSecret   = "test-app-secret-0123456789abcdef"
	verifyToken = "test-verify-token-0123456789"
	apiToken    = "test-api-token-0123456789"
	accessToken = "test-access-token-0123456789"
	waba        = "1182736455"
)

// patience is for what happens at once on a machine that has time.
const patience = 2 * time.Minute

// process is a running wabawatch.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	url   string
	token string // of its API
	mu    sync.Mutex
	out   bytes.Buffer
	logs  bytes.Buffer
	done  chan struct{}
}

// listening is how it says its address: in its log, or in the words of a demonstration.
var listening = regexp.MustCompile(`(?:msg=listening address=|^  wabawatch +http://)(\S+)`)

// start runs "serve" with settings and waits until it listens.
func start(t *testing.T, data, graph string, more ...string) *process {
	t.Helper()
	env := []string{
		"WABAWATCH_APP_SECRETS=" + appSecret, "WABAWATCH_VERIFY_TOKEN=" + verifyToken,
		"WABAWATCH_API_TOKEN=" + apiToken, "WABAWATCH_WABA_IDS=" + waba, "WABAWATCH_POLL_INTERVAL=1s",
	}
	if graph != "" {
		env = append(env, "WABAWATCH_ACCESS_TOKEN="+accessToken, "WABAWATCH_GRAPH_URL="+graph)
	}
	return launch(t, append(env, more...), "--data", data)
}

// launch runs "serve" with settings and flags and waits until it listens.
func launch(t *testing.T, env []string, flags ...string) *process {
	t.Helper()
	p := &process{t: t, token: apiToken, done: make(chan struct{})}
	p.cmd = exec.Command(os.Args[0], append([]string{"serve", "--listen", "127.0.0.1:0"}, flags...)...)
	p.cmd.Env = slices.Concat(os.Environ(), []string{"WABAWATCH_TEST_BE_MAIN=1"}, env)
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	addr := make(chan string, 1)
	var reading sync.WaitGroup
	read := func(from io.Reader, into *bytes.Buffer) {
		lines := bufio.NewScanner(from)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			p.mu.Lock()
			fmt.Fprintln(into, lines.Text())
			p.mu.Unlock()
			if m := listening.FindStringSubmatch(lines.Text()); m != nil {
				addr <- m[1]
			}
		}
	}
	reading.Go(func() { read(stdout, &p.out) })
	reading.Go(func() { read(stderr, &p.logs) })
	go func() {
		reading.Wait()
		_ = p.cmd.Wait()
		close(p.done)
	}()
	select {
	case a := <-addr:
		p.url = "http://" + a
	case <-p.done:
		t.Fatalf("it ended: %s", p.logs.String())
	case <-time.After(patience):
		t.Fatal("it does not listen")
	}
	return p
}

// kill ends the process at once, as a power cut would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.done
}

// interrupt stops it as Ctrl-C does, and waits until it has.
func (p *process) interrupt() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatal("it does not stop")
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		p.t.Errorf("exit code %d: %s", code, p.logs.String())
	}
}

func (p *process) printed() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

func (p *process) sender() *whatsapptest.Sender {
	return &whatsapptest.Sender{URL: p.url + "/webhook", AppSecret: appSecret}
}

// get reads one answer of the API.
func (p *process) get(path string) (int, map[string]any) {
	p.t.Helper()
	req, err := http.NewRequest(http.MethodGet, p.url+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	var body map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		p.t.Fatalf("%s: %v", path, err)
	}
	return resp.StatusCode, body
}

// eventually waits for something that will happen.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("never: %s", what)
}

func value(body map[string]any, signal string) string {
	signals, _ := body["signals"].(map[string]any)
	s, _ := signals[signal].(map[string]any)
	v, _ := s["value"].(string)
	return v
}

var (
	sale   = whatsapptest.Template{ID: "9007199254740993123", Name: "autumn_sale", Language: "en_US", Status: "APPROVED", Category: "MARKETING", Score: "GREEN"}
	number = whatsapptest.Number{ID: "2048573901", Display: "+1 202-555-0101", Name: "Example Ltd", Rating: "GREEN", Status: "CONNECTED"}
)

// simulation is a Graph server with one account, all well.
func simulation(t *testing.T) (*whatsapptest.Meta, string) {
	t.Helper()
	meta := &whatsapptest.Meta{Token: accessToken}
	meta.SetAccount(whatsapptest.Account{ID: waba, Name: "Example", ReviewStatus: "APPROVED", Limit: "TIER_10K"})
	meta.SetNumber(waba, number)
	meta.SetTemplate(waba, sale)
	server := httptest.NewServer(meta)
	t.Cleanup(server.Close)
	return meta, server.URL
}

// TestTheWholeLine is the product in one test: a template is paused by webhook, a number turns
// YELLOW by poll, both are stored, shown and told.
func TestTheWholeLine(t *testing.T) {
	meta, graph := simulation(t)
	p := start(t, filepath.Join(t.TempDir(), "w.db"), graph)
	numberPath, templatePath := "/v1/accounts/"+waba+"/numbers/12025550101", "/v1/accounts/"+waba+"/templates/"+sale.ID
	eventually(t, "the first polls", func() bool {
		_, n := p.get(numberPath)
		_, tpl := p.get(templatePath)
		return value(n, "quality_rating") == "GREEN" && value(tpl, "status") == "APPROVED"
	})
	meta.UpdateTemplate(sale.ID, func(tpl *whatsapptest.Template) { tpl.Status = "PAUSED" })
	at := time.Now() // later than any poll that saw it approved
	if status, err := p.sender().Send(t.Context(), whatsapptest.TemplatePaused(waba, sale, "FIRST_PAUSE", at)); err != nil || status != http.StatusOK {
		t.Fatalf("webhook = %d, %v", status, err)
	}
	if _, tpl := p.get(templatePath); value(tpl, "status") != "PAUSED" {
		t.Errorf("status right after the webhook = %q, want PAUSED", value(tpl, "status"))
	}
	meta.UpdateNumber(number.ID, func(n *whatsapptest.Number) { n.Rating = "YELLOW" })
	eventually(t, "the poll that sees YELLOW", func() bool {
		_, n := p.get(numberPath)
		return value(n, "quality_rating") == "YELLOW"
	})
	eventually(t, "both alerts", func() bool {
		out := p.printed()
		return strings.Contains(out, "autumn_sale") && strings.Contains(out, "YELLOW")
	})
	_, history := p.get(numberPath + "/history?signal=quality_rating")
	if items := history["items"].([]any); len(items) != 2 {
		t.Errorf("history = %v, want GREEN and YELLOW", items)
	}
	_, alerts := p.get("/v1/alerts?event=firing")
	for _, it := range alerts["items"].([]any) {
		a := it.(map[string]any)
		if a["summary"] == "" || a["advice"] == "" || a["schema"] != "wabawatch.alert/1" {
			t.Errorf("alert without words: %v", a)
		}
	}
}

// TestKilledUnderLoad kills the program while webhooks come in, several times, and starts it
// again: everything that was answered with 200 is in state and history, and has its alert.
func TestKilledUnderLoad(t *testing.T) {
	data := filepath.Join(t.TempDir(), "w.db")
	at := time.Now().Add(-time.Hour)
	var mu sync.Mutex
	acknowledged := map[string]bool{}
	const kills = 4
	for round := range kills {
		p := start(t, data, "")
		ctx, cancel := context.WithCancel(t.Context())
		var load sync.WaitGroup
		for worker := range 4 {
			load.Go(func() {
				for i := 0; ctx.Err() == nil && i < 500; i++ {
					tpl := whatsapptest.Template{ID: fmt.Sprintf("%d%d%04d", round+1, worker+1, i), Name: "t", Language: "en_US"}
					status, err := p.sender().Send(ctx, whatsapptest.TemplatePaused(waba, tpl, "FIRST_PAUSE", at))
					if err == nil && status == http.StatusOK {
						mu.Lock()
						acknowledged[tpl.ID] = true
						mu.Unlock()
					}
				}
			})
		}
		eventually(t, "some load", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(acknowledged) > (round+1)*40
		})
		p.kill()
		cancel()
		load.Wait()
	}
	p := start(t, data, "")
	told := map[string]int{}
	for cursor := ""; ; {
		_, page := p.get("/v1/alerts?limit=1000&event=firing&cursor=" + cursor)
		for _, it := range page["items"].([]any) {
			told[it.(map[string]any)["subject_id"].(string)]++
		}
		next, ok := page["next"].(string)
		if !ok {
			break
		}
		cursor = next
	}
	for id := range acknowledged {
		if _, tpl := p.get("/v1/accounts/" + waba + "/templates/" + id); value(tpl, "status") != "PAUSED" {
			t.Errorf("template %s was acknowledged and lost", id)
		}
		if _, h := p.get("/v1/accounts/" + waba + "/templates/" + id + "/history?signal=status"); len(h["items"].([]any)) != 1 {
			t.Errorf("history of %s = %v", id, h["items"])
		}
		if told[id] != 1 {
			t.Errorf("template %s has %d alerts, want 1", id, told[id])
		}
	}
	t.Logf("%d kills, %d acknowledged", kills, len(acknowledged))
}

func TestMissingSecretsAreNamedAllAtOnce(t *testing.T) {
	cmd := exec.Command(os.Args[0], "serve", "--data", filepath.Join(t.TempDir(), "w.db"))
	cmd.Env = []string{"WABAWATCH_TEST_BE_MAIN=1", "PATH=" + os.Getenv("PATH")}
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatal("it started without secrets")
	}
	for _, name := range []string{"WABAWATCH_APP_SECRETS", "WABAWATCH_VERIFY_TOKEN", "WABAWATCH_API_TOKEN"} {
		if !strings.Contains(string(out), name) {
			t.Errorf("output does not name %s:\n%s", name, out)
		}
	}
}

func TestSecondProcessSaysWhoHoldsTheFile(t *testing.T) {
	data := filepath.Join(t.TempDir(), "w.db")
	p := start(t, data, "")
	cmd := exec.Command(os.Args[0], "serve", "--listen", "127.0.0.1:0", "--data", data)
	cmd.Env = p.cmd.Env
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), fmt.Sprint(p.cmd.Process.Pid)) {
		t.Errorf("second process: %v\n%s\nwant the process id %d", err, out, p.cmd.Process.Pid)
	}
}

func TestStopsGracefullyOnInterrupt(t *testing.T) {
	start(t, filepath.Join(t.TempDir(), "w.db"), "").interrupt()
}

// TestBadPosts is the table of what the webhook answers to what it should not get.
func TestBadPosts(t *testing.T) {
	p := start(t, filepath.Join(t.TempDir(), "w.db"), "")
	post := func(body []byte, signature string) int {
		status, err := p.sender().PostSigned(t.Context(), body, signature)
		if err != nil {
			t.Fatal(err)
		}
		return status
	}
	good := whatsapptest.Body(whatsapptest.TemplatePaused(waba, sale, "FIRST_PAUSE", time.Now()))
	for _, tc := range []struct {
		name      string
		body      []byte
		signature string
		want      int
	}{
		{"unsigned", good, "", http.StatusUnauthorized},
		{"signed by somebody else", good, whatsapptest.Sign("another-secret", good), http.StatusUnauthorized},
		{"too large", bytes.Repeat([]byte("x"), 4<<20), whatsapptest.Sign(appSecret, bytes.Repeat([]byte("x"), 4<<20)), http.StatusRequestEntityTooLarge},
		{"not JSON", []byte("hello"), whatsapptest.Sign(appSecret, []byte("hello")), http.StatusOK},
		{"another object", []byte(`{"object":"page","entry":[]}`), whatsapptest.Sign(appSecret, []byte(`{"object":"page","entry":[]}`)), http.StatusOK},
	} {
		if got := post(tc.body, tc.signature); got != tc.want {
			t.Errorf("%s = %d, want %d", tc.name, got, tc.want)
		}
	}
	if code, _ := p.get("/v1/accounts/" + waba + "/templates/" + sale.ID); code != http.StatusNotFound {
		t.Errorf("something of the refused posts was stored: %d", code)
	}
	status, body, err := p.sender().Verify(t.Context(), verifyToken, "1158201444")
	if err != nil || status != http.StatusOK || body != "1158201444" {
		t.Errorf("verification = %d %q, %v", status, body, err)
	}
	if status, _, _ := p.sender().Verify(t.Context(), "wrong", "1158201444"); status != http.StatusForbidden {
		t.Errorf("verification with a wrong token = %d, want 403", status)
	}
}

// bigPost is one body of 1,000 template changes, padded to 3 MB.
func bigPost(at time.Time) []byte {
	changes := make([]whatsapptest.Change, 1000)
	for i := range changes {
		tpl := whatsapptest.Template{ID: fmt.Sprintf("90071992547409931%04d", i), Name: fmt.Sprintf("template_%04d", i), Language: "en_US", Category: "MARKETING"}
		changes[i] = whatsapptest.TemplatePaused(waba, tpl, "FIRST_PAUSE", at).With("padding", strings.Repeat("x", 2700))
	}
	return whatsapptest.Body(changes...)
}

// TestThousandChangesInOnePost takes 3 MB at once, tells them in few messages that name each,
// and takes the same again without writing anything.
func TestThousandChangesInOnePost(t *testing.T) {
	p := start(t, filepath.Join(t.TempDir(), "w.db"), "")
	body := bigPost(time.Now())
	began := time.Now()
	if status, err := p.sender().Post(t.Context(), body); err != nil || status != http.StatusOK {
		t.Fatalf("post = %d, %v", status, err)
	}
	t.Logf("%d bytes taken in %s", len(body), time.Since(began))
	_, before := p.get("/v1/accounts/" + waba + "/templates?limit=1000")
	items := before["items"].([]any)
	if len(items) != 1000 {
		t.Fatalf("%d templates, want 1000", len(items))
	}
	count := func() int {
		_, alerts := p.get("/v1/alerts?limit=1000")
		return len(alerts["items"].([]any))
	}
	if n := count(); n != 1000 {
		t.Errorf("%d alerts, want 1000", n)
	}
	began = time.Now()
	if status, err := p.sender().Post(t.Context(), body); err != nil || status != http.StatusOK {
		t.Fatalf("second post = %d, %v", status, err)
	}
	t.Logf("the same again in %s", time.Since(began))
	if n := count(); n != 1000 {
		t.Errorf("%d alerts after a duplicate, want 1000", n)
	}
}
