package faulttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"
)

const roleVariable = "FAULTTEST_ROLE"

// A Role is the work that a child process does instead of running tests, until ctx is done.
type Role func(ctx context.Context) error

// Play must be the first call in TestMain. In a process started by [Start], Play runs the role and exits; in any other process it
// does nothing. [Process.Stop] ends the role's ctx. If the role returns an error, Play logs the error and the process fails.
func Play(roles map[string]Role) {
	name, ok := os.LookupEnv(roleVariable)
	if !ok {
		return
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(3) // the parent process is gone
	}()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	role, ok := roles[name]
	if !ok {
		role = func(context.Context) error { return fmt.Errorf("unknown role %q", name) }
	}
	if err := role(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// A Process is a copy of this test binary that plays a [Role].
type Process struct {
	t       testing.TB
	program string
	role    string
	env     []string
	child   *child
}

// Start starts a process, with variables ("NAME=value") in addition to the test's own. The process's output is logged. The process
// ends with the test.
func Start(t testing.TB, role string, env ...string) *Process {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatalf("faulttest: %v", err)
	}
	return StartProgram(t, program, role, env...)
}

// StartProgram is [Start] for another program that plays the same roles, such as this test built with other flags.
func StartProgram(t testing.TB, program, role string, env ...string) *Process {
	t.Helper()
	p := &Process{t: t, program: program, role: role, env: env}
	p.start()
	t.Cleanup(func() { p.child.kill() })
	return p
}

func (p *Process) start() {
	p.t.Helper()
	cmd := exec.Command(p.program) //nolint:noctx // Kill or Stop ends the process
	cmd.Env = append(append(os.Environ(), p.env...), roleVariable+"="+p.role)
	cmd.WaitDelay = time.Second
	_, err := cmd.StdinPipe()
	p.must(err)
	output := &lines{log: func(line []byte) { p.t.Logf("%s: %s", p.role, line) }}
	cmd.Stdout, cmd.Stderr = output, output
	p.child, err = spawn(cmd)
	p.must(err)
}

// PID returns the process ID.
func (p *Process) PID() int { return p.child.cmd.Process.Pid }

// Kill ends the process as kill -9 does, and returns when the process has ended.
func (p *Process) Kill() { p.child.kill() }

// Ended returns a channel that is closed when the process has ended.
func (p *Process) Ended() <-chan struct{} { return p.child.ended }

// Stop asks the process to end and waits. If ctx is done first, Stop kills the process after logging its goroutines. The error is
// non-nil if the process failed or had to be killed.
func (p *Process) Stop(ctx context.Context) error {
	_ = p.child.cmd.Process.Signal(syscall.SIGTERM) // fails if the process has ended, which is fine
	select {
	case <-p.child.ended:
	case <-ctx.Done():
		_ = p.child.cmd.Process.Signal(syscall.SIGQUIT)
		select {
		case <-p.child.ended:
		case <-time.After(5 * time.Second):
		}
		p.child.kill()
		return fmt.Errorf("faulttest: %s did not stop: %w", p.role, ctx.Err())
	}
	var failure *exec.ExitError
	if errors.As(p.child.err, &failure) && failure.ExitCode() >= 0 { // otherwise killed, or stopped before Play handled signals
		return fmt.Errorf("faulttest: %s: %w", p.role, failure)
	}
	return nil
}

// Restart waits for the process to end and starts it again, with the same variables and further ones.
func (p *Process) Restart(env ...string) {
	p.t.Helper()
	<-p.child.ended
	p.env = append(p.env, env...)
	p.start()
}

func (p *Process) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("faulttest: %s: %v", p.role, err)
	}
}

// lines logs its input line by line.
type lines struct {
	log  func(line []byte)
	rest []byte
}

func (l *lines) Write(b []byte) (int, error) {
	l.rest = append(l.rest, b...)
	for {
		line, rest, found := bytes.Cut(l.rest, []byte("\n"))
		if !found {
			return len(b), nil
		}
		l.log(line)
		l.rest = rest
	}
}
