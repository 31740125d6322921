package email_test

import (
	"bufio"
	"cmp"
	"crypto/hmac"
	"crypto/md5"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel/email"
)

// Answers of a script that are not replies.
const (
	silence = "silence" // never reply
	cut     = "cut"     // close the connection
)

// A script returns the server's answer to a step, or "" for the default. nth counts the step over all connections, from 1.
// Steps are the SMTP verbs, CONNECT, HANDSHAKE (of TLS), CONTENT (after the reply to DATA) and DOT (the end of a mail).
type script func(step string, nth int) string

// on returns a script with one answer for every occurrence of step.
func on(step, answer string) script {
	return func(s string, _ int) string {
		if s == step {
			return answer
		}
		return ""
	}
}

// A server is an SMTP server on loopback that follows a script.
type server struct {
	t          *testing.T
	script     script
	extensions []string
	implicit   bool // TLS from the first byte
	tls        *tls.Config
	listener   net.Listener
	wg         sync.WaitGroup

	mu     sync.Mutex
	steps  []string
	mails  []received
	open   map[net.Conn]bool
	opened int

	done chan struct{}
}

// received is a mail as it arrived.
type received struct{ from, to, user, data, params string }

const user, password = "notify", "correct horse"

// serve starts a server with STARTTLS and AUTH.
func serve(t *testing.T, sc script, extensions ...string) *server {
	t.Helper()
	s := newServer(t, sc)
	s.extensions = append(s.extensions, extensions...)
	s.start()
	return s
}

func newServer(t *testing.T, sc script) *server {
	t.Helper()
	if sc == nil {
		sc = func(string, int) string { return "" }
	}
	return &server{t: t, script: sc, tls: certificate(t), open: map[net.Conn]bool{}, done: make(chan struct{}),
		extensions: []string{"8BITMIME", "AUTH CRAM-MD5 PLAIN LOGIN XOAUTH2"}}
}

func (s *server) start() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(s.t, err)
	s.listener = l
	s.wg.Go(s.accept)
	s.t.Cleanup(s.stop)
}

func (s *server) stop() {
	_ = s.listener.Close()
	close(s.done)
	s.hangUp()
	s.wg.Wait()
}

// hangUp closes all connections.
func (s *server) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.open {
		_ = c.Close()
	}
}

// certificate returns the certificate of httptest, which is valid for 127.0.0.1 and example.com.
func certificate(t *testing.T) *tls.Config {
	t.Helper()
	h := httptest.NewTLSServer(nil)
	h.Close()
	return &tls.Config{Certificates: h.TLS.Certificates}
}

func (s *server) port() int { return portOf(s.listener.Addr()) }

// options returns the options of a channel that trusts the server.
func (s *server) options() *email.Options {
	pool := x509.NewCertPool()
	leaf, err := x509.ParseCertificate(s.tls.Certificates[0].Certificate[0])
	require.NoError(s.t, err)
	pool.AddCert(leaf)
	return &email.Options{Port: s.port(), TLSConfig: &tls.Config{RootCAs: pool}, HELO: "client.example"}
}

// channel returns a channel with changed options, which the end of the test closes.
func (s *server) channel(change ...func(*email.Options)) *email.Channel {
	s.t.Helper()
	o := s.options()
	for _, f := range change {
		f(o)
	}
	c := email.New("127.0.0.1", from, o)
	require.NoError(s.t, c.Valid())
	s.t.Cleanup(func() { require.NoError(s.t, c.Close()) })
	return c
}

func (s *server) received() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// said returns the steps of the clients on all connections, in order.
func (s *server) said() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.steps)
}

func (s *server) count(step string) int {
	n := 0
	for _, said := range s.said() {
		if said == step {
			n++
		}
	}
	return n
}

// connections returns the number of connections accepted so far, and of those still open.
func (s *server) connections() (opened, open int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opened, len(s.open)
}

func (s *server) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.open[c] = true
		s.opened++
		s.mu.Unlock()
		select {
		case <-s.done: // accepted after hangUp
			_ = c.Close()
		default:
		}
		s.wg.Go(func() {
			(&session{server: s, raw: c, conn: c, r: bufio.NewReader(c)}).run()
			_ = c.Close()
			s.mu.Lock()
			delete(s.open, c)
			s.mu.Unlock()
		})
	}
}

// A session is one connection.
type session struct {
	*server
	raw, conn net.Conn
	r         *bufio.Reader
	mail      received
}

// scripted records a step and returns the script's answer.
func (c *session) scripted(step string) string {
	c.mu.Lock()
	c.steps = append(c.steps, step)
	nth := 0
	for _, s := range c.steps {
		if s == step {
			nth++
		}
	}
	c.mu.Unlock()
	return c.script(step, nth)
}

