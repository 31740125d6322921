package websocket_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	coder "github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel/websocket"
)

// auth uses the token as the user, or as "tenant~user". A request without a token is an error.
func auth(r *http.Request) (websocket.Identity, error) {
	tenant, user, ok := strings.Cut(websocket.Token(r), "~")
	if !ok {
		tenant, user = "", tenant
	}
	if user == "" {
		return websocket.Identity{}, errors.New("no token")
	}
	return websocket.Identity{Tenant: tenant, User: user}, nil
}

// A host is a hub behind a server.
type host struct {
	*websocket.Hub
	addr string
	dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// start serves a hub over TCP, and checks at the end of the test that no goroutine of the hub is left.
func start(t *testing.T, o *websocket.Options) *host {
	t.Helper()
	return serve(t, websocket.New(auth, o))
}

func serve(t *testing.T, hub *websocket.Hub) *host {
	t.Helper()
	server := httptest.NewServer(hub)
	t.Cleanup(func() {
		server.Close()
		end(t, hub)
		noGoroutine(t)
	})
	return &host{Hub: hub, addr: server.Listener.Addr().String(), dial: new(net.Dialer).DialContext}
}

// startPiped serves a hub over unbuffered pipes, for tests with fake time.
func startPiped(t *testing.T, hub *websocket.Hub) *host {
	t.Helper()
	l := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
	server := &http.Server{Handler: hub}
	go server.Serve(l)
	t.Cleanup(func() {
		end(t, hub)
		server.Close()
	})
	return &host{Hub: hub, addr: "hub.test:80", dial: l.dial}
}

func end(t *testing.T, hub *websocket.Hub) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	require.NoError(t, hub.Close(ctx))
	require.Zero(t, hub.Stats().Connections)
	require.Zero(t, hub.Stats().Users)
	require.Zero(t, hub.Stats().Rooms)
}

// noGoroutine checks that no goroutine of a hub is running.
func noGoroutine(t *testing.T) {
	t.Helper()
	var stacks string
	require.Eventually(t, func() bool {
		stacks = goroutines()
		return !strings.Contains(stacks, "websocket.(*Conn)") && !strings.Contains(stacks, "websocket.(*outbox)") &&
			!strings.Contains(stacks, "websocket.(*worker)")
	}, 10*time.Second, 5*time.Millisecond, "goroutines are left")
}

func goroutines() string {
	buf := make([]byte, 4<<20)
	return string(buf[:runtime.Stack(buf, true)])
}

// A client is a well-behaved client.
type client struct{ *coder.Conn }

func (h *host) connect(t *testing.T, token string) client {
	t.Helper()
	before := h.Stats().Accepted
	c, resp, err := h.try(t, "/", http.Header{"Authorization": {"Bearer " + token}}, websocket.Subprotocol)
	require.NoError(t, err)
	require.Equal(t, websocket.Subprotocol, resp.header.Get("Sec-WebSocket-Protocol"))
	t.Cleanup(func() { _ = c.CloseNow() })
	eventually(t, func() bool { return h.Stats().Accepted > before })
	eventually(t, func() bool { return h.Stats().Connections > 0 })
	return client{c}
}

// try opens a connection that the hub may refuse.
func (h *host) try(t *testing.T, path string, header http.Header, subprotocols ...string) (*coder.Conn, answer, error) {
	t.Helper()
	transport := &http.Transport{DialContext: h.dial}
	t.Cleanup(transport.CloseIdleConnections)
	return dial(t.Context(), "ws://"+h.addr+path, &coder.DialOptions{
		HTTPClient: &http.Client{Transport: transport}, HTTPHeader: header, Subprotocols: subprotocols,
	})
}

// An answer is the response to a handshake.
type answer struct {
	status int
	header http.Header
}

func dial(ctx context.Context, url string, o *coder.DialOptions) (*coder.Conn, answer, error) {
	c, resp, err := coder.Dial(ctx, url, o) //nolint:bodyclose // it closes the body itself
	if resp == nil {
		return c, answer{}, err
	}
	return c, answer{resp.StatusCode, resp.Header}, err
}

