package notify

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
)

const (
	// aloneFrom is from how many leases that ran out a delivery is suspected of killing processes. Then it is marked before its call,
	// and called while no other suspect is, so that what was only claimed beside a killer is not condemned with it.
	aloneFrom = 2
	// condemnedFrom is how many marked calls that their processes did not survive are attempts at least, even if its policy has fewer: the
	// host may be restarted all the time for another reason.
	condemnedFrom = 8
	// longestWait bounds every wait for a dispatcher, so that a fault of the host's costs delay and not loss.
	longestWait = time.Hour
	// puzzledWait is how long a delivery waits whose dispatcher this process does not know, or that panics or hangs.
	puzzledWait = time.Minute
)

// judge decides about a delivery that was just claimed: it goes out, waits or is settled.
func (r *runner) judge(j *job) {
	now := r.now()
	switch {
	case r.crashed(j), r.overdue(j, now):
	case j.Canceled:
		r.end(j, Canceled, "", &channel.Error{Kind: channel.Temporary, Err: errors.New("canceled")})
	case j.Suppressed != "":
		r.end(j, Suppressed, j.Suppressed, errDead(j.Suppressed))
	case j.Marked:
		r.died(j, now)
	case !j.Grouped || r.ask(j, now):
		r.goOn(j, now)
	}
}

