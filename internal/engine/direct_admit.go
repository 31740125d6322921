package engine

import (
	"context"
	"errors"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
)

// admit brings d to the next attempt as soon as ctx, expiry, pause, slots and rate allow.
func (g *Group) admit(d *Delivery, now time.Time) {
	switch {
	case g.obstruct(d, now):
		d.forgo()
	case d.Via.enter():
		g.proceed(d, now)
	default:
		d.forgo()
		g.queue(d)
	}
}

// obstruct settles d or lets d wait if d may not be called now, whatever slots and the rate allow, and reports whether it did. A paused channel
// counts as one that has given the same answer again.
func (g *Group) obstruct(d *Delivery, now time.Time) bool {
	wait, by := d.Via.paused(now)
	switch {
	case g.ctx.Err() != nil:
		g.cancel(d, now)
	case d.expired(now):
		g.settle(d, now, d.history.expired())
	case wait > 0 && by.Kind == channel.Misconfigured:
		g.settle(d, now, d.history.faulty(by))
	case wait > 0:
		g.hold(d, now, store.ReasonPaused, now.Add(wait), by)
	case d.Via.saturated():
		e := &channel.Error{Kind: channel.Temporary, Err: errors.New("too many calls on this channel ignore their deadline")}
		g.apply(d, now, now, d.history.retried(&d.Via.Policy, d.Via.Policy.Attempts, e))
	default:
		return false
	}
	return true
}

func (d *Delivery) expired(now time.Time) bool {
	return !d.ExpireAt.IsZero() && !now.Before(d.ExpireAt)
}

// proceed calls d, which holds a slot, unless the rate makes d wait. The slot comes first: a ticket that is used late would let calls bunch.
func (g *Group) proceed(d *Delivery, now time.Time) {
	if wait := d.reserve(now); wait > 0 {
		d.Via.leave()
		e := &channel.Error{Kind: channel.RateLimited, Err: errors.New("the rate limit of the channel is reached")}
		g.hold(d, now, store.ReasonPaused, now.Add(wait), e)
		return
	}
	g.start(d, now)
}

// reserve takes a ticket of the channel's rate, unless d has a good one, and returns the time until it.
func (d *Delivery) reserve(now time.Time) (wait time.Duration) {
	if d.Via.rate == nil || !d.ticket.IsZero() && !d.Via.rate.missed(d.ticket, now) {
		return 0
	}
	d.ticket, wait = d.Via.rate.take(now, d.Via.Policy.MaxWait-d.waited)
	return wait
}

// forgo gives d's ticket to others.
func (d *Delivery) forgo() {
	if !d.ticket.IsZero() {
		d.Via.rate.giveBack(d.ticket)
		d.ticket = time.Time{}
	}
}

// apply settles d, or lets d wait for the next attempt, as v says. The wait counts from at.
func (g *Group) apply(d *Delivery, now, at time.Time, v verdict) {
	if v.status.Settled() {
		g.settle(d, now, v)
		return
	}
	d.history = v.history
	g.hold(d, now, v.reason, at.Add(v.wait), v.failure)
}

// hold lets d wait until a time, or for the dispatcher, if that is zero. A wait that would exceed MaxWait in all fails d.
func (g *Group) hold(d *Delivery, now time.Time, why store.Reason, until time.Time, e *channel.Error) {
	changed := d.Status != store.Held || d.Reason != why || !until.IsZero()
	wait := max(0, until.Sub(now))
	if wait > d.Via.Policy.MaxWait-d.waited {
		g.settle(d, now, d.history.tooLong(why, wait, e))
		return
	}
	d.waited += wait
	d.wake, d.since = d.ExpireAt, until
	if !until.IsZero() {
		d.phase, d.wake = waiting, soonest(until, d.ExpireAt)
	}
	d.become(verdict{history: d.history, status: store.Held, reason: why, failure: e}, now)
	if changed && g.tell != nil {
		g.trace(d, "held", d.Fate, wait)
	}
}

