package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// order is what a test tells the function to do.
type order struct {
	Do   string
	Text string
}

// TestMain is the bootstrap when it runs under a Runtime API.
func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		os.Exit(m.Run())
	}
	if os.Getenv("FAIL_START") != "" {
		fmt.Println("no start today")
		os.Exit(3)
	}
	count := 0
	lambda.Start(func(ctx context.Context, o order) (any, error) {
		count++
		fmt.Printf("doing %s %s\n", o.Do, o.Text)
		lc, _ := lambdacontext.FromContext(ctx)
		switch o.Do {
		case "count":
			return count, nil
		case "deadline":
			at, ok := ctx.Deadline()
			return ok && time.Until(at) > 0, nil
		case "environment":
			return os.Environ(), nil
		case "id":
			return lc.AwsRequestID, nil
		case "error":
			return nil, errors.New("as ordered")
		case "exit":
			os.Exit(7)
		case "panic":
			panic("as ordered")
		case "sleep":
			time.Sleep(time.Hour)
		case "large":
			return strings.Repeat("x", maxPayload), nil
		}
		return o.Text, nil
	})
}

func start(t *testing.T, change func(*Function)) *Function {
	t.Helper()
	f := &Function{Name: "echo", Command: []string{os.Args[0]}, Region: "eu-west-1", Timeout: time.Minute, MemoryMB: 256, AccessKeyID: "key", SecretAccessKey: "secret"}
	if change != nil {
		change(f)
	}
	t.Cleanup(f.Close)
	return f
}

