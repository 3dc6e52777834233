// Package proxy stands between functions and what they call, and does to their calls what networks
// and services do: it delays, drops, resets, throttles, refuses, loses answers and damages them.
//
// Faults are scripted: for the next calls, for the n-th, or for a share of all. Which calls a share
// meets depends on the seed and on how many calls of its kind came before, not on the order among
// functions that run at once; so a failure comes again from its seed. Every decision is logged.
package proxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"iter"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Services that are known by name: their errors have a form, and their operations a header or a
// parameter. Calls of any other are named by method and path.
const (
	DynamoDB = "dynamodb"
	SNS      = "sns"
	SSM      = "ssm"
	Graph    = "graph"
)

// Proxy is a set of reverse proxies under one script. It is safe for concurrent use. Close ends it.
type Proxy struct {
	// Watch, if set before the first call, sees every call before anything is done to it.
	Watch func(call Match, body []byte)

	seed      uint64
	transport *http.Transport

	mu      sync.Mutex
	rules   []*rule
	log     []Entry
	kinds   map[Match]int // calls by what they are exactly
	servers []*http.Server
	open    map[string]int // connections by who calls
	closed  *sync.Cond     // one of them was
	serving sync.WaitGroup
}

// Match selects calls; an empty field matches all.
type Match struct {
	From      string // who calls
	Service   string
	Operation string // PutItem, Publish, or "GET /v26.0/1/phone_numbers"; for Graph a part of it is enough
}

func (m Match) String() string {
	return strings.Join(strings.Fields(m.From+" "+m.Service+" "+m.Operation), " ")
}

// matches reports whether m selects the call c.
func (m Match) matches(c Match) bool {
	return (m.From == "" || m.From == c.From) && (m.Service == "" || m.Service == c.Service) &&
		(m.Operation == "" || m.Operation == c.Operation || c.Service == Graph && strings.Contains(c.Operation, m.Operation))
}

// Entry is one call and what was done to it.
type Entry struct {
	N    int // counts all calls, from 1
	Call Match
	Kind int // counts the calls like it, from 1
	// Fault is what was done, "" for nothing, and Status what the service answered, 0 if it was
	// not asked or did not answer.
	Fault  string
	Status int
	// Ambiguous says that the service did what was asked and the caller was not told. One that died
	// meanwhile for another reason than the fault counts as told.
	Ambiguous bool
}

func (e Entry) String() string {
	s := fmt.Sprintf("%4d %s #%d: ", e.N, e.Call, e.Kind)
	if e.Fault != "" {
		s += e.Fault + ", "
	}
	if s += fmt.Sprint(e.Status); e.Ambiguous {
		s += ", ambiguous"
	}
	return s
}

// New returns a proxy that passes everything on.
func New(seed uint64) *Proxy {
	p := &Proxy{seed: seed, kinds: map[Match]int{}, open: map[string]int{}, transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64}}
	p.closed = sync.NewCond(&p.mu)
	return p
}

// Listen starts a server that leads calls of one caller to one service to target, and returns its
// address.
func (p *Proxy) Listen(from, service, target string) (string, error) {
	to, err := url.Parse(target)
	if err != nil {
		return "", err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	s := &http.Server{
		Handler:   http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.serve(w, r, from, service, to) }),
		ConnState: func(_ net.Conn, state http.ConnState) { p.connection(from, state) },
	}
	p.mu.Lock()
	p.servers = append(p.servers, s)
	p.mu.Unlock()
	p.serving.Go(func() { _ = s.Serve(l) }) // until Close
	return "http://" + l.Addr().String(), nil
}

// connection counts the connections of a caller. One that a fault took over is over with its call.
func (p *Proxy) connection(from string, state http.ConnState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch state {
	case http.StateNew:
		p.open[from]++
	case http.StateClosed, http.StateHijacked:
		p.open[from]--
		p.closed.Broadcast()
	}
}

// Bury waits until the connections of a caller that died are closed: what it asked for has happened
// by then, or never will.
func (p *Proxy) Bury(from string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.open[from] > 0 {
		p.closed.Wait()
	}
}

// Close ends all servers and the calls under way.
func (p *Proxy) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.servers {
		_ = s.Close() // nobody listens any more, which is what was wanted
	}
	p.serving.Wait()
	p.transport.CloseIdleConnections()
}

// rule is one line of the script.
type rule struct {
	match  Match
	skip   int // matching calls before it begins
	left   int // calls it still meets; below 0 for all
	share  float64
	faults []Fault
}

// Next does f to the next n calls that match.
func (p *Proxy) Next(m Match, n int, f Fault) {
	p.add(&rule{match: m, left: n, share: 1, faults: []Fault{f}})
}

// Nth does f to the n-th call from now that matches, counted from 1.
func (p *Proxy) Nth(m Match, n int, f Fault) {
	p.add(&rule{match: m, skip: n - 1, left: 1, share: 1, faults: []Fault{f}})
}

// Always does f to all calls that match, until Clear.
func (p *Proxy) Always(m Match, f Fault) { p.Rate(m, 1, f) }

// Rate does one of the faults to a share of the calls that match, until Clear.
func (p *Proxy) Rate(m Match, share float64, faults ...Fault) {
	p.add(&rule{match: m, left: -1, share: share, faults: faults})
}

func (p *Proxy) add(r *rule) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = append(p.rules, r)
}

// Clear forgets the script: calls pass again.
func (p *Proxy) Clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = nil
}

// Seed is what New was given.
func (p *Proxy) Seed() uint64 { return p.seed }

