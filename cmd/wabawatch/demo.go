package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/wabawatch/wabawatch/shared/config"
	"github.com/wabawatch/wabawatch/shared/whatsapptest"
)

// demo runs serve beside a simulation of Meta that tells a story, with random secrets and, unless
// a file was named, data that is thrown away at the end.
func (p *program) demo(ctx context.Context, pace time.Duration, keep bool) error {
	if !keep {
		path, cleanup, err := scratch()
		if err != nil {
			return err
		}
		defer cleanup()
		p.cfg.Data = path
	}
	meta := &whatsapptest.Meta{Token: randomHex(24)}
	graph, stopMeta, err := simulate(meta)
	if err != nil {
		return err
	}
	defer stopMeta()
	p.cfg.Secrets = config.Secrets{
		AppSecrets: []string{randomHex(16)}, VerifyToken: randomHex(16), AccessToken: meta.Token,
		APITokens: []config.APIToken{{Token: randomHex(16)}},
	}
	p.cfg.Graph.URL, p.cfg.WABAIDs, p.cfg.BusinessID, p.cfg.Polling = graph, []string{whatsapptest.StoryWABAID}, "", true
	p.cfg.TopicARN = "" // invented alerts go to nobody
	// At the story's pace a poll must come between its steps, and an incident must end while
	// somebody still watches.
	p.cfg.PollInterval = max(pace/3, time.Second)
	p.cfg.Rules = fmt.Sprintf(`{"number_quality":{"keep_firing_for":%q}}`, pace.String())
	if p.cfg.Listen, err = free(p.cfg.Listen); err != nil {
		return err
	}
	story := &whatsapptest.Story{Meta: meta, Sender: &whatsapptest.Sender{AppSecret: p.cfg.Secrets.AppSecrets[0]}}
	story.Stage()

	var telling sync.WaitGroup
	defer telling.Wait()
	return p.serve(ctx, func(addr string) {
		story.Sender.URL = "http://" + addr + "/webhook"
		p.introduce(addr, graph)
		telling.Go(func() { p.tell(ctx, story, pace, addr) })
	})
}

// simulate starts the simulation on a loopback port of its own.
func simulate(meta *whatsapptest.Meta) (url string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("simulation: %w", err)
	}
	server := &http.Server{Handler: meta, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(l) }() // ends with stop
	return "http://" + l.Addr().String(), func() { _ = server.Close() }, nil
}

// free is the address, or if somebody has its port any other on the same host.
func free(addr string) (string, error) {
	l, err := net.Listen("tcp", addr)
	if err == nil {
		return addr, l.Close()
	}
	host, _, serr := net.SplitHostPort(addr)
	if serr != nil {
		return "", usageError{fmt.Errorf("listen on %s: %w", addr, err)}
	}
	return net.JoinHostPort(host, "0"), nil
}

func (p *program) say(format string, args ...any) {
	_, _ = fmt.Fprintf(p.out, format+"\n", args...) // nobody is left to tell
}

func (p *program) introduce(addr, graph string) {
	p.say(`wabawatch %s: a demonstration. Everything you see is SIMULATED: no account, number or template is real.

  wabawatch     http://%s
  simulation    %s   (stands for graph.facebook.com)
  API token     %s   (of this run only)
  data          %s

Stop it with Ctrl-C. Alerts are printed below as they would be sent.
`, buildVersion(), addr, graph, p.cfg.Secrets.APITokens[0].Token, p.cfg.Data)
}

// tell plays the story and says how to look at what it left behind.
func (p *program) tell(ctx context.Context, story *whatsapptest.Story, pace time.Duration, addr string) {
	err := story.Tell(ctx, pace, func(line string) { p.say("%s  %s", time.Now().UTC().Format(time.TimeOnly), line) })
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			_, _ = fmt.Fprintln(os.Stderr, "simulation:", err)
		}
		return
	}
	// The number's recovery is told once it has lasted.
	select {
	case <-ctx.Done():
		return
	case <-time.After(2*pace + 2*p.cfg.PollInterval):
	}
	auth := fmt.Sprintf(`curl -s -H "Authorization: Bearer %s" http://%s`, p.cfg.Secrets.APITokens[0].Token, addr)
	waba := whatsapptest.StoryWABAID
	p.say(`
The story is told. Look at what it left behind:

  %[1]s/v1/accounts/%[2]s
  %[1]s/v1/accounts/%[2]s/numbers/12025550187
  %[1]s'/v1/accounts/%[2]s/numbers/12025550187/history?signal=quality_rating'
  %[1]s'/v1/accounts/%[2]s/templates?name=autumn_sale'
  %[1]s/v1/accounts/%[2]s/templates/1407680676729978/history
  %[1]s/v1/alerts
  %[1]s/v1/incidents
`, auth, waba)
}
