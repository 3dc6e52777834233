package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/wabawatch/wabawatch/shared/config"
	"github.com/wabawatch/wabawatch/shared/notify"
	"github.com/wabawatch/wabawatch/shared/quality"
)

func serveCommand() *cobra.Command {
	var demo bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run everything in one process: webhook, polls, alerts and API",
		Long: `serve answers Meta's webhooks, polls the Graph API, tells alerts and answers the API, with
its data in one file. Secrets come from the environment: WABAWATCH_APP_SECRETS,
WABAWATCH_VERIFY_TOKEN, WABAWATCH_API_TOKEN and, for polling, WABAWATCH_ACCESS_TOKEN.

With --demo nothing needs to be set: a simulation of Meta runs beside it and tells a story.`,
		Args: noArguments,
	}
	type setting struct {
		name, variable, usage string
		value                 *string
	}
	settings := []setting{
		{name: "listen", variable: "WABAWATCH_LISTEN", usage: "address to listen on (default 127.0.0.1:8080)"},
		{name: "data", variable: "WABAWATCH_DATA", usage: "file that holds the data (default wabawatch.db)"},
		{name: "waba", variable: "WABAWATCH_WABA_IDS", usage: "accounts to poll, comma-separated"},
		{name: "business", variable: "WABAWATCH_BUSINESS_ID", usage: "business portfolio whose accounts are discovered"},
		{name: "graph-url", variable: "WABAWATCH_GRAPH_URL", usage: "scheme and host of the Graph API (default Meta's)"},
		{name: "graph-version", variable: "WABAWATCH_GRAPH_VERSION", usage: "version of the Graph API (default v26.0)"},
		{name: "poll-interval", variable: "WABAWATCH_POLL_INTERVAL", usage: "cadence of polls of numbers; the others scale with it (default 5m)"},
		{name: "rules", variable: "WABAWATCH_RULES", usage: "JSON that changes rules"},
		{name: "retention", variable: "WABAWATCH_RETENTION", usage: "how long history is kept (default 400d)"},
		{name: "public-url", variable: "WABAWATCH_PUBLIC_URL", usage: "where people reach this program, for links in alerts"},
		{name: "timezone", variable: "WABAWATCH_TIMEZONE", usage: "zone shown beside UTC (default UTC)"},
		{name: "language", variable: "WABAWATCH_LANGUAGE", usage: "language of alerts (default en)"},
		{name: "sns-topic", variable: "WABAWATCH_SNS_TOPIC_ARN", usage: "SNS topic that alerts are published to"},
	}
	for i, f := range settings {
		settings[i].value = cmd.Flags().String(f.name, "", f.usage+"; also "+f.variable)
	}
	cmd.Flags().BoolVar(&demo, "demo", false, "simulate Meta, with invented data")
	pace := cmd.Flags().Duration("pace", 6*time.Second, "of --demo: time between the steps of the story")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		set, given := map[string]string{}, []string{}
		for _, f := range settings {
			// An empty flag was given to undo what the environment says.
			if cmd.Flags().Changed(f.name) {
				set[f.variable] = strings.TrimSpace(*f.value)
				given = append(given, f.variable, "--"+f.name)
			}
		}
		cfg, err := config.ParseServe(demo, set)
		if err = errors.Join(err, unknownWords(cfg)); err != nil {
			// A flag wins over its variable, so what is wrong with the one is wrong with the other.
			said := strings.NewReplacer(given...).Replace(err.Error())
			return usageError{fmt.Errorf("not started; these settings need attention:\n%s", said)}
		}
		p := &program{cfg: cfg, out: cmd.OutOrStdout(), log: newLogger(cmd.ErrOrStderr(), demo)}
		if *pace <= 0 {
			return usageError{fmt.Errorf("--pace is %s; the story needs time between its steps", *pace)}
		}
		if demo {
			// What the environment names may be the file of a real installation.
			return p.demo(cmd.Context(), *pace, set["WABAWATCH_DATA"] != "")
		}
		return p.serve(cmd.Context(), nil)
	}
	return cmd
}

// unknownWords names rules and languages that there are not, so that they are told beside what else
// is wrong. What is no JSON object at all was told by package config.
func unknownWords(cfg config.Serve) error {
	var errs []error
	if cfg.Rules != "" && config.Object(cfg.Rules) == nil {
		if _, err := quality.DefaultRules.Override(cfg.Rules); err != nil {
			errs = append(errs, fmt.Errorf("WABAWATCH_RULES: %w", err))
		}
	}
	if _, err := notify.NewWriter(cfg.Language, cfg.TimeZone, cfg.PublicURL); err != nil {
		errs = append(errs, fmt.Errorf("WABAWATCH_LANGUAGE: %w", err))
	}
	return errors.Join(errs...)
}

