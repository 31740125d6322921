package engine

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/e7ddda3c/notify/channel"
)

const (
	// longestGuess bounds the pause of a channel whose provider does not say for how long.
	longestGuess = 5 * time.Minute
	// misconfiguredPause is the pause of a misconfigured channel. With a store the pause doubles with each one in a row.
	misconfiguredPause = 30 * time.Second
	// saturatedPause is the rest that Run gives a channel whose slots are all lost to calls that ignore their deadlines.
	saturatedPause = 30 * time.Second
	// maxBackoff bounds the backoff, and the pause that a provider may ask for.
	maxBackoff = time.Hour
)

// A Policy limits the calls of a channel. All fields are set; see notify.Policy for their meaning.
type Policy struct {
	Timeout     time.Duration
	Attempts    int
	Backoff     time.Duration
	MaxWait     time.Duration
	Concurrency int
	Rate        float64 // 0 or less: no limit
	Burst       int
	Costly      bool
}

// wait draws the time before the attempt that follows n failed ones: a random part of the backoff, which doubles each time.
func (p *Policy) wait(n int) time.Duration {
	limit := p.Backoff
	for i := 1; i < n && limit < maxBackoff; i++ {
		limit *= 2
	}
	return rand.N(min(limit, maxBackoff) + 1)
}

// A Channel is a driver under its host's name, with the limits that all messages share: slots, rate and pause.
type Channel struct {
	Name   string
	Driver channel.Channel
	Policy Policy
	Cap    int // on calls in flight in all classes, if the host or the driver sets one; else 0

	rate  *rate         // nil: no limit
	slots chan struct{} // holds one for each call at once that is in flight and was not given up
	busy  atomic.Int64  // calls in flight
	lost  atomic.Int64  // calls in flight that were given up

	mu          sync.Mutex
	saving      int       // pauses on their way to the store
	saved       time.Time // the last of them was stored then
	pausedUntil time.Time
	pausedBy    *channel.Error
	strikes     atomic.Int32 // pauses in a row; after one, Run makes one call at a time until one works

	lanes   []*lane // of Run, in the order of the classes, under the runner's lock
	lastFed int     // the index of the lane that was fed last, of those after the first, under the runner's lock

	closeOnce sync.Once
	closeErr  error
}

func (c *Channel) init() {
	c.Policy.Timeout, c.Policy.Concurrency = min(c.Policy.Timeout, forever), min(c.Policy.Concurrency, 1<<30)
	c.slots = make(chan struct{}, c.Policy.Concurrency)
	if c.Policy.Rate > 0 {
		c.rate = newRate(c.Policy.Rate, c.Policy.Burst)
	}
}

func (c *Channel) enter() bool {
	select {
	case c.slots <- struct{}{}:
		return true
	default:
		return false
	}
}

func (c *Channel) leave() { <-c.slots }

// barred returns the time for which nothing may be called.
func (c *Channel) barred(now time.Time) time.Duration {
	wait, _ := c.paused(now)
	if wait == 0 && c.saturated() {
		wait = saturatedPause
	}
	return wait
}

// saturated reports whether so many calls were given up and still run that another may well be lost too.
func (c *Channel) saturated() bool { return c.lost.Load() >= int64(cap(c.slots)) }

// pause holds the whole channel for the time that e asks for, at most an hour, and at least Backoff, so that no answer stops a channel for
// good. If e asks for none, the pause doubles with each one in a row, up to 5 minutes; a misconfigured channel's does so only if
// deliveries can wait that long. pause returns the rest of the pause, and whether the channel was not paused before.
func (c *Channel) pause(now time.Time, e *channel.Error, patient bool) (wait time.Duration, first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	guess, strikes := c.Policy.Backoff, min(c.strikes.Load(), 10)
	if e.Kind == channel.Misconfigured {
		guess = misconfiguredPause
		if !patient {
			strikes = 0
		}
	}
	wait = max(min(e.RetryAfter, maxBackoff), guess)
	if e.RetryAfter <= 0 {
		wait = max(guess, min(guess<<strikes, longestGuess))
	}
	first = !c.pausedUntil.After(now)
	if first {
		c.strikes.Add(1)
	}
	if until := now.Add(wait); until.After(c.pausedUntil) {
		c.pausedUntil, c.pausedBy = until, e
	}
	return c.pausedUntil.Sub(now), first
}

// pause holds a channel as e asks for, and returns the rest of the pause, and whether the channel was not paused before. Only then the pause
// is logged and told, not for each call in flight.
func (c *core) pause(ch *Channel, e *channel.Error, patient bool) (wait time.Duration, first bool) {
	wait, first = ch.pause(time.Now(), e, patient)
	if !first {
		return wait, false
	}
	log := c.log.Warn
	if e.Kind == channel.Misconfigured {
		log = c.log.Error
	}
	if c.tell != nil {
		c.tell(Event{Name: "paused", Channel: ch.Name, Fate: Fate{Failure: e}, Took: wait})
	}
	log("channel paused", "channel", ch.Name, "kind", e.Kind.Error(), "code", e.Code, "for", wait)
	return wait, true
}

// adopt takes over the pause that the store has, the zero time for none, and reports whether the channel was held longer. A pause that
// began after the store was asked stays.
func (c *Channel) adopt(asked, until time.Time, by *channel.Error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.saving > 0 || !c.saved.Before(asked) {
		return false
	}
	held := c.pausedUntil.After(asked) && c.pausedUntil.After(until)
	c.pausedUntil, c.pausedBy = until, by
	return held
}

// save calls f, which begins and stores a pause. Meanwhile the answers of the store are out of date.
func (c *Channel) save(f func() error) error {
	c.mu.Lock()
	c.saving++
	c.mu.Unlock()
	err := f()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.saving--
	c.saved = time.Now()
	return err
}

// resume ends the pause, and reports whether there was one.
func (c *Channel) resume(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	held := c.pausedUntil.After(now)
	c.pausedUntil = time.Time{}
	return held
}

// paused returns the rest of the pause and the cause; zero without a pause.
func (c *Channel) paused(now time.Time) (time.Duration, *channel.Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(0, c.pausedUntil.Sub(now)), c.pausedBy
}

func (c *Channel) idle() bool {
	return len(c.slots) == 0 && c.busy.Load() == 0 && c.lost.Load() == 0 && (c.rate == nil || c.rate.idle())
}

func (c *Channel) close(ctx context.Context) error {
	c.closeOnce.Do(func() { c.closeErr = channel.Close(ctx, c.Driver) })
	return c.closeErr
}
