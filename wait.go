package notify

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/e7ddda3c/notify/internal/engine"
)

// firstLook is the first interval at which Wait queries the store. The interval doubles up to lastLook.
const firstLook, lastLook = 20 * time.Millisecond, time.Second

// Wait blocks until every delivery of a message is settled, in any process, and returns the report. If ctx ends first, Wait returns the
// current report and ctx's error. If the message is not in the store, Wait returns [ErrNotFound].
func (n *Notifier) Wait(ctx context.Context, id string) (Report, error) {
	news, leave := n.waiters.join(id)
	defer leave()
	var r Report
	for wait := firstLook; ; wait = min(2*wait, lastLook) {
		began := time.Now()
		_, rec, err := n.find(ctx, id, false)
		if ctx.Err() != nil {
			return r, engine.EndOf(ctx)
		}
		if err != nil {
			return r, err
		}
		r = n.reportOf(ctx, rec)
		if !slices.ContainsFunc(r.Deliveries, func(o Outcome) bool { return !o.Status.Settled() }) {
			return r, nil
		}
		// Limits how often a large message with frequent changes is read.
		if !engine.Sleep(ctx, min(10*time.Since(began), lastLook), nil) || !engine.Sleep(ctx, wait, news) {
			return r, engine.EndOf(ctx)
		}
	}
}

// waiters wakes the callers of Wait in this process.
type waiters struct {
	count atomic.Int64 // lets tell return at once if there are no waiters
	mu    sync.Mutex
	by    map[string][]chan struct{} // message id
}

// join returns a channel that receives an element when the message has changed.
func (w *waiters) join(messageID string) (news <-chan struct{}, leave func()) {
	c := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.by == nil {
		w.by = map[string][]chan struct{}{}
	}
	w.by[messageID] = append(w.by[messageID], c)
	w.count.Add(1)
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.count.Add(-1)
		w.by[messageID] = slices.DeleteFunc(w.by[messageID], func(other chan struct{}) bool { return other == c })
		if len(w.by[messageID]) == 0 {
			delete(w.by, messageID)
		}
	}
}

func (w *waiters) tell(messageID string) {
	if w.count.Load() == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.by[messageID] {
		select {
		case c <- struct{}{}:
		default: // an element is already in it
		}
	}
}