// queue lets d wait for a slot. Slots come free within the channel's timeout, so only ctx bounds this wait.
func (g *Group) queue(d *Delivery) {
	if g.quit == nil {
		g.quit = make(chan struct{})
	}
	d.phase = queued
	d.ending.reset()
	go func(quit <-chan struct{}) {
		select {
		case d.Via.slots <- struct{}{}:
			if d.ending.claim() {
				g.events <- d.place
			} else {
				d.Via.leave()
			}
		case <-quit:
		}
	}(g.quit)
}

// leaveQueue takes d out of the queue. A slot that has just been granted is given back.
func (g *Group) leaveQueue(d *Delivery) {
	if d.phase == queued && !d.ending.claim() {
		d.Via.leave()
	}
}

// A deadline is shared by the calls that begin at the same moment with the same timeout.
type deadline struct {
	begun   time.Time
	timeout time.Duration
	ctx     context.Context // ends with the group at the latest
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

// precedes reports whether l is still to come, and next is the time to give up its calls.
func (l *deadline) precedes(next time.Time) bool {
	return l.ctx != nil && l.ctx.Err() == nil && l.begun.Add(l.timeout).Add(grace).Equal(next)
}

// start begins an attempt, on a goroutine of its own. d holds a slot.
func (g *Group) start(d *Delivery, now time.Time) {
	timeout := d.Via.Policy.Timeout
	d.Attempt++
	d.ticket = time.Time{}
	if g.tell != nil {
		g.traceCall(d, "started", nil, now.Sub(d.since))
		now = time.Now() // the hook may be slow
	}
	d.phase, d.wake, d.since = calling, now.Add(timeout).Add(grace), now
	d.ending.reset()
	go g.attempt(g.deadline.context(g.ctx, now, timeout), d)
}

// attempt calls d's driver, and returns d to the group.
func (g *Group) attempt(ctx context.Context, d *Delivery) {
	var a answer
	var begun time.Time
	if g.tell != nil { // for the event only
		begun = time.Now()
	}
	defer func() { // the driver may end this goroutine
		if g.finish(d.Via, &d.ending) {
			g.answered(d, &a, begun)
		}
	}()
	g.call(ctx, d.Via, &d.Delivery, &a)
}

// answered decides the verdict on d's call, on the goroutine of the call.
func (g *Group) answered(d *Delivery, a *answer, begun time.Time) {
	pause := endless
	defer func() { // even if a hook ends this goroutine, which it must not
		d.verdict = d.history.answered(&d.Via.Policy, a, pause)
		d.Via.leave()
		g.events <- d.place
	}()
	if a.failure != nil || g.tell != nil { // the wait and the event count from the answer
		d.since = time.Now()
	}
	if a.receipt.ID != "" {
		d.ProviderID = a.receipt.ID
	}
	if e := a.failure; e == nil || !pausesChannel(e) {
		d.Via.strikes.Store(0)
	} else if wait, _ := g.pause(d.Via, e, false); e.Kind == channel.RateLimited { // a misconfigured channel fails d at once: no operator acts soon
		pause = wait
	}
	g.traceCall(d, "attempted", a.failure, d.since.Sub(begun))
}

// take goes on with d, whose slot or answer has come. A d that was settled meanwhile has given its slot back.
func (g *Group) take(d *Delivery, now time.Time) {
	switch {
	case d.phase == queued && g.obstruct(d, now):
		d.Via.leave()
	case d.phase == queued:
		g.proceed(d, now)
	case d.phase == calling:
		g.conclude(d, now, d.verdict)
	}
}

// abandoned gives up d's call, unless it has just answered.
func (g *Group) abandoned(d *Delivery, now time.Time) {
	if e := g.abandon(d.Via, &d.ending, d.ID); e != nil {
		d.Via.leave()
		g.traceCall(d, "attempted", e, now.Sub(d.since))
		g.conclude(d, now, d.history.abandoned(e))
	}
}

func (g *Group) traceCall(d *Delivery, event string, e *channel.Error, took time.Duration) {
	if g.tell != nil {
		g.trace(d, event, d.during(d.Attempt, d.history.doubt, e), took)
	}
}

// conclude ends an attempt of d.
func (g *Group) conclude(d *Delivery, now time.Time, v verdict) {
	d.Attempts, d.Duplicate = d.Attempt, d.Duplicate || d.history.doubt
	g.wakePeers(d)
	g.apply(d, now, d.since, v)
}