// text reads the next message, which must be text.
func (c client) text(t *testing.T) string {
	t.Helper()
	typ, b := c.next(t)
	require.Equal(t, coder.MessageText, typ)
	return string(b)
}

func (c client) next(t *testing.T) (coder.MessageType, []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	typ, b, err := c.Read(ctx)
	require.NoError(t, err)
	return typ, b
}

// closed reads until the connection ends and returns the close code and reason.
func (c client) closed(t *testing.T) (int, string) {
	t.Helper()
	for {
		if _, _, err := c.Read(t.Context()); err != nil {
			var e coder.CloseError
			require.ErrorAs(t, err, &e)
			return int(e.Code), e.Reason
		}
	}
}

// A raw client reads and writes bytes, valid or not.
type raw struct {
	net.Conn
	r *bufio.Reader
}

func (h *host) raw(t *testing.T, token string, early ...byte) raw {
	t.Helper()
	before := h.Stats().Accepted
	conn, err := h.dial(t.Context(), "tcp", h.addr)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	_, err = conn.Write(append(handshake(token), early...))
	require.NoError(t, err)
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, nil) //nolint:bodyclose // it has none
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, resp.StatusCode)
	eventually(t, func() bool { return h.Stats().Accepted > before })
	return raw{conn, r}
}

func handshake(token string) []byte {
	return fmt.Appendf(nil, "GET / HTTP/1.1\r\nHost: hub.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer %s\r\n\r\n", token)
}

// frame reads one frame from the hub.
func (c raw) frame() (op byte, body []byte, err error) {
	head := make([]byte, 2)
	if _, err = io.ReadFull(c.r, head); err != nil {
		return 0, nil, err
	}
	size := uint64(head[1])
	if n := map[byte]int{126: 2, 127: 8}[head[1]]; n > 0 {
		long := make([]byte, 8)
		if _, err = io.ReadFull(c.r, long[8-n:]); err != nil {
			return 0, nil, err
		}
		size = binary.BigEndian.Uint64(long)
	}
	body = make([]byte, size)
	_, err = io.ReadFull(c.r, body)
	return head[0], body, err
}

// code reads up to the close frame, without answering, and returns the close code, or 1006 if the connection ends without one.
func (c raw) code(t *testing.T) int {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(time.Hour)) // fails on a closed pipe
	for {
		op, body, err := c.frame()
		if errors.Is(err, io.EOF) {
			return 1006
		}
		require.NoError(t, err)
		if op == 0x88 {
			return int(binary.BigEndian.Uint16(body))
		}
	}
}

// masked returns a client's frame with the mask 0, which is allowed and easy to read.
func masked(op byte, body string) []byte {
	var b bytes.Buffer
	b.WriteByte(0x80 | op)
	switch n := len(body); {
	case n < 126:
		b.WriteByte(0x80 | byte(n))
	case n < 1<<16:
		b.WriteByte(0x80 | 126)
		_ = binary.Write(&b, binary.BigEndian, uint16(n))
	default:
		b.WriteByte(0x80 | 127)
		_ = binary.Write(&b, binary.BigEndian, uint64(n))
	}
	b.WriteString("\x00\x00\x00\x00" + body)
	return b.Bytes()
}

func eventually(t *testing.T, cond func() bool) {
	t.Helper()
	if cond() {
		return
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); <-tick.C {
		if cond() {
			return
		}
	}
	require.Fail(t, "the condition never became true")
}

// pipes is a listener whose connections are pipes in memory.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	close(p.done)
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// A piped ResponseWriter hands one end of a pipe to the hijacker.
type piped struct {
	http.ResponseWriter
	conn   net.Conn
	before func() // called before the hijack, unless nil
}

func (p piped) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if p.before != nil {
		p.before()
	}
	return p.conn, bufio.NewReadWriter(bufio.NewReader(p.conn), bufio.NewWriter(p.conn)), nil
}
