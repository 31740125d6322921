package notify

import (
	"context"
	"sync"
	"time"
)

// claimedWithin is how long a message may lie in the store that nobody looks at.
const claimedWithin = time.Minute

// unclaimed finds out whether anybody calls Run at all. It follows one message at a time, of those that are accepted while this process
// does not, and warns once.
type unclaimed struct {
	mu    sync.Mutex
	timer *time.Timer // nil: no message is followed
	over  bool        // it has warned, or n is closed
}

func (u *unclaimed) watch(n *Notifier, messageID string) {
	if n.engine.runner() != nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.timer == nil && !u.over {
		u.timer = time.AfterFunc(claimedWithin, func() { u.look(n, messageID) })
	}
}

func (u *unclaimed) look(n *Notifier, messageID string) {
	if !n.running.enter() {
		return
	}
	defer n.running.leave()
	warn := n.engine.runner() == nil && n.isUnclaimed(messageID)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.timer, u.over = nil, u.over || warn
	if warn {
		n.log.Warn("accepted a minute ago, and nobody has looked at it: does any process call Run on this store?", "message", messageID)
	}
}

// isUnclaimed reports whether a delivery of a message has been due for most of that time and was never claimed. Where a channel is
// paused, somebody runs.
func (n *Notifier) isUnclaimed(messageID string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	now, rec, err := n.findAt(ctx, messageID, false)
	if err != nil { // it never was, or the store is away: others will say so
		return false
	}
	pauses, err := n.storedPauses(ctx)
	if err != nil || len(pauses) > 0 {
		return false
	}
	for i := range rec.Deliveries {
		if d := &rec.Deliveries[i]; d.Status == Accepted && d.Claim == 0 && now.Sub(d.Due) > claimedWithin/2 {
			return true
		}
	}
	return false
}

// stop lets go of the timer.
func (u *unclaimed) stop() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.over = true
	if u.timer != nil {
		u.timer.Stop()
	}
}
