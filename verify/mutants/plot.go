package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	runLimit = 5 * time.Minute // of one command
	// endWithin is how long a command may take to end once it is told to.
	endWithin = 10 * time.Second
)

// plot is a copy of the project, and room for what its commands leave behind. One serves all
// seeds in turn: Go then compiles only what a bug changes.
type plot struct{ dir string }

// tree is where the copy is, temp where its commands put temporary files.
func (p plot) tree() string { return filepath.Join(p.dir, "tree") }
func (p plot) temp() string { return filepath.Join(p.dir, "tmp") }

// newPlot copies the files that git knows, as they are now and as old as they are: make would
// install tools again that seem older than what lists them. Installed tools are shared.
func newPlot(ctx context.Context) (p plot, err error) {
	if p.dir, err = os.MkdirTemp("", "wabawatch-mutants-"); err != nil {
		return plot{}, err
	}
	defer func() {
		if err != nil {
			p.clear()
		}
	}()
	if err := os.Mkdir(p.temp(), 0o700); err != nil {
		return p, err
	}
	names, err := exec.CommandContext(ctx, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return p, fmt.Errorf("git ls-files: %w", err)
	}
	for name := range strings.SplitSeq(strings.Trim(string(names), "\x00"), "\x00") {
		// What is deleted and not yet committed is not there.
		if err := copyFile(name, filepath.Join(p.tree(), name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return p, err
		}
	}
	tools, err := filepath.Abs(".tools")
	if err != nil {
		return p, err
	}
	return p, os.Symlink(tools, filepath.Join(p.tree(), ".tools"))
}

func copyFile(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(to, b, info.Mode().Perm()); err != nil {
		return err
	}
	return os.Chtimes(to, info.ModTime(), info.ModTime())
}

// clear removes everything.
func (p plot) clear() { _ = os.RemoveAll(p.dir) } // the system's cleaning does the rest

// plant puts a bug into the copy, runs the command that has to catch it, and takes it out again.
// why says why it was not caught, "" if it was.
func (p plot) plant(ctx context.Context, s seed) (why string, err error) {
	apply := "git apply --recount -C1 '" + s.patch + "'"
	if out, err := p.run(ctx, apply); err != nil {
		return "the patch does not apply any more: " + strings.TrimSpace(string(out)), nil
	}
	out, runErr := p.run(ctx, s.run)
	if err := p.restore(ctx, apply); err != nil {
		return "", err
	}
	switch {
	case runErr == nil:
		return "passes: " + s.run, nil
	case !bytes.Contains(out, []byte(s.say)):
		return "fails without saying " + s.say + ":\n" + tail(out), nil
	}
	return "", nil
}

// restore takes a bug out, and with it all that was built.
func (p plot) restore(ctx context.Context, apply string) error {
	if out, err := p.run(ctx, apply+" --reverse"); err != nil {
		return fmt.Errorf("take the bug out: %w: %s", err, out)
	}
	return errors.Join(os.RemoveAll(filepath.Join(p.tree(), "build")), os.RemoveAll(filepath.Join(p.tree(), ".aws-sam")))
}

// run runs a command in a group of its own, so that nothing of it is left when time is up.
func (p plot) run(ctx context.Context, command string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, runLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	cmd.Dir = p.tree()
	// What an outer make says to its children is not meant for these.
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(kv string) bool { return strings.HasPrefix(kv, "MAKE") || strings.HasPrefix(kv, "MFLAGS=") }),
		"TMPDIR="+p.temp())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = endWithin
	return cmd.CombinedOutput()
}

func tail(out []byte) string {
	const most = 2000
	return string(out[max(0, len(out)-most):])
}
