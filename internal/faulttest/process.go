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

// A Role is what a child process does instead of running tests, until its ctx is done.
type Role func(ctx context.Context) error

// Play is for TestMain, before anything else. In a process that [Start] started it plays the role and exits; in any other it does
// nothing. The role's ctx ends with [Process.Stop]; if it returns an error, that is logged and the process fails.
func Play(roles map[string]Role) {
	name, ok := os.LookupEnv(roleVariable)
	if !ok {
		return
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(3) // whoever started this process is gone
	}()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	role, ok := roles[name]
	if !ok {
		role = func(context.Context) error { return fmt.Errorf("no such role") }
	}
	if err := role(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// A Process is this test binary, running once more in a [Role].
type Process struct {
	t       testing.TB
	program string
	role    string
	env     []string
	child   *child
}

// Start starts a process with variables ("NAME=value") on top of the test's own. What it prints is logged. It ends with the test.
func Start(t testing.TB, role string, env ...string) *Process {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatalf("faulttest: %v", err)
	}
	return StartProgram(t, program, role, env...)
}

// StartProgram is Start with another program that plays the same roles, such as this one as it is built otherwise.
func StartProgram(t testing.TB, program, role string, env ...string) *Process {
	t.Helper()
	p := &Process{t: t, program: program, role: role, env: env}
	p.start()
	t.Cleanup(func() { p.child.kill() })
	return p
}

func (p *Process) start() {
	p.t.Helper()
	cmd := exec.Command(p.program) //nolint:noctx // it ends by Kill or Stop
	cmd.Env = append(append(os.Environ(), p.env...), roleVariable+"="+p.role)
	cmd.WaitDelay = time.Second
	_, err := cmd.StdinPipe()
	p.must(err)
	output := &lines{log: func(line []byte) { p.t.Logf("%s: %s", p.role, line) }}
	cmd.Stdout, cmd.Stderr = output, output
	p.child, err = spawn(cmd)
	p.must(err)
}

// PID returns its number.
func (p *Process) PID() int { return p.child.cmd.Process.Pid }

// Kill ends it as kill -9 does, and returns when it has ended.
func (p *Process) Kill() { p.child.kill() }

// Ended is closed when it has ended.
func (p *Process) Ended() <-chan struct{} { return p.child.ended }

// Stop asks it to end and waits until it has. When ctx is done it is killed, with its goroutines logged. The error says that it
// failed.
func (p *Process) Stop(ctx context.Context) error {
	_ = p.child.cmd.Process.Signal(syscall.SIGTERM) // if it has ended, that is fine
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
	if errors.As(p.child.err, &failure) && failure.ExitCode() >= 0 { // or else it was killed, or stopped before it began to listen
		return fmt.Errorf("faulttest: %s: %w", p.role, failure)
	}
	return nil
}

// Restart starts it again, after it has ended, with the same variables and further ones.
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

// lines logs what is written to it, line by line.
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
