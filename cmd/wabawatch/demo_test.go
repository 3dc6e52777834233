package main

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
)

// printedCall is a call of the API as the demonstration shows it: token and path.
var printedCall = regexp.MustCompile(`curl -s -H "Authorization: Bearer (\S+)" http://[^/']+'?(/[^'\s]*)`)

// TestDemoKeepsItsWord plays the story to its end, makes every call that is shown then, and looks
// that nothing stays behind.
func TestDemoKeepsItsWord(t *testing.T) {
	p := launch(t, nil, "--demo", "--pace", "100ms")
	eventually(t, "the end of the story", func() bool { return strings.Contains(p.printed(), "/v1/incidents\n") })
	calls := printedCall.FindAllStringSubmatch(p.printed(), -1)
	if want := strings.Count(p.printed(), "curl "); len(calls) != want || want < 7 {
		t.Fatalf("of %d calls %d can be read:\n%s", want, len(calls), p.printed())
	}
	for _, call := range calls {
		p.token = call[1]
		// A poll may not have come to the number yet.
		eventually(t, call[2], func() bool { code, _ := p.get(call[2]); return code == http.StatusOK })
	}
	if _, alerts := p.get("/v1/alerts"); len(alerts["items"].([]any)) == 0 {
		t.Error("the API shows no alert")
	}
	eventually(t, "what the story tells, as an alert", func() bool {
		out := p.printed()
		return strings.Contains(out, "SIMULATED") && strings.Contains(out, "CRITICAL") && strings.Contains(out, "autumn_sale")
	})
	data := regexp.MustCompile(`(?m)^  data +(\S+)`).FindStringSubmatch(p.printed())
	if data == nil {
		t.Fatalf("it does not say where its data is:\n%s", p.printed())
	}
	p.interrupt()
	if _, err := os.Stat(data[1]); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there: %v", data[1], err)
	}
}
