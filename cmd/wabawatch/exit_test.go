package main

import (
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/wabawatch/wabawatch/shared/whatsapptest"
)

// run runs a command to its end, with nothing in the environment but env.
func run(t *testing.T, args []string, env ...string) (code int, output string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append([]string{"WABAWATCH_TEST_BE_MAIN=1", "PATH=" + os.Getenv("PATH")}, env...)
	out, err := cmd.CombinedOutput()
	if e, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(err)
	} else if err != nil {
		code = e.ExitCode()
	}
	return code, string(out)
}

func TestExitCodes(t *testing.T) {
	meta := &whatsapptest.Meta{Token: accessToken}
	meta.SetAccount(whatsapptest.Account{ID: waba})
	meta.FailNext(1, whatsapptest.ErrorSpec{Path: "77", Status: 400, Code: 80008})
	graph := httptest.NewServer(meta)
	t.Cleanup(graph.Close)
	right, wrong := "WABAWATCH_ACCESS_TOKEN="+accessToken, "WABAWATCH_ACCESS_TOKEN=another-token"
	for _, tc := range []struct {
		args    string
		token   string
		code    int
		mention string
	}{
		{"", right, 0, "serve"},
		{"version", right, 0, "wabawatch"},
		{"nothing", right, exitUsage, `"nothing"`},
		{"--nothing", right, exitUsage, "--nothing"},
		{"version more", right, exitUsage, `"more"`},
		{"serve more", right, exitUsage, `"more"`},
		{"serve --listen nowhere", right, exitUsage, "--listen is \"nowhere\""},
		{`serve --rules {"dreams":1}`, right, exitUsage, "--rules: no rule \"dreams\""},
		{"subscribe", right, exitUsage, "--waba"},
		{"subscribe --waba abc", right, exitUsage, "abc"},
		{"subscribe --waba " + waba, right, 0, waba + " subscribed"},
		{"subscribe --waba 404", right, exitFailed, "404"},
		{"subscribe --waba " + waba, wrong, exitAuth, "190"},
		{"subscribe --waba 77", right, exitThrottled, "80008"},
	} {
		code, out := run(t, strings.Fields(tc.args), tc.token, "WABAWATCH_GRAPH_URL="+graph.URL, "WABAWATCH_POLLING=off")
		if code != tc.code || !strings.Contains(out, tc.mention) {
			t.Errorf("wabawatch %s: exit code %d, want %d, mentioning %q:\n%s", tc.args, code, tc.code, tc.mention, out)
		}
	}
}

func TestAllThatIsWrongIsToldAtOnce(t *testing.T) {
	code, out := run(t, strings.Fields("serve --timezone Mars --poll-interval 1 --graph-url https://host/path"),
		`WABAWATCH_RULES={"no_rule":{"off":true}}`, "WABAWATCH_LANGUAGE=xx", "WABAWATCH_WABA_IDS=a")
	if code != exitUsage {
		t.Errorf("exit code %d", code)
	}
	for _, name := range []string{
		"--timezone", "--poll-interval", "--graph-url", "WABAWATCH_RULES", "no_rule", "WABAWATCH_LANGUAGE", "WABAWATCH_WABA_IDS",
		"WABAWATCH_APP_SECRETS", "WABAWATCH_VERIFY_TOKEN", "WABAWATCH_API_TOKEN",
	} {
		if !strings.Contains(out, name) {
			t.Errorf("output does not name %s:\n%s", name, out)
		}
	}
}

func TestEmptyFlagUndoesVariable(t *testing.T) {
	_, out := run(t, []string{"serve", "--waba", "", "--timezone", "Mars"}, "WABAWATCH_WABA_IDS=a")
	if strings.Contains(out, "WABAWATCH_WABA_IDS") || !strings.Contains(out, "--timezone") {
		t.Errorf("--waba '' leaves the variable in force:\n%s", out)
	}
}
