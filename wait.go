package notify

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/e7ddda3c/notify/internal/engine"
)

// firstLook is how soon Wait looks into the store again, and lastLook how late, after the wait has doubled for a while.
const firstLook, lastLook = 20 * time.Millisecond, time.Second

// Wait blocks until every delivery of the message is settled, by whatever process, and returns the report. If ctx ends first, it
// returns the report so far with ctx's error. A message that the store does not have is [ErrNotFound].
func (n *Notifier) Wait(ctx context.Context, id string) (Report, error) {
	news, leave := n.waiters.join(id)
	defer leave()
	var r Report
	for wait := firstLook; ; wait = min(2*wait, lastLook) {
		began := time.Now()
		rec, err := n.find(ctx, id)
		if ctx.Err() != nil {
			return r, engine.EndOf(ctx)
		}
		if err != nil {
			return r, err
		}
		if r = n.reportOf(ctx, rec); r.settled() {
			return r, nil
		}
		// However large it is, and however much news there is of it, it is not read all the time.
		if !engine.Sleep(ctx, min(10*time.Since(began), lastLook), nil) || !engine.Sleep(ctx, wait, news) {
			return r, engine.EndOf(ctx)
		}
	}
}

// settled reports whether all of r is.
func (r *Report) settled() bool {
	return !slices.ContainsFunc(r.Deliveries, func(o Outcome) bool { return !o.Status.Settled() })
}

// waiters wakes those who wait for a message of this process.
type waiters struct {
	count atomic.Int64 // lets tell pass by at no cost while nobody waits
	mu    sync.Mutex
	by    map[string][]chan struct{} // message id
}

// join returns a channel that has one whenever the message has changed.
func (w *waiters) join(messageID string) (news <-chan struct{}, leave func()) {
	c := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.by == nil {
		w.by = map[string][]chan struct{}{}
	}
	w.by[messageID] = append(w.by[messageID], c)
	w.count.Add(1)
	return c, func() { w.leave(messageID, c) }
}

func (w *waiters) leave(messageID string, c chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count.Add(-1)
	w.by[messageID] = slices.DeleteFunc(w.by[messageID], func(other chan struct{}) bool { return other == c })
	if len(w.by[messageID]) == 0 {
		delete(w.by, messageID)
	}
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
