package engine

import (
	"errors"
	"slices"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
)

const (
	// quarantineFrom is the number of lapsed leases from which on a delivery is suspected to crash processes. A suspect is marked before the
	// call, and called while no other suspect is, so that deliveries that were only claimed beside a culprit are not given up.
	quarantineFrom = 2
	// crashesBeforeGivingUp is the minimum number of crashes during marked calls before a delivery is given up, whatever its policy says:
	// the host may restart all the time for another reason.
	crashesBeforeGivingUp = 8
	// longestWait bounds every wait for a dispatcher, so that a fault of the host's costs delay and not loss.
	longestWait = time.Hour
	// unknownDispatcherWait is the retry delay when this process does not know the delivery's dispatcher, or the dispatcher panics or hangs.
	unknownDispatcherWait = time.Minute
)

// triage calls a delivery that was just claimed, lets the delivery wait, or settles it.
func (r *runner) triage(j *job) {
	now := r.now()
	switch {
	case r.crashed(j), r.overdue(j, now):
	case j.Canceled:
		r.settle(j, j.history().ended(store.Canceled, "", &channel.Error{Kind: channel.Temporary, Err: errors.New("canceled")}))
	case j.Suppressed != "":
		r.settle(j, j.history().suppressed(j.Suppressed))
	case j.Marked:
		r.retryCrashed(j)
	case !j.Grouped || r.mayStart(j, now):
		r.enqueue(j, now)
	}
}

func (j *job) history() history {
	last, _ := j.Failure.Err()
	return history{spent: int32(j.Spent), doubt: j.Doubt, atMostOnce: j.Message.AtMostOnce, last: last}
}

// enqueue lets j be called, not before NotBefore.
func (r *runner) enqueue(j *job, now time.Time) {
	if j.NotBefore.After(now) {
		r.postpone(j, j.Status, j.Reason, j.NotBefore)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	l := j.lane
	l.decided--
	if j.quarantined {
		l.quarantine = append(l.quarantine, j)
	} else {
		l.ready = append(l.ready, j)
	}
}

// errCrashed is the failure of a call whose process crashed. A delivery whose last call failed so stays in quarantine.
var errCrashed = errors.New("the process died during the call of the driver")

// crashed draws the conclusions from leases that lapsed, and reports whether they settled j. A delivery whose lease lapsed may have been
// called, unless such deliveries are marked before their calls.
func (r *runner) crashed(j *job) bool {
	j.quarantined = j.Lapsed >= quarantineFrom || j.Failure != nil && j.Failure.Text == errCrashed.Error()
	if j.Lapsed == 0 {
		return false
	}
	if !j.Message.AtMostOnce { // each lease may have led to a call
		j.Duplicate = j.Duplicate || j.Doubt || j.Lapsed > 1
	}
	j.Doubt = j.Doubt || j.Marked || !j.Message.AtMostOnce
	if !j.Marked || !j.Message.AtMostOnce {
		return false
	}
	r.settle(j, j.history().ended(store.Unknown, "", &channel.Error{Kind: channel.Uncertain, Err: errCrashed}))
	return true
}

// retryCrashed counts a marked call whose process crashed as an attempt. A lease that lapsed without a call does not count: hosts may restart often.
func (r *runner) retryCrashed(j *job) {
	p := &j.lane.channel.Policy
	e := &channel.Error{Kind: channel.Uncertain, Err: errCrashed}
	v := j.history().retried(p, max(p.Attempts, crashesBeforeGivingUp), e)
	if v.status.Settled() {
		r.log.Error("delivery was in flight in too many process crashes", "delivery", j.ID(), "channel", j.lane.channel.Name)
	}
	r.settle(j, v)
}

// overdue settles j if it has expired.
func (r *runner) overdue(j *job, now time.Time) bool {
	if j.Message.ExpireAt.IsZero() || now.Before(j.Message.ExpireAt) {
		return false
	}
	r.settle(j, j.history().expired())
	return true
}

// mayStart asks j's dispatcher for j's own step, and reports whether that is to start. If not, j is settled or waits.
func (r *runner) mayStart(j *job, now time.Time) bool {
	own := slices.IndexFunc(j.Group, func(p store.Progress) bool { return p.Place == j.Place })
	if own < 0 || j.Group[own].Status.Settled() { // since the claim: pruned, or a receipt came
		r.postpone(j, store.Held, store.ReasonWaiting, now.Add(returnedFor))
		return false
	}
	name := j.Message.Dispatcher
	steps, answered := r.next(r.base, name, patience, now, j.Group)
	if !answered {
		if !r.dispatchers[name].hangs() { // that was logged once
			r.log.Error("dispatcher does not answer", "dispatcher", name, "delivery", j.ID())
		}
		r.postpone(j, store.Held, store.ReasonWaiting, now.Add(unknownDispatcherWait))
		return false
	}
	step := steps[own]
	switch {
	case step.Start:
		return true
	case step.Drop:
		r.settle(j, j.history().dropped())
	case slices.ContainsFunc(steps, func(s Step) bool { return s.moves(now) }):
		r.wait(j, now, step)
	default:
		r.log.Error("dispatcher left a delivery without a next step", "delivery", j.ID(), "channel", j.lane.channel.Name)
		r.settle(j, j.history().stuck())
	}
	return false
}

// wait lets j wait for the time of the step, or for a change of a peer, but never longer than an hour.
func (r *runner) wait(j *job, now time.Time, step Step) {
	until := now.Add(longestWait)
	if step.Until.After(now) && step.Until.Before(until) {
		until = step.Until
	}
	reason := store.ReasonWaiting
	if j.NotBefore.After(now) { // the dispatcher is asked again when that wait is over
		reason, until = j.Reason, soonest(until, j.NotBefore)
	}
	r.postpone(j, store.Held, reason, until)
}
