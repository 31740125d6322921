package websocket

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/e7ddda3c/notify/channel"
)

// A Hub holds the open connections of this process. It is the [http.Handler] that clients connect to and the [channel.Channel] for
// deliveries; applications also push messages of their own through it. Its methods are safe for concurrent use.
//
// A push never waits for a client. The pushes of one goroutine arrive in order at every connection. All targets and counts are
// those of this process: a hub does not know about other hubs.
type Hub struct {
	auth    func(*http.Request) (Identity, error)
	o       Options
	origins map[origin]bool
	fault   error
	stats   counters

	mu    sync.RWMutex
	state state
	index index
	held  int            // connections, from before the upgrade until the last hook has returned
	users map[Target]int // held, by user
	idle  chan struct{}  // closed once the hub is closing and holds no connection
}

// New returns a hub that calls auth to identify each client. Auth must take the user from verified data, such as a signed [Token],
// never from the path or the query alone. An error from auth refuses the handshake, and is neither sent to the client nor logged.
// New does no I/O.
func New(auth func(*http.Request) (Identity, error), o *Options) *Hub {
	h := &Hub{
		auth:  auth,
		o:     o.withDefaults(),
		index: index{sets: make(map[Target]map[*Conn]struct{})},
		users: make(map[Target]int),
		idle:  make(chan struct{}),
	}
	h.origins, h.fault = h.o.valid()
	if auth == nil {
		h.fault = errors.New("websocket: an authenticator is required")
	}
	return h
}

// Valid reports a fault in the arguments of [New]. A hub with a fault answers every handshake with 500.
func (h *Hub) Valid() error { return h.fault }

// Push queues p for every connection of t and returns the number of those connections, which may be zero. The error is
// [channel.Rejected] if the payload could not be encoded or is too large for a queue, and [channel.Temporary] if the hub is closed
// or ctx is done.
func (h *Hub) Push(ctx context.Context, t Target, p Payload) (int, error) {
	if err := h.check(p); err != nil {
		return 0, err
	}
	if err := ctx.Err(); err != nil {
		return 0, fail(channel.Temporary, "", err)
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.state != open {
		return 0, fail(channel.Temporary, "", errors.New("the hub is closed"))
	}
	n := 0
	for c := range h.index.sets[t] {
		if c.out.push(p.frame) {
			n++
		}
	}
	h.stats.pushed.Add(uint64(n))
	return n, nil
}

// Count returns the number of open connections of t.
func (h *Hub) Count(t Target) int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	n := 0
	for c := range h.index.sets[t] {
		if !c.out.closed() {
			n++
		}
	}
	return n
}

// Join adds the current connections of t to a room of their tenant. Later connections can join in Options.OnConnect.
func (h *Hub) Join(t Target, room string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.index.sets[t] {
		h.join(c, room)
	}
}

// Leave removes the connections of t from a room of their tenant.
func (h *Hub) Leave(t Target, room string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.index.sets[t] {
		h.leave(c, room)
	}
}

// Disconnect closes the connections of t as [Conn.Close] does, for example with [CloseRevoked] after a sign-out.
func (h *Hub) Disconnect(t Target, code int, reason string) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for c := range h.index.sets[t] {
		c.Close(code, reason)
	}
}

// Close shuts the hub down. New connections are refused, pushes fail, and every client gets its queued messages, then
// [CloseRestart]. Close returns when all clients have gone and their hooks have returned. If ctx is done earlier, Close cuts the
// remaining connections and returns an error that wraps ctx's, without waiting for hooks that still run.
func (h *Hub) Close(ctx context.Context) error {
	for _, c := range h.enter(closing) {
		c.Close(CloseRestart, retryHint(h.o.Spread))
	}
	select {
	case <-h.idle:
		return nil
	case <-ctx.Done():
	}
	rest := h.enter(gone)
	select {
	case <-h.idle: // ctx was done at the same time
		return nil
	default:
	}
	for _, c := range rest {
		c.out.cut(closeLost)
	}
	return fmt.Errorf("websocket: cut %d connections that were still open: %w", len(rest), ctx.Err())
}

// enter moves the hub to state s, never back to an earlier one, and returns the current connections. A connection
// that is still being upgraded is not among them: open checks the state for that one.
func (h *Hub) enter(s state) []*Conn {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state == open && h.held == 0 {
		close(h.idle)
	}
	h.state = max(h.state, s)
	all := make([]*Conn, 0, len(h.index.sets[Everyone()]))
	for c := range h.index.sets[Everyone()] {
		all = append(all, c)
	}
	return all
}

// reserve takes a place for a connection of id. Any status but 200 is a refusal.
func (h *Hub) reserve(id Identity) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	u := User(id.Tenant, id.User)
	switch {
	case h.state != open, h.held >= h.o.MaxConnections:
		return http.StatusServiceUnavailable
	case h.users[u] >= h.o.MaxPerUser:
		return http.StatusTooManyRequests
	}
	h.held++
	h.users[u]++
	return http.StatusOK
}

// release gives back a place that reserve took.
func (h *Hub) release(id Identity) {
	h.mu.Lock()
	defer h.mu.Unlock()
	u := User(id.Tenant, id.User)
	if h.users[u]--; h.users[u] == 0 {
		delete(h.users, u)
	}
	if h.held--; h.held == 0 && h.state != open {
		close(h.idle)
	}
}

// open adds an upgraded connection to the index, so that pushes reach it, and starts it.
func (h *Hub) open(c *Conn) {
	c.start()
	h.stats.accepted.Add(1)
	h.mu.Lock()
	c.in = []Target{Everyone(), Tenant(c.id.Tenant), User(c.id.Tenant, c.id.User)}
	for _, t := range c.in {
		h.index.add(t, c)
	}
	s := h.state
	h.mu.Unlock()
	if s == closing {
		c.Close(CloseRestart, retryHint(h.o.Spread))
	}
	if s == gone {
		c.out.cut(closeLost)
	}
	go c.serve() // ends with release, for which Close waits
}

// remove takes a closed connection out of the index.
func (h *Hub) remove(c *Conn) {
	h.stats.closed(c.out.why())
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range c.in {
		h.index.remove(t, c)
	}
	c.in = nil
}

func (h *Hub) join(c *Conn, room string) {
	t := Room(c.id.Tenant, room)
	if c.in != nil && h.index.add(t, c) { // otherwise c has been removed, or is in the room already
		c.in = append(c.in, t)
	}
}

func (h *Hub) leave(c *Conn, room string) {
	t := Room(c.id.Tenant, room)
	if h.index.remove(t, c) {
		c.in = slices.DeleteFunc(c.in, func(have Target) bool { return have == t })
	}
}

// check returns an error for a payload that no connection can take.
func (h *Hub) check(p Payload) *channel.Error {
	if h.fault != nil {
		return &channel.Error{Kind: channel.Misconfigured, Err: h.fault}
	}
	if err := p.fault(); err != nil {
		return fail(channel.Rejected, "", err)
	}
	if cost(p.frame) > h.o.QueueBytes {
		return fail(channel.Rejected, "", fmt.Errorf("a frame of %d bytes is too large for a queue of %d", len(p.frame), h.o.QueueBytes))
	}
	return nil
}

func fail(kind channel.Kind, field string, err error) *channel.Error {
	return &channel.Error{Kind: kind, Field: field, Err: fmt.Errorf("websocket: %w", err)}
}
