package config

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Name is what a secret is called at the end of its path in Parameter Store.
type Name string

// The secrets.
const (
	AppSecrets  Name = "app-secrets"  // of the Meta app, comma-separated, newest first
	VerifyToken Name = "verify-token" // what Meta repeats when the callback URL is saved
	AccessToken Name = "access-token" // of a system user, for polls
	APITokens   Name = "api-token"    // what readers of /v1 must show, comma-separated
)

// Variable is the environment variable that holds the secret instead.
func (n Name) Variable() string {
	switch n {
	case APITokens:
		return "WABAWATCH_API_TOKEN"
	}
	return "WABAWATCH_" + strings.ToUpper(strings.ReplaceAll(string(n), "-", "_"))
}

// what says in a word or two what to put there.
func (n Name) what() string {
	switch n {
	case AppSecrets:
		return "the app secret, from the Meta app's basic settings"
	case VerifyToken:
		return "a token of your own, the same as in the Meta app's webhook settings"
	case AccessToken:
		return "the access token of a system user with whatsapp_business_management (Polling=off does without)"
	case APITokens:
		return "a token of your own, for readers of the API"
	}
	return "a secret"
}

// Bounds of a secret. Meta's app secrets have 32 characters. The least is low, so that whoever tries
// things out is not stopped; `make secrets` invents long ones.
const (
	MinSecretChars = 4
	maxSecretChars = 4096
)

// Secrets is what must not be seen. It says nothing about itself when printed or logged.
type Secrets struct {
	AppSecrets  []string // newest first
	VerifyToken string
	AccessToken string
	APITokens   []APIToken
}

// APIToken lets its bearer read the API.
type APIToken struct {
	Token string
	// WABAIDs are the accounts it is for; none means all.
	WABAIDs []string
}

const redacted = "[redacted]"

// String is for logs and errors.
func (s Secrets) String() string { return redacted }

// GoString is for %#v.
func (s Secrets) GoString() string { return redacted }

// LogValue implements slog.LogValuer.
func (s Secrets) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText keeps secrets out of JSON.
func (s Secrets) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// String is for logs and errors.
func (t APIToken) String() string { return redacted }

// GoString is for %#v.
func (t APIToken) GoString() string { return redacted }

// LogValue implements slog.LogValuer.
func (t APIToken) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText keeps tokens out of JSON.
func (t APIToken) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// set parses what a parameter or variable holds. Its errors begin with a verb and never show
// the value.
func (s *Secrets) set(n Name, raw string) error {
	switch n {
	case AppSecrets:
		list, err := secretList(raw)
		s.AppSecrets = list
		return err
	case VerifyToken:
		s.VerifyToken = strings.TrimSpace(raw)
		return secret(s.VerifyToken)
	case AccessToken:
		s.AccessToken = strings.TrimSpace(raw)
		return secret(s.AccessToken)
	case APITokens:
		list, err := apiTokens(raw)
		s.APITokens = list
		return err
	}
	return fmt.Errorf("is no secret we know: %s", n)
}

// secret is what every single secret must be: long enough, and printable ASCII without spaces,
// as anything else was damaged on its way here.
func secret(s string) error {
	if i := strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }); i >= 0 {
		return errors.New("holds a space, a line break or a character that is not ASCII")
	}
	if len(s) < MinSecretChars {
		return fmt.Errorf("is %d long; at least %d characters are needed", len(s), MinSecretChars)
	}
	if len(s) > maxSecretChars {
		return fmt.Errorf("has more than %d characters", maxSecretChars)
	}
	return nil
}

