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

// A Hub holds the open connections of this process. It is the [http.Handler] that clients connect to and the [channel.Channel] that
// deliveries go through, and applications push through it themselves. Its methods may be called by many goroutines at once.
//
// Pushes never wait for a client. What one goroutine pushes arrives in that order at every connection. All targets and numbers are of
// this process: a hub does not know of others.
type Hub struct {
	auth    func(*http.Request) (Identity, error)
	o       Options
	origins map[origin]bool
	fault   error
	stats   counters

	mu    sync.RWMutex
	state state
	index index
	held  int            // connections, from before the upgrade to the end of the last hook
	users map[Target]int // of them, by user
	idle  chan struct{}  // closed when the hub closes and holds none
}

// New returns a hub that asks auth who connects. Auth takes the user from something verified, such as [Token], never from the path
// or query alone. Its error refuses the handshake and is neither shown nor logged. New does no I/O.
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
		h.fault = errors.New("websocket: no authenticator")
	}
	return h
}

// Valid says what is wrong with the arguments of [New]. Such a hub answers 500 to every handshake.
func (h *Hub) Valid() error { return h.fault }

// Push queues p for every connection of t and returns for how many. None is no error. A payload that could not be encoded or is
// larger than a queue is [channel.Rejected], a closed hub is [channel.Temporary].
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

// Count returns how many connections t has.
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

// Join adds the connections that t has now to a room of their tenant. Later ones join in Options.OnConnect.
func (h *Hub) Join(t Target, room string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.index.sets[t] {
		h.join(c, room)
	}
}

// Leave takes the connections of t out of a room of their tenant.
func (h *Hub) Leave(t Target, room string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.index.sets[t] {
		h.leave(c, room)
	}
}

// Disconnect closes the connections of t as [Conn.Close] does, such as with [CloseRevoked] after a sign-out.
func (h *Hub) Disconnect(t Target, code int, reason string) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for c := range h.index.sets[t] {
		c.Close(code, reason)
	}
}

// Close ends the hub: new connections are refused, pushes fail, and every client gets what is queued for it and then
// [CloseRestart]. It returns when all have gone and their hooks have returned. If ctx ends first, it cuts the rest and returns
// ctx's error; hooks that still run then are not waited for.
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
	case <-h.idle: // both at once
		return nil
	default:
	}
	for _, c := range rest {
		c.out.cut(closeLost)
	}
	return fmt.Errorf("websocket: not all had gone, %d connections were cut: %w", len(rest), ctx.Err())
}

// enter changes the state, never back, and returns the connections of that moment. Later ones see the state in open.
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

// reserve takes a place for a connection of id, or says with which status to refuse it.
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

// release gives the place back.
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

// open lets pushes find an upgraded connection, and starts it.
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
	go c.serve() // until release, for which Close waits
}

// remove hides a connection from pushes, for good.
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
	if c.in != nil && h.index.add(t, c) { // else it has been removed, or is there
		c.in = append(c.in, t)
	}
}

func (h *Hub) leave(c *Conn, room string) {
	t := Room(c.id.Tenant, room)
	if h.index.remove(t, c) {
		c.in = slices.DeleteFunc(c.in, func(have Target) bool { return have == t })
	}
}

// check refuses what no connection could ever take.
func (h *Hub) check(p Payload) *channel.Error {
	if h.fault != nil {
		return &channel.Error{Kind: channel.Misconfigured, Err: h.fault}
	}
	if err := p.fault(); err != nil {
		return fail(channel.Rejected, "", err)
	}
	if cost(p.frame) > h.o.QueueBytes {
		return fail(channel.Rejected, "", fmt.Errorf("%d bytes are more than a queue holds", len(p.frame)))
	}
	return nil
}

func fail(kind channel.Kind, field string, err error) *channel.Error {
	return &channel.Error{Kind: kind, Field: field, Err: fmt.Errorf("websocket: %w", err)}
}
