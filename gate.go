package notify

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/e7ddda3c/notify/channel"
)

// longestGuess bounds the pause of a channel whose provider does not say for how long.
const longestGuess = 5 * time.Minute

// misconfiguredPause is how long a misconfigured channel answers the same without being called.
const misconfiguredPause = 30 * time.Second

// A gate stands before one channel and keeps its policy, across all messages: the rate, the slots and the pause.
type gate struct {
	name      string
	driver    channel.Channel
	validator channel.Validator // nil: the driver takes everything
	kind      string            // of address; see channel.AddressKind
	policy    Policy

	pace  *pace         // nil: no rate
	slots chan struct{} // holds one for each call under way that has not been given up
	busy  atomic.Int64  // calls under way
	lost  atomic.Int64  // calls under way that were given up

	mu          sync.Mutex
	saving      int       // pauses on their way to the store
	saved       time.Time // when the last of them was there
	pausedUntil time.Time
	pausedBy    *channel.Error

	// What follows is for Run alone; all but strikes is under the runner's lock.
	cap     int          // of calls under way in all classes, if the host or the driver says so; else 0
	lanes   []*lane      // in the order of the classes
	turn    int          // the index of the lane that was fed last, of those after the first
	strikes atomic.Int32 // pauses in a row; after one there is one call at a time, until one works

	closeOnce sync.Once
	closeErr  error
}

func newGate(name string, driver channel.Channel, p Policy) *gate {
	g := &gate{name: name, driver: driver, kind: channel.AddressKind(driver), policy: p, slots: make(chan struct{}, p.Concurrency)}
	g.validator, _ = channel.As[channel.Validator](driver)
	if p.Rate > 0 {
		g.pace = newPace(p.Rate, p.Burst)
	}
	return g
}

// takes reports whether an address under key may go to g.
func (g *gate) takes(key string) bool {
	return g.kind != channel.None && (key == g.name || key != "" && key == g.kind)
}

// enter takes a slot if one is free.
func (g *gate) enter() bool {
	select {
	case g.slots <- struct{}{}:
		return true
	default:
		return false
	}
}

// leave gives the slot back.
func (g *gate) leave() { <-g.slots }

// stuckPause is how long Run leaves a channel alone that is stuck.
const stuckPause = 30 * time.Second

// barred returns how long nothing may be called.
func (g *gate) barred(now time.Time) time.Duration {
	wait, _ := g.paused(now)
	if wait == 0 && g.stuck() {
		wait = stuckPause
	}
	return wait
}

// stuck reports whether so many calls were given up and still run that another may well be lost too.
func (g *gate) stuck() bool { return g.lost.Load() >= int64(cap(g.slots)) }

// pause holds the whole channel for what e asks for, no less than Backoff and no longer than an hour, so that no answer, however
// absurd, stops it for good. If e does not say, the wait doubles with each pause in a row.
func (g *gate) pause(now time.Time, e *channel.Error) {
	guess := g.policy.Backoff
	if e.Kind == channel.Misconfigured {
		guess = misconfiguredPause
	}
	wait := max(min(e.RetryAfter, maxBackoff), guess)
	if e.RetryAfter <= 0 {
		wait = max(guess, min(guess<<min(g.strikes.Load(), 10), longestGuess))
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if until := now.Add(wait); until.After(g.pausedUntil) {
		g.pausedUntil, g.pausedBy = until, e
	}
}

// adopt takes over until when the store says that the channel is held, the zero time if it is not, and reports whether it was held
// longer. A pause that the store may not have known when it was asked stays.
func (g *gate) adopt(asked, until time.Time, by *channel.Error) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.saving > 0 || !g.saved.Before(asked) {
		return false
	}
	held := g.pausedUntil.After(asked) && g.pausedUntil.After(until)
	g.pausedUntil, g.pausedBy = until, by
	return held
}

// save calls f, which begins a pause and stores it: what the store says meanwhile is old.
func (g *gate) save(f func() error) error {
	g.mu.Lock()
	g.saving++
	g.mu.Unlock()
	err := f()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.saving--
	g.saved = time.Now()
	return err
}

// resume ends the pause, and reports whether there was one.
func (g *gate) resume(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	held := g.pausedUntil.After(now)
	g.pausedUntil = time.Time{}
	return held
}

// paused returns how long the channel is still held, and why; zero if it is not.
func (g *gate) paused(now time.Time) (time.Duration, *channel.Error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return max(0, g.pausedUntil.Sub(now)), g.pausedBy
}

func (g *gate) close(ctx context.Context) error {
	g.closeOnce.Do(func() { g.closeErr = channel.Close(ctx, g.driver) })
	return g.closeErr
}
