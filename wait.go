package notify

import (
	"sync"
	"sync/atomic"
)

// waiters wakes those who wait for a message of this process.
type waiters struct {
	count atomic.Int64 // lets tell pass by at no cost while nobody waits
	mu    sync.Mutex
	by    map[string][]chan struct{} // message id
}

// tell says that a delivery of a message has changed.
func (w *waiters) tell(messageID string) {
	if w.count.Load() == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.by[messageID] {
		select {
		case c <- struct{}{}:
		default: // it is going to look anyway
		}
	}
}
