package faulttest

import (
	"os/exec"
	"runtime"
)

// A child is a running command that dies with this process.
type child struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed once it has ended
	err   error         // how
}

func spawn(cmd *exec.Cmd) (*child, error) {
	c := &child{cmd: cmd, ended: make(chan struct{})}
	dieWithParent(cmd)
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // to Linux, the parent is the thread that started it, which therefore stays
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

// kill ends c and all that it started, at once, and returns when it has ended.
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
