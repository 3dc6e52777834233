package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/wabawatch/wabawatch/verify/process"
)

// environment is one process and the Runtime API it talks to.
type environment struct {
	f       *Function
	process *process.Process
	server  *http.Server
	served  chan struct{} // closed when the server has ended
	log     *os.File      // without a name, so that nothing is left behind
	init    time.Duration

	next chan *invocation // to the process
	idle chan struct{}    // the process asks for an event

	mu        sync.Mutex
	current   *invocation
	initError []byte
	read      int    // bytes of the log that invocations got
	whole     string // the log, once it is closed
	closed    bool
}

// invocation is an event under way.
type invocation struct {
	id       string
	event    []byte
	deadline time.Time
	answer   chan Result // room for one
}

// StartError says that an environment did not get ready.
type StartError struct {
	Name   string
	Why    string
	Answer []byte // what it told Lambda, if it did
	Log    string
}

func (e *StartError) Error() string {
	return fmt.Sprintf("%s %s: %s\n%s", e.Name, e.Why, e.Answer, e.Log)
}

// spawn starts an environment and waits until it asks for its first event.
func (f *Function) spawn() (*environment, error) {
	e := &environment{f: f, next: make(chan *invocation), idle: make(chan struct{}, 1), served: make(chan struct{})}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	if e.log, err = os.CreateTemp("", "runner-*.log"); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	_ = os.Remove(e.log.Name()) // where an open file cannot be removed, the system's cleaning does it
	e.server = &http.Server{Handler: e.routes()}
	go func() {
		_ = e.server.Serve(listener)
		close(e.served)
	}()
	cmd := exec.Command(f.Command[0], f.Command[1:]...)
	cmd.Env = f.Variables(listener.Addr().String())
	cmd.Stdout, cmd.Stderr = e.log, e.log
	began := time.Now()
	if e.process, err = process.Start(cmd); err != nil {
		e.close()
		return nil, err
	}
	if err := f.keep(e); err != nil {
		return nil, err
	}
	timer := time.NewTimer(startWithin)
	defer timer.Stop()
	why := "is not ready in time"
	select {
	case <-e.idle:
		f.mu.Lock()
		defer f.mu.Unlock()
		e.init = time.Since(began)
		return e, nil
	case <-e.process.Done():
		why = "ended during its start, " + e.process.State()
	case <-timer.C:
		e.process.Kill()
	}
	f.forget(e)
	e.mu.Lock()
	defer e.mu.Unlock()
	return nil, &StartError{Name: f.Name, Why: why, Answer: e.initError, Log: e.whole}
}

// keep books an environment, unless the function was closed meanwhile.
func (f *Function) keep(e *environment) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		e.process.Kill()
		e.close()
		return ErrClosed
	}
	if f.all == nil {
		f.all = map[*environment]bool{}
	}
	f.all[e] = true
	return nil
}

// Variables are the environment of a process: the function's own variables and those that Lambda sets. api is
// where the Runtime API listens.
//
// Source: AWS, Lambda environment variables, checked 2026-11.
func (f *Function) Variables(api string) []string {
	format := f.LogFormat
	if format == "" {
		format = "Text"
	}
	out := []string{
		"AWS_LAMBDA_RUNTIME_API=" + api, "AWS_LAMBDA_FUNCTION_NAME=" + f.Name, "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=" + strconv.Itoa(f.MemoryMB), "AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/" + f.Name, "AWS_LAMBDA_LOG_STREAM_NAME=local", "AWS_LAMBDA_LOG_FORMAT=" + format,
		"AWS_EXECUTION_ENV=AWS_Lambda_provided.al2023", "AWS_REGION=" + f.Region, "AWS_DEFAULT_REGION=" + f.Region,
		"AWS_ACCESS_KEY_ID=" + f.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + f.SecretAccessKey,
		"_HANDLER=bootstrap", "LAMBDA_TASK_ROOT=/var/task", "LAMBDA_RUNTIME_DIR=/var/runtime", "LANG=en_US.UTF-8", "TZ=:UTC", "PATH=/usr/local/bin:/usr/bin:/bin",
	}
	if f.LogLevel != "" {
		out = append(out, "AWS_LAMBDA_LOG_LEVEL="+f.LogLevel)
	}
	for name, value := range f.Environment {
		out = append(out, name+"="+value)
	}
	slices.Sort(out)
	return out
}

