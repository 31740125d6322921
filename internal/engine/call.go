package engine

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/e7ddda3c/notify/channel"
)

// grace is the time after the deadline at which a call is given up. A driver that honors the context answers within this time, and knows best
// whether the delivery was sent.
const grace = 100 * time.Millisecond

// An answer is the result of one call of a driver.
type answer struct {
	receipt channel.Receipt
	failure *channel.Error
}

// A claimOnce decides who ends a call, or a wait for a slot, on a goroutine of its own: that goroutine, or the owner of the delivery, who
// waits no longer. The first claim wins.
type claimOnce struct{ claimed atomic.Bool }

func (c *claimOnce) reset()      { c.claimed.Store(false) }
func (c *claimOnce) claim() bool { return c.claimed.CompareAndSwap(false, true) }

// call makes one attempt of d under ctx and notes the answer in a. A panic, and a driver that ends this goroutine, are answers too: then
// deferred functions go on with a.
func (c *core) call(ctx context.Context, ch *Channel, d *channel.Delivery, a *answer) {
	returned := false
	defer func() {
		if !returned { // a panic, or runtime.Goexit, which recovers as nil
			a.failure = c.guard.crashed(ch.Name, recover())
		}
		ch.busy.Add(-1)
	}()
	ch.busy.Add(1)
	var err error
	a.receipt, err = ch.Driver.Send(ctx, *d)
	a.failure = channel.ErrorOf(err) // here, because the error's own methods may panic too
	returned = true
}

// finish ends a call, and reports whether it was the first to do so. The second takes the call off the abandoned ones.
func (c *core) finish(ch *Channel, end *claimOnce) bool {
	if end.claim() {
		return true
	}
	ch.lost.Add(-1)
	c.running.leave()
	return false
}

// abandon gives up a call whose driver ignores the deadline, and returns the failure, or nil if the call has just ended. Close waits for it.
func (c *core) abandon(ch *Channel, end *claimOnce, delivery string) *channel.Error {
	c.running.adopt() // before the claim, so that the count never falls to zero in between
	ch.lost.Add(1)
	if !c.finish(ch, end) { // just answered
		return nil
	}
	c.log.Warn("driver ignores its deadline", "delivery", delivery, "channel", ch.Name)
	return &channel.Error{Kind: channel.Uncertain, Err: fmt.Errorf("the driver ignores its deadline: %w", context.DeadlineExceeded)}
}
