package websocket

import (
	"context"
	"fmt"
	"runtime/debug"
)

// messageCost is added to the size of each queued incoming message, because even a short message holds a buffer of 512 bytes.
const messageCost = 600

// connected queues OnConnect. serve calls it before the first read, so OnConnect runs before any OnMessage.
func (c *Conn) connected(ctx context.Context) {
	if hook := c.hub.o.OnConnect; hook != nil {
		c.work.do(0, func() { c.guard("OnConnect", func() { hook(ctx, c) }) })
	}
}

// received queues OnMessage. Once a close frame has been queued, messages are dropped.
func (c *Conn) received(ctx context.Context, m Incoming) {
	c.hub.stats.received.Add(1)
	hook := c.hub.o.OnMessage
	if hook == nil || c.out.closed() {
		return
	}
	if !c.work.do(len(m.Data)+messageCost, func() { c.guard("OnMessage", func() { hook(ctx, c, m) }) }) {
		c.Close(CloseFlood, "too many messages")
	}
}

func (c *Conn) disconnected() {
	if hook := c.hub.o.OnDisconnect; hook != nil {
		c.guard("OnDisconnect", func() { hook(c, c.out.why()) })
	}
}

// guard runs a hook. A panic closes the connection, but does not end the process. The value of the panic is not logged, because it
// may quote a message.
func (c *Conn) guard(name string, hook func()) {
	defer func() {
		if v := recover(); v != nil {
			c.hub.o.Logger.Error("panic", "in", name, "type", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
			c.Close(closePanic, "")
		}
	}()
	hook()
}
