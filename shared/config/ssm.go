package config

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	ssmTries    = 4
	ssmWait     = 100 * time.Millisecond // before the second attempt, then twice as long
	maxSSMBytes = 1 << 20
)

// getParameters returns the decrypted values of those among names that exist, at most 10, in
// one call. Its errors hold no value.
//
// Source: AWS Systems Manager API reference, GetParameters, checked 2026-11.
func getParameters(ctx context.Context, cfg aws.Config, names []string) (map[string]string, error) {
	body, err := json.Marshal(map[string]any{"Names": names, "WithDecryption": true})
	if err != nil {
		return nil, err
	}
	wait := ssmWait
	for try := 1; ; try++ {
		values, err := getParametersOnce(ctx, cfg, body)
		var e *ssmError
		if err == nil || try == ssmTries || ctx.Err() != nil || errors.As(err, &e) && !e.temporary() {
			return values, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(wait/2 + rand.N(wait/2)):
		}
		wait *= 2
	}
}

func getParametersOnce(ctx context.Context, cfg aws.Config, body []byte) (map[string]string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, ssmURL(ctx, cfg), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "AmazonSSM.GetParameters")
	creds, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, creds, req, hex.EncodeToString(sum[:]), "ssm", cfg.Region, time.Now()); err != nil {
		return nil, err
	}
	client := cfg.HTTPClient
	if client == nil {
		client = newHTTPClient()
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxSSMBytes))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, newSSMError(resp.StatusCode, answer)
	}
	var out struct {
		Parameters []struct{ Name, Value string }
	}
	if err := json.Unmarshal(answer, &out); err != nil {
		return nil, errors.New("answer is not JSON")
	}
	values := make(map[string]string, len(out.Parameters))
	for _, p := range out.Parameters {
		values[p.Name] = p.Value
	}
	return values, nil
}

// ssmError is a refusal by Parameter Store.
type ssmError struct {
	status        int
	code, message string
}

func newSSMError(status int, body []byte) *ssmError {
	var e struct {
		Type    string `json:"__type"`
		Message string `json:"message"` // or Message; case does not matter here
	}
	_ = json.Unmarshal(body, &e) // what is not JSON comes from something in between
	_, code, ok := strings.Cut(e.Type, "#")
	if !ok {
		code = e.Type
	}
	return &ssmError{status, code, e.Message}
}

func (e *ssmError) Error() string {
	return strings.TrimRight(fmt.Sprintf("parameter store answered %d %s: %s", e.status, e.code, e.message), ": ")
}

// temporary reports whether a later attempt may succeed.
func (e *ssmError) temporary() bool {
	return e.status >= 500 || e.status == http.StatusTooManyRequests || strings.Contains(e.code, "Throttl") ||
		e.code == "RequestLimitExceeded" || e.code == "InternalServerError"
}
