//go:build unix

package process

import (
	"os"
	"syscall"
)

func kill(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) } // the group may be gone

// Freeze stops the process and its children where they are, as Lambda does between invocations.
func (p *Process) Freeze() error { return syscall.Kill(-p.PID(), syscall.SIGSTOP) }

// Thaw lets a frozen process go on.
func (p *Process) Thaw() error { return syscall.Kill(-p.PID(), syscall.SIGCONT) }
