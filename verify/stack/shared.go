package stack

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/wabawatch/wabawatch/verify/servers"
	"github.com/wabawatch/wabawatch/verify/template"
)

// world is what all stacks of a test program share.
type world struct {
	root       string
	template   *template.Template
	bootstraps map[string]string // by logical id
	servers    *servers.Servers
}

// open makes the world, once.
var open = sync.OnceValues(func() (world, error) {
	root, err := servers.Root()
	if err != nil {
		return world{}, err
	}
	w := world{root: root}
	if w.template, err = readTemplate(root); err != nil {
		return world{}, err
	}
	if w.bootstraps, err = build(root, w.template); err != nil {
		return world{}, err
	}
	w.servers, err = servers.Start()
	running = w.servers
	return w, err
})

// running are the servers that Main has to stop.
var running *servers.Servers

// Main runs the tests of a package that uses stacks, and stops the servers they share.
func Main(m *testing.M) {
	code := m.Run()
	if running != nil {
		running.Stop()
	}
	os.Exit(code)
}

// readTemplate reads the expanded template, if it is newer than what it was made from.
func readTemplate(root string) (*template.Template, error) {
	expanded, err := os.Stat(filepath.Join(root, "build", "cfn.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, errors.New("the expanded template is missing; make build/cfn.json writes it")
	} else if err != nil {
		return nil, err
	}
	source, err := os.Stat(filepath.Join(root, "template.yaml"))
	if err != nil {
		return nil, err
	}
	if expanded.ModTime().Before(source.ModTime()) {
		return nil, errors.New("build/cfn.json is older than template.yaml; make build/cfn.json renews it")
	}
	return template.Read(filepath.Join(root, "build", "cfn.json"))
}

// build makes the bootstraps for this machine with the targets that SAM calls.
func build(root string, t *template.Template) (map[string]string, error) {
	d, err := t.Resolve(template.Options{})
	if err != nil {
		return nil, err
	}
	var wg sync.WaitGroup
	ids := slices.Sorted(maps.Keys(d.Functions))
	paths, errs := make([]string, len(ids)), make([]error, len(ids))
	for i, id := range ids {
		wg.Go(func() { paths[i], errs[i] = Build(root, id, runtime.GOARCH) })
	}
	wg.Wait()
	out := map[string]string{}
	for i, id := range ids {
		out[id] = paths[i]
	}
	return out, errors.Join(errs...)
}

// Build builds the function of that logical id with its make target, and returns the bootstrap.
func Build(root, id, arch string) (string, error) {
	dir := filepath.Join(root, "build", "verify-"+arch, id)
	cmd := exec.Command("make", "--no-print-directory", "build-"+id, "ARTIFACTS_DIR="+dir, "LAMBDA_GOARCH="+arch, "LAMBDA_GOOS="+runtime.GOOS)
	cmd.Dir = root
	// What an outer make says to its children is not meant for this one.
	cmd.Env = slices.DeleteFunc(os.Environ(), func(kv string) bool { return strings.HasPrefix(kv, "MAKE") || strings.HasPrefix(kv, "MFLAGS=") })
	if b, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("make build-%s: %w\n%s", id, err, b)
	}
	return filepath.Join(dir, "bootstrap"), nil
}

// Root is the directory of the repository.
func Root(t testing.TB) string {
	t.Helper()
	root, err := servers.Root()
	if err != nil {
		t.Fatal(err)
	}
	return root
}
