package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"
)

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
