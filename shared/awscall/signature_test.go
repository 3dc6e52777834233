package awscall

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// verify checks a signature of version 4 from what arrived, and returns the names of the
// headers it covers.
// Source: AWS, IAM user guide, create a signed request, checked 2026-11.
func verify(r *http.Request, body []byte, service, secret string) ([]string, error) {
	var credential, names, signature string
	rest, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	if !ok {
		return nil, fmt.Errorf("authorization %q", r.Header.Get("Authorization"))
	}
	for part := range strings.SplitSeq(rest, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch k {
		case "Credential":
			credential = v
		case "SignedHeaders":
			names = v
		case "Signature":
			signature = v
		}
	}
	_, scope, _ := strings.Cut(credential, "/")
	parts := strings.Split(scope, "/")
	if len(parts) != 4 || parts[2] != service || !strings.HasPrefix(r.Header.Get("X-Amz-Date"), parts[0]) {
		return nil, fmt.Errorf("scope %q at %s", scope, r.Header.Get("X-Amz-Date"))
	}
	signed := strings.Split(names, ";")
	var canonical strings.Builder
	fmt.Fprintf(&canonical, "%s\n%s\n%s\n", r.Method, r.URL.EscapedPath(), r.URL.RawQuery)
	for _, name := range signed {
		value := strings.Join(r.Header.Values(name), ",")
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = fmt.Sprint(r.ContentLength)
		}
		fmt.Fprintf(&canonical, "%s:%s\n", name, value)
	}
	fmt.Fprintf(&canonical, "\n%s\n%x", names, sha256.Sum256(body))
	key := []byte("AWS4" + secret)
	for _, part := range parts {
		key = sum(key, part)
	}
	digest := sha256.Sum256([]byte(canonical.String()))
	want := hex.EncodeToString(sum(key, strings.Join([]string{"AWS4-HMAC-SHA256", r.Header.Get("X-Amz-Date"), scope, hex.EncodeToString(digest[:])}, "\n")))
	if signature != want {
		return nil, errors.New("signature does not match")
	}
	return signed, nil
}

func sum(key []byte, s string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(s))
	return h.Sum(nil)
}

// TestSignedLikeTheSDK has the same operation sent by the SDK's client and by ours, and checks
// both with a verifier that knows neither.
func TestSignedLikeTheSDK(t *testing.T) {
	type arrived struct {
		header http.Header
		path   string
		signed []string
		body   string
	}
	var mu sync.Mutex
	var all []arrived
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		signed, err := verify(r, body, "dynamodb", "the-secret-key")
		if err != nil {
			t.Errorf("request %d: %v", len(all), err)
		}
		all = append(all, arrived{r.Header.Clone(), r.Method + " " + r.URL.String(), signed, string(body)})
		_, _ = io.WriteString(w, `{}`)
	}))
	defer server.Close()
	cfg := aws.Config{Region: "eu-west-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("AKIDTEST", "the-secret-key", "the-session-token")}
	if _, err := dynamodb.NewFromConfig(cfg).DescribeTable(context.Background(), &dynamodb.DescribeTableInput{TableName: aws.String("t")}); err != nil {
		t.Fatal(err)
	}
	ours := New(cfg, Service{ID: "DynamoDB", Name: "dynamodb", ContentType: JSON10, Target: "DynamoDB_20120810", Fault: JSONFault})
	if err := ours.Do(t.Context(), Request{Operation: "DescribeTable", Body: []byte(`{"TableName":"t"}`)}); err != nil {
		t.Fatal(err)
	}
	their, our := all[0], all[1]
	if our.path != their.path || our.body != their.body {
		t.Errorf("sent %s %s, the SDK %s %s", our.path, our.body, their.path, their.body)
	}
	for _, name := range []string{"Content-Type", "X-Amz-Target", "X-Amz-Security-Token", "Accept-Encoding"} {
		if got, want := our.header.Get(name), their.header.Get(name); got != want {
			t.Errorf("%s is %q, of the SDK %q", name, got, want)
		}
	}
	// What the SDK tells about its own attempts no service needs.
	want := slices.DeleteFunc(their.signed, func(name string) bool { return strings.HasPrefix(name, "amz-sdk-") })
	if !slices.Equal(our.signed, want) {
		t.Errorf("signed are %v, of the SDK %v", our.signed, want)
	}
}
