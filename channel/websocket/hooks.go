package websocket

import (
	"context"
	"fmt"
	"runtime/debug"
)

// messageCost is what a message that waits takes beside its bytes: a buffer is hardly smaller, however short the message.
const messageCost = 600

// connected queues OnConnect, before any message can come.
func (c *Conn) connected(ctx context.Context) {
	if hook := c.hub.o.OnConnect; hook != nil {
		c.work.do(0, func() { c.guard("OnConnect", func() { hook(ctx, c) }) })
	}
}

// received queues OnMessage. What comes after a close frame has been queued is dropped.
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

// guard runs a hook. One that panics costs its connection, not the process. The value stays out of the log: it may quote a message.
func (c *Conn) guard(name string, hook func()) {
	defer func() {
		if v := recover(); v != nil {
			c.hub.o.Logger.Error("panic", "in", name, "type", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
			c.Close(closePanic, "")
		}
	}()
	hook()
}
