//go:build verify

package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
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

// emulate runs a function under the emulator and gives it one event. It tries some addresses, as it
// has to name them, and another program may be faster.
func emulate(t *testing.T, emulator string, f *runner.Function, event []byte) []byte {
	t.Helper()
	var last error
	for range 3 {
		answer, err := emulateOnce(t, emulator, f, event)
		if err == nil {
			return answer
		}
		if last = err; !strings.Contains(err.Error(), "address already in use") {
			break
		}
	}
	t.Fatalf("%s under AWS's emulator: %v", f.Name, last)
	return nil
}

// emulateOnce runs it on addresses that were free a moment ago. The error holds what was written.
func emulateOnce(t *testing.T, emulator string, f *runner.Function, event []byte) ([]byte, error) {
	t.Helper()
	address, api := freeAddress(t), freeAddress(t)
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	failed := func(err error) error {
		b, _ := os.ReadFile(log.Name()) // what there is helps
		return fmt.Errorf("%w\n%s", err, b)
	}
	cmd := exec.Command(emulator, append([]string{"--runtime-interface-emulator-address", address, "--runtime-api-address", api}, f.Command...)...)
	cmd.Env = append(f.Variables(api), fmt.Sprintf("AWS_LAMBDA_FUNCTION_TIMEOUT=%d", int(f.Timeout.Seconds())))
	cmd.Stdout, cmd.Stderr = log, log
	p, err := process.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for {
		answer, err := post(ctx, "http://"+address+"/2015-03-31/functions/function/invocations", event)
		if err == nil {
			return answer, nil
		}
		// It does not listen yet, or never will.
		if refused, ok := errors.AsType[*net.OpError](err); !ok || refused.Op != "dial" {
			return nil, failed(err)
		}
		select {
		case <-p.Done():
			return nil, failed(errors.New(p.State()))
		case <-ctx.Done():
			return nil, failed(ctx.Err())
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

func post(ctx context.Context, url string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
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
