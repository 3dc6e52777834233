// Poller is the Lambda function that a schedule runs every minute: it lets clocks run and asks
// Meta what no webhook tells, for the accounts that are due.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/wabawatch/wabawatch/shared/awscall"
	"github.com/wabawatch/wabawatch/shared/config"
	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/store"
	"github.com/wabawatch/wabawatch/shared/store/dynamo"
	"github.com/wabawatch/wabawatch/shared/watch"
	"github.com/wabawatch/wabawatch/shared/whatsapp"
)

// version is set when the function is built.
var version = "unknown"

// reserve is kept back from the invocation's time to write down what was done.
const reserve = 5 * time.Second

func main() {
	log := lambdacontext.NewLogger()
	p, err := setup(context.Background(), log)
	if err != nil {
		log.Error("cold start failed", "function", "poller", "version", version, "err", err)
		os.Exit(1)
	}
	lambda.Start(p.handle)
}

type poller struct {
	watcher  *watch.Watcher
	secrets  *config.Source
	log      *slog.Logger
	enrolled time.Time
	discover time.Time // when to look for accounts again
}

func setup(ctx context.Context, log *slog.Logger) (*poller, error) {
	cfg, err := config.Parse[config.Poller]()
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	rules, err := quality.DefaultRules.Override(cfg.Rules)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	aws := config.LambdaAWS(cfg.Lambda)
	table := dynamo.New(awscall.New(aws, dynamo.Service), cfg.Table)
	table.Warm(ctx)
	secrets, err := config.OpenSource(ctx, aws, cfg.SecretsPath, time.Now, cfg.Secrets()...)
	if err != nil {
		return nil, err
	}
	watcher := &watch.Watcher{
		Store: store.New(table, cfg.Retention, time.Now), Rules: rules, Now: time.Now, Log: log,
		Interval: cfg.PollInterval, WABAIDs: cfg.WABAIDs, BusinessID: cfg.BusinessID, Holder: rand.Text(),
	}
	if cfg.Polling {
		graph := whatsapp.Config{BaseURL: cfg.Graph.URL, Version: cfg.Version, Log: log, Token: func() string { return secrets.Cached().AccessToken }}
		if cfg.AppSecretProof {
			graph.AppSecret = func() string { return secrets.Cached().AppSecrets[0] }
		}
		if watcher.Source, err = whatsapp.NewClient(graph); err != nil {
			return nil, fmt.Errorf("config: %w", err)
		}
	}
	return &poller{watcher: watcher, secrets: secrets, log: log}, nil
}

// enrolEvery is how often configured accounts are looked up again.
const enrolEvery = time.Hour

// handle does what is due, whatever the event says. Failures of single accounts are logged and
// tried again when they are due; the invocation fails only if nothing could be done at all.
func (p *poller) handle(ctx context.Context, _ json.RawMessage) error {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-reserve))
		defer cancel()
	}
	if _, err := p.secrets.Refresh(ctx); err != nil {
		p.log.WarnContext(ctx, "secrets not read again", "err", err)
	}
	if time.Since(p.enrolled) > enrolEvery {
		if err := p.watcher.Enrol(ctx); err != nil {
			return fmt.Errorf("enrol: %w", err)
		}
		p.enrolled = time.Now()
	}
	if time.Now().After(p.discover) {
		// Beside the polls: a discovery that hangs would take all their time.
		var discovering sync.WaitGroup
		defer discovering.Wait()
		discovering.Go(func() {
			err := p.watcher.Discover(ctx)
			if err != nil {
				p.log.ErrorContext(ctx, "discovery failed", "err", err)
			}
			p.discover = time.Now().Add(p.watcher.DiscoverAfter(err))
		})
	}
	err := p.watcher.Tick(ctx)
	if errors.Is(err, watch.ErrNothingDone) {
		return err
	}
	if err != nil {
		p.log.ErrorContext(ctx, "tick incomplete", "err", err)
	}
	return nil
}
