package websocket

import "sync/atomic"

// Stats holds the current sizes of a hub and its totals since [New].
type Stats struct {
	Connections int // open
	Users       int // with an open connection
	Rooms       int // with an open connection

	Accepted uint64 // connections
	Refused  uint64 // handshakes, with any status
	Pushed   uint64 // frames queued, one for each connection of a push
	Received uint64 // messages from clients

	Slow    uint64 // connections closed with CloseSlow
	Silent  uint64 // … with CloseSilent
	Expired uint64 // … with CloseExpired
	Flooded uint64 // … with CloseFlood
	Lost    uint64 // connections that ended without a close frame from either side
}

type counters struct {
	accepted, refused, pushed, received  atomic.Uint64
	slow, silent, expired, flooded, lost atomic.Uint64
}

// closed counts a connection by its close code.
func (c *counters) closed(code int) {
	switch code {
	case CloseSlow:
		c.slow.Add(1)
	case CloseSilent:
		c.silent.Add(1)
	case CloseExpired:
		c.expired.Add(1)
	case CloseFlood:
		c.flooded.Add(1)
	case closeLost:
		c.lost.Add(1)
	}
}

// Stats returns the current numbers.
func (h *Hub) Stats() Stats {
	h.mu.RLock()
	sizes, n := h.index.sizes, len(h.index.sets[Everyone()])
	h.mu.RUnlock()
	return Stats{
		Connections: n,
		Users:       sizes[inUser],
		Rooms:       sizes[inRoom],
		Accepted:    h.stats.accepted.Load(),
		Refused:     h.stats.refused.Load(),
		Pushed:      h.stats.pushed.Load(),
		Received:    h.stats.received.Load(),
		Slow:        h.stats.slow.Load(),
		Silent:      h.stats.silent.Load(),
		Expired:     h.stats.expired.Load(),
		Flooded:     h.stats.flooded.Load(),
		Lost:        h.stats.lost.Load(),
	}
}
