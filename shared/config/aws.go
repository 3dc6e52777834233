package config

import (
	"context"
	"errors"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/wabawatch/wabawatch/shared/awscall"
)

// LambdaAWS is the configuration of AWS clients inside a function: region and endpoints as
// parsed, credentials from the environment, an HTTP client with bounds. What the SDK's own
// loader would bring besides, profiles and single sign-on, does not exist on Lambda and costs
// every cold start.
func LambdaAWS(l Lambda) aws.Config {
	return aws.Config{
		Region:      l.Region,
		Credentials: aws.CredentialsProviderFunc(environmentCredentials),
		HTTPClient:  awscall.NewHTTPClient(),
		ConfigSources: []any{endpoints{
			"DynamoDB": l.DynamoDBEndpoint,
			"SNS":      l.SNSEndpoint,
			"SSM":      l.SSMEndpoint,
		}},
	}
}

// endpoints are addresses by service, "" for AWS's own.
type endpoints map[string]string

// GetServiceBaseEndpoint is how clients ask for them.
func (e endpoints) GetServiceBaseEndpoint(_ context.Context, sdkID string) (string, bool, error) {
	return e[sdkID], e[sdkID] != "", nil
}

// environmentCredentials reads the environment at each call, as tests and local tools change it.
func environmentCredentials(context.Context) (aws.Credentials, error) {
	c := aws.Credentials{
		AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
		Source:          "environment",
	}
	if !c.HasKeys() {
		return aws.Credentials{}, errors.New("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set")
	}
	return c, nil
}
