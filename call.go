package notify

import (
	"context"
	"fmt"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
)

// longestRetry bounds what a provider may ask a delivery to wait.
const longestRetry = 24 * time.Hour

// putBackFor is how long a delivery rests that was to be called and could not.
const putBackFor = time.Second

// An answer is what came of one call.
type answer struct {
	begun   time.Time // our clock
	took    time.Duration
	receipt channel.Receipt
	failure *channel.Error
}

// attempt calls j's driver and settles what comes of it, unless the call was given up meanwhile. j holds a slot.
func (r *runner) attempt(j *job) {
	g := j.lane.gate
	shared, err := j.body()
	var d channel.Delivery
	if err == nil {
		d, err = shared.open(&j.Delivery)
	}
	if err != nil { // it had a fault when it was planned and is replayed, somebody else wrote it, or it is broken
		r.log.Error("cannot read a delivery", "delivery", j.ID(), "error", err)
		r.free(j, 0)
		e := classify(err)
		r.end(j, Failed, faultReason(e.Kind), e)
		return
	}
	ctx, cancel := context.WithCancelCause(r.base)
	defer cancel(nil)
	if !r.mark(j) || !r.begin(j, cancel) {
		r.putBack(j)
		return
	}
	ctx, done := context.WithTimeout(ctx, g.policy.Timeout)
	defer done()
	started := settlementOf(j)
	started.Attempts, started.Duplicate = d.Attempt, j.Duplicate || j.Doubt
	r.trace(j, started, TransitionStarted, nil, r.lateness(j))
	begun := time.Now()
	timer := time.AfterFunc(g.policy.Timeout+grace, func() { r.abandon(j, begun) })
	g.busy.Add(1)
	receipt, failure := r.call(ctx, j, d)
	g.busy.Add(-1)
	timer.Stop()
	if !j.turn.end() { // it was given up
		g.lost.Add(-1)
		r.running.leave()
		return
	}
	r.answered(j, answer{begun, time.Since(begun), receipt, failure})
}

// mark writes down that j is about to be called where that matters afterwards, and reports whether it may be.
func (r *runner) mark(j *job) bool {
	if !j.alone && !j.Message.AtMostOnce {
		return true
	}
	ctx, cancel := context.WithTimeout(r.base, min(storeTimeout, r.options.Lease))
	defer cancel()
	before := time.Now()
	var lost []store.DeliveryRef
	var err error
	if crash := r.guard("store", func() {
		lost, err = r.store.ExtendLeases(ctx, []store.Extension{{DeliveryRef: j.DeliveryRef, Marked: true}}, r.options.Lease)
	}); crash != nil {
		err = crash
	}
	if err != nil {
		r.log.Error("cannot mark a delivery", "delivery", j.ID(), "error", err)
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(lost) > 0 {
		j.lost = true
		return false
	}
	j.until = before.Add(r.options.Lease)
	return true
}

// begin reports whether j's lease is good for a call.
func (r *runner) begin(j *job, cancel context.CancelCauseFunc) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if j.lost || time.Until(j.until) < r.margin() {
		return false
	}
	j.cancel = cancel
	j.turn.begin()
	return true
}

// call calls the driver, and turns a panic into an answer.
func (r *runner) call(ctx context.Context, j *job, d channel.Delivery) (receipt channel.Receipt, e *channel.Error) {
	answered := false
	defer func() {
		if !answered { // a panic, or runtime.Goexit, which recovers as nil
			e = r.Notifier.crashed(j.lane.gate.name, recover())
		}
	}()
	var err error
	receipt, err = j.lane.gate.driver.Send(ctx, d)
	e = classify(err) // here, because the error's own methods may panic too
	answered = true
	return receipt, e
}

// abandon gives up a call whose driver ignores its deadline. The Notifier owns it from now on; the delivery is not tried again,
// because the call may still get through.
func (r *runner) abandon(j *job, begun time.Time) {
	g := j.lane.gate
	r.running.adopt()
	g.lost.Add(1)
	if !j.turn.end() { // it has answered at the last moment
		g.lost.Add(-1)
		r.running.leave()
		return
	}
	r.log.Warn("driver ignores its deadline", "delivery", j.ID(), "channel", g.name)
	st := settlementOf(j)
	e := &channel.Error{Kind: channel.Uncertain, Err: fmt.Errorf("the driver ignores its deadline: %w", context.DeadlineExceeded)}
	a := answer{begun: begun, took: time.Since(begun), failure: e}
	st.Doubt = true
	st.conclude(Unknown, "", e)
	r.record(j, &st, a)
	r.trace(j, st, TransitionAttempted, e, a.took)
	r.free(j, a.took)
	r.settle(j, st)
}

