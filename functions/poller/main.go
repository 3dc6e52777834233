// Poller is the Lambda function that a schedule runs every minute: it lets clocks run and asks
// Meta what no webhook tells, for the accounts that are due.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
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

func main() {
	log := lambdacontext.NewLogger()
	p, err := setup(context.Background(), log)
	if err != nil {
		log.Error("cold start failed", "function", "poller", "version", version, "err", err)
		os.Exit(1)
	}
	lambda.Start(p.handle)
}

func setup(ctx context.Context, log *slog.Logger) (*poller, error) {
	cfg, err := config.Parse[config.Poller]()
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	rules, err := quality.DefaultRules.Override(cfg.Rules)
	if err != nil {
		return nil, fmt.Errorf("config: WABAWATCH_RULES: %w", err)
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
