package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"

	"github.com/wabawatch/wabawatch/shared/api"
	"github.com/wabawatch/wabawatch/shared/awscall"
	"github.com/wabawatch/wabawatch/shared/config"
	"github.com/wabawatch/wabawatch/shared/notify"
	"github.com/wabawatch/wabawatch/shared/notify/sns"
	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/store"
	"github.com/wabawatch/wabawatch/shared/store/bolt"
	"github.com/wabawatch/wabawatch/shared/watch"
	"github.com/wabawatch/wabawatch/shared/whatsapp"
)

// parts are the pieces of wabawatch, wired for one process.
type parts struct {
	table   *bolt.Table
	watcher *watch.Watcher
	courier *watch.Courier
	handler http.Handler
}

// assemble opens the file and wires the same pieces that the functions on AWS are made of.
func (p *program) assemble(ctx context.Context) (*parts, error) {
	rules, err := quality.DefaultRules.Override(p.cfg.Rules)
	if err != nil {
		return nil, usageError{fmt.Errorf("WABAWATCH_RULES: %w", err)}
	}
	writer, err := notify.NewWriter(p.cfg.Language, p.cfg.TimeZone, p.cfg.PublicURL)
	if err != nil {
		return nil, usageError{err}
	}
	source, err := p.source()
	if err != nil {
		return nil, usageError{err}
	}
	publisher, err := p.publisher(ctx, writer)
	if err != nil {
		return nil, err
	}
	table, err := bolt.Open(p.cfg.Data)
	if err != nil {
		return nil, err
	}
	records := store.New(table, p.cfg.Retention, time.Now)
	out := &parts{table: table}
	out.watcher = &watch.Watcher{
		Store: records, Rules: rules, Now: time.Now, Log: p.log,
		Interval: p.cfg.PollInterval, WABAIDs: p.cfg.WABAIDs, BusinessID: p.cfg.BusinessID, Holder: holder, Lease: 2 * time.Minute,
	}
	if source != nil {
		out.watcher.Source = source
	}
	out.courier = &watch.Courier{Outbox: records, Publisher: publisher, Now: time.Now, Log: p.log, Holder: holder}
	if err := errors.Join(out.watcher.Release(ctx), out.watcher.Enrol(ctx)); err != nil {
		_ = table.Close() // the first error says why
		return nil, fmt.Errorf("enrol the configured accounts: %w", err)
	}
	out.handler = p.routes(out.watcher, records, writer, source != nil)
	return out, nil
}

// routes joins Meta's callback and the API.
func (p *program) routes(watcher *watch.Watcher, records *store.Store, writer notify.Writer, polling bool) http.Handler {
	callback := &whatsapp.Callback{
		Secrets: func() whatsapp.CallbackSecrets {
			return whatsapp.CallbackSecrets{AppSecrets: p.cfg.Secrets.AppSecrets, VerifyToken: p.cfg.Secrets.VerifyToken}
		},
		Receive: watcher.Observe, Log: p.log,
	}
	server := &api.Server{
		Reader: records, Word: writer.Word, Tokens: tokens(p.cfg.Secrets.APITokens), Interval: p.cfg.PollInterval, Polling: polling,
		Now: time.Now, Log: p.log, Version: buildVersion(),
	}
	mux := http.NewServeMux()
	mux.Handle("/webhook", callback)
	mux.Handle("/", server.Handler())
	return mux
}

func tokens(in []config.APIToken) []api.Token {
	out := make([]api.Token, len(in))
	for i, t := range in {
		out[i] = api.Token{Token: t.Token, WABAIDs: t.WABAIDs}
	}
	return out
}

// source is the Graph client, or nil where there is no token: then nothing is polled.
func (p *program) source() (*whatsapp.Client, error) {
	if p.cfg.Secrets.AccessToken == "" || !p.cfg.Polling {
		return nil, nil
	}
	cfg := whatsapp.Config{
		BaseURL: p.cfg.Graph.URL, Version: p.cfg.Graph.Version, Log: p.log,
		Token: func() string { return p.cfg.Secrets.AccessToken },
	}
	if p.cfg.AppSecretProof {
		cfg.AppSecret = func() string { return p.cfg.Secrets.AppSecrets[0] }
	}
	return whatsapp.NewClient(cfg)
}

// publisher prints alerts, and publishes them too where a topic is set.
func (p *program) publisher(ctx context.Context, writer notify.Writer) (watch.Publisher, error) {
	console := &console{out: p.out, writer: writer}
	if p.cfg.TopicARN == "" {
		return console, nil
	}
	aws, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("AWS configuration for %s: %w", p.cfg.TopicARN, err)
	}
	topic := &sns.Publisher{Client: awscall.New(aws, sns.Service), TopicARN: p.cfg.TopicARN, Writer: writer}
	return both{topic, console}, nil
}