// answered settles what came of a call, and frees its slot.
func (r *runner) answered(j *job, a answer) {
	st := r.verdict(j, a)
	r.record(j, &st, a)
	r.trace(j, st, TransitionAttempted, a.failure, a.took)
	r.free(j, a.took)
	if why := a.dead(); why != "" { // before it is settled, so that a crash between forgets nothing
		ctx, cancel := context.WithTimeout(r.base, storeTimeout)
		defer cancel()
		r.markSuppressed(ctx, j.Message.Tenant, j.lane.gate, j.To, why)
	}
	r.settle(j, st)
}

// verdict decides what an answer makes of j.
func (r *runner) verdict(j *job, a answer) settlement {
	g, e, now := j.lane.gate, a.failure, r.now()
	st := settlementOf(j)
	if e == nil {
		g.strikes.Store(0)
		st.conclude(statusOf(a.receipt))
		return st
	}
	st.Failure = store.FailureOf(e).Clean()
	if !stops(e) {
		g.strikes.Store(0)
	}
	switch e.Kind {
	case channel.RateLimited, channel.Misconfigured:
		st.put(Held, ReasonPaused, now.Add(r.pauseChannel(g, e)), j.Message.ExpireAt)
	case channel.Temporary:
		r.retry(j, &st, now, e, g.policy.Attempts)
	case channel.InvalidRecipient, channel.Rejected, channel.Unreachable:
		st.conclude(Failed, faultReason(e.Kind), e)
	default: // it may have gone out
		st.Doubt = true
		if j.Message.AtMostOnce {
			st.conclude(Unknown, "", e)
		} else {
			r.retry(j, &st, now, e, g.policy.Attempts)
		}
	}
	return st
}

// retry uses up one of j's attempts, of which there are so many.
func (r *runner) retry(j *job, st *settlement, now time.Time, e *channel.Error, attempts int) {
	p := &j.lane.gate.policy
	st.Spent++
	if st.Spent >= attempts {
		st.conclude(Failed, ReasonExhausted, e)
		return
	}
	st.put(Held, ReasonRetry, now.Add(max(min(e.RetryAfter, longestRetry), p.wait(st.Spent))), j.Message.ExpireAt)
}

// put lets it wait for its next attempt.
func (st *settlement) put(s Status, why Reason, notBefore, expireAt time.Time) {
	st.Status, st.Reason, st.NotBefore = s, why, notBefore.Truncate(time.Microsecond)
	st.Due = soonest(st.NotBefore, expireAt)
}

// statusOf says what a provider's answer means.
func statusOf(r channel.Receipt) (Status, Reason, *channel.Error) {
	switch r.Event {
	case channel.Delivered:
		return Delivered, "", nil
	case channel.Read:
		return Read, "", nil
	case channel.Bounced:
		return Failed, ReasonBounced, bounce(r)
	}
	return Sent, "", nil
}

// record adds the attempt to a settlement.
func (r *runner) record(j *job, st *settlement, a answer) {
	st.Attempts++
	st.Duplicate = st.Duplicate || j.Doubt
	st.Wake = j.Grouped
	st.Attempt = &store.Attempt{
		At: a.begun.Add(time.Duration(r.skew.Load())).UTC().Truncate(time.Microsecond), Took: a.took.Truncate(time.Microsecond),
		Status: st.Status, Reason: st.Reason, Provider: store.Clean(a.receipt.Provider), ProviderID: store.Clean(a.receipt.ID),
		Code: store.Clean(a.receipt.Code), Duplicate: j.Doubt, Failure: store.FailureOf(a.failure).Clean(),
	}
}

// free gives j's slot back.
func (r *runner) free(j *job, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	j.cancel = nil
	l := j.lane
	l.calling--
	r.calls.Add(-1)
	switch {
	case took <= 0: // it was not called
	case l.average == 0:
		l.average = took
	default:
		l.average += (took - l.average) / 16
	}
	if j.alone {
		r.absolve()
	}
	r.feed(l.gate)
}

// absolve lets the next suspect be called. The lock is held.
func (r *runner) absolve() {
	r.suspected = false
	for _, l := range r.lanes {
		if len(l.suspects) > 0 {
			r.feed(l.gate)
		}
	}
}

// putBack lets go of j, which holds a slot and was not called. Unless its lease is lost, that is written, with the mark taken back, or
// it would look as if a process had died over it.
func (r *runner) putBack(j *job) {
	r.mu.Lock()
	lost := j.lost
	if lost {
		r.forget(j)
	}
	r.mu.Unlock()
	r.free(j, 0)
	if lost {
		r.reportLost(j)
		return
	}
	r.postpone(j, j.Status, j.Reason, r.now().Add(putBackFor))
}

// lateness returns how long j has been ready to go. What waited for its dispatcher is not late.
func (r *runner) lateness(j *job) time.Duration {
	ready := j.At
	if j.NotBefore.After(ready) {
		ready = j.NotBefore
	}
	if j.Grouped || ready.IsZero() {
		return 0
	}
	return max(0, r.now().Sub(ready))
}
