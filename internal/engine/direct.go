package engine

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
)

// A phase is the current occupation of a [Delivery].
type phase uint8

const (
	idle    phase = iota // until the dispatcher starts it
	waiting              // until wake
	queued               // for a slot
	calling              // its driver, until the call is given up at wake
	settled
)

// A Delivery is sent at once.
type Delivery struct {
	channel.Delivery
	Via   *Channel
	Fault *channel.Error // of the plan: the delivery fails uncalled
	Fate                 // the result

	place   int // index in the group
	phase   phase
	asks    bool      // at the next question to the dispatcher
	asked   bool      // at the current one
	ending  claimOnce // of the queuing or the call
	wake    time.Time
	since   time.Time     // the next duration counts from it: the due time, the start of the call, or its answer; zero: not started
	ticket  time.Time     // in the channel's rate, for the next attempt; zero: none
	waited  time.Duration // in all
	history history
	verdict verdict // on the call that has just ended
}

// A Group is one recipient's deliveries. One goroutine runs the group and owns its state. Calls and waits for a slot have goroutines of their
// own. A call that claims its delivery's ending owns the delivery until it is sent to events.
type Group struct {
	Recipient  int // the number of the recipient in the message
	Dispatcher string
	Grouped    bool // the dispatcher is asked; otherwise all deliveries start at once
	Deliveries []Delivery

	*core
	ctx      context.Context // of Deliver
	progress []store.Progress
	begun    time.Time
	events   chan int      // places
	quit     chan struct{} // closed when the group ends; not nil once a delivery was queued
	deadline deadline
	timer    *time.Timer // nil until one is needed
	stopping bool        // ctx has ended, and what was not called is canceled
}

// Deliver sends every delivery of groups and sets the Fates. When ctx ends, deliveries that were not called are canceled, and calls in flight
// have a last moment to answer.
func (e *Engine) Deliver(ctx context.Context, groups []Group) {
	if len(groups) == 1 { // the caller's goroutine will do
		groups[0].run(ctx, &e.core)
		return
	}
	var wg sync.WaitGroup
	for i := range groups {
		wg.Go(func() { groups[i].run(ctx, &e.core) })
	}
	wg.Wait()
}

func (g *Group) run(ctx context.Context, c *core) {
	now := time.Now()
	g.core, g.ctx = c, ctx
	g.begin(now)
	defer g.end()
	for {
		if ctx.Err() != nil {
			g.stop(now)
		}
		g.wakeUp(now)
		now = g.decide(now)
		next, busy := g.next()
		if !busy { // nothing will happen to those that are idle
			for i := range g.Deliveries {
				if d := &g.Deliveries[i]; d.phase == idle {
					g.leftBehind(d, now)
				}
			}
			return
		}
		d := g.wait(next, now)
		now = time.Now()
		if d != nil {
			g.take(d, now)
		}
	}
}

func (g *Group) begin(now time.Time) {
	g.begun = now
	g.progress = make([]store.Progress, len(g.Deliveries))
	g.events = make(chan int, len(g.Deliveries)) // one wait or call at a time for each, so no send blocks
	for i := range g.Deliveries {
		d := &g.Deliveries[i]
		d.place, d.asks, d.history.atMostOnce = i, true, d.AtMostOnce
		d.Status, d.At = store.Accepted, now
	}
	for i := range g.Deliveries {
		if d := &g.Deliveries[i]; d.Fault != nil {
			g.settle(d, now, d.history.faulty(d.Fault))
		}
	}
}

// end notes who was reached, and releases contexts and waiting goroutines.
func (g *Group) end() {
	if g.deadline.cancel != nil {
		g.deadline.cancel()
	}
	if g.timer != nil {
		g.timer.Stop()
	}
	if g.quit != nil {
		close(g.quit)
	}
	reached := g.reaches(g.ctx, g.Dispatcher, directPatience, g.look())
	for i := range g.Deliveries {
		g.Deliveries[i].Reached = reached
	}
}

// wakeUp goes on with deliveries that have waited long enough, and gives up calls that ignore their deadline.
func (g *Group) wakeUp(now time.Time) {
	for i := range g.Deliveries {
		d := &g.Deliveries[i]
		if d.wake.IsZero() || now.Before(d.wake) {
			continue
		}
		d.wake = time.Time{}
		switch d.phase {
		case idle, waiting:
			d.phase, d.asks = idle, true
		case calling:
			g.abandoned(d, now)
		}
	}
}

// decide starts, drops and settles deliveries as the dispatcher decides, and repeats this until no delivery changes.
func (g *Group) decide(now time.Time) time.Time {
	for moved := true; moved && g.asking(); {
		moved, now = g.step(now)
	}
	return now
}

func (g *Group) asking() bool {
	for i := range g.Deliveries {
		if g.Deliveries[i].canAsk() {
			return true
		}
	}
	return false
}

func (d *Delivery) canAsk() bool { return d.asks && d.phase != calling && d.phase != settled }

// join lets d take part in the current question, if d asks. From now on, a change of a peer lets d ask again.
func (d *Delivery) join() {
	d.asked = d.canAsk()
	d.asks = d.asks && !d.asked
}

