// Withservers runs a command while DynamoDB Local and moto run, whose addresses it gives it in
// WABAWATCH_TEST_DYNAMODB and WABAWATCH_TEST_MOTO.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/wabawatch/wabawatch/verify/servers"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: withservers COMMAND [ARGUMENT ...]")
		os.Exit(2)
	}
	os.Exit(run(os.Args[1], os.Args[2:]))
}

// run returns the status of the command. An interrupt is the command's affair, which gets it too:
// the servers are there until it has ended.
func run(name string, args []string) int {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt, syscall.SIGTERM)
	s, err := servers.Start()
	if err != nil {
		fmt.Fprintln(os.Stderr, "withservers:", err)
		return 1
	}
	defer s.Stop()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), servers.DynamoDBVariable+"="+s.DynamoDB, servers.MotoVariable+"="+s.Moto)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "withservers:", err)
		return 1
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case sig := <-interrupts:
			if sig == syscall.SIGTERM { // which comes to one process alone
				_ = cmd.Process.Signal(sig) // it may have ended
			}
		case err := <-ended:
			var status *exec.ExitError
			switch {
			case err == nil:
				return 0
			case errors.As(err, &status) && status.ExitCode() > 0:
				return status.ExitCode()
			}
			fmt.Fprintln(os.Stderr, "withservers:", err)
			return 1
		}
	}
}
