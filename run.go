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

// An Engine tunes [Notifier.Run]. The zero Engine means all defaults.
type Engine struct {
	// Lease is the time for which a delivery stays with a process that died, before another takes over. The default is 15 s, the minimum
	// 100 ms.
	Lease time.Duration
	// Poll is the longest time between two looks into the store for messages that other processes accepted. Messages of this process are
	// found at once. The default is 1 s, the minimum 10 ms.
	Poll time.Duration
	// Retention is the time for which the message log keeps messages after their acceptance, if none of their deliveries is live. The
	// default is 90 days; a negative Retention keeps them for ever.
	Retention time.Duration
}

// orDefaults fills e's zero fields.
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

// Run sends the due deliveries of the store, and keeps schedules and retention, until ctx ends or the Notifier is closed. Any number of
// processes may run on one store. At the end Run claims nothing more, gives uncalled deliveries back, waits for calls in flight, and returns
// nil. Errors at once are a missing or unfit store, a Notifier that is closed, and a Run in progress. Other failures of the store are logged,
// and the call is repeated.
func (n *Notifier) Run(ctx context.Context) error {
	if n.store == nil {
		return fault("store", ErrNeedsStore)
	}
	return n.engine.Run(ctx, n.runSchedules)
}

// Wake makes a [Notifier.Run] of this process look into the store at once. Call Wake after the commit of a transaction in which messages were
// sent; otherwise the next poll finds them.
func (n *Notifier) Wake() { n.engine.Wake() }

// Resume ends the pause of a channel for every process, after an operator has corrected a misconfiguration, and reports whether the channel
// was paused. Without a store that keeps pauses, Resume ends the pause in this process alone.
//
// Deliveries that were tried and held for the pause keep its former end. [Notifier.Release] of those with [ReasonPaused] sends them at once.
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

// lookTimeout bounds a look into the store that no caller waits for.
const lookTimeout = 10 * time.Second

// An unclaimed warns, once, if no process calls Run. While this process does not, an unclaimed follows one of the accepted messages at a time.
type unclaimed struct {
	mu    sync.Mutex
	timer *time.Timer // nil: no message is followed
	over  bool        // after the warning, or when n is closed
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
		n.log.Warn("no process has claimed a message that was accepted a minute ago: does any call Run on this store?", "message", messageID)
	}
}

// isUnclaimed reports whether a delivery of a message was due for most of the time and never claimed. A paused channel shows that some
// process runs.
func (n *Notifier) isUnclaimed(messageID string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
	defer cancel()
	now, rec, err := n.find(ctx, messageID, false)
	if err != nil { // others report a failing store
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

// storedPauses returns the pauses that the store has.
func (n *Notifier) storedPauses(ctx context.Context) ([]store.Pause, error) {
	if !n.store.HasPauses() {
		return nil, nil
	}
	pauses, _, err := n.store.ListPauses(ctx)
	return pauses, storeError(err)
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

// storeError wraps an error of the store for the host.
func storeError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("notify: the store: %w", err)
}
