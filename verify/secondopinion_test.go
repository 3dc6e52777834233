//go:build verify

package verify

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/wabawatch/wabawatch/verify/process"
	"github.com/wabawatch/wabawatch/verify/runner"
	"github.com/wabawatch/wabawatch/verify/stack"
)

// smoke is one sample event for each function, whose answer depends on nothing before it.
var smoke = map[string]string{
	stack.Webhook: "webhook-verify.json", stack.Poller: "poller-minute.json", stack.Notifier: "notifier-sweep.json", stack.API: "api-healthz.json",
}

// TestAWSsOwnEmulatorAgrees runs each function once under the Runtime Interface Emulator that comes
// with the SAM CLI: what we think of the Runtime API, we think for ourselves. It takes one call at a
// time, and answers 200 whatever happened.
func TestAWSsOwnEmulatorAgrees(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the Runtime Interface Emulator runs on Linux only")
	}
	t.Parallel()
	s := sampled(t, stack.Options{})
	emulator := emulatorPath(t)
	events := samples(t)
	for id, f := range s.Functions {
		own := s.Try(id, events[smoke[id]])
		if err := own.Err(); err != nil {
			t.Fatal(err)
		}
		if got := emulate(t, emulator, f, events[smoke[id]]); !bytes.Equal(got, own.Payload) {
			t.Errorf("%s answers %s under AWS's emulator, and %s under ours", id, got, own.Payload)
		}
	}
}

// emulatorPath finds the emulator in the SAM CLI's wheel.
func emulatorPath(t *testing.T) string {
	t.Helper()
	arch := map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH]
	found, err := filepath.Glob(filepath.Join(stack.Root(t), ".tools/sam/lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-"+arch))
	if err != nil || len(found) != 1 {
		t.Fatalf("AWS's Runtime Interface Emulator for %s is not in .tools/sam; make tools puts it there", arch)
	}
	// The wheel does not mark it as a program.
	b, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "aws-lambda-rie")
	if err := os.WriteFile(path, b, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// emulate runs a function under the emulator, on addresses of its own, and gives it one event.
func emulate(t *testing.T, emulator string, f *runner.Function, event []byte) []byte {
	t.Helper()
	address, api := freeAddress(t), freeAddress(t)
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(emulator, append([]string{"--runtime-interface-emulator-address", address, "--runtime-api-address", api}, f.Command...)...)
	cmd.Env = append(f.Variables(api), fmt.Sprintf("AWS_LAMBDA_FUNCTION_TIMEOUT=%d", int(f.Timeout.Seconds())))
	cmd.Stdout, cmd.Stderr = log, log
	p, err := process.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	failed := func(err error) {
		t.Helper()
		b, _ := os.ReadFile(log.Name()) // what there is helps
		t.Fatalf("%s under AWS's emulator: %v\n%s", f.Name, err, b)
	}
	for {
		answer, err := post(t, "http://"+address+"/2015-03-31/functions/function/invocations", event)
		if err == nil {
			return answer
		}
		var refused *net.OpError // it does not listen yet
		if !errors.As(err, &refused) || refused.Op != "dial" {
			failed(err)
		}
		select {
		case <-p.Done():
			failed(errors.New(p.State()))
		case <-t.Context().Done():
			failed(t.Context().Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func post(t *testing.T, url string, body []byte) ([]byte, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%d %s", resp.StatusCode, answer)
	}
	return answer, err
}

// TestTheFilesForArm64Run starts the functions as they are built for AWS, on an emulated processor
// if this one is another, and gives each an event.
func TestTheFilesForArm64Run(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("programs for AWS run on Linux only")
	}
	t.Parallel()
	root := stack.Root(t)
	qemu := filepath.Join(root, ".tools", "qemu", "qemu")
	if runtime.GOARCH != "arm64" {
		if _, err := os.Stat(qemu); err != nil {
			t.Fatal("qemu is not in .tools/qemu; make tools puts it there, or says how to get it")
		}
	}
	s := sampled(t, stack.Options{Command: func(id, _ string) []string {
		bootstrap, err := stack.Build(root, id, "arm64")
		if err != nil {
			t.Fatal(err)
		}
		if runtime.GOARCH == "arm64" {
			return []string{bootstrap}
		}
		return []string{qemu, bootstrap}
	}})
	events := samples(t)
	for id, name := range smoke {
		r := s.Try(id, events[name])
		if err := r.Err(); err != nil {
			t.Errorf("%s on arm64: %v", id, err)
			continue
		}
		checkAnswer(t, s, name, events[name], r.Payload)
	}
}
