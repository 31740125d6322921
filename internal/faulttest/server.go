package faulttest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"testing"
	"time"
)

// A Server is a database server for one test, on a free loopback port, with its data in a temporary folder.
type Server struct {
	t     testing.TB
	dir   string
	port  int
	run   func() *exec.Cmd    // returns the server's command
	ready func(net.Conn) bool // reports, on a new connection, whether the server is ready
	child *child
}

// Postgres starts a PostgreSQL server, or skips t if none is installed. The superuser postgres needs no password. The server ends
// with t.
func Postgres(t testing.TB) *Server {
	t.Helper()
	initdb, postgres := program(t, "/usr/lib/postgresql/*/bin", "initdb"), program(t, "/usr/lib/postgresql/*/bin", "postgres")
	s := newServer(t, "postgres")
	s.must(s.daemon(initdb, "-D", s.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"))
	s.run = func() *exec.Cmd {
		return s.command(postgres, "-D", s.data(), "-k", s.dir, "-h", "127.0.0.1", "-p", strconv.Itoa(s.port), "-c", "max_connections=300")
	}
	s.ready = func(c net.Conn) bool {
		// The reply to a startup message begins with R if the server accepts the connection, and with E while the server recovers.
		const startup = "\x00\x00\x00\x29\x00\x03\x00\x00user\x00postgres\x00database\x00postgres\x00\x00"
		answer := make([]byte, 1)
		_, err := c.Write([]byte(startup))
		if err == nil {
			_, err = c.Read(answer)
		}
		return err == nil && answer[0] == 'R'
	}
	s.start()
	return s
}

// MariaDB starts a MariaDB server, or skips t if none is installed. The user root needs no password. The server ends with t.
func MariaDB(t testing.TB) *Server {
	t.Helper()
	install, mariadbd := program(t, "/usr/bin", "mariadb-install-db"), program(t, "/usr/sbin", "mariadbd")
	s := newServer(t, "mariadb")
	s.must(s.daemon(install, "--no-defaults", "--datadir="+s.data(), "--auth-root-authentication-method=normal", "--skip-test-db"))
	s.run = func() *exec.Cmd {
		return s.command(mariadbd, "--no-defaults", "--datadir="+s.data(), "--socket="+s.dir+"/socket", "--pid-file="+s.data()+"/pid",
			"--bind-address=127.0.0.1", "--port="+strconv.Itoa(s.port), "--max-connections=300", "--innodb-buffer-pool-size=256M", "--innodb-print-all-deadlocks")
	}
	s.ready = func(c net.Conn) bool {
		greeting := make([]byte, 5) // three bytes of length, a sequence number, and the protocol version, or 255 for an error
		_, err := c.Read(greeting)
		return err == nil && greeting[4] != 255
	}
	s.start()
	return s
}

// Addr returns the address of the server, as "host:port". A restart does not change the address.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Log returns the server's output since the first start.
func (s *Server) Log() string {
	b, _ := os.ReadFile(s.logPath())
	return string(b)
}

func (s *Server) logPath() string { return filepath.Join(s.dir, "log") }

// Kill ends the server and all its processes as kill -9 does, and returns when the server has ended.
func (s *Server) Kill() { s.child.kill() }

// Restart starts the server after Kill, and returns when the server has recovered and answers.
func (s *Server) Restart() {
	s.t.Helper()
	s.start()
}

func newServer(t testing.TB, name string) *Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "faulttest-"+name+"-") //nolint:usetesting // the server's user may not enter t's folder
	s := &Server{t: t, dir: dir}
	s.must(err)
	t.Cleanup(func() {
		if s.child != nil {
			s.child.kill()
		}
		os.RemoveAll(dir)
	})
	s.must(os.MkdirAll(s.data(), 0o700))
	s.must(errors.Join(ownedByDaemon(dir), ownedByDaemon(s.data())))
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at once
	s.must(err)
	s.port = listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	return s
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...) //nolint:noctx // Kill ends the server
	cmd.Dir, cmd.Env = s.dir, append(os.Environ(), "HOME="+s.dir, "TMPDIR="+s.dir)
	asDaemon(cmd)
	return cmd
}

// daemon runs a program as the server's user, until the program ends.
func (s *Server) daemon(program string, args ...string) error {
	if output, err := s.command(program, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(program), err, output)
	}
	return nil
}

// start starts the server and waits until it answers. A server that ends at once is started again, because the processes of a
// killed one may still hold its shared memory.
func (s *Server) start() {
	s.t.Helper()
	log, err := os.OpenFile(s.logPath(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	s.must(err)
	defer log.Close()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); <-tick.C {
		if s.child == nil || s.child.hasEnded() {
			cmd := s.run()
			cmd.Stdout, cmd.Stderr = log, log
			s.child, err = spawn(cmd)
			s.must(err)
		}
		if s.answers() {
			return
		}
	}
	text := s.Log()
	s.t.Fatalf("faulttest: the server does not answer:\n%s", text[max(0, len(text)-4096):])
}

func (s *Server) answers() bool {
	c, err := net.DialTimeout("tcp", s.Addr(), time.Second) //nolint:noctx // DialTimeout has a deadline
	if err != nil {
		return false
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	return s.ready(c)
}

func (s *Server) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("faulttest: %v", err)
	}
}

// program returns the path of a program: the newest version in the folders that match the pattern, or else the one in PATH. If
// there is none, t is skipped.
func program(t testing.TB, folders, name string) string {
	t.Helper()
	found, _ := filepath.Glob(filepath.Join(folders, name))
	if len(found) == 0 {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Skipf("%s is not installed", name)
		}
		return path
	}
	sort.Slice(found, func(i, j int) bool {
		return len(found[i]) < len(found[j]) || len(found[i]) == len(found[j]) && found[i] < found[j]
	})
	return found[len(found)-1]
}
