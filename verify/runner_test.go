//go:build verify

// Package verify runs the functions as they are built, not as they are tested: real bootstraps
// under a local Lambda Runtime API, against DynamoDB Local and a server that stands for SNS,
// SQS and Parameter Store. Only tests are in it.
package verify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"
)

// function is one bootstrap. It serves one invocation at a time; like Lambda it keeps the
// process for the next.
type function struct {
	t       *testing.T
	path    string
	name    string
	env     []string
	timeout time.Duration

	cmd    *exec.Cmd
	log    lockedBuffer
	server *http.Server
	next   chan []byte
	answer chan answer
	ready  chan struct{}
	dead   chan struct{}
	seq    int
	init   time.Duration
}

// answer is what a function returned; failed says it returned an error.
type answer struct {
	payload []byte
	failed  bool
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// start begins a new process, as a cold start does. err says why it ended before it was ready.
func (f *function) start() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	f.next, f.answer = make(chan []byte), make(chan answer, 1)
	f.ready, f.dead = make(chan struct{}), make(chan struct{})
	var once sync.Once
	began := time.Now()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		once.Do(func() { f.init = time.Since(began); close(f.ready) })
		select {
		case event := <-f.next:
			f.seq++
			h := w.Header()
			h.Set("Lambda-Runtime-Aws-Request-Id", fmt.Sprintf("00000000-0000-4000-8000-%012d", f.seq))
			h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(f.timeout).UnixMilli(), 10))
			h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:"+f.name)
			_, _ = w.Write(event)
		case <-r.Context().Done():
		}
	})
	finish := func(failed bool) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			w.WriteHeader(http.StatusAccepted)
			f.answer <- answer{b, failed}
		}
	}
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", finish(false))
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", finish(true))
	f.server = &http.Server{Handler: mux}
	go func() { _ = f.server.Serve(listener) }()
	f.cmd = exec.Command(f.path)
	f.cmd.Env = append([]string{"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String(), "AWS_LAMBDA_FUNCTION_NAME=" + f.name, "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256", "AWS_REGION=us-east-1", "AWS_EXECUTION_ENV=AWS_Lambda_provided.al2023", "_HANDLER=bootstrap", "TZ=:UTC",
		"AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local"}, f.env...)
	f.cmd.Stdout, f.cmd.Stderr = &f.log, &f.log
	if err := f.cmd.Start(); err != nil {
		return err
	}
	go func() {
		_ = f.cmd.Wait()
		close(f.dead)
	}()
	f.t.Cleanup(f.kill)
	select {
	case <-f.ready:
		return nil
	case <-f.dead:
		return fmt.Errorf("%s ended during its start: %s", f.name, f.log.String())
	case <-time.After(20 * time.Second):
		return fmt.Errorf("%s does not get ready: %s", f.name, f.log.String())
	}
}

func (f *function) kill() {
	if f.cmd != nil {
		_ = f.cmd.Process.Kill() // it may have ended
		<-f.dead
		_ = f.server.Close()
	}
}

// invoke sends one event and returns the answer decoded into into.
func (f *function) invoke(event, into any) {
	f.t.Helper()
	body, ok := event.([]byte)
	if !ok {
		var err error
		if body, err = json.Marshal(event); err != nil {
			f.t.Fatal(err)
		}
	}
	select {
	case f.next <- body:
	case <-f.dead:
		f.t.Fatalf("%s is dead: %s", f.name, f.log.String())
	}
	select {
	case a := <-f.answer:
		if a.failed {
			f.t.Fatalf("%s failed: %s\n%s", f.name, a.payload, f.log.String())
		}
		if into != nil {
			if err := json.Unmarshal(a.payload, into); err != nil {
				f.t.Fatalf("%s answered %s: %v", f.name, a.payload, err)
			}
		}
	case <-f.dead:
		f.t.Fatalf("%s died: %s", f.name, f.log.String())
	case <-time.After(f.timeout):
		f.t.Fatalf("%s took more than %s: %s", f.name, f.timeout, f.log.String())
	}
}

// address is where a server of the test bed listens, from the environment.
func address(t *testing.T, variable string) string {
	t.Helper()
	v := os.Getenv(variable)
	if v == "" {
		t.Fatalf("%s is not set: run this through make verify", variable)
	}
	return v
}
