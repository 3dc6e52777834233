// Notifier is the Lambda function that sends alerts: those that the table's stream brings, on a
// schedule those that were left behind, and on request a test.
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
	"github.com/wabawatch/wabawatch/shared/notify"
	"github.com/wabawatch/wabawatch/shared/notify/sns"
	"github.com/wabawatch/wabawatch/shared/quality"
	"github.com/wabawatch/wabawatch/shared/store"
	"github.com/wabawatch/wabawatch/shared/store/dynamo"
	"github.com/wabawatch/wabawatch/shared/watch"
)

// version is set when the function is built.
var version = "unknown"

func main() {
	log := lambdacontext.NewLogger()
	n, err := setup(context.Background(), log)
	if err != nil {
		log.Error("cold start failed", "function", "notifier", "version", version, "err", err)
		os.Exit(1)
	}
	lambda.StartHandlerFunc(n.handle)
}

func setup(ctx context.Context, log *slog.Logger) (*notifier, error) {
	cfg, err := config.Parse[config.Notifier]()
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	writer, err := notify.NewWriter(cfg.Language, cfg.TimeZone, cfg.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	aws := config.LambdaAWS(cfg.Lambda)
	table := dynamo.New(awscall.New(aws, dynamo.Service), cfg.Table)
	table.Warm(ctx)
	client := awscall.New(aws, sns.Service)
	alerts := &sns.Publisher{Client: client, TopicARN: cfg.TopicARN, Writer: writer}
	ops := &sns.Publisher{Client: client, TopicARN: cfg.OpsTopicARN, Writer: writer}
	return &notifier{
		courier: &watch.Courier{
			Outbox: store.New(table, cfg.Retention, time.Now), Publisher: alerts, Now: time.Now, Log: log, Holder: rand.Text(),
			Parked: func(ctx context.Context, a quality.Alert) error { return ops.Parked(ctx, a) },
		},
		writer: writer, log: log,
	}, nil
}
