package websocket

// LockAllBut holds the queues of all connections but those of t until unlock is called.
func (h *Hub) LockAllBut(t Target) (unlock func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var locked []*Conn
	for c := range h.index.sets[Everyone()] {
		if _, spared := h.index.sets[t][c]; !spared {
			c.out.mu.Lock()
			locked = append(locked, c)
		}
	}
	return func() {
		for _, c := range locked {
			c.out.mu.Unlock()
		}
	}
}

// Queued returns the number of bytes in the outboxes of t's connections.
func (h *Hub) Queued(t Target) (n int) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for c := range h.index.sets[t] {
		c.out.mu.Lock()
		n += c.out.bytes
		c.out.mu.Unlock()
	}
	return n
}
