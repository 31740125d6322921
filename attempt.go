package notify

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
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

// admit brings d to its next attempt as soon as ctx, expiry, pause, slots and rate allow.
func (g *group) admit(ctx context.Context, d *delivery, now time.Time) {
	switch {
	case g.barred(ctx, d, now):
		d.forgo()
		g.bar(ctx, d, now)
	case d.gate.enter():
		g.proceed(ctx, d, now)
	default:
		d.forgo()
		g.queue(d)
	}
}

// barred reports whether d may not be called now, whatever slots and rate allow.
func (g *group) barred(ctx context.Context, d *delivery, now time.Time) bool {
	wait, _ := d.gate.paused(now)
	return ctx.Err() != nil || d.expired(now) || wait > 0 || d.gate.stuck()
}

// bar does with d what bars it asks for. One whose channel is paused is treated as if the channel had answered the same once more.
func (g *group) bar(ctx context.Context, d *delivery, now time.Time) {
	wait, by := d.gate.paused(now)
	switch {
	case ctx.Err() != nil:
		g.cancel(ctx, d, now)
	case d.expired(now):
		g.expire(d, now)
	case wait > 0 && by.Kind == channel.Misconfigured:
		g.settle(d, now, Failed, ReasonMisconfigured, by)
	case wait > 0:
		g.hold(d, now, wait, ReasonPaused, by)
	default:
		g.failed(d, now, &channel.Error{Kind: channel.Temporary, Err: errors.New("too many calls of this channel ignore their deadline")})
	}
}

// proceed calls d, which holds a slot, unless the rate makes it wait. The slot comes first: a place that is not used at its time
// would let calls bunch.
func (g *group) proceed(ctx context.Context, d *delivery, now time.Time) {
	if wait := d.reserve(now); wait > 0 {
		d.gate.leave()
		g.hold(d, now, wait, ReasonPaused, &channel.Error{Kind: channel.RateLimited, Err: errors.New("the channel's rate is used up")})
		return
	}
	g.call(ctx, d, now)
}

func (d *delivery) expired(now time.Time) bool {
	return !d.ExpireAt.IsZero() && !now.Before(d.ExpireAt)
}

func (g *group) expire(d *delivery, now time.Time) {
	err := errors.New("expired before it could be sent")
	if d.last != nil {
		err = fmt.Errorf("%w; the last attempt: %w", err, d.last)
	}
	g.settle(d, now, Expired, "", &channel.Error{Kind: channel.Rejected, Field: "expire_at", Err: err})
}

// reserve takes a place in the channel's rate, unless d has waited for one, and returns how long it is until then.
func (d *delivery) reserve(now time.Time) (wait time.Duration) {
	if d.gate.pace == nil || !d.place.IsZero() {
		return 0
	}
	d.place, wait = d.gate.pace.take(now, d.gate.policy.MaxWait-d.waited)
	return wait
}

// forgo gives the place in the channel's rate to others.
func (d *delivery) forgo() {
	if !d.place.IsZero() {
		d.gate.pace.giveBack(d.place)
		d.place = time.Time{}
	}
}

// hold lets d wait, or fails it if it would have waited too long in all.
func (g *group) hold(d *delivery, now time.Time, wait time.Duration, why Reason, e *channel.Error) {
	if wait > d.gate.policy.MaxWait-d.waited {
		end := *e
		end.RetryAfter = wait
		reason := ReasonThrottled
		if why == ReasonRetry {
			reason = ReasonExhausted
		}
		g.settle(d, now, Failed, reason, &end)
		return
	}
	d.waited += wait
	d.phase, d.wake = waiting, now.Add(wait)
	d.out.Status, d.out.Reason, d.out.At, d.out.Until = Held, why, now, d.wake
}

// queue lets d wait for a slot. Slots come free within the channel's timeout, so only ctx bounds this wait.
func (g *group) queue(d *delivery) {
	if g.quit == nil {
		g.quit = make(chan struct{})
	}
	d.phase = queued
	d.turn.begin()
	go func(quit <-chan struct{}) {
		select {
		case d.gate.slots <- struct{}{}:
			if d.turn.end() {
				g.events <- d.no
			} else {
				d.gate.leave()
			}
		case <-quit:
		}
	}(g.quit)
}

// leaveQueue takes d out of the queue if it is in it. A slot that has just been granted is given back.
func (g *group) leaveQueue(d *delivery) {
	if d.phase == queued && !d.turn.end() {
		d.gate.leave()
	}
}

