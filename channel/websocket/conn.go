package websocket

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"
	"unicode/utf8"

	coder "github.com/coder/websocket"

	"github.com/e7ddda3c/notify/channel"
)

// A Conn is one open connection. Its methods may be called by many goroutines at once, and never wait for the client.
//
// One goroutine reads for as long as the connection lives. One that writes and one that runs hooks come and go, so that neither a
// slow client nor a slow hook keeps pings and pongs from being read.
type Conn struct {
	hub  *Hub
	id   Identity
	in   []Target // where the index has it; guarded by the hub's lock
	tap  *tap
	ws   *coder.Conn // only reads; nil until the upgrade
	out  outbox
	work worker

	answered atomic.Bool // a pong has come since the last ping
	beat     *time.Timer
	expiry   *time.Timer // nil if the identity never ends
}

// Incoming is one message from a client.
type Incoming struct {
	Binary bool // else Data is text, and valid UTF-8
	Data   []byte
}

// Identity says whose connection it is, as the authenticator found.
func (c *Conn) Identity() Identity { return c.id }

// Push queues p for this connection alone. A connection that is closing is [channel.Unreachable]; other errors are as for [Hub.Push].
func (c *Conn) Push(p Payload) error {
	if err := c.hub.check(p); err != nil {
		return err
	}
	if !c.out.push(p.frame) {
		return fail(channel.Unreachable, "", errors.New("the connection is closing"))
	}
	c.hub.stats.pushed.Add(1)
	return nil
}

// Join adds the connection to a room of its tenant, until it leaves or closes.
func (c *Conn) Join(room string) {
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	c.hub.join(c, room)
}

// Leave takes the connection out of a room of its tenant.
func (c *Conn) Leave(room string) {
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	c.hub.leave(c, room)
}

// Close closes the connection after what is queued has been written; it returns at once. The code is one of this package, of
// RFC 6455 or the host's own from 4000 to 4999; one that must not be sent becomes 1008. At most 123 bytes of reason are sent.
func (c *Conn) Close(code int, reason string) {
	frame := closeFrame(code, reason)
	c.out.seal(closeCode(frame), frame)
}

// upgrade answers the handshake, or refuses it.
func (c *Conn) upgrade(w http.ResponseWriter, r *http.Request) error {
	if canHijack(w) { // else coder/websocket answers that it cannot
		w = hijacker{w, c}
	}
	ws, err := coder.Accept(w, r, &coder.AcceptOptions{
		Subprotocols:       []string{Subprotocol},
		InsecureSkipVerify: true, // the hub has checked the origin, more strictly
		OnPongReceived:     func(context.Context, []byte) { c.answered.Store(true) },
	})
	if err != nil {
		return err
	}
	ws.SetReadLimit(c.hub.o.ReadLimit)
	c.ws = ws
	return nil
}

// start sets the timers. The first ping comes at a random time, so that connections which came together are not pinged together.
func (c *Conn) start() {
	c.answered.Store(true)
	c.beat = time.AfterFunc(time.Hour, c.heartbeat)
	c.beat.Reset(rand.N(c.hub.o.Heartbeat))
	if !c.id.Expires.IsZero() {
		c.expiry = time.AfterFunc(time.Until(c.id.Expires), func() { c.Close(CloseExpired, "expired") })
	}
}

// heartbeat sends a ping, unless the last one is still without an answer.
func (c *Conn) heartbeat() {
	if !c.answered.Swap(false) {
		c.Close(CloseSilent, "no answer to a ping")
		return
	}
	if c.out.push(wire(opPing, nil)) {
		c.beat.Reset(c.hub.o.Heartbeat)
	}
}

// serve owns the connection until nothing of it is left.
func (c *Conn) serve() {
	ctx, cancel := context.WithCancel(context.Background())
	c.connected(ctx)
	err := c.receive(ctx)
	cancel()
	c.stop(err)
	c.hub.remove(c)
	c.work.running.Wait()
	c.disconnected()
	c.hub.release(c.id)
}

// receive reads until the client has closed, broken the protocol or gone.
func (c *Conn) receive(ctx context.Context) error {
	for {
		// A context that can end would cost a registration for each frame. Closing the socket ends the read as well.
		typ, data, err := c.ws.Read(context.Background())
		if err != nil {
			return err
		}
		if typ == coder.MessageText && !utf8.Valid(data) {
			c.Close(closeNotUTF8, "text is not UTF-8")
			continue
		}
		c.received(ctx, Incoming{Binary: typ == coder.MessageBinary, Data: data})
	}
}

// stop closes the socket when reading has ended with err: at once if it is lost, else after the outbox has been written.
func (c *Conn) stop(err error) {
	if c.tap.lost {
		c.out.cut(closeLost)
	}
	c.Close(closeProtocol, "") // if coder/websocket has closed without a word
	_ = c.ws.CloseNow()        // frees its memory; the socket is the tap's
	c.out.writer.Wait()
	if coder.CloseStatus(err) == -1 {
		c.linger()
	}
	c.out.cut(closeLost)
	c.beat.Stop()
	if c.expiry != nil {
		c.expiry.Stop()
	}
}

// linger waits for the client to hang up. Closing a socket with unread bytes resets it, and a reset can overtake the close frame.
func (c *Conn) linger() {
	if half, ok := c.tap.Conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	_ = c.tap.SetReadDeadline(time.Time{})
	_, _ = io.Copy(io.Discard, c.tap.Conn)
}