func (e *environment) alive() bool {
	select {
	case <-e.process.Done():
		return false
	default:
		return true
	}
}

// invoke hands over an event and waits for what becomes of it. taken is false if the process was
// dead before it could take the event.
func (e *environment) invoke(ctx context.Context, id string, event []byte) (r Result, taken bool, err error) {
	if e.f.Freeze {
		if err := e.process.Thaw(); err != nil && e.alive() {
			return Result{}, true, err
		}
	}
	began := time.Now()
	inv := &invocation{id: id, event: event, deadline: began.Add(e.f.Timeout), answer: make(chan Result, 1)}
	timer := time.NewTimer(e.f.Timeout)
	defer timer.Stop()
	select {
	case e.next <- inv:
	case <-e.process.Done():
		return Result{}, false, nil
	case <-ctx.Done():
		e.process.Kill()
		return Result{}, true, ctx.Err()
	}
	answered := false
	for idle := (<-chan struct{})(nil); ; {
		select {
		case r = <-inv.answer:
			answered, idle = true, e.idle // Lambda is done when the function asks for more
			continue
		case <-idle:
		case <-e.process.Done():
			if !answered {
				r = e.ended(inv, Exited, e.process.State())
			}
		case <-timer.C:
			e.process.Kill()
			if !answered {
				r = e.ended(inv, TimedOut, fmt.Sprintf("Task timed out after %.2f seconds", e.f.Timeout.Seconds()))
			}
		case <-ctx.Done():
			e.process.Kill()
			err = ctx.Err()
		}
		break
	}
	r.RequestID, r.Took, r.Log = id, time.Since(began), e.since()
	if !e.alive() {
		e.f.forget(e)
	}
	return r, true, err
}

// ended is the result of an invocation that got no answer, unless one came at the last moment.
func (e *environment) ended(inv *invocation, kind, why string) Result {
	select {
	case r := <-inv.answer:
		return r
	default:
		return Result{Failure: kind, Payload: []byte(why)}
	}
}

func (e *environment) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", e.serveNext)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", e.finish(""))
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", e.finish(Unhandled))
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		e.mu.Lock()
		e.initError = b
		e.mu.Unlock()
		w.WriteHeader(http.StatusAccepted)
	})
	return mux
}

func (e *environment) serveNext(w http.ResponseWriter, r *http.Request) {
	select {
	case e.idle <- struct{}{}:
	default: // it asks a second time
	}
	select {
	case inv := <-e.next:
		e.mu.Lock()
		e.current = inv
		e.mu.Unlock()
		h := w.Header()
		h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(inv.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:"+e.f.Region+":123456789012:function:"+e.f.Name)
		h.Set("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0")
		h.Set("Content-Type", "application/json")
		_, _ = w.Write(inv.event) // a process that is gone ends the invocation elsewhere
	case <-r.Context().Done():
	}
}

func (e *environment) finish(failure string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		e.mu.Lock()
		inv := e.current
		if err != nil || inv == nil || inv.id != r.PathValue("id") {
			e.mu.Unlock()
			http.Error(w, `{"errorType":"InvalidRequestID"}`, http.StatusBadRequest)
			return
		}
		e.current = nil
		e.mu.Unlock()
		status, result := http.StatusAccepted, Result{Payload: b, Failure: failure}
		if len(b) > maxPayload {
			status, result = http.StatusRequestEntityTooLarge, Result{Failure: TooLarge, Payload: fmt.Appendf(nil, "answer of %d bytes", len(b))}
		}
		select {
		case <-e.idle: // what it asked before this answer
		default:
		}
		w.WriteHeader(status)
		inv.answer <- result
	}
}

// written is the whole log. The caller holds mu.
func (e *environment) written() string {
	if e.closed {
		return e.whole
	}
	b, err := io.ReadAll(io.NewSectionReader(e.log, 0, 1<<40))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// all is the log so far, and since what was added after the last call of since.
func (e *environment) all() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.written()
}

func (e *environment) since() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.written()[e.read:]
	e.read += len(s)
	return s
}

// close ends the server, keeps the log, and returns it.
func (e *environment) close() string {
	_ = e.server.Close() // what it served is over
	<-e.served
	e.mu.Lock()
	defer e.mu.Unlock()
	e.whole, e.closed = e.written(), true
	_ = e.log.Close() // it was only read
	return e.whole
}
