package notify

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/e7ddda3c/notify/channel"
)

// A turn is a wait for a slot or a call, on a goroutine of its own. It ends once: by its goroutine, which then says so on events,
// or by its group, which no longer cares. Whoever swaps ended first decides. A delivery has one turn at a time, and none after one
// that its group has ended.
type turn struct{ ended atomic.Bool }

func (t *turn) begin()    { t.ended.Store(false) }
func (t *turn) end() bool { return t.ended.CompareAndSwap(false, true) }

// A deadline is shared by the calls that begin at the same moment with the same timeout.
type deadline struct {
	begun   time.Time
	timeout time.Duration
	ctx     context.Context // lives no longer than the group's run
	cancel  context.CancelFunc
}

func (l *deadline) context(ctx context.Context, now time.Time, timeout time.Duration) context.Context {
	if l.ctx != nil && l.begun.Equal(now) && l.timeout == timeout {
		return l.ctx
	}
	c, cancel := context.WithDeadline(ctx, now.Add(timeout))
	if before := l.cancel; before != nil {
		last := cancel
		cancel = func() { before(); last() }
	}
	*l = deadline{begun: now, timeout: timeout, ctx: c, cancel: cancel}
	return c
}

// precedes reports whether l is still to come, and next is when its calls are given up.
func (l *deadline) precedes(next time.Time) bool {
	return l.ctx != nil && l.ctx.Err() == nil && l.begun.Add(l.timeout).Add(grace).Equal(next)
}

func (l *deadline) release() {
	if l.cancel != nil {
		l.cancel()
	}
}

// call begins an attempt, on a goroutine of its own. d holds a slot.
func (g *group) call(ctx context.Context, d *delivery, now time.Time) {
	timeout := d.gate.policy.Timeout
	d.Attempt++
	d.out.Attempts, d.out.Duplicate = d.Attempt, d.doubt
	d.out.Status, d.out.Reason, d.out.At, d.out.Until = Accepted, "", now, time.Time{}
	d.ticket = time.Time{}
	d.phase, d.wake = calling, now.Add(timeout).Add(grace)
	g.trace(d, TransitionStarted, nil, now.Sub(d.due))
	d.turn.begin()
	d.gate.busy.Add(1)
	go g.attempt(g.deadline.context(ctx, now, timeout), d)
}

// attempt calls the driver and reports its answer, unless the call was given up meanwhile.
func (g *group) attempt(ctx context.Context, d *delivery) {
	var r channel.Receipt
	var e *channel.Error
	answered := false
	defer func() {
		if !answered { // a panic, or runtime.Goexit, which recovers as nil
			e = g.crashed(d.Channel, recover())
		}
		if e != nil && stops(e) { // before the slot goes to the next one
			g.pause(d.gate, time.Now(), e)
		}
		d.gate.busy.Add(-1)
		if d.turn.end() {
			d.receipt, d.failure = r, e
			d.gate.leave()
			g.events <- d.place
			return
		}
		d.gate.lost.Add(-1)
		g.running.leave()
	}()
	var err error
	r, err = d.gate.driver.Send(ctx, d.Delivery)
	e = classify(err) // here, because the error's own methods may panic too
	answered = true
}

// abandon gives up a call whose driver ignores its deadline. The Notifier owns it from now on; the delivery is not tried again,
// because the call may still get through.
func (g *group) abandon(d *delivery, now time.Time) {
	g.running.adopt() // before the turn ends, so that the count never falls to zero between
	d.gate.lost.Add(1)
	if !d.turn.end() { // it has answered at the last moment
		d.gate.lost.Add(-1)
		g.running.leave()
		return
	}
	d.gate.leave()
	g.log.Warn("driver ignores its deadline", "delivery", d.ID, "channel", d.Channel)
	e := &channel.Error{Kind: channel.Uncertain, Err: fmt.Errorf("the driver ignores its deadline: %w", context.DeadlineExceeded)}
	g.trace(d, TransitionAttempted, e, now.Sub(d.out.At))
	g.settle(d, now, Unknown, "", e)
}