func call(t *testing.T, f *Function, o order) Result {
	t.Helper()
	r, err := f.Invoke(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func decoded[T any](t *testing.T, r Result) T {
	t.Helper()
	var v T
	if err := r.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestAnEnvironmentIsKeptForTheNextEvent(t *testing.T) {
	for _, freeze := range []bool{false, true} {
		f := start(t, func(f *Function) { f.Freeze = freeze })
		first := call(t, f, order{Do: "count"})
		second := call(t, f, order{Do: "count", Text: "again"})
		if !first.Cold || first.Init <= 0 || second.Cold {
			t.Errorf("freeze %t: cold %t and %t, want the first alone", freeze, first.Cold, second.Cold)
		}
		if n := decoded[int](t, second); n != 2 {
			t.Errorf("freeze %t: the second event is number %d to its process", freeze, n)
		}
		if strings.Contains(second.Log, "doing count \n") || !strings.Contains(second.Log, "doing count again") {
			t.Errorf("freeze %t: log of the second = %q", freeze, second.Log)
		}
	}
}

func TestConcurrentEventsGetEnvironmentsOfTheirOwn(t *testing.T) {
	f := start(t, nil)
	if err := f.Start(3); err != nil {
		t.Fatal(err)
	}
	if n := len(f.Environments()); n != 3 {
		t.Fatalf("%d environments, want 3", n)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	ids := map[string]bool{}
	for i := range 8 {
		wg.Go(func() {
			for range 10 {
				text := fmt.Sprint(i)
				var got string
				r, err := f.Invoke(t.Context(), order{Text: text})
				if err != nil || r.Decode(&got) != nil || got != text {
					t.Errorf("%v %v, want %s", r, err, text)
				}
				mu.Lock()
				ids[r.RequestID] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if n := len(f.Environments()); n > 8 {
		t.Errorf("%d environments for 8 at a time", n)
	}
	if len(ids) != 80 {
		t.Errorf("%d request ids for 80 events", len(ids))
	}
}

func TestFailures(t *testing.T) {
	f := start(t, nil)
	for _, tc := range []struct{ do, kind, payload, log string }{
		{"error", Unhandled, "as ordered", "doing error"},
		{"exit", Exited, "exit status 7", "doing exit"},
		{"panic", Unhandled, "as ordered", "doing panic"},
		{"large", TooLarge, "answer of", "doing large"},
	} {
		r := call(t, f, order{Do: tc.do})
		if r.Failure != tc.kind || !strings.Contains(string(r.Payload), tc.payload) || !strings.Contains(r.Log, tc.log) || r.Err() == nil {
			t.Errorf("%s: %s %s, log %q", tc.do, r.Failure, r.Payload, r.Log)
		}
		if got := decoded[string](t, call(t, f, order{Text: "after"})); got != "after" {
			t.Errorf("after %s the function answers %q", tc.do, got)
		}
	}
}

func TestTheDeadlineIsToldAndEnforced(t *testing.T) {
	// Long enough for a process of a busy machine to say what it does.
	f := start(t, func(f *Function) { f.Timeout = 5 * time.Second })
	if err := f.Start(1); err != nil {
		t.Fatal(err)
	}
	before := f.Environments()
	if r := call(t, f, order{Do: "sleep"}); r.Failure != TimedOut || !strings.Contains(r.Log, "doing sleep") {
		t.Errorf("a sleeper gives %s, log %q", r.Failure, r.Log)
	}
	if left := f.Environments(); len(before) != 1 || len(left) != 0 {
		t.Errorf("environments before %v, after the deadline %v", before, left)
	}
	f.Timeout = time.Minute
	if !decoded[bool](t, call(t, f, order{Do: "deadline"})) {
		t.Error("the function is not told its deadline")
	}
}

func TestKillAtAnyMoment(t *testing.T) {
	f := start(t, nil)
	if err := f.Start(1); err != nil {
		t.Fatal(err)
	}
	done := make(chan Result)
	go func() {
		r, err := f.Invoke(context.Background(), order{Do: "sleep"})
		if err != nil {
			t.Error(err)
		}
		done <- r
	}()
	for !strings.Contains(f.Log(), "doing sleep") {
		time.Sleep(time.Millisecond)
	}
	if n := f.Kill(); n != 1 {
		t.Errorf("killed %d, want 1", n)
	}
	if r := <-done; r.Failure != Exited || !strings.Contains(string(r.Payload), "killed") || !strings.Contains(r.Log, "doing sleep") {
		t.Errorf("the killed one gives %s %s, log %q", r.Failure, r.Payload, r.Log)
	}
	if r := call(t, f, order{Text: "again"}); !r.Cold || decoded[string](t, r) != "again" {
		t.Errorf("afterwards: %+v", r)
	}
	if log := f.Log(); !strings.Contains(log, "doing sleep") || !strings.Contains(log, "again") {
		t.Errorf("the log forgets environments that ended: %q", log)
	}
}

func TestKillOneLeavesTheOthers(t *testing.T) {
	f := start(t, nil)
	if f.KillOne(3) {
		t.Error("killed one of none")
	}
	if err := f.Start(3); err != nil {
		t.Fatal(err)
	}
	if !f.KillOne(4) || len(f.Environments()) != 2 {
		t.Errorf("%d of three are left", len(f.Environments()))
	}
}

func TestAStartThatFails(t *testing.T) {
	f := start(t, func(f *Function) { f.Environment = map[string]string{"FAIL_START": "1"} })
	var failed *StartError
	if err := f.Start(1); !errors.As(err, &failed) || !strings.Contains(failed.Log, "no start today") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("start = %v", err)
	}
	if r := call(t, f, order{}); r.Failure != NoStart || !strings.Contains(r.Log, "no start today") {
		t.Errorf("invocation = %+v", r)
	}
	if left := f.Environments(); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
}

func TestEnvironmentIsTheFunctionsAndLambdas(t *testing.T) {
	f := start(t, func(f *Function) { f.Environment, f.LogFormat = map[string]string{"OWN": "x"}, "JSON" })
	got := map[string]string{}
	for _, kv := range decoded[[]string](t, call(t, f, order{Do: "environment"})) {
		k, v, _ := strings.Cut(kv, "=")
		got[k] = v
	}
	for k, want := range map[string]string{"OWN": "x", "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "key", "AWS_LAMBDA_LOG_FORMAT": "JSON",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "AWS_LAMBDA_FUNCTION_NAME": "echo"} {
		if got[k] != want {
			t.Errorf("%s = %q, want %q", k, got[k], want)
		}
	}
	if v, there := got["HOME"]; there {
		t.Errorf("HOME = %q came from outside", v)
	}
}

func TestCallerGivesUp(t *testing.T) {
	f := start(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for ctx.Err() == nil && !strings.Contains(f.Log(), "doing sleep") {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	if _, err := f.Invoke(ctx, order{Do: "sleep"}); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
	if left := f.Environments(); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
}

func TestClosedFunctionsStayClosed(t *testing.T) {
	f := start(t, nil)
	call(t, f, order{Text: "x"})
	f.Close()
	if _, err := f.Invoke(t.Context(), order{}); !errors.Is(err, ErrClosed) {
		t.Errorf("err = %v", err)
	}
	if left := f.Environments(); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
}

func TestEventsAreSentAsTheyAre(t *testing.T) {
	f := start(t, nil)
	raw := json.RawMessage("{\"Text\" :  \"raw\"}")
	r, err := f.Invoke(t.Context(), []byte(raw))
	if err != nil || decoded[string](t, r) != "raw" {
		t.Errorf("%+v %v", r, err)
	}
	if _, err := f.Invoke(t.Context(), make([]byte, maxPayload+1)); err == nil {
		t.Error("an event that Lambda would refuse was taken")
	}
}