// newLogger writes text for people. In a demonstration the story is what they came to read.
func newLogger(w io.Writer, demo bool) *slog.Logger {
	level := slog.LevelInfo
	if demo {
		level = slog.LevelWarn
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}

// program is the local program.
type program struct {
	cfg config.Serve
	out io.Writer
	log *slog.Logger
}

// Bounds of the HTTP server. Meta waits a few seconds for an answer; a body has at most 3 MB.
const (
	readTimeout = 30 * time.Second
	stopTimeout = 15 * time.Second
)

// How often things are looked for: what is due, what waits to be sent, what has expired and how much
// of that is removed at once.
const (
	tickInterval  = time.Second
	flushInterval = 500 * time.Millisecond
	purgeInterval = time.Hour
	purgeLimit    = 10_000
)

// serve runs until ctx ends, then stops: no new requests, those under way are finished, then
// the loops, then the file is closed. ready, if not nil, is called with the address once
// requests are answered.
func (p *program) serve(ctx context.Context, ready func(addr string)) error {
	parts, err := p.assemble(ctx)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", p.cfg.Listen)
	if err != nil {
		return errors.Join(usageError{fmt.Errorf("listen on %s: %w", p.cfg.Listen, err)}, parts.table.Close())
	}
	server := &http.Server{
		Handler: parts.handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: readTimeout, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(p.log.Handler(), slog.LevelError),
	}
	loops, stopLoops := context.WithCancel(context.WithoutCancel(ctx))
	defer stopLoops()
	var running sync.WaitGroup
	running.Go(func() { parts.watcher.Run(loops, tickInterval) })
	running.Go(func() { p.deliver(loops, parts) })
	running.Go(func() { p.purge(loops, parts) })
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	p.log.Info("listening", "address", listener.Addr().String(), "data", p.cfg.Data, "polling", parts.watcher.Source != nil, "accounts", strings.Join(p.cfg.WABAIDs, ","))
	if ready != nil {
		ready(listener.Addr().String())
	}
	select {
	case <-ctx.Done():
		p.log.Info("stopping")
	case err = <-failed:
	case err = <-parts.table.Broken():
		// A start opens the file anew and knows what is in it; whoever looks after the program sees to that.
		err = fmt.Errorf("the disk failed, start again: %w", err)
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if serr := server.Shutdown(grace); serr != nil {
		err = errors.Join(err, fmt.Errorf("stop answering: %w", serr))
	}
	stopLoops()
	running.Wait()
	// What the last requests raised is told before the program ends.
	if ferr := parts.courier.Flush(grace); ferr != nil {
		p.log.Error("alerts wait for the next start", "err", ferr)
	}
	return errors.Join(err, parts.table.Close())
}

// deliver sends what waits, until ctx ends.
func (p *program) deliver(ctx context.Context, parts *parts) {
	every(ctx, flushInterval, func() {
		if err := parts.courier.Flush(ctx); err != nil && ctx.Err() == nil {
			p.log.Error("alerts not delivered", "err", err)
		}
	})
}

// purge removes what has expired, until ctx ends.
func (p *program) purge(ctx context.Context, parts *parts) {
	every(ctx, purgeInterval, func() {
		if n, err := parts.table.Purge(ctx, purgeLimit); err != nil && ctx.Err() == nil {
			p.log.Error("expired items not removed", "err", err)
		} else if n > 0 {
			p.log.Info("expired items removed", "items", n)
		}
	})
}

func every(ctx context.Context, d time.Duration, f func()) {
	t := time.NewTicker(d)
	defer t.Stop()
	for {
		f()
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// holder names the local program in leases and claims. Only one process can have the file open,
// so what a dead one held is this one's.
const holder = "local"

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // crypto/rand never fails
	return hex.EncodeToString(b)
}

// scratch is a data file for a demonstration, removed with cleanup.
func scratch() (path string, cleanup func(), err error) {
	dir, err := os.MkdirTemp("", "wabawatch-demo-")
	if err != nil {
		return "", nil, fmt.Errorf("demo data: %w", err)
	}
	return filepath.Join(dir, "demo.db"), func() { _ = os.RemoveAll(dir) }, nil
}
