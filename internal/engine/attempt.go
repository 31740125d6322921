package engine

import (
	"context"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
)

// returnedFor is the rest of a delivery that was to be called and could not.
const returnedFor = time.Second

// attempt calls j's driver. j holds a slot.
func (r *runner) attempt(j *job) {
	c := j.lane.channel
	d, err := j.open(&j.Delivery)
	if err != nil { // a replayed delivery with a fault of its own, or a broken row
		r.log.Error("cannot read a delivery", "delivery", j.ID(), "error", err)
		r.free(j, 0)
		r.settle(j, j.history().faulty(channel.ErrorOf(err)))
		return
	}
	ctx, cancel := context.WithCancelCause(r.base)
	defer cancel(nil)
	if !r.mark(j) || !r.begin(j, cancel) {
		r.returnUncalled(j)
		return
	}
	r.trace(j, "started", FateOf(&j.Delivery).during(d.Attempt, j.Doubt, nil), r.lateness(j))
	ctx, done := context.WithTimeout(ctx, c.Policy.Timeout)
	defer done()
	begun := time.Now()
	timer := time.AfterFunc(c.Policy.Timeout+grace, func() { r.abandoned(j, begun) })
	defer timer.Stop()
	var a answer
	defer func() { // the driver may end this goroutine
		took := time.Since(begun)
		if r.finish(c, &j.ending) {
			r.answered(j, begun, took, a)
		}
	}()
	r.call(ctx, c, &d, &a)
}

// mark records in the store that j is about to be called, where that matters after a crash, and reports whether j may be called.
func (r *runner) mark(j *job) bool {
	if !j.quarantined && !j.Message.AtMostOnce {
		return true
	}
	ctx, cancel := context.WithTimeout(r.base, r.config.Lease)
	defer cancel()
	before := time.Now()
	lost, err := r.store.ExtendLeases(ctx, []store.Extension{{DeliveryRef: j.DeliveryRef, Marked: true}}, r.config.Lease)
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
	j.until = before.Add(r.config.Lease)
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
	return true
}

func (r *runner) answered(j *job, begun time.Time, took time.Duration, a answer) {
	c := j.lane.channel
	var pause time.Duration
	if e := a.failure; e != nil && pausesChannel(e) {
		pause = r.pauseForAll(c, e)
	} else {
		c.strikes.Store(0)
	}
	r.conclude(j, begun, took, a, j.history().answered(&c.Policy, &a, pause))
}

func (r *runner) abandoned(j *job, begun time.Time) {
	if e := r.abandon(j.lane.channel, &j.ending, j.ID()); e != nil {
		r.conclude(j, begun, time.Since(begun), answer{failure: e}, j.history().abandoned(e))
	}
}

// conclude ends an attempt of j, and frees the slot.
func (r *runner) conclude(j *job, begun time.Time, took time.Duration, a answer, v verdict) {
	st := r.settlementOf(j, r.there(begun.Add(took)), v)
	st.Attempts++
	st.Duplicate = st.Duplicate || j.Doubt
	st.Attempt = &store.Attempt{
		At: r.there(begun), Took: took.Truncate(time.Microsecond),
		Status: st.Status, Reason: st.Reason, Provider: store.Clean(a.receipt.Provider), ProviderID: store.Clean(a.receipt.ID),
		Code: store.Clean(a.receipt.Code), Duplicate: j.Doubt, Failure: store.FailureOf(a.failure).Clean(),
	}
	r.trace(j, "attempted", FateOf(&j.Delivery).during(st.Attempts, j.Doubt, a.failure), took)
	r.free(j, took)
	r.suppress(j, a) // before the settlement, so that a crash in between forgets nothing
	r.write(j, st)
}

// suppress suppresses the address of a call with an answer that says so. After a failure to store that, the next attempt finds out again.
func (r *runner) suppress(j *job, a answer) {
	var why store.Reason
	switch {
	case a.failure == nil && a.receipt.Event == channel.Bounced && a.receipt.Kind == channel.InvalidRecipient:
		why = store.ReasonBounced
	case a.failure != nil && a.failure.Kind == channel.InvalidRecipient:
		why = store.ReasonInvalid
	default:
		return
	}
	key := r.config.Suppression(j.lane.channel.Name, j.Message.Tenant, j.To)
	if key.Address == "" || !r.store.HasSuppressions() {
		return
	}
	if err := r.store.SaveSuppressions(r.base, []store.Suppression{{SuppressionKey: key, Reason: why}}); err != nil {
		r.log.Error("cannot suppress an address", "channel", j.lane.channel.Name, "error", err)
	}
}

func (r *runner) free(j *job, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	j.cancel = nil
	l := j.lane
	l.calling--
	r.calls.Add(-1)
	switch {
	case took <= 0: // no call
	case l.average == 0:
		l.average = took
	default:
		l.average += (took - l.average) / 16
	}
	if j.quarantined {
		r.quarantined = false
		for _, l := range r.lanes {
			if len(l.quarantine) > 0 {
				r.feedLocked(l.channel)
			}
		}
	}
	r.feedLocked(l.channel)
}

// returnUncalled gives back j, which holds a slot and was not called. Unless the lease is lost, it settles j in the store. This removes the mark:
// a mark without a settlement looks like a crash during the call.
func (r *runner) returnUncalled(j *job) {
	r.mu.Lock()
	lost := j.lost
	if lost {
		r.forgetLocked(j)
	}
	r.mu.Unlock()
	r.free(j, 0)
	if lost {
		r.reportLost(j)
		return
	}
	r.postpone(j, j.Status, j.Reason, r.now().Add(returnedFor))
}

// lateness returns the time for which j has been ready to be called, without the wait for a dispatcher.
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
