// Package runner runs a Lambda function as it is built: real bootstraps under a Runtime API of
// its own, as many at a time as there are invocations, each with a deadline that is enforced. It
// can freeze them between invocations and kill them at any moment. What a function answers, how it
// failed and what it logged comes back with each invocation.
//
// Not imitated: extensions, streamed responses, memory limits, the pause before a failed start is
// tried again.
//
// Source: AWS, Lambda runtime API; Lambda execution environment lifecycle, checked 2026-11.
package runner

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Function is one deployed function. Its exported fields are set before first use; its methods
// are safe for concurrent use. Close ends it.
type Function struct {
	Name string
	// Command is the bootstrap, or what runs it followed by it.
	Command []string
	// Environment is what the function's configuration says. Lambda's own variables are added.
	Environment map[string]string
	// Credentials are Lambda's own too: region, key, secret.
	Region, AccessKeyID, SecretAccessKey string
	Timeout                              time.Duration
	MemoryMB                             int
	// LogFormat and LogLevel are those of the logging configuration; "" is Lambda's default, text.
	LogFormat, LogLevel string
	// Freeze stops environments between invocations.
	Freeze bool

	mu     sync.Mutex
	all    map[*environment]bool
	idle   []*environment
	count  int
	closed bool
	log    strings.Builder // of environments that ended
}

// startWithin is how long a cold start may take: Lambda gives 10 s, a busy machine needs more.
const startWithin = 30 * time.Second

// maxPayload is what Lambda takes and gives synchronously.
const maxPayload = 6 << 20

// Kinds of failure.
const (
	Unhandled = "Unhandled"                     // the function returned an error, or panicked
	TimedOut  = "Sandbox.Timedout"              // it did not answer in time and was killed
	Exited    = "Runtime.ExitError"             // it ended without an answer
	NoStart   = "Runtime.InitError"             // it ended, or was not ready in time, before the first event
	TooLarge  = "Function.ResponseSizeTooLarge" // its answer was
)

// Result is what became of an invocation.
type Result struct {
	RequestID string
	Payload   []byte
	Failure   string // its kind, "" for none
	Log       string // what the function wrote during it, the start included if it was cold
	Cold      bool
	Init      time.Duration // of a cold start
	Took      time.Duration // without it
}

// Err is the failure of an invocation as an error, with its log, or nil.
func (r Result) Err() error {
	if r.Failure == "" {
		return nil
	}
	return fmt.Errorf("%s: %s\n%s", r.Failure, r.Payload, r.Log)
}

// Decode reads the answer of an invocation that succeeded.
func (r Result) Decode(into any) error {
	if err := r.Err(); err != nil {
		return err
	}
	if err := json.Unmarshal(r.Payload, into); err != nil {
		return fmt.Errorf("answer %s: %w", r.Payload, err)
	}
	return nil
}

// ErrClosed says that the function was closed.
var ErrClosed = errors.New("function is closed")

// Start makes n environments ready that wait for events. Its error holds what they logged.
func (f *Function) Start(n int) error {
	for range n {
		e, err := f.spawn()
		if err == nil {
			err = f.release(e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Invoke hands an event to an environment that waits, or to a new one. event is sent as it is if
// it is []byte, else as JSON. The error is about the invocation itself: what the function did is
// in the result. If ctx ends, the environment is killed as if Lambda had lost it.
func (f *Function) Invoke(ctx context.Context, event any) (Result, error) {
	body, ok := event.([]byte)
	if !ok {
		var err error
		if body, err = json.Marshal(event); err != nil {
			return Result{}, err
		}
	}
	if len(body) > maxPayload {
		return Result{}, fmt.Errorf("event of %d bytes; Lambda takes %d", len(body), maxPayload)
	}
	for {
		e, id, err := f.take()
		if err != nil {
			return Result{}, err
		}
		cold := e == nil
		if cold {
			if e, err = f.spawn(); err != nil {
				var start *StartError
				if errors.As(err, &start) {
					return Result{RequestID: id, Failure: NoStart, Payload: start.Answer, Log: start.Log, Cold: true}, nil
				}
				return Result{}, err
			}
		}
		r, taken, err := e.invoke(ctx, id, body)
		if !taken {
			f.forget(e)
			continue // it died while it waited: another takes the event
		}
		if r.Cold = cold; cold {
			r.Init = e.init
		}
		if err == nil && r.Failure != Exited && r.Failure != TimedOut {
			err = f.release(e)
		}
		return r, err
	}
}

// take returns an environment that waits, or nil if there is none, and a new request id.
func (f *Function) take() (*environment, string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, "", ErrClosed
	}
	f.count++
	id := fmt.Sprintf("00000000-0000-4000-8000-%012d", f.count)
	for len(f.idle) > 0 {
		e := f.idle[len(f.idle)-1]
		f.idle = f.idle[:len(f.idle)-1]
		if e.alive() {
			return e, id, nil
		}
	}
	return nil, id, nil
}

// release lets an environment wait for the next event, frozen if that is wanted.
func (f *Function) release(e *environment) error {
	if f.Freeze {
		if err := e.process.Freeze(); err != nil && e.alive() {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if e.alive() && !f.closed {
		f.idle = append(f.idle, e)
	}
	return nil
}

func (f *Function) forget(e *environment) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.all[e] {
		delete(f.all, e)
		f.log.WriteString(e.close())
	}
}

// Kill kills every environment there is, as a crash would, and returns how many there were. The
// invocations they served fail; later ones get new environments.
func (f *Function) Kill() int {
	f.mu.Lock()
	all := slices.Collect(maps.Keys(f.all))
	f.idle = nil
	f.mu.Unlock()
	for _, e := range all {
		e.process.Kill()
		f.forget(e)
	}
	return len(all)
}

// KillOne kills one of the environments there are, which n chooses, and reports whether there was any.
func (f *Function) KillOne(n int) bool {
	f.mu.Lock()
	all := slices.SortedFunc(maps.Keys(f.all), func(a, b *environment) int { return cmp.Compare(a.process.PID(), b.process.PID()) })
	f.mu.Unlock()
	if len(all) == 0 {
		return false
	}
	e := all[n%len(all)]
	e.process.Kill()
	f.forget(e)
	return true
}

// Environment is one that runs.
type Environment struct {
	PID  int
	Init time.Duration // how long its cold start took
}

// Environments lists those that run now.
func (f *Function) Environments() []Environment {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []Environment
	for e := range f.all {
		if e.alive() {
			out = append(out, Environment{e.process.PID(), e.init})
		}
	}
	return out
}

// Log is everything that the function wrote, environment after environment.
func (f *Function) Log() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.log.String()
	for e := range f.all {
		out += e.all()
	}
	return out
}

// Close kills every environment and waits until they are gone.
func (f *Function) Close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.Kill()
}
