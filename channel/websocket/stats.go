package websocket

import "sync/atomic"

// Stats is what a hub has done since [New], and holds now.
type Stats struct {
	Connections int // open now
	Users       int // connected now
	Rooms       int // with somebody in them now

	Accepted uint64 // connections
	Refused  uint64 // handshakes, whatever the status
	Pushed   uint64 // frames queued: one for each connection that a push went to
	Received uint64 // messages

	Slow    uint64 // connections closed with CloseSlow
	Silent  uint64 // … with CloseSilent
	Expired uint64 // … with CloseExpired
	Flooded uint64 // … with CloseFlood
	Lost    uint64 // connections that ended without a close frame of either side
}

type counters struct {
	accepted, refused, pushed, received  atomic.Uint64
	slow, silent, expired, flooded, lost atomic.Uint64
}

// closed counts a connection by the code that it closed with.
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

// Stats returns the numbers of this moment.
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