func secretList(raw string) ([]string, error) {
	var out []string
	for i, s := range strings.Split(raw, ",") {
		s = strings.TrimSpace(s)
		if err := secret(s); err != nil {
			return nil, fmt.Errorf("is a comma-separated list, and entry %d %w", i+1, err)
		}
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out, nil
}

// apiTokens parses token, or token@waba+waba, comma-separated.
func apiTokens(raw string) ([]APIToken, error) {
	var out []APIToken
	for i, s := range strings.Split(raw, ",") {
		token, accounts, limited := strings.Cut(strings.TrimSpace(s), "@")
		if err := secret(token); err != nil {
			return nil, fmt.Errorf("is a comma-separated list, and entry %d %w", i+1, err)
		}
		if slices.ContainsFunc(out, func(t APIToken) bool { return t.Token == token }) {
			return nil, fmt.Errorf("is a comma-separated list, and entry %d repeats a token", i+1)
		}
		t := APIToken{Token: token}
		if limited {
			for _, waba := range strings.Split(accounts, "+") {
				if waba == "" || id(waba) != nil {
					return nil, fmt.Errorf("is a comma-separated list, and entry %d does not name accounts after the @ as digits joined by +", i+1)
				}
				t.WABAIDs = append(t.WABAIDs, waba)
			}
		}
		out = append(out, t)
	}
	return out, nil
}

// MissingError names the secrets that nobody set.
type MissingError struct {
	Path, Region string
	Names        []Name
}

// Error says for each secret what it is and which command sets it.
func (e *MissingError) Error() string {
	var b strings.Builder
	b.WriteString("secrets are missing; set them, or run make secrets:")
	for _, n := range e.Names {
		fmt.Fprintf(&b, "\n%s/%s is %s: aws ssm put-parameter --region %s --type SecureString --name %s/%s --value '...'",
			e.Path, n, n.what(), e.Region, e.Path, n)
	}
	return b.String()
}

// LoadSecrets returns the named secrets. A variable that is not empty wins; Parameter Store is
// asked once for the others, and not at all if there are none. Its error is a *MissingError
// if all that is wrong is that secrets are not there.
func LoadSecrets(ctx context.Context, cfg aws.Config, path string, names ...Name) (Secrets, error) {
	var s Secrets
	var problems []error
	var ask []string
	for _, n := range names {
		if raw := strings.TrimSpace(os.Getenv(n.Variable())); raw == "" {
			ask = append(ask, path+"/"+string(n))
		} else if err := s.set(n, raw); err != nil {
			problems = append(problems, fmt.Errorf("%s %w", n.Variable(), err))
		}
	}
	var stored map[string]string
	if len(ask) > 0 {
		var err error
		if stored, err = getParameters(ctx, cfg, ask); err != nil {
			problems = append(problems, fmt.Errorf("read secrets under %s: %w", path, err))
			return Secrets{}, errors.Join(problems...)
		}
	}
	missing := &MissingError{Path: path, Region: cfg.Region}
	for _, n := range names {
		name := path + "/" + string(n)
		if !slices.Contains(ask, name) {
			continue
		}
		if raw := strings.TrimSpace(stored[name]); raw == "" {
			missing.Names = append(missing.Names, n)
		} else if err := s.set(n, raw); err != nil {
			problems = append(problems, fmt.Errorf("%s %w", name, err))
		}
	}
	if len(missing.Names) > 0 {
		problems = append(problems, missing)
	}
	switch len(problems) {
	case 0:
		return s, nil
	case 1:
		return Secrets{}, problems[0]
	}
	return Secrets{}, errors.Join(problems...)
}

// RefreshEvery is how often a Source reads its secrets again at most, and refreshWithin how
// long that may take.
const (
	RefreshEvery  = 30 * time.Second
	refreshWithin = 3 * time.Second
)

// Source holds secrets that may be replaced while the program runs. It is safe for concurrent use.
type Source struct {
	cfg   aws.Config
	path  string
	names []Name
	now   func() time.Time

	reading sync.Mutex // held while reading, so that only one does

	mu      sync.Mutex
	secrets Secrets
	readAt  time.Time
}

// OpenSource loads the named secrets for the first time, as LoadSecrets does.
func OpenSource(ctx context.Context, cfg aws.Config, path string, now func() time.Time, names ...Name) (*Source, error) {
	s := &Source{cfg: cfg, path: path, names: names, now: now, readAt: now()}
	var err error
	s.secrets, err = LoadSecrets(ctx, cfg, path, names...)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Cached returns the secrets as they were read last. It never blocks on the network.
func (s *Source) Cached() Secrets {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.secrets
}

// Refresh returns the secrets, read again unless that was tried less than RefreshEvery ago. If
// reading fails it returns those from before with the error.
func (s *Source) Refresh(ctx context.Context) (Secrets, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	now := s.now()
	s.mu.Lock()
	cached, age := s.secrets, now.Sub(s.readAt)
	if age >= RefreshEvery || age < 0 {
		s.readAt = now
	}
	s.mu.Unlock()
	if age >= 0 && age < RefreshEvery {
		return cached, nil
	}
	ctx, cancel := context.WithTimeout(ctx, refreshWithin)
	defer cancel()
	fresh, err := LoadSecrets(ctx, s.cfg, s.path, s.names...)
	if err != nil {
		return cached, fmt.Errorf("refresh secrets: %w", err)
	}
	s.mu.Lock()
	s.secrets = fresh
	s.mu.Unlock()
	return fresh, nil
}
