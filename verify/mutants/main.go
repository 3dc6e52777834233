// Mutants plants known bugs in a copy of the project, one at a time, and runs the test that is
// there to catch each. A suite that no bug can fail proves nothing; a bug that survives here is
// a missing test.
//
// A seed is a patch with a heading of three lines: what is wrong, the command to run, and the
// words that its output must hold when it fails, usually "--- FAIL:" and the name of a test. A
// mutant that does not compile is not caught.
package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	seedFiles = "verify/mutants/seeds/*.patch"
	runLimit  = 10 * time.Minute // of one command
)

// seed is one bug and how it is caught.
type seed struct {
	name, file    string
	bug, run, say string
}

func main() {
	only := flag.String("only", "", "plant only the seeds whose name holds this")
	list := flag.Bool("list", false, "list the seeds and plant none")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := plant(ctx, *only, *list); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// plant runs the seeds that are asked for, and fails if a bug survives.
func plant(ctx context.Context, only string, list bool) error {
	seeds, err := read(only)
	if err != nil {
		return err
	}
	if list {
		for _, s := range seeds {
			fmt.Printf("%-36s %s\n", s.name, s.bug)
		}
		return nil
	}
	if err := sound(ctx, seeds); err != nil {
		return err
	}
	began, survived := time.Now(), []string{}
	for _, s := range seeds {
		why := s.survives(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		verdict := "caught"
		if why != "" {
			verdict = "SURVIVED"
			survived = append(survived, s.name)
		}
		fmt.Printf("%-9s %-36s %s\n", verdict, s.name, cmp.Or(why, s.say))
	}
	if len(survived) > 0 {
		return fmt.Errorf("%d of %d bugs survive: %s", len(survived), len(seeds), strings.Join(survived, ", "))
	}
	fmt.Printf("mutants: %d bugs planted, %d caught, in %s\n", len(seeds), len(seeds), time.Since(began).Round(time.Second))
	return nil
}

// read parses the seeds.
func read(only string) ([]seed, error) {
	files, err := filepath.Glob(seedFiles)
	if err != nil {
		return nil, err
	}
	var seeds []seed
	for _, file := range files {
		s := seed{file: file, name: strings.TrimSuffix(filepath.Base(file), ".patch")}
		if !strings.Contains(s.name, only) {
			continue
		}
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for _, line := range strings.SplitN(string(b), "\n", 4) {
			key, value, _ := strings.Cut(line, ": ")
			switch key {
			case "Bug":
				s.bug = value
			case "Run":
				s.run = value
			case "Says":
				s.say = value
			}
		}
		if s.bug == "" || s.run == "" || s.say == "" {
			return nil, fmt.Errorf("%s begins without Bug, Run and Says", file)
		}
		seeds = append(seeds, s)
	}
	if len(seeds) == 0 {
		return nil, fmt.Errorf("no seed matches %q; run from the top of the project", only)
	}
	return seeds, nil
}

// sound makes sure that the commands pass while nothing is planted: otherwise they catch nothing.
func sound(ctx context.Context, seeds []seed) error {
	dir, err := copyTree(ctx)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var runs []string
	for _, s := range seeds {
		if slices.Contains(runs, s.run) {
			continue
		}
		runs = append(runs, s.run)
		if out, err := run(ctx, dir, s.run); err != nil {
			return fmt.Errorf("with nothing planted, %s: %w\n%s", s.run, err, tail(out))
		}
	}
	fmt.Printf("mutants: %d commands pass while nothing is planted\n", len(runs))
	return nil
}

// survives plants the bug and says why it was not caught, "" if it was.
func (s seed) survives(ctx context.Context) string {
	dir, err := copyTree(ctx)
	if err != nil {
		return err.Error()
	}
	defer os.RemoveAll(dir)
	patch, err := filepath.Abs(s.file)
	if err != nil {
		return err.Error()
	}
	if out, err := run(ctx, dir, "git apply --recount -C1 '"+patch+"'"); err != nil {
		return "the patch does not apply any more: " + strings.TrimSpace(string(out))
	}
	out, err := run(ctx, dir, s.run)
	switch {
	case err == nil:
		return "passes: " + s.run
	case !bytes.Contains(out, []byte(s.say)):
		return "fails without saying " + s.say + ":\n" + tail(out)
	}
	return ""
}

// copyTree copies the files that git knows, as they are now, to a directory of its own. Installed
// tools are shared.
func copyTree(ctx context.Context) (dir string, err error) {
	dir, err = os.MkdirTemp("", "wabawatch-mutant-")
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(dir) // what went wrong before is worth more
		}
	}()
	names, err := exec.CommandContext(ctx, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return "", fmt.Errorf("git ls-files: %w", err)
	}
	for name := range strings.SplitSeq(strings.Trim(string(names), "\x00"), "\x00") {
		b, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted, and not yet committed
		}
		if err != nil {
			return "", err
		}
		info, err := os.Stat(name)
		if err != nil {
			return "", err
		}
		to := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(to, b, info.Mode().Perm()); err != nil {
			return "", err
		}
	}
	tools, err := filepath.Abs(".tools")
	if err != nil {
		return "", err
	}
	return dir, os.Symlink(tools, filepath.Join(dir, ".tools"))
}

// run runs a command in a group of its own, so that nothing of it is left when time is up.
func run(ctx context.Context, dir, command string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, runLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	return cmd.CombinedOutput()
}

func tail(out []byte) string {
	const most = 2000
	return string(out[max(0, len(out)-most):])
}
