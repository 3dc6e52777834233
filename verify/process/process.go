// Package process starts programs that do not outlive this one: they are killed with all their
// children when asked, and on Linux also when this program dies in whatever way.
package process

import (
	"os/exec"
	"runtime"
)

// Process is a program that was started. It is safe for concurrent use.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
}

// Start starts cmd in a process group of its own.
func Start(cmd *exec.Cmd) (*Process, error) {
	p := &Process{cmd: cmd, done: make(chan struct{})}
	bind(cmd)
	started := make(chan error)
	go func() {
		// Linux ties the child to the thread that started it, so that thread has to stay.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // ProcessState says it too
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// PID is the id of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// State says how the process ended. It waits until it has.
func (p *Process) State() string {
	<-p.done
	return p.cmd.ProcessState.String()
}

// Kill ends the process and its children at once, and waits until it has ended.
func (p *Process) Kill() {
	p.signalKill()
	<-p.done
}

// signalKill ends the process and its children unless it has ended: its id may be another's then.
func (p *Process) signalKill() {
	select {
	case <-p.done:
	default:
		kill(p.cmd.Process)
	}
}