// reply sends answer, or usual if there is none, and reports whether the connection remains open.
func (c *session) reply(answer, usual string) bool {
	switch answer = cmp.Or(answer, usual); answer {
	case cut:
		return false
	case silence:
		<-c.done // reads nothing more, so that the client's writes fill the buffers
		return false
	default:
		_, err := fmt.Fprintf(c.conn, "%s\r\n", answer)
		return err == nil && !strings.HasPrefix(answer, "421")
	}
}

func (c *session) step(step, usual string) bool { return c.reply(c.scripted(step), usual) }

func (c *session) run() {
	if c.implicit && !c.handshake() {
		return
	}
	if !c.step("CONNECT", "220 mail.example ESMTP") {
		return
	}
	for {
		line, err := c.r.ReadString('\n')
		if err != nil || !c.verb(strings.TrimRight(line, "\r\n")) {
			return
		}
	}
}

func (c *session) verb(line string) bool {
	verb, rest, _ := strings.Cut(line, " ")
	switch verb = strings.ToUpper(verb); verb {
	case "EHLO":
		return c.step(verb, c.hello())
	case "STARTTLS":
		return c.step(verb, "220 go ahead") && c.handshake()
	case "AUTH":
		return c.auth(rest)
	case "MAIL":
		_, params, _ := strings.Cut(rest, "> ")
		c.mail = received{user: c.mail.user, from: path(rest), params: params}
		return c.step(verb, "250 2.1.0 ok")
	case "RCPT":
		c.mail.to = path(rest)
		return c.step(verb, "250 2.1.5 ok")
	case "DATA":
		return c.data()
	case "QUIT":
		c.step(verb, "221 bye")
		return false
	default:
		return c.step(verb, "250 ok")
	}
}

func (c *session) hello() string {
	lines := append([]string{"mail.example"}, c.extensions...)
	if _, secure := c.conn.(*tls.Conn); !secure && !slices.Contains(lines, "-STARTTLS") {
		lines = append(lines, "STARTTLS")
	}
	lines = slices.DeleteFunc(lines, func(l string) bool { return l == "-STARTTLS" })
	for i, l := range lines[:len(lines)-1] {
		lines[i] = "250-" + l
	}
	lines[len(lines)-1] = "250 " + lines[len(lines)-1]
	return strings.Join(lines, "\r\n")
}

func (c *session) handshake() bool {
	if answer := c.scripted("HANDSHAKE"); answer != "" {
		return c.reply(answer, "")
	}
	t := tls.Server(c.raw, c.tls)
	c.conn, c.r = t, bufio.NewReader(t)
	return t.Handshake() == nil
}

// path returns the address in "FROM:<ann@example.com> BODY=8BITMIME".
func path(s string) string {
	_, s, _ = strings.Cut(s, "<")
	s, _, _ = strings.Cut(s, ">")
	return s
}

// data receives a mail, and records it before the reply.
func (c *session) data() bool {
	answer := c.scripted("DATA")
	if good := c.reply(answer, "354 go ahead"); !good || answer != "" {
		return good
	}
	if answer := c.scripted("CONTENT"); answer != "" {
		return c.reply(answer, "")
	}
	var b strings.Builder
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		b.WriteString(strings.TrimPrefix(line, "."))
	}
	c.mail.data = b.String()
	c.mu.Lock()
	c.mails = append(c.mails, c.mail)
	c.mu.Unlock()
	return c.step("DOT", "250 2.0.0 Ok: queued as 4cZx2k0lqz")
}

// auth accepts one user.
func (c *session) auth(line string) bool {
	mechanism, initial, _ := strings.Cut(line, " ")
	good := false
	switch mechanism {
	case "PLAIN":
		good = unbase64(initial) == "\x00"+user+"\x00"+password
	case "LOGIN":
		name := c.ask("VXNlcm5hbWU6")
		good = c.ask("UGFzc3dvcmQ6") == password && name == user
	case "CRAM-MD5":
		mac := hmac.New(md5.New, []byte(password))
		mac.Write([]byte("<1@mail.example>"))
		good = c.ask(base64.StdEncoding.EncodeToString([]byte("<1@mail.example>"))) == user+" "+hex.EncodeToString(mac.Sum(nil))
	case "XOAUTH2":
		good = unbase64(initial) == "user="+user+"\x01auth=Bearer "+password+"\x01\x01"
	}
	if !good {
		return c.step("AUTH", "535 5.7.8 "+user+" cannot log in with "+password)
	}
	c.mail.user = user + " by " + mechanism
	return c.step("AUTH", "235 2.7.0 welcome")
}

// ask sends a challenge and returns the answer.
func (c *session) ask(challenge string) string {
	_, _ = fmt.Fprintf(c.conn, "334 %s\r\n", challenge)
	line, _ := c.r.ReadString('\n')
	return unbase64(strings.TrimRight(line, "\r\n"))
}

func unbase64(s string) string {
	b, _ := base64.StdEncoding.DecodeString(s)
	return string(b)
}
