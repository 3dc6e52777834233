// Wabawatch watches what WhatsApp thinks of a business. This is the command: serve runs all of
// it as one program, with its data in one file, and the other commands help to set it up.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	_ "time/tzdata" // alerts show a local time on machines that have no zone files

	"github.com/spf13/cobra"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// version is set when a release is built.
var version = ""

// Exit codes.
const (
	exitFailed    = 1
	exitUsage     = 2
	exitAuth      = 4 // Meta refuses the token, or the token lacks a permission
	exitThrottled = 5 // Meta wants us to wait
)

// usageError is a mistake in how the program was called or configured.
type usageError struct{ error }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := root().ExecuteContext(ctx)
	stop()
	if err == nil {
		return
	}
	fmt.Fprintf(os.Stderr, "wabawatch: %v\n", err)
	os.Exit(exitCode(err))
}

func exitCode(err error) int {
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	if e, ok := errors.AsType[*quality.PollError](err); ok {
		switch e.Failure {
		case quality.FailToken, quality.FailForbidden:
			return exitAuth
		case quality.FailThrottled:
			return exitThrottled
		}
	}
	return exitFailed
}

// noArguments refuses arguments as a mistake in the call, which cobra's own check does not.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath())}
	}
	return nil
}

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:           "wabawatch",
		Short:         "Watch what WhatsApp thinks of a business",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArguments,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	cmd.AddCommand(serveCommand(), testAlertCommand(), subscribeCommand(), versionCommand())
	return cmd
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "wabawatch "+buildVersion())
			return err
		},
	}
}

// buildVersion is the version that was set, or what the Go toolchain knows.
func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
