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
