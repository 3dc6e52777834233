// Package config reads what wabawatch is told from outside: settings from environment
// variables, secrets from Parameter Store or from variables, and from both the AWS clients'
// configuration. It knows names, defaults and what a value must look like; what the values
// mean is the business of those who use them.
//
// Functions on Lambda pay for every package they link, so this one builds aws.Config by
// hand, without the SDK's loader.
package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
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
// by variable, and wins over the environment. A demonstration invents the secrets that are not
// set; otherwise all but the access token are required.
func ParseServe(demo bool, flags map[string]string) (Serve, error) {
	vars := environ(flags)
	s, err := parse[Serve](vars)
	problems := []error{err}
	var names []Name
	for _, n := range []Name{AppSecrets, VerifyToken, AccessToken, APITokens} {
		if raw := strings.TrimSpace(vars[n.Variable()]); raw != "" || n != AccessToken && !demo {
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

// environ is the environment, with over laid on it.
func environ(over map[string]string) map[string]string {
	vars := map[string]string{}
	for _, kv := range os.Environ() {
		k, v, _ := strings.Cut(kv, "=")
		vars[k] = strings.TrimSpace(v)
	}
	maps.Copy(vars, over)
	return vars
}

// parse reads a T out of variables.
func parse[T any](vars map[string]string) (T, error) {
	var t T
	err := env.ParseWithOptions(&t, env.Options{
		Environment: vars,
		FuncMap: map[reflect.Type]env.ParserFunc{
			reflect.TypeFor[time.Duration](): func(v string) (any, error) { return ParseDuration(v) },
			reflect.TypeFor[time.Location](): location,
			reflect.TypeFor[bool]():          onOff,
		},
	})
	keys := variables(reflect.TypeFor[T]())
	problems, failed := explain(err, keys)
	for _, c := range checks(reflect.ValueOf(&t).Elem()) {
		if err := c.check(); err != nil && !failed[c.variable] {
			problems = append(problems, fmt.Errorf("%s %w", c.variable, err))
		}
	}
	return t, errors.Join(problems...)
}

// variables maps the names of T's fields, embedded ones included, to their variables.
func variables(t reflect.Type) map[string]string {
	keys := map[string]string{}
	for f := range t.Fields() {
		if f.Anonymous {
			maps.Copy(keys, variables(f.Type))
			continue
		}
		keys[f.Name], _, _ = strings.Cut(f.Tag.Get("env"), ",")
	}
	return keys
}

// explain turns the parser's errors into ours, and says which variables they are about.
func explain(err error, keys map[string]string) (problems []error, failed map[string]bool) {
	failed = map[string]bool{}
	if err == nil {
		return nil, failed
	}
	all := []error{err}
	if agg, ok := errors.AsType[env.AggregateError](err); ok {
		all = agg.Errors
	}
	for _, err := range all {
		variable := ""
		if e, ok := errors.AsType[env.VarIsNotSetError](err); ok {
			variable, err = e.Key, errors.New("is not set")
		} else if e, ok := errors.AsType[env.EmptyVarError](err); ok {
			variable, err = e.Key, errors.New("is not set")
		} else if e, ok := errors.AsType[env.ParseError](err); ok {
			variable, err = keys[e.Name], e.Err
		}
		if variable != "" {
			failed[variable] = true
			err = fmt.Errorf("%s %w", variable, err)
		}
		problems = append(problems, err)
	}
	return problems, failed
}

func location(v string) (any, error) {
	loc, err := time.LoadLocation(v)
	if err != nil || v == "Local" {
		return nil, fmt.Errorf("is %q, which is no time zone; write one like UTC or Europe/Paris", v)
	}
	return *loc, nil
}

func onOff(v string) (any, error) {
	switch strings.ToLower(v) {
	case "on", "true", "1", "yes":
		return true, nil
	case "off", "false", "0", "no":
		return false, nil
	}
	return nil, fmt.Errorf("is %q; write on or off", v)
}

// ParseDuration reads a span of time as Go writes it, and also in whole days: 5m, 1h30m, 400d.
func ParseDuration(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok && digits(days) && len(days) <= 5 {
		var n int64
		for _, c := range days {
			n = 10*n + int64(c-'0')
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("is %q, which is no span of time; write one like 5m, 12h or 400d", s)
	}
	return d, nil
}

// check is one condition on a parsed value.
type check struct {
	variable string
	check    func() error
}

// checks lists the conditions on the groups of settings that v has.
func checks(v reflect.Value) []check {
	var out []check
	for i := range v.NumField() {
		switch group := v.Field(i).Addr().Interface().(type) {
		case *Lambda:
			out = append(out,
				check{"AWS_ENDPOINT_URL_DYNAMODB", func() error { return endpoint(group.DynamoDBEndpoint) }},
				check{"AWS_ENDPOINT_URL_SNS", func() error { return endpoint(group.SNSEndpoint) }},
				check{"AWS_ENDPOINT_URL_SSM", func() error { return endpoint(group.SSMEndpoint) }})
		case *Watching:
			out = append(out,
				check{"WABAWATCH_POLL_INTERVAL", func() error { return between(group.PollInterval, minInterval, maxInterval) }},
				check{"WABAWATCH_RETENTION", func() error { return between(group.Retention, minRetention, maxRetention) }},
				check{"WABAWATCH_RULES", func() error { return Object(group.Rules) }})
		case *Words:
			out = append(out,
				check{"WABAWATCH_LANGUAGE", func() error { return language(group.Language) }},
				check{"WABAWATCH_PUBLIC_URL", func() error { return public(&group.PublicURL) }})
			if loc := group.TimeZone; loc != nil && loc.String() == "UTC" {
				group.TimeZone = time.UTC
			}
		case *Graph:
			out = append(out,
				check{"WABAWATCH_GRAPH_URL", func() error { return graph(&group.URL) }},
				check{"WABAWATCH_GRAPH_VERSION", func() error { return version(group.Version) }},
				check{"WABAWATCH_WABA_IDS", func() error { return ids(&group.WABAIDs) }},
				check{"WABAWATCH_BUSINESS_ID", func() error { return id(group.BusinessID) }})
		}
	}
	for f, value := range v.Fields() {
		switch text, _ := reflect.TypeAssert[string](value); f.Name {
		case "SecretsPath":
			out = append(out, check{"WABAWATCH_SECRETS_PATH", func() error { return secretsPath(text) }})
		case "TopicARN", "OpsTopicARN":
			name, _, _ := strings.Cut(f.Tag.Get("env"), ",")
			out = append(out, check{name, func() error { return topic(text) }})
		case "PollInterval":
			d, _ := reflect.TypeAssert[time.Duration](value)
			out = append(out, check{"WABAWATCH_POLL_INTERVAL", func() error { return between(d, minInterval, maxInterval) }})
		case "Retention":
			d, _ := reflect.TypeAssert[time.Duration](value)
			out = append(out, check{"WABAWATCH_RETENTION", func() error { return between(d, minRetention, maxRetention) }})
		case "Listen":
			out = append(out, check{"WABAWATCH_LISTEN", func() error { return listen(text) }})
		}
	}
	return out
}

// Bounds of settings. An interval far below Meta's own rhythm only burns the allowance; history
// shorter than a webhook may be late would tell old things as new.
const (
	minInterval  = time.Second
	maxInterval  = 24 * time.Hour
	minRetention = 10 * 24 * time.Hour
	maxRetention = 3660 * 24 * time.Hour
)

func between(d, low, high time.Duration) error {
	if d < low || d > high {
		return fmt.Errorf("is %s; it must be between %s and %s", span(d), span(low), span(high))
	}
	return nil
}

// span writes whole days as days.
func span(d time.Duration) string {
	if day := 24 * time.Hour; d >= day && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	return d.String()
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func id(s string) error {
	if s != "" && (!digits(s) || len(s) > 32) {
		return fmt.Errorf("is %q; ids are digits only", s)
	}
	return nil
}

func ids(list *[]string) error {
	var out []string
	for _, s := range *list {
		s = strings.TrimSpace(s)
		if s == "" {
			continue
		}
		if err := id(s); err != nil {
			return fmt.Errorf("holds %q; it is a comma-separated list of WABA ids, digits only", s)
		}
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	*list = out
	return nil
}

// Object checks that a text is a JSON object, or empty.
func Object(s string) error {
	if s == "" {
		return nil
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal([]byte(s), &m); err != nil || m == nil {
		return errors.New(`is not a JSON object by rule id, such as {"number_quality":{"repeat_interval":"12h"}}`)
	}
	return nil
}

func language(s string) error {
	if len(s) < 2 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "" {
		return fmt.Errorf("is %q, which is no language; write one like en", s)
	}
	return nil
}

func version(s string) error {
	major, minor, ok := strings.Cut(strings.TrimPrefix(s, "v"), ".")
	if !strings.HasPrefix(s, "v") || !ok || !digits(major) || !digits(minor) {
		return fmt.Errorf("is %q; write a version of the Graph API like v26.0", s)
	}
	return nil
}

// web parses an absolute address of http or https with nothing secret in it.
func web(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("is no address like https://host.example")
	}
	return u, nil
}

func endpoint(s string) error {
	if s == "" {
		return nil
	}
	_, err := web(s)
	return err
}

// graph leaves scheme and host. Plain http carries the access token for all to read, so it is
// for this machine only.
func graph(s *string) error {
	if *s == "" {
		return nil
	}
	u, err := web(*s)
	if err != nil || strings.Trim(u.Path, "/") != "" {
		return errors.New("must be scheme and host only, like https://graph.facebook.com")
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return errors.New("must begin with https:// unless the host is this machine")
	}
	*s = u.Scheme + "://" + u.Host
	return nil
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func public(s *string) error {
	if *s == "" {
		return nil
	}
	u, err := web(*s)
	if err != nil {
		return err
	}
	*s = strings.TrimRight(u.String(), "/")
	return nil
}

func secretsPath(s string) error {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/"
	if len(s) < 2 || s[0] != '/' || strings.HasSuffix(s, "/") || strings.Contains(s, "//") || strings.Trim(s, letters) != "" {
		return fmt.Errorf("is %q; write a path like /wabawatch", s)
	}
	return nil
}

func topic(s string) error {
	if parts := strings.Split(s, ":"); s != "" && (len(parts) != 6 || parts[0] != "arn" || parts[2] != "sns" || parts[3] == "" || parts[5] == "") {
		return fmt.Errorf("is %q, which is no ARN of an SNS topic", s)
	}
	return nil
}

func listen(s string) error {
	if _, port, err := net.SplitHostPort(s); err != nil || !digits(port) {
		return fmt.Errorf("is %q; write host:port, like 127.0.0.1:8080", s)
	}
	return nil
}
