package websocket

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Options configures a [Hub]. A nil *Options means all defaults.
type Options struct {
	// Origins lists the origins whose pages may connect, such as "https://app.example.com". They are compared exactly. Pages that
	// come from the hub's own host may always connect, and so may programs other than browsers, which send no Origin header. Behind
	// a proxy that changes the Host header, list your own origin here.
	Origins []string

	// QueueBytes is the maximum size of each of a connection's two queues: messages to the client, and messages from the client
	// that wait for OnMessage. A message counts as its own size plus 24 bytes in the first queue and plus 600 bytes in the second.
	// A payload that is too large for an empty queue is refused. Defaults to 1 MiB.
	QueueBytes int
	// ReadLimit is the maximum size of a message from a client, in bytes. Defaults to 32 KiB.
	ReadLimit int64
	// Heartbeat is the interval between pings. The hub closes a connection whose client has not answered a ping when the next is
	// due. Defaults to 25 s, less than the 30 s after which some proxies drop an idle connection.
	Heartbeat time.Duration

	// MaxConnections is the maximum number of connections of the hub. Defaults to 65,536.
	MaxConnections int
	// MaxPerUser is the maximum number of connections of one user. Defaults to 32.
	MaxPerUser int

	// Spread is the period over which clients are told to spread their reconnects after [Hub.Close]. Defaults to 10 s.
	Spread time.Duration

	// OnConnect is called when a connection has opened, before its first OnMessage. A push may reach the client earlier.
	OnConnect func(ctx context.Context, c *Conn)
	// OnMessage is called for each message from a client. If OnMessage is nil, messages are dropped.
	//
	// The hooks of one connection run one after another, those of different connections concurrently. The ctx ends with the
	// connection. A panic in a hook closes its connection with code 1011.
	OnMessage func(ctx context.Context, c *Conn, m Incoming)
	// OnDisconnect is called last, with the close code, which is 1006 if the client disappeared. The user may have reconnected by
	// then.
	OnDisconnect func(c *Conn, code int)

	// Logger receives the panics of hooks and of the authenticator. Defaults to slog.Default().
	Logger *slog.Logger
}

func (o *Options) withDefaults() Options {
	if o == nil {
		o = &Options{}
	}
	d := *o
	d.QueueBytes = cmp.Or(o.QueueBytes, 1<<20)
	d.ReadLimit = cmp.Or(o.ReadLimit, 32<<10)
	d.Heartbeat = cmp.Or(o.Heartbeat, 25*time.Second)
	d.MaxConnections = cmp.Or(o.MaxConnections, 65_536)
	d.MaxPerUser = cmp.Or(o.MaxPerUser, 32)
	d.Spread = cmp.Or(o.Spread, 10*time.Second)
	if d.Logger == nil {
		d.Logger = slog.Default()
	}
	return d
}

// valid checks the options and returns the parsed Origins.
func (o *Options) valid() (map[origin]bool, error) {
	if o.QueueBytes < 0 || o.ReadLimit < 0 || o.Heartbeat < 0 || o.MaxConnections < 0 || o.MaxPerUser < 0 || o.Spread < 0 {
		return nil, errors.New("websocket: options must not be negative")
	}
	origins := make(map[origin]bool)
	for _, s := range o.Origins {
		parsed, err := parseOrigin(s)
		if err != nil {
			return nil, fmt.Errorf("websocket: Origins: %w", err)
		}
		origins[parsed] = true
	}
	return origins, nil
}
