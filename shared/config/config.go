// Package config reads what wabawatch is told from outside: settings from environment
// variables, secrets from Parameter Store or from variables, and from both the AWS clients'
// configuration. It knows names, defaults and what a value must look like; what the values
// mean is the business of those who use them.
//
// Functions on Lambda pay for every package they link, so this one builds aws.Config by
// hand, without the SDK's loader.
package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Lambda is what every function is given: where it runs and where its table is. The endpoints
// are empty on AWS and lead elsewhere in local tests.
type Lambda struct {
	Region           string `env:"AWS_REGION,notEmpty"`
	Table            string `env:"WABAWATCH_TABLE,notEmpty"`
	DynamoDBEndpoint string `env:"AWS_ENDPOINT_URL_DYNAMODB"`
	SNSEndpoint      string `env:"AWS_ENDPOINT_URL_SNS"`
	SSMEndpoint      string `env:"AWS_ENDPOINT_URL_SSM"`
}

// Words is how alerts are put into words, where they are sent or shown: they are stored as facts.
type Words struct {
	Language string `env:"WABAWATCH_LANGUAGE" envDefault:"en"`
	// TimeZone is shown beside UTC; never nil after Parse.
	TimeZone *time.Location `env:"WABAWATCH_TIMEZONE" envDefault:"UTC"`
	// PublicURL is where people reach this installation, without a slash at the end; "" if unknown.
	PublicURL string `env:"WABAWATCH_PUBLIC_URL"`
}

// Watching is what the merging of webhooks and polls depends on. Functions that merge must
// agree about it.
type Watching struct {
	// PollInterval is the cadence of polls of numbers; the others are multiples of it.
	PollInterval time.Duration `env:"WABAWATCH_POLL_INTERVAL" envDefault:"5m"`
	// Polling is whether there are polls at all, written on or off.
	Polling bool `env:"WABAWATCH_POLLING" envDefault:"on"`
	// Retention is how long history is kept.
	Retention time.Duration `env:"WABAWATCH_RETENTION" envDefault:"400d"`
	// Rules overrides the table of rules: a JSON object by rule id, or "".
	Rules string `env:"WABAWATCH_RULES"`
}

// Graph is what to ask Meta, and where.
type Graph struct {
	// URL is scheme and host only, and "" for Meta's own.
	URL     string `env:"WABAWATCH_GRAPH_URL"`
	Version string `env:"WABAWATCH_GRAPH_VERSION" envDefault:"v26.0"`
	// WABAIDs are the accounts to poll besides those that webhooks name.
	WABAIDs []string `env:"WABAWATCH_WABA_IDS"`
	// BusinessID is the portfolio whose accounts are discovered; "" for none.
	BusinessID string `env:"WABAWATCH_BUSINESS_ID"`
	// AppSecretProof makes calls carry a proof of the newest app secret, written on or off.
	AppSecretProof bool `env:"WABAWATCH_APPSECRET_PROOF" envDefault:"off"`
}

// Webhook is what the webhook function is told.
type Webhook struct {
	Lambda
	Watching
	SecretsPath string `env:"WABAWATCH_SECRETS_PATH" envDefault:"/wabawatch"`
}

// Poller is what the poller function is told.
type Poller struct {
	Lambda
	Watching
	Graph
	SecretsPath string `env:"WABAWATCH_SECRETS_PATH" envDefault:"/wabawatch"`
}

// Secrets names the secrets the poller needs: the token unless polling is off, and the app
// secret if calls carry a proof of it.
func (p Poller) Secrets() []Name {
	switch {
	case !p.Polling:
		return nil
	case p.AppSecretProof:
		return []Name{AccessToken, AppSecrets}
	}
	return []Name{AccessToken}
}

// Notifier is what the notifier function is told.
type Notifier struct {
	Lambda
	Words
	Retention time.Duration `env:"WABAWATCH_RETENTION" envDefault:"400d"`
	// TopicARN is the topic of alerts, OpsTopicARN that of operations.
	TopicARN    string `env:"WABAWATCH_SNS_TOPIC_ARN,notEmpty"`
	OpsTopicARN string `env:"WABAWATCH_OPS_TOPIC_ARN,notEmpty"`
}

// API is what the api function is told.
type API struct {
	Lambda
	Words
	// PollInterval and Polling say when something unseen counts as unknown.
	PollInterval time.Duration `env:"WABAWATCH_POLL_INTERVAL" envDefault:"5m"`
	Polling      bool          `env:"WABAWATCH_POLLING" envDefault:"on"`
	Retention    time.Duration `env:"WABAWATCH_RETENTION" envDefault:"400d"`
	SecretsPath  string        `env:"WABAWATCH_SECRETS_PATH" envDefault:"/wabawatch"`
}

// Serve is what the local program is told. Its secrets come from variables only.
type Serve struct {
	Watching
	Words
	Graph
	Listen   string `env:"WABAWATCH_LISTEN" envDefault:"127.0.0.1:8080"`
	Data     string `env:"WABAWATCH_DATA" envDefault:"wabawatch.db"`
	TopicARN string `env:"WABAWATCH_SNS_TOPIC_ARN"`
	// Secrets holds what was set. Without an access token there is no polling.
	Secrets Secrets `env:"-"`
}

// Parse reads the settings of a function from the environment. An empty variable counts as not
// set. The error names everything that is missing or malformed, one line each, by variable.
func Parse[T any]() (T, error) { return parse[T](environ(nil)) }

// ParseServe reads the settings of the local program. flags holds what the command line said,
// by variable, and wins over the environment. All secrets but the access token are required, unless
// secretless: for a demonstration, and for commands that answer nobody.
func ParseServe(secretless bool, flags map[string]string) (Serve, error) {
	vars := environ(flags)
	s, err := parse[Serve](vars)
	problems := []error{err}
	var names []Name
	for _, n := range []Name{AppSecrets, VerifyToken, AccessToken, APITokens} {
		if raw := strings.TrimSpace(vars[n.Variable()]); raw != "" || n != AccessToken && !secretless {
			names = append(names, n)
		}
	}
	for _, n := range names {
		raw := strings.TrimSpace(vars[n.Variable()])
		if raw == "" {
			problems = append(problems, fmt.Errorf("%s is not set: %s", n.Variable(), n.what()))
			continue
		}
		if err := s.Secrets.set(n, raw); err != nil {
			problems = append(problems, fmt.Errorf("%s %w", n.Variable(), err))
		}
	}
	if s.AppSecretProof && len(s.Secrets.AppSecrets) == 0 && !slices.Contains(names, AppSecrets) {
		problems = append(problems, errors.New("WABAWATCH_APPSECRET_PROOF is on and WABAWATCH_APP_SECRETS is not set"))
	}
	return s, errors.Join(problems...)
}
