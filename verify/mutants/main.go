// Mutants plants known bugs in a copy of the project, one at a time, and runs the test that is
// there to catch each. A suite that no bug can fail proves nothing; a bug that survives here is
// a missing test.
//
// A seed is a patch with a heading of three lines: what is wrong, the command to run, and the
// words that its output must hold when it fails, usually "--- FAIL:" and the name of a test. A
// mutant that does not compile is not caught.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	only := flag.String("only", "", "plant only the seeds whose name holds this")
	list := flag.Bool("list", false, "list the seeds and plant none")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := garden(ctx, *only, *list); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// garden plants the seeds that are asked for, and fails if a bug survives.
func garden(ctx context.Context, only string, list bool) error {
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
	p, err := newPlot(ctx)
	if err != nil {
		return err
	}
	defer p.clear()
	began := time.Now()
	if err := sound(ctx, p, seeds); err != nil {
		return err
	}
	var survived []string
	for i, s := range seeds {
		fmt.Printf("%2d of %d  %-36s ", i+1, len(seeds), s.name)
		why, err := p.plant(ctx, s)
		if ctx.Err() != nil {
			fmt.Println()
			return ctx.Err()
		}
		if err != nil {
			return err
		}
		if why != "" {
			fmt.Println("SURVIVED", why)
			survived = append(survived, s.name)
			continue
		}
		fmt.Println("caught", strings.TrimPrefix(s.say, "--- FAIL: "))
	}
	if len(survived) > 0 {
		return fmt.Errorf("%d of %d bugs survive: %s", len(survived), len(seeds), strings.Join(survived, ", "))
	}
	fmt.Printf("mutants: %d bugs planted, all caught, in %s\n", len(seeds), time.Since(began).Round(time.Second))
	return nil
}

// sound makes sure that the commands pass while nothing is planted: otherwise they catch nothing.
func sound(ctx context.Context, p plot, seeds []seed) error {
	var runs []string
	for _, s := range seeds {
		if !slices.Contains(runs, s.run) {
			runs = append(runs, s.run)
		}
	}
	for i, command := range runs {
		fmt.Printf("%2d of %d  passes with nothing planted: %s\n", i+1, len(runs), command)
		out, err := p.run(ctx, command)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("with nothing planted, %s: %w\n%s", command, err, tail(out))
		}
	}
	return nil
}
