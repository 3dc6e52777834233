//go:build !unix

package process

import (
	"errors"
	"os"
	"os/exec"
)

func bind(*exec.Cmd) {}

func kill(p *os.Process) { _ = p.Kill() } // it may be gone

// Freeze stops the process, which only Unix can.
func (p *Process) Freeze() error { return errors.ErrUnsupported }

// Thaw lets a frozen process go on.
func (p *Process) Thaw() error { return errors.ErrUnsupported }
