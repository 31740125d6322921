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
	// Origins are the origins whose pages may connect, such as "https://app.example.com", compared exactly. Pages from the host
	// that they connect to always may, and programs that are no browser, as they send no Origin. Behind a proxy that changes the
	// Host header, name your own origin here.
	Origins []string

	// QueueBytes bounds what waits for one connection, where each message counts 24 bytes more than it has, and what it has sent
	// that waits for OnMessage, where each counts 600 more. A larger payload is refused, so it also bounds one push. Defaults to
	// 1 MiB.
	QueueBytes int
	// ReadLimit is the largest message that a client may send, in bytes. Defaults to 32 KiB.
	ReadLimit int64
	// Heartbeat is the time between pings. Who has not answered by the next is closed. Defaults to 25 s, which keeps proxies that
	// drop idle connections after 30 s from doing so.
	Heartbeat time.Duration

	// MaxConnections is how many connections the hub takes at once. Defaults to 65,536.
	MaxConnections int
	// MaxPerUser is how many connections one user may have at once. Defaults to 32.
	MaxPerUser int

	// Spread is over how long clients are told to spread when they come back after [Hub.Close]. Defaults to 10 s.
	Spread time.Duration

	// OnConnect is called when a connection has opened, before its first OnMessage. Pushes may reach it earlier.
	OnConnect func(ctx context.Context, c *Conn)
	// OnMessage is called for each message of a client. A nil OnMessage drops them.
	//
	// The hooks of one connection run one after another, those of several at once. Ctx ends with the connection. A hook that panics
	// closes its connection with 1011.
	OnMessage func(ctx context.Context, c *Conn, m Incoming)
	// OnDisconnect is called last, with the close code: 1006 if the client vanished. The user may be connected anew by then.
	OnDisconnect func(c *Conn, code int)

	// Logger gets the panics of hooks and of the authenticator. Defaults to slog.Default().
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

// valid also returns the origins as they are compared.
func (o *Options) valid() (map[origin]bool, error) {
	if o.QueueBytes < 0 || o.ReadLimit < 0 || o.Heartbeat < 0 || o.MaxConnections < 0 || o.MaxPerUser < 0 || o.Spread < 0 {
		return nil, errors.New("websocket: an option is negative")
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
