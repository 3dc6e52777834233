// Api is the Lambda function that answers queries. It reads the table and writes nothing.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/wabawatch/wabawatch/shared/api"
	"github.com/wabawatch/wabawatch/shared/awscall"
	"github.com/wabawatch/wabawatch/shared/config"
	"github.com/wabawatch/wabawatch/shared/lambdahttp"
	"github.com/wabawatch/wabawatch/shared/notify"
	"github.com/wabawatch/wabawatch/shared/store"
	"github.com/wabawatch/wabawatch/shared/store/dynamo"
)

// version is set when the function is built.
var version = "unknown"

func main() {
	log := lambdacontext.NewLogger()
	handler, err := setup(context.Background(), log)
	if err != nil {
		log.Error("cold start failed", "function", "api", "version", version, "err", err)
		os.Exit(1)
	}
	lambda.StartHandlerFunc(lambdahttp.Handler(handler))
}

func setup(ctx context.Context, log *slog.Logger) (http.Handler, error) {
	cfg, err := config.Parse[config.API]()
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
	secrets, err := config.LoadSecrets(ctx, aws, cfg.SecretsPath, config.APITokens)
	if err != nil {
		return nil, err
	}
	server := &api.Server{
		Reader: store.New(table, cfg.Retention, time.Now), Word: writer.Word, Interval: cfg.PollInterval, Polling: cfg.Polling,
		Now: time.Now, Log: log, Version: version,
	}
	for _, t := range secrets.APITokens {
		server.Tokens = append(server.Tokens, api.Token{Token: t.Token, WABAIDs: t.WABAIDs})
	}
	return server.Handler(), nil
}
