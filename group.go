package notify

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/e7ddda3c/notify/channel"
)

// grace is how much longer than its deadline a call may take before it is given up. A driver that honours its ctx answers within
// it, and knows better than anybody else what became of the delivery.
const grace = 100 * time.Millisecond

// A phase is what a delivery is doing at the moment.
type phase int

const (
	idle    phase = iota // the dispatcher has not started it
	waiting              // until wake
	queued               // for a slot
	calling              // its driver, which is given up at wake
	settled
)

// A delivery is one of a running Send.
type delivery struct {
	draft
	place   int // in the group, from 0
	phase   phase
	wake    time.Time
	due     time.Time // when it was to be called first, or next
	turn    turn      // while it is queued or calling
	receipt channel.Receipt
	failure *channel.Error // with receipt, the driver's answer
	ticket  time.Time      // of the channel's rate, for the next attempt; zero if it has none yet
	waited  time.Duration  // in all
	spent   int            // attempts used up; a throttled one is not
	doubt   bool           // an earlier attempt may have gone out
	last    *channel.Error // of the last attempt
	out     *Outcome       // in the report
}

// A group is one recipient's deliveries. One goroutine runs it and owns all its state; calls and waits for a slot have goroutines
// of their own, which tell events whose turn has ended.
type group struct {
	*Notifier
	dispatcher Dispatcher
	no         int // the recipient's, in the message
	ds         []delivery
	progress   []Progress
	begun      time.Time
	events     chan int      // indexes of ds
	quit       chan struct{} // closed when the group ends; not nil once one of ds was queued
	deadline   deadline
	timer      *time.Timer // nil until one is needed
}

// deliver runs each group of p on a goroutine of its own; a single one needs none.
func (n *Notifier) deliver(ctx context.Context, p plan) {
	if len(p.groups) == 1 {
		p.groups[0].run(ctx)
		return
	}
	var wg sync.WaitGroup
	for i := range p.groups {
		wg.Go(func() { p.groups[i].run(ctx) })
	}
	wg.Wait()
}

// run carries every delivery of g to its end.
func (g *group) run(ctx context.Context) {
	now := time.Now()
	g.begin(now)
	defer g.end()
	for {
		if ctx.Err() != nil {
			g.stop(ctx, now)
		}
		g.wakeUp(ctx, now)
		g.ask(ctx, now)
		next, busy := g.next()
		if !busy {
			return
		}
		d := g.wait(ctx, next, now)
		now = time.Now()
		if d != nil {
			g.take(ctx, d, now)
		}
	}
}

// wait returns when ctx has ended, at next (never, if it is zero), or with a delivery whose turn has ended.
func (g *group) wait(ctx context.Context, next, now time.Time) *delivery {
	var over <-chan struct{}
	var alarm <-chan time.Time
	if ctx.Err() == nil {
		over = ctx.Done()
	}
	if g.deadline.precedes(next) { // it ends with ctx, and in time for next: no timer is needed yet
		over = g.deadline.ctx.Done()
	} else if !next.IsZero() {
		alarm = g.ring(next.Sub(now))
	}
	select {
	case i := <-g.events:
		return &g.ds[i]
	case <-alarm:
	case <-over:
	}
	return nil
}

func (g *group) ring(after time.Duration) <-chan time.Time {
	if g.timer == nil {
		g.timer = time.NewTimer(after)
	} else {
		g.timer.Reset(after)
	}
	return g.timer.C
}

// begin settles what was found faulty while planning.
func (g *group) begin(now time.Time) {
	g.begun = now
	g.events = make(chan int, len(g.ds)) // a delivery has one turn at a time, so nobody ever blocks on it
	g.progress = make([]Progress, len(g.ds))
	for i := range g.ds {
		d := &g.ds[i]
		d.place = i
		*d.out = Outcome{ID: d.ID, Recipient: d.Recipient, Channel: d.Channel, To: d.To, Status: Accepted, At: now}
	}
	for i := range g.ds {
		if d := &g.ds[i]; d.fault != nil {
			e := classify(d.fault)
			g.settle(d, now, Failed, faultReason(e.Kind), e)
		}
	}
}

// end marks who was reached, and lets go of contexts and waiting goroutines.
func (g *group) end() {
	g.deadline.release()
	if g.timer != nil {
		g.timer.Stop()
	}
	if g.quit != nil {
		close(g.quit)
	}
	reached := g.reached()
	for i := range g.ds {
		g.ds[i].out.Reached = reached
	}
}

// next returns when the group must look at the clock again, and whether there is anything left to wait for. The zero time is never:
// everything is queued, and a slot will come.
func (g *group) next() (at time.Time, busy bool) {
	for i := range g.ds {
		d := &g.ds[i]
		if d.phase == settled || d.phase == idle {
			continue
		}
		busy = true
		if at.IsZero() || !d.wake.IsZero() && d.wake.Before(at) {
			at = d.wake
		}
	}
	return at, busy
}

// wakeUp goes on with what has waited long enough, and gives up calls that ignore their deadline.
func (g *group) wakeUp(ctx context.Context, now time.Time) {
	for i := range g.ds {
		d := &g.ds[i]
		if d.wake.IsZero() || now.Before(d.wake) {
			continue
		}
		d.wake = time.Time{}
		switch d.phase {
		case waiting:
			g.admit(ctx, d, now)
		case calling:
			g.abandon(d, now)
		}
	}
}

// stop ends what has not been called when ctx is done, and gives calls a last moment to answer.
func (g *group) stop(ctx context.Context, now time.Time) {
	for i := range g.ds {
		d := &g.ds[i]
		switch d.phase {
		case waiting, queued:
			g.leaveQueue(d)
			g.cancel(ctx, d, now)
		case calling:
			if last := now.Add(grace); last.Before(d.wake) {
				d.wake = last
			}
		}
	}
}

// cancel settles d, which is not being called, because ctx has ended.
func (g *group) cancel(ctx context.Context, d *delivery, now time.Time) {
	err := fmt.Errorf("not sent: %w", ctx.Err())
	if cause := context.Cause(ctx); !errors.Is(cause, ctx.Err()) {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	if d.last != nil {
		err = fmt.Errorf("%w; the last attempt: %w", err, d.last)
	}
	g.settle(d, now, Canceled, "", &channel.Error{Kind: channel.Temporary, Err: err})
}

// settle ends d. After an attempt that may have gone out nothing but a success, or an address that can never work, is certain.
func (g *group) settle(d *delivery, now time.Time, s Status, why Reason, e *channel.Error) {
	if d.doubt && !s.Reaches(Sent) && why != ReasonInvalid {
		s = Unknown
		if e == nil { // it was dropped
			why, e = "", d.last
		}
	}
	d.phase, d.wake = settled, time.Time{}
	d.forgo()
	d.out.Status, d.out.Reason, d.out.At, d.out.Until = s, why, now, time.Time{}
	if e != nil {
		d.out.Err = e
	}
	g.trace(d, TransitionSettled, e, now.Sub(g.begun))
	if g.onOutcome != nil {
		out := *d.out
		out.Reached = g.reached()
		_ = g.guard("OnOutcome", func() { g.onOutcome(out) })
	}
}