// goOn lets j be called, not before its time.
func (r *runner) goOn(j *job, now time.Time) {
	if j.NotBefore.After(now) {
		r.postpone(j, j.Status, j.Reason, j.NotBefore)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	l := j.lane
	l.judged--
	if j.alone {
		l.suspects = append(l.suspects, j)
	} else {
		l.ready = append(l.ready, j)
	}
}

// errDied is what is known of a call that its process did not survive. What failed of it last stays suspected.
var errDied = errors.New("the process that called its driver died")

// crashed judges j by the leases that ran out, and reports whether that settled it. A lease that ran out may have been called, unless
// all that is called is marked first.
func (r *runner) crashed(j *job) bool {
	j.alone = j.Lapsed >= aloneFrom || j.Failure != nil && j.Failure.Text == errDied.Error()
	if j.Lapsed == 0 {
		return false
	}
	if !j.Message.AtMostOnce { // each of them may have called it, and whether it is called again or not
		j.Duplicate = j.Duplicate || j.Doubt || j.Lapsed > 1
	}
	j.Doubt = j.Doubt || j.Marked || !j.Message.AtMostOnce
	if !j.Marked || !j.Message.AtMostOnce {
		return false
	}
	r.end(j, Unknown, "", &channel.Error{Kind: channel.Uncertain, Err: errDied})
	return true
}

// died makes a marked call that its process did not survive one of j's attempts, however many leases ran out since in which nothing was
// called: those of a host that is restarted all the time tell nothing of j.
func (r *runner) died(j *job, now time.Time) {
	st, e := settlementOf(j), &channel.Error{Kind: channel.Uncertain, Err: errDied}
	st.Failure, st.Wake = store.FailureOf(e).Clean(), j.Grouped
	r.retry(j, &st, now, e, max(j.lane.gate.policy.Attempts, condemnedFrom))
	if st.Status.Settled() {
		r.log.Error("delivery was under way at the death of too many processes", "delivery", j.ID(), "channel", j.lane.gate.name)
	}
	r.settle(j, st)
}

// overdue settles j if it has lost its use.
func (r *runner) overdue(j *job, now time.Time) bool {
	if j.Message.ExpireAt.IsZero() || now.Before(j.Message.ExpireAt) {
		return false
	}
	err := errors.New("expired before it could be sent")
	if last, _ := j.Failure.Err(); last != nil {
		err = fmt.Errorf("%w; the last attempt: %w", err, last)
	}
	r.end(j, Expired, "", &channel.Error{Kind: channel.Rejected, Field: "expire_at", Err: err})
	return true
}

// ask asks j's dispatcher for j's own step, and reports whether it is to start; else it is settled or waits.
func (r *runner) ask(j *job, now time.Time) bool {
	name := j.Message.Dispatcher
	dispatcher := r.dispatchers[name]
	progress := j.Group
	var steps []Step
	answered := dispatcher != nil && r.consult(name, func() { steps = dispatcher.Next(now, progress) })
	if !answered || len(steps) != len(progress) {
		if !r.hangs(name) { // that was said once
			r.log.Error("dispatcher does not answer", "dispatcher", name, "delivery", j.ID())
		}
		r.postpone(j, Held, ReasonWaiting, now.Add(puzzledWait))
		return false
	}
	for i := range steps {
		if progress[i].Status.Settled() {
			steps[i] = Step{}
		}
	}
	step := steps[j.own()]
	switch {
	case step.Action == Start:
		return true
	case step.Action == Drop:
		r.end(j, Suppressed, ReasonNotNeeded, nil)
	case slices.ContainsFunc(steps, func(s Step) bool { return s.moves(now) }):
		r.wait(j, now, step)
	default:
		r.log.Error("dispatcher left a delivery without a next step", "delivery", j.ID(), "channel", j.lane.gate.name)
		r.end(j, Suppressed, ReasonStuck, &channel.Error{Kind: channel.Misconfigured, Err: errors.New("the dispatcher left it without a next step")})
	}
	return false
}

// moves reports whether s changes something sooner or later.
func (s Step) moves(now time.Time) bool {
	return s.Action == Start || s.Action == Drop || s.Action == Wait && s.Until.After(now)
}

// wait lets j wait until its step says so, or a peer that moves wakes it; yet no wait is longer than an hour.
func (r *runner) wait(j *job, now time.Time, step Step) {
	until := now.Add(longestWait)
	if step.Action == Wait && step.Until.After(now) && step.Until.Before(until) {
		until = step.Until
	}
	reason := ReasonWaiting
	if j.NotBefore.After(now) { // it waits for more than its turn
		reason = j.Reason
	}
	r.postpone(j, Held, reason, until)
}

// own returns j's index in its group.
func (j *job) own() int {
	return max(0, slices.IndexFunc(j.Group, func(p Progress) bool { return p.Place == j.Place }))
}

// postpone settles j as one that is not settled: it is looked at again at due, and has not been called.
func (r *runner) postpone(j *job, s Status, why Reason, due time.Time) {
	st := settlementOf(j)
	st.Status, st.Reason, st.Due = s, why, soonest(due, j.Message.ExpireAt)
	r.settle(j, st)
}

// end settles j without a call.
func (r *runner) end(j *job, s Status, why Reason, e *channel.Error) {
	st := settlementOf(j)
	st.conclude(s, why, e)
	st.Wake = j.Grouped
	r.settle(j, st)
}

// A settlement is what becomes of a job, on its way to the store.
type settlement struct{ store.Settlement }

// settlementOf returns one that changes nothing.
func settlementOf(j *job) settlement {
	return settlement{store.Settlement{
		DeliveryRef: j.DeliveryRef, Status: j.Status, Reason: j.Reason, NotBefore: j.NotBefore, Wakes: j.Wakes,
		Attempts: j.Attempts, Spent: j.Spent, Doubt: j.Doubt, Duplicate: j.Duplicate, Failure: j.Failure,
	}}
}

// conclude ends it. After an attempt that may have gone out nothing but a success, or an address that can never work, is certain.
func (st *settlement) conclude(s Status, why Reason, e *channel.Error) {
	certain := s.Reaches(Sent) || s == Failed && (why == ReasonInvalid || why == ReasonBounced)
	if st.Doubt && !certain {
		s = Unknown
		if e == nil { // it was dropped
			why = ""
		}
	}
	st.Status, st.Reason, st.NotBefore = s, why, time.Time{}
	if e != nil || s.Reaches(Sent) {
		st.Failure = store.FailureOf(e).Clean()
	}
}

// soonest returns the earlier of two times, the second of which may be none.
func soonest(t, limit time.Time) time.Time {
	if !limit.IsZero() && limit.Before(t) {
		return limit
	}
	return t
}
