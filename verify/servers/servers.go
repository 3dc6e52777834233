// Package servers runs what stands for AWS on this machine: DynamoDB Local or dynoxide, and moto
// for SNS, SQS and Parameter Store. They listen on free ports and end with this program, however
// it ends.
//
// Without -sharedDb, DynamoDB Local keeps a database for every access key. In dynoxide and moto
// everybody meets, so names have to differ.
package servers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"github.com/wabawatch/wabawatch/verify/process"
)

// Variables that name servers somebody else has started; then none are started here.
const (
	DynamoDBVariable = "WABAWATCH_TEST_DYNAMODB"
	MotoVariable     = "WABAWATCH_TEST_MOTO"
)

// EmulatorVariable says what stands for DynamoDB: local, which is also meant by nothing, or
// dynoxide.
const EmulatorVariable = "WABAWATCH_TEST_EMULATOR"

// Servers are the addresses of both.
type Servers struct {
	DynamoDB, Moto string
	stops          []func()
}

// Root is the directory of this repository, above the current one.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "template.yaml")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no template.yaml here or above")
		}
		dir = parent
	}
}

// Start starts both servers and waits until they answer.
func Start() (*Servers, error) {
	s := &Servers{DynamoDB: os.Getenv(DynamoDBVariable), Moto: os.Getenv(MotoVariable)}
	if s.DynamoDB != "" && s.Moto != "" {
		return s, nil
	}
	root, err := Root()
	if err != nil {
		return nil, err
	}
	dynamoDB, err := emulator(filepath.Join(root, ".tools"), os.Getenv(EmulatorVariable))
	if err != nil {
		return nil, err
	}
	var table, moto *server
	var tableErr, motoErr error
	var wg sync.WaitGroup
	wg.Go(func() { table, tableErr = startDynamoDB(dynamoDB) })
	wg.Go(func() { moto, motoErr = startMoto(filepath.Join(root, ".tools", "moto")) })
	wg.Wait()
	for _, started := range []*server{table, moto} {
		if started != nil {
			s.stops = append(s.stops, started.stop)
		}
	}
	if err := errors.Join(tableErr, motoErr); err != nil {
		s.Stop()
		return nil, err
	}
	s.DynamoDB, s.Moto = table.url, moto.url
	return s, nil
}

// Stop ends what Start started.
func (s *Servers) Stop() {
	for _, stop := range s.stops {
		stop()
	}
	s.stops = nil
}

// server is one of them.
type server struct {
	url     string
	process *process.Process
	log     *os.File // without a name
}

func (s *server) stop() {
	s.process.Kill()
	_ = s.log.Close() // it was only read
}

// start starts a program whose output goes to a file that is gone when it is closed.
func start(name string, args ...string) (*server, error) {
	log, err := os.CreateTemp("", "verify-*.log")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(log.Name()) // where an open file cannot be removed, the system's cleaning does it
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = log, log
	p, err := process.Start(cmd)
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	return &server{process: p, log: log}, nil
}

func (s *server) written() string {
	b, err := io.ReadAll(io.NewSectionReader(s.log, 0, 1<<20))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// readyWithin is how long a server may take to answer. Both take a second or two; a busy machine
// takes more.
const readyWithin = 2 * time.Minute

// await calls ready until it is true. If the server ends, or is not ready in time, it is stopped,
// and the error holds what it wrote.
func (s *server) await(name string, ready func(context.Context) bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), readyWithin)
	defer cancel()
	for !ready(ctx) {
		select {
		case <-s.process.Done():
			defer s.stop()
			return fmt.Errorf("%s ended at its start, %s:\n%s", name, s.process.State(), s.written())
		case <-ctx.Done():
			defer s.stop()
			return fmt.Errorf("%s does not answer in %s:\n%s", name, readyWithin, s.written())
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

func answers(req *http.Request) bool {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close() // only the status counts
	return resp.StatusCode == http.StatusOK
}

var motoAddress = regexp.MustCompile(`Running on (http://127\.0\.0\.1:[0-9]+)`)

func startMoto(dir string) (*server, error) {
	python := filepath.Join(dir, "bin", "python")
	if _, err := os.Stat(python); err != nil {
		return nil, fmt.Errorf("moto is not in %s; make tools puts it there", dir)
	}
	s, err := start(python, "-u", "-m", "moto.server", "-H", "127.0.0.1", "-p", "0")
	if err != nil {
		return nil, err
	}
	err = s.await("moto", func(ctx context.Context) bool {
		said := motoAddress.FindStringSubmatch(s.written())
		if said == nil {
			return false
		}
		s.url = said[1]
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/moto-api/", nil)
		return err == nil && answers(req)
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}