// call begins an attempt, on a goroutine of its own. d holds a slot.
func (g *group) call(ctx context.Context, d *delivery, now time.Time) {
	timeout := d.gate.policy.Timeout
	d.Attempt++
	d.out.Attempts = d.Attempt
	d.out.Status, d.out.Reason, d.out.At, d.out.Until = Accepted, "", now, time.Time{}
	d.place = time.Time{}
	d.phase, d.wake = calling, now.Add(timeout).Add(grace)
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
		if e != nil { // before the slot goes to the next one
			g.pause(d, time.Now(), e)
		}
		d.gate.busy.Add(-1)
		if d.turn.end() {
			d.receipt, d.failure = r, e
			d.gate.leave()
			g.events <- d.no
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
	g.settle(d, now, Unknown, "", &channel.Error{
		Kind: channel.Uncertain, Err: fmt.Errorf("the driver ignores its deadline: %w", context.DeadlineExceeded),
	})
}

// take goes on with d, whose turn has ended. A slot that was given back meanwhile tells nothing.
func (g *group) take(ctx context.Context, d *delivery, now time.Time) {
	switch {
	case d.phase == queued && g.barred(ctx, d, now):
		d.gate.leave()
		g.admit(ctx, d, now)
	case d.phase == queued:
		g.proceed(ctx, d, now)
	case d.phase != calling:
	case d.failure != nil:
		g.failed(d, now, d.failure)
	default:
		g.sent(d, now)
	}
}

func (g *group) sent(d *delivery, now time.Time) {
	d.out.ProviderID = d.receipt.ID
	switch d.receipt.Event {
	case channel.Delivered:
		g.settle(d, now, Delivered, "", nil)
	case channel.Read:
		g.settle(d, now, Read, "", nil)
	case channel.Bounced:
		g.failed(d, now, &channel.Error{Kind: channel.Unreachable, Code: d.receipt.Code, Err: errors.New("it came back")})
	default:
		g.settle(d, now, Sent, "", nil)
	}
}

// failed does what the kind of a failure asks for.
func (g *group) failed(d *delivery, now time.Time, e *channel.Error) {
	d.last = e
	switch e.Kind {
	case channel.RateLimited:
		wait, _ := d.gate.paused(now)
		g.hold(d, now, wait, ReasonPaused, e)
	case channel.Misconfigured:
		g.settle(d, now, Failed, ReasonMisconfigured, e)
	case channel.Temporary:
		g.retry(d, now, e)
	case channel.InvalidRecipient, channel.Rejected, channel.Unreachable:
		g.settle(d, now, Failed, faultReason(e.Kind), e)
	default: // it may have gone out
		d.doubt = true
		if d.AtMostOnce {
			g.settle(d, now, Unknown, "", e)
			return
		}
		g.retry(d, now, e)
	}
}

// pause holds the channel for everybody if e asks for it. It is logged once, not for each call that was under way.
func (g *group) pause(d *delivery, now time.Time, e *channel.Error) {
	if e.Kind != channel.RateLimited && e.Kind != channel.Misconfigured {
		return
	}
	before, _ := d.gate.paused(now)
	d.gate.pause(now, e)
	wait, _ := d.gate.paused(now)
	if before > 0 {
		return
	}
	log := g.log.Warn
	if e.Kind == channel.Misconfigured {
		log = g.log.Error
	}
	log("channel paused", "channel", d.Channel, "kind", e.Kind.Error(), "code", e.Code, "for", wait)
}

// retry uses up one of d's attempts.
func (g *group) retry(d *delivery, now time.Time, e *channel.Error) {
	d.tries++
	if d.tries >= d.gate.policy.Attempts {
		g.settle(d, now, Failed, ReasonExhausted, e)
		return
	}
	g.hold(d, now, max(e.RetryAfter, d.gate.policy.wait(d.tries)), ReasonRetry, e)
}

// faultReason is the reason of a failure that is not tried again.
func faultReason(k channel.Kind) Reason {
	switch k {
	case channel.InvalidRecipient:
		return ReasonInvalid
	case channel.Unreachable:
		return ReasonUnreachable
	case channel.Misconfigured:
		return ReasonMisconfigured
	case channel.RateLimited:
		return ReasonThrottled
	case channel.Temporary:
		return ReasonExhausted
	}
	return ReasonRejected
}

// A panicError tells of a panic by its type alone: its value may hold anything. errors.Is reaches a value that is an error.
type panicError struct{ value any }

func (p *panicError) Error() string { return fmt.Sprintf("panicked with a %T", p.value) }

func (p *panicError) Unwrap() error {
	err, _ := p.value.(error)
	return err
}

// crashed logs the stack of a panic, without its value, and returns it as an error.
func (n *Notifier) crashed(what string, v any) *channel.Error {
	n.log.Error("panic", "in", what, "type", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
	return &channel.Error{Kind: channel.Uncertain, Err: &panicError{v}}
}

// guard calls f, which is the host's or a driver's, and turns a panic into an error that says that nothing was sent.
func (n *Notifier) guard(what string, f func()) (err error) {
	defer func() {
		if v := recover(); v != nil {
			n.crashed(what, v)
			err = &channel.Error{Kind: channel.Rejected, Err: fmt.Errorf("%s %w", what, &panicError{v})}
		}
	}()
	f()
	return nil
}
