// Webhook is the Lambda function behind Meta's callback URL: it turns each notification into
// points, has package watch store them, and only then answers 200.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/wabawatch/wabawatch/shared/awscall"
	"github.com/wabawatch/wabawatch/shared/config"
	"github.com/wabawatch/wabawatch/shared/lambdahttp"
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
	callback, err := setup(context.Background(), log)
	if err != nil {
		log.Error("cold start failed", "function", "webhook", "version", version, "err", err)
		os.Exit(1)
	}
	lambda.Start(lambdahttp.Raw[whatsapp.Response]{Callback: lambdahttp.Callback[whatsapp.Response]{
		Signature: whatsapp.SignatureHeader, Shaped: whatsapp.Shaped,
		Verify: callback.VerifyQuery, Handle: callback.Handle, Answer: whatsapp.Response.Parts,
	}})
}

func setup(ctx context.Context, log *slog.Logger) (*whatsapp.Callback, error) {
	cfg, err := config.Parse[config.Webhook]()
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
	secrets, err := config.OpenSource(ctx, aws, cfg.SecretsPath, time.Now, config.AppSecrets, config.VerifyToken)
	if err != nil {
		return nil, err
	}
	watcher := &watch.Watcher{
		Store: store.New(table, cfg.Retention, time.Now), Rules: rules, Now: time.Now, Log: log, Interval: cfg.PollInterval,
	}
	current := func(s config.Secrets) whatsapp.CallbackSecrets {
		return whatsapp.CallbackSecrets{AppSecrets: s.AppSecrets, VerifyToken: s.VerifyToken}
	}
	return &whatsapp.Callback{
		Secrets: func() whatsapp.CallbackSecrets { return current(secrets.Cached()) },
		Refresh: func(ctx context.Context) (whatsapp.CallbackSecrets, error) {
			s, err := secrets.Refresh(ctx)
			return current(s), err
		},
		Receive: watcher.Observe, Log: log,
	}, nil
}
