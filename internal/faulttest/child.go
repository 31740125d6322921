package faulttest

import (
	"os/exec"
	"runtime"
)

// A child is a running command that dies with this process.
type child struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when the command has ended
	err   error         // from Wait; set before ended is closed
}

func spawn(cmd *exec.Cmd) (*child, error) {
	c := &child{cmd: cmd, ended: make(chan struct{})}
	dieWithParent(cmd)
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // Linux takes the starting thread for the parent, so the thread must outlive the child
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			c.err = cmd.Wait()
			close(c.ended)
		}
	}()
	return c, <-started
}

// kill ends c and all its descendants at once, and returns when c has ended.
func (c *child) kill() {
	killTree(c.cmd.Process)
	<-c.ended
}

// hasEnded reports whether c has ended.
func (c *child) hasEnded() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}