// Log returns all calls so far, in the order in which they came.
func (p *Proxy) Log() []Entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Entry(nil), p.log...)
}

// Calls counts the calls that match, Faults those to which something was done, and Ambiguous those
// that took effect without the caller's knowing.
func (p *Proxy) Calls(m Match) int { return p.count(m, func(Entry) bool { return true }) }

// Faults counts the calls that match and met a fault.
func (p *Proxy) Faults(m Match) int { return p.count(m, func(e Entry) bool { return e.Fault != "" }) }

// Ambiguous counts the calls that match and took effect without the caller's knowing.
func (p *Proxy) Ambiguous(m Match) int { return p.count(m, func(e Entry) bool { return e.Ambiguous }) }

func (p *Proxy) count(m Match, counts func(Entry) bool) int {
	n := 0
	for _, e := range p.Log() {
		if m.matches(e.Call) && counts(e) {
			n++
		}
	}
	return n
}

// Case is one of Exhaustive's.
type Case struct {
	N     int
	Fault Fault
}

func (c Case) String() string { return fmt.Sprintf("call %d %s", c.N, c.Fault.Name) }

// Exhaustive yields every fault for every one of n calls: use each with Nth in a world of its own.
func Exhaustive(n int, faults ...Fault) iter.Seq[Case] {
	return func(yield func(Case) bool) {
		for i := range n {
			for _, f := range faults {
				if !yield(Case{i + 1, f}) {
					return
				}
			}
		}
	}
}

// decide logs a call and says what is done to it.
func (p *Proxy) decide(call Match) (entry int, f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kinds[call]++
	entry = len(p.log)
	p.log = append(p.log, Entry{N: entry + 1, Call: call, Kind: p.kinds[call]})
	for i, r := range p.rules {
		if !r.match.matches(call) || r.left == 0 {
			continue
		}
		if r.skip > 0 {
			r.skip--
			continue
		}
		h := fnv.New64a()
		fmt.Fprintf(h, "%d %s", i, call)
		rng := rand.New(rand.NewPCG(p.seed^h.Sum64(), uint64(p.kinds[call])))
		if rng.Float64() >= r.share {
			continue
		}
		if r.left > 0 {
			r.left--
		}
		f = r.faults[rng.IntN(len(r.faults))]
		p.log[entry].Fault = f.Name
		return entry, f
	}
	return entry, Fault{}
}

func (p *Proxy) settle(entry, status int, ambiguous bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log[entry].Status, p.log[entry].Ambiguous = status, ambiguous
}

// serve leads one call through.
func (p *Proxy) serve(w http.ResponseWriter, r *http.Request, from, service string, to *url.URL) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the caller is gone
	}
	x := &exchange{p: p, w: w, r: r, body: body, to: to, service: service}
	call := Match{from, service, operation(service, r, body)}
	if p.Watch != nil {
		p.Watch(call, body)
	}
	entry, f := p.decide(call)
	defer func() { p.settle(entry, x.status, x.took && !x.told) }()
	if f.serve == nil {
		f = pass
	}
	if err := f.serve(x); err != nil {
		var broken *net.OpError
		if errors.As(err, &broken) {
			x.drop() // as the service, so the proxy
			return
		}
		panic(http.ErrAbortHandler)
	}
}

// operation names what a call asks for.
func operation(service string, r *http.Request, body []byte) string {
	switch service {
	case DynamoDB, SSM:
		_, name, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		return name
	case SNS:
		form, err := url.ParseQuery(string(body))
		if err == nil {
			return form.Get("Action")
		}
	}
	return r.Method + " " + r.URL.Path
}

// exchange is one call under way.
type exchange struct {
	p       *Proxy
	w       http.ResponseWriter
	r       *http.Request
	body    []byte
	to      *url.URL
	service string

	status int  // the service's, 0 if it did not answer
	took   bool // the service did what was asked
	told   bool // and the caller knows
}

// answer is what a service answered.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// patience is how long a service may go on with what a caller that is gone has asked.
const patience = 3 * time.Second

// send asks the service. The caller's giving up does not take back what it asked, but a service that
// hangs does not hang for ever.
func (x *exchange) send() (answer, error) {
	u := *x.r.URL
	u.Scheme, u.Host = x.to.Scheme, x.to.Host
	ctx, cancel := context.WithCancel(context.WithoutCancel(x.r.Context()))
	defer cancel()
	stop := context.AfterFunc(x.r.Context(), func() { time.AfterFunc(patience, cancel) })
	defer stop()
	req, err := http.NewRequestWithContext(ctx, x.r.Method, u.String(), bytes.NewReader(x.body))
	if err != nil {
		return answer{}, err
	}
	req.Header, req.Host = x.r.Header.Clone(), x.r.Host
	resp, err := x.p.transport.RoundTrip(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	x.status, x.took = resp.StatusCode, resp.StatusCode < 300
	return answer{resp.StatusCode, resp.Header, body}, err
}

// reply answers the caller.
func (x *exchange) reply(a answer) error {
	for name, values := range a.header {
		x.w.Header()[name] = values
	}
	x.w.WriteHeader(a.status)
	_, err := x.w.Write(a.body)
	return err
}

// drop closes the connection without an answer; reset does so rudely.
func (x *exchange) drop() { x.hangUp(false) }

func (x *exchange) reset() { x.hangUp(true) }

func (x *exchange) hangUp(rudely bool) {
	c, _, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // closes it, too
	}
	if tcp, ok := c.(*net.TCPConn); ok && rudely {
		_ = tcp.SetLinger(0) // without it the end is only politer
	}
	_ = c.Close() // there is nothing to lose
}
