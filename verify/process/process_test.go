//go:build unix

package process

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestMain plays a parent that starts a child, says its id, and waits for its own end.
func TestMain(m *testing.M) {
	if os.Getenv("PROCESS_TEST_PARENT") == "" {
		os.Exit(m.Run())
	}
	p, err := Start(exec.Command("sleep", "1000"))
	if err != nil {
		panic(err)
	}
	fmt.Println(p.PID())
	<-p.Done()
}

func TestKillEndsTheWholeGroup(t *testing.T) {
	cmd := exec.Command("sh", "-c", "sleep 1000 & echo $!; wait")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p, err := Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	line := bufio.NewReader(out)
	if _, err := line.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	p.Kill()
	// The child holds the other end of the pipe: it ends with the child.
	if rest, err := line.ReadString('\n'); err == nil {
		t.Errorf("the child says %q", rest)
	}
	if s := p.State(); !strings.Contains(s, "killed") {
		t.Errorf("state = %s", s)
	}
	p.Kill() // a second time does nothing
}
