package notify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/e7ddda3c/notify/channel"
)

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

// proceed calls d, which holds a slot, unless the rate makes it wait. The slot comes first: a ticket that is not used at its time
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

// reserve takes a ticket of the channel's rate, unless d has waited for one, and returns how long it is until then.
func (d *delivery) reserve(now time.Time) (wait time.Duration) {
	if d.gate.pace == nil || !d.ticket.IsZero() {
		return 0
	}
	d.ticket, wait = d.gate.pace.take(now, d.gate.policy.MaxWait-d.waited)
	return wait
}

// forgo gives the ticket of the channel's rate to others.
func (d *delivery) forgo() {
	if !d.ticket.IsZero() {
		d.gate.pace.giveBack(d.ticket)
		d.ticket = time.Time{}
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
	d.due = d.wake
	d.out.Status, d.out.Reason, d.out.At, d.out.Until = Held, why, now, d.wake
	g.trace(d, TransitionHeld, e, wait)
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
				g.events <- d.place
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
