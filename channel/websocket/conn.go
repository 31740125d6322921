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

// A Conn is one open connection. Its methods are safe for concurrent use and never wait for the client.
//
// One goroutine reads for the life of the connection. Two more, one that writes and one that runs hooks, exist only while there is
// work. So neither a slow client nor a slow hook delays the reading of pings and pongs.
type Conn struct {
	hub  *Hub
	id   Identity
	in   []Target // its entries in the index; guarded by the hub's lock
	tap  *tap
	ws   *coder.Conn // for reading only; nil until the upgrade
	out  outbox
	work worker

	answered atomic.Bool // a pong has arrived since the last ping
	beat     *time.Timer
	expiry   *time.Timer // nil if the identity never expires
}

// Incoming is one message from a client.
type Incoming struct {
	Binary bool // if false, Data is text and valid UTF-8
	Data   []byte
}

// Identity returns the identity found by the authenticator.
func (c *Conn) Identity() Identity { return c.id }

// Push queues p for this connection alone. The error is [channel.Unreachable] if the connection is closing. Other errors are those
// of [Hub.Push].
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

// Join adds the connection to a room of its tenant until the connection leaves or closes.
func (c *Conn) Join(room string) {
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	c.hub.join(c, room)
}

// Leave removes the connection from a room of its tenant.
func (c *Conn) Leave(room string) {
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	c.hub.leave(c, room)
}

// Close closes the connection after the queued messages have been written. It returns at once. The code is one of this package, one
// of RFC 6455, or the host's own from 4000 to 4999; a code that must not be sent is replaced by 1008. The reason is cut to 123
// bytes.
func (c *Conn) Close(code int, reason string) {
	frame := closeFrame(code, reason)
	c.out.seal(closeCode(frame), frame)
}

// upgrade completes the handshake or refuses it.
func (c *Conn) upgrade(w http.ResponseWriter, r *http.Request) error {
	if canHijack(w) { // otherwise coder/websocket answers with 501
		w = hijacker{w, c}
	}
	ws, err := coder.Accept(w, r, &coder.AcceptOptions{
		Subprotocols:       []string{Subprotocol},
		InsecureSkipVerify: true, // the hub's own check, which is stricter, has passed
		OnPongReceived:     func(context.Context, []byte) { c.answered.Store(true) },
	})
	if err != nil {
		return err
	}
	ws.SetReadLimit(c.hub.o.ReadLimit)
	c.ws = ws
	return nil
}

// start starts the timers. The first ping is sent at a random time, so that clients that connected at the same time are not
// pinged at the same time.
func (c *Conn) start() {
	c.answered.Store(true)
	c.beat = time.AfterFunc(time.Hour, c.heartbeat)
	c.beat.Reset(rand.N(c.hub.o.Heartbeat))
	if !c.id.Expires.IsZero() {
		c.expiry = time.AfterFunc(time.Until(c.id.Expires), func() { c.Close(CloseExpired, "expired") })
	}
}

// heartbeat sends a ping, or closes the connection if the last ping was not answered.
func (c *Conn) heartbeat() {
	if !c.answered.Swap(false) {
		c.Close(CloseSilent, "no answer to a ping")
		return
	}
	if c.out.push(wire(opPing, nil)) {
		c.beat.Reset(c.hub.o.Heartbeat)
	}
}

// serve runs the connection until its last goroutine and its last hook have ended.
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

// receive reads until the client closes the connection, violates the protocol or disappears.
func (c *Conn) receive(ctx context.Context) error {
	for {
		// A cancelable context would cost a registration per frame. Closing the socket also ends the read.
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

// stop closes the socket after reading has ended with err: at once if the socket has failed, otherwise after the outbox is written.
func (c *Conn) stop(err error) {
	if c.tap.lost {
		c.out.cut(closeLost)
	}
	c.Close(closeProtocol, "") // in case coder/websocket has not queued a close frame
	_ = c.ws.CloseNow()        // frees the memory of c.ws; the tap keeps the socket open
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

// linger waits for the client to close its side. Closing a socket with unread bytes resets the connection, and the reset can
// overtake the close frame.
func (c *Conn) linger() {
	if half, ok := c.tap.Conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	_ = c.tap.SetReadDeadline(time.Time{})
	_, _ = io.Copy(io.Discard, c.tap.Conn)
}