// step applies a step to each delivery that asks, and reports whether one has moved. Without a dispatcher to ask, all start.
func (g *Group) step(now time.Time) (moved bool, _ time.Time) {
	steps, answered := []Step(nil), true
	if g.Grouped {
		steps, answered = g.consultant.next(g.ctx, g.Dispatcher, directPatience, now, g.look())
		now = time.Now() // the dispatcher may have taken its time
	}
	if _, busy := g.next(); !answered && busy {
		return false, now // the dispatcher is asked again when something changes
	}
	// Waiting for time to pass requires a store.
	stuck := g.Grouped && !slices.ContainsFunc(steps, func(s Step) bool { return s.Start || s.Drop })
	for i := range g.Deliveries {
		g.Deliveries[i].join()
	}
	for i := range g.Deliveries {
		d := &g.Deliveries[i]
		switch {
		case !d.asked:
			continue
		case d.expired(now):
			g.leaveQueue(d)
			g.settle(d, now, d.history.expired())
		case g.Grouped && answered && steps[i].Drop:
			g.leaveQueue(d)
			g.settle(d, now, d.history.dropped())
		case d.phase == waiting && d.Via.barred(now) > 0:
			continue // as with a store, it asks again after the pause
		case stuck:
			g.leaveQueue(d)
			g.leftBehind(d, now)
		case d.phase != idle:
			continue
		case !g.Grouped || steps[i].Start:
			if d.since.IsZero() {
				d.since = now
			}
			g.admit(d, now)
		default:
			d.forgo() // a ticket that is used late would let calls bunch
			g.hold(d, now, store.ReasonWaiting, time.Time{}, d.history.last)
			continue
		}
		moved = true
	}
	return moved, now
}

// wakePeers lets the other deliveries ask the dispatcher, after an attempt or the end of d.
func (g *Group) wakePeers(d *Delivery) {
	for i := 0; i < len(g.Deliveries) && g.Grouped; i++ {
		g.Deliveries[i].asks = g.Deliveries[i].asks || i != d.place
	}
}

// leftBehind settles d, which the dispatcher gives no next step.
func (g *Group) leftBehind(d *Delivery, now time.Time) {
	if g.ctx.Err() != nil { // the dispatcher may have had no time to answer
		g.cancel(d, now)
		return
	}
	g.log.Error("dispatcher left a delivery without a next step", "delivery", d.ID, "channel", d.Via.Name)
	g.settle(d, now, d.history.stuck())
}

func (g *Group) look() []store.Progress {
	for i := range g.Deliveries {
		d := &g.Deliveries[i]
		g.progress[i] = store.Progress{
			Channel: d.Via.Name, To: d.To, Place: i, Attempts: d.Attempts, Status: d.Status, Reason: d.Reason, At: d.At,
		}
	}
	return g.progress
}

// next returns when the group must look at the clock again, and whether there is anything to wait for. The zero time is never: all that is
// left is queued, and a slot will come.
func (g *Group) next() (at time.Time, busy bool) {
	for i := range g.Deliveries {
		d := &g.Deliveries[i]
		if d.phase == settled {
			continue
		}
		busy = busy || d.phase != idle
		if at.IsZero() || !d.wake.IsZero() && d.wake.Before(at) {
			at = d.wake
		}
	}
	return at, busy
}

// wait returns when ctx has ended, at next (never, if that is zero), or with a delivery whose slot or answer has come.
func (g *Group) wait(next, now time.Time) *Delivery {
	var over <-chan struct{}
	var alarm <-chan time.Time
	if !g.stopping {
		over = g.ctx.Done()
	}
	if g.deadline.precedes(next) { // ends with ctx, and in time for next: no timer is needed yet
		over = g.deadline.ctx.Done()
	} else if !next.IsZero() {
		if g.timer == nil {
			g.timer = time.NewTimer(next.Sub(now))
		} else {
			g.timer.Reset(next.Sub(now))
		}
		alarm = g.timer.C
	}
	select {
	case place := <-g.events:
		return &g.Deliveries[place]
	case <-alarm:
	case <-over:
	}
	return nil
}

// stop, when ctx is done, cancels deliveries that are not in a call, and gives calls a last moment to answer.
func (g *Group) stop(now time.Time) {
	g.stopping = true
	for i := range g.Deliveries {
		d := &g.Deliveries[i]
		switch d.phase {
		case waiting, queued:
			g.leaveQueue(d)
			g.cancel(d, now)
		case calling:
			if last := now.Add(grace); last.Before(d.wake) {
				d.wake = last
			}
		}
	}
}

// cancel settles d, which is not in a call, because ctx has ended.
func (g *Group) cancel(d *Delivery, now time.Time) {
	g.settle(d, now, d.history.canceled(fmt.Errorf("not sent: %w", EndOf(g.ctx))))
}

// settle ends d.
func (g *Group) settle(d *Delivery, now time.Time, v verdict) {
	d.phase, d.wake = settled, time.Time{}
	d.forgo()
	g.wakePeers(d)
	d.become(v, now)
	if g.tell == nil {
		return
	}
	f := d.Fate
	if g.tellsReached {
		ds := g.look()
		if !g.Grouped { // d speaks for itself only, as with a store
			ds = ds[d.place : d.place+1]
		}
		f.Reached = g.reaches(g.ctx, g.Dispatcher, directPatience, ds)
	}
	g.trace(d, "settled", f, now.Sub(g.begun))
}

func (d *Delivery) become(v verdict, now time.Time) {
	if d.Status != v.status {
		d.At = now
	}
	d.Status, d.Reason, d.Failure, d.Until, d.history = v.status, v.reason, v.failure, d.wake, v.history
}

func (g *Group) trace(d *Delivery, event string, f Fate, took time.Duration) {
	g.tell(Event{
		Name: event, Delivery: d.ID, Tenant: d.Tenant, Class: d.Class,
		Channel: d.Via.Name, User: d.Recipient, To: d.To, Fate: f, Took: took,
	})
}
