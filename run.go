package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// An Engine holds the settings of [Notifier.Run]. A zero field means the default.
type Engine struct {
	// Lease is the time after which other processes take over the deliveries of a process that died. The default is 15 s, the minimum is
	// 100 ms.
	Lease time.Duration
	// Poll is the maximum interval at which Run queries the store for messages that other processes accepted. Messages of this process are
	// found at once. The default is 1 s, the minimum is 10 ms.
	Poll time.Duration
	// Retention is the time after its acceptance at which a message is deleted from the message log, if none of its deliveries is live. The
	// default is 90 days. With a negative Retention, messages are kept forever.
	Retention time.Duration
}

func (e Engine) orDefaults() Engine {
	return Engine{
		Lease:     cmp.Or(e.Lease, 15*time.Second),
		Poll:      cmp.Or(e.Poll, time.Second),
		Retention: cmp.Or(e.Retention, 90*24*time.Hour),
	}
}

func (e Engine) valid() error {
	switch {
	case e.Lease != 0 && e.Lease < 100*time.Millisecond:
		return errors.New("Lease must be at least 100ms")
	case e.Poll != 0 && e.Poll < 10*time.Millisecond:
		return errors.New("Poll must be at least 10ms")
	}
	return nil
}

// Run sends the due deliveries and scheduled messages of the store, and deletes old messages, until ctx ends or the Notifier is closed. Any
// number of processes may call Run on one store. At the end, Run gives uncalled deliveries back to the store, waits for calls in flight, and
// returns nil. Run fails at once if there is no store, if the store is unfit, if the Notifier is closed, or if a Run is in progress. It logs any
// other failure of the store, and repeats the call.
func (n *Notifier) Run(ctx context.Context) error {
	if n.store == nil {
		return fault("store", ErrNeedsStore)
	}
	return n.engine.Run(ctx, n.runSchedules)
}

// Wake makes a [Notifier.Run] of this process query the store at once. Call Wake after the commit of a transaction in which messages were sent;
// otherwise the next poll finds them.
func (n *Notifier) Wake() { n.engine.Wake() }

// Resume ends the pause of a channel for every process, after an operator has corrected a misconfiguration, and reports whether the channel
// was paused. Without a store that keeps pauses, Resume ends the pause in this process alone.
//
// Deliveries that are already held for the pause still wait until its former end. To send them now, call [Notifier.Release] for [ReasonPaused].
func (n *Notifier) Resume(ctx context.Context, channel string) (bool, error) {
	m := n.media[channel]
	if m == nil {
		return false, fault("channel", unknown("channel", channel))
	}
	held, err := n.engine.Resume(ctx, m.Channel)
	return held, storeError(err)
}

// claimDeadline is the age at which a message must have been claimed.
const claimDeadline = time.Minute

// lookTimeout is the time limit of a store query that no caller waits for.
const lookTimeout = 10 * time.Second

// An unclaimed logs a warning, once, if no process calls Run. While this process does not call Run, it watches one accepted message at a time.
type unclaimed struct {
	mu    sync.Mutex
	timer *time.Timer // nil: no message is watched
	over  bool        // after the warning
}

func (u *unclaimed) watch(n *Notifier, messageID string) {
	if n.engine.Running() {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.timer == nil && !u.over {
		u.timer = time.AfterFunc(claimDeadline, func() { u.look(n, messageID) })
	}
}

func (u *unclaimed) look(n *Notifier, messageID string) {
	if !n.engine.Enter() {
		return
	}
	defer n.engine.Leave()
	warn := !n.engine.Running() && n.isUnclaimed(messageID)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.timer, u.over = nil, u.over || warn
	if warn {
		n.log.Warn("no process has claimed a message that was accepted a minute ago: does any process call Run on this store?", "message", messageID)
	}
}

// isUnclaimed reports whether a delivery of a message was due for most of the time and never claimed. A pause proves that some process calls Run.
func (n *Notifier) isUnclaimed(messageID string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
	defer cancel()
	now, rec, err := n.find(ctx, messageID, false)
	if err != nil { // a failure of the store is reported elsewhere
		return false
	}
	pauses, err := n.storedPauses(ctx)
	if err != nil || len(pauses) > 0 {
		return false
	}
	for i := range rec.Deliveries {
		if d := &rec.Deliveries[i]; d.Status == Accepted && d.Claim == 0 && now.Sub(d.Due) > claimDeadline/2 {
			return true
		}
	}
	return false
}

// storedPauses returns the pauses in the store.
func (n *Notifier) storedPauses(ctx context.Context) ([]store.Pause, error) {
	if !n.store.HasPauses() {
		return nil, nil
	}
	pauses, _, err := n.store.ListPauses(ctx)
	return pauses, storeError(err)
}

// storeError wraps an error of the store for the host.
func storeError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("notify: the store: %w", err)
}
