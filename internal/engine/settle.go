package engine

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/e7ddda3c/notify/store"
)

const (
	// settlers is the number of transactions that settle at once.
	settlers = 2
	// batchingWindow is the time that settlements wait for others, so that many share a transaction.
	batchingWindow = 500 * time.Microsecond
	// batchEnough is the number of settlements that wait no longer, batchMost the number in one transaction.
	batchEnough, batchMost = 100, 500
	// splitAfter is the number of failures after which a batch is halved, so that one bad row does not delay the others.
	splitAfter = 3
)

// A settleQueue holds the jobs whose settlements wait to be written.
type settleQueue struct {
	mu      sync.Mutex
	waiting []*job
	costly  bool          // one job must not wait
	news    chan struct{} // has one if a settler should look
}

func (r *runner) settle(j *job, v verdict) { r.write(j, r.settlementOf(j, r.now(), v)) }

// postpone writes that j is looked at again at due, and was not called.
func (r *runner) postpone(j *job, s store.Status, why store.Reason, due time.Time) {
	st := j.unchanged()
	st.Status, st.Reason, st.Due = s, why, soonest(due, j.Message.ExpireAt)
	r.write(j, st)
}

// unchanged returns a settlement that changes nothing.
func (j *job) unchanged() store.Settlement {
	return store.Settlement{
		DeliveryRef: j.DeliveryRef, Status: j.Status, Reason: j.Reason, NotBefore: j.NotBefore, Wakes: j.Wakes,
		Attempts: j.Attempts, Spent: j.Spent, Doubt: j.Doubt, Duplicate: j.Duplicate, Failure: j.Failure,
	}
}

// settlementOf returns the settlement that writes v. The wait of v counts from at.
func (r *runner) settlementOf(j *job, at time.Time, v verdict) store.Settlement {
	st := j.unchanged()
	st.Status, st.Reason, st.NotBefore, st.Spent, st.Doubt = v.status, v.reason, time.Time{}, int(v.spent), v.doubt
	st.Failure, st.Wake = store.FailureOf(v.failure).Clean(), j.Grouped
	if !v.status.Settled() {
		st.NotBefore = at.Add(v.wait).Truncate(time.Microsecond)
		st.Due = soonest(st.NotBefore, j.Message.ExpireAt)
	}
	return st
}

// soonest returns the earlier of t and limit, which may be none.
func soonest(t, limit time.Time) time.Time {
	if !limit.IsZero() && limit.Before(t) {
		return limit
	}
	return t
}

// write writes the settlement of j, soon.
func (r *runner) write(j *job, st store.Settlement) {
	j.settlement = st
	q := &r.settling
	q.mu.Lock()
	q.waiting = append(q.waiting, j)
	q.costly = q.costly || j.lane.channel.Policy.Costly
	q.mu.Unlock()
	signal(q.news)
}

// settleAll writes settlements until ctx ends.
func (r *runner) settleAll(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.settling.news:
		}
		r.gather()
		for batch := r.settling.take(); len(batch) > 0; batch = r.settling.take() {
			r.commit(batch)
			r.gather()
		}
	}
}

// gather waits for further settlements, if any are to be expected.
func (r *runner) gather() {
	q := &r.settling
	for until := time.Now().Add(batchingWindow); ; {
		q.mu.Lock()
		enough := len(q.waiting) == 0 || len(q.waiting) >= batchEnough || q.costly
		q.mu.Unlock()
		left := time.Until(until)
		if enough || left <= 0 || r.calls.Load() == 0 {
			return
		}
		Sleep(r.base, left, q.news)
	}
}

func (q *settleQueue) take() []*job {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.waiting), batchMost)
	batch := slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	if len(q.waiting) == 0 {
		q.costly = false
	}
	return batch
}

// commit writes a batch, however long the store takes. A draining process gives up jobs whose leases have lapsed meanwhile.
func (r *runner) commit(batch []*job) {
	for failures, wait := 1, firstStoreRest; ; failures, wait = failures+1, min(2*wait, longestStoreRest) {
		lost, err := r.commitOnce(batch)
		if err == nil {
			r.settled(batch, lost)
			return
		}
		r.log.Error("cannot settle deliveries", "count", len(batch), "error", err, "again_in", wait)
		if r.abandonBatch(batch) {
			r.log.Error("gave up deliveries, which another process takes over", "count", len(batch))
			return
		}
		switch {
		case failures < splitAfter:
			Sleep(r.base, wait, nil)
		case len(batch) > 1:
			half := len(batch) / 2
			r.commit(batch[:half])
			r.commit(batch[half:])
			return
		default:
			r.putOff(batch[0])
			return
		}
	}
}

// putOff tries again later to write a settlement that fails alone.
func (r *runner) putOff(j *job) {
	r.mu.Lock()
	j.unwritable = true
	r.mu.Unlock()
	time.AfterFunc(longestStoreRest, func() { r.write(j, j.settlement) })
}

func (r *runner) commitOnce(batch []*job) (lost []store.DeliveryRef, err error) {
	ss := make([]store.Settlement, len(batch))
	for i, j := range batch {
		ss[i] = j.settlement
	}
	if lost, err = r.store.SettleDeliveries(r.base, ss); err != nil {
		return nil, err
	}
	for i, j := range batch {
		if o := ss[i].Overtaken; o != nil { // a receipt or a cancellation was faster
			st := &j.settlement
			st.Status, st.Reason, st.Failure, st.Wake = o.Status, o.Reason, o.Failure, true
			j.Canceled = o.Canceled
		}
	}
	return lost, nil
}

// abandonBatch lets go of a batch if the process ends and every lease of the batch may have lapsed, and reports whether it did.
func (r *runner) abandonBatch(batch []*job) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.draining || slices.ContainsFunc(batch, func(j *job) bool { return time.Now().Before(j.until) }) {
		return false
	}
	for _, j := range batch {
		r.forgetLocked(j)
	}
	return true
}

// forgetLocked lets go of a job on the way to the store.
func (r *runner) forgetLocked(j *job) {
	if j.called {
		j.lane.open--
	} else {
		j.lane.decided--
	}
	r.releaseLocked(j)
}

// settled reports the jobs of a batch that was written, and then lets go of them: a further attempt begins after this one is reported.
func (r *runner) settled(batch []*job, lost []store.DeliveryRef) {
	for _, j := range batch {
		if slices.Contains(lost, j.DeliveryRef) {
			r.reportLost(j)
			continue
		}
		r.report(j)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, j := range batch {
		r.forgetLocked(j)
		r.lookAgainLocked(j)
	}
	for _, l := range r.lanes { // a place among the open ones is free
		if len(l.ready)+len(l.quarantine) > 0 {
			r.feedLocked(l.channel)
		}
	}
	signal(r.news)
}

// lookAgainLocked notifies the claimer of a wait that ends before the next poll, and of peers that were woken.
func (r *runner) lookAgainLocked(j *job) {
	st := &j.settlement
	if !st.Status.Settled() {
		if due := r.here(st.Due); due.Before(j.lane.look) {
			j.lane.look = due
		}
	}
	if !st.Wake {
		return
	}
	for _, peer := range j.Group {
		if l := r.byName[store.LaneOf(peer.Channel, j.Message.Class)]; l != nil && peer.Place != j.Place {
			l.look = time.Time{}
		}
	}
}

// report reports the settlement of j, unless j waits as before.
func (r *runner) report(j *job) {
	d, st := &j.Delivery, &j.settlement
	same := st.Attempt == nil && d.Status == st.Status && d.Reason == st.Reason && d.Spent == st.Spent
	d.Status, d.Reason, d.At, d.Due = st.Status, st.Reason, r.now(), st.Due
	d.Attempts, d.Spent, d.Doubt, d.Duplicate, d.Failure = st.Attempts, st.Spent, st.Doubt, st.Duplicate, st.Failure
	d.Lapsed, d.Marked = 0, false
	if st.Attempt != nil && st.Attempt.ProviderID != "" {
		d.ProviderID = st.Attempt.ProviderID
	}
	f := FateOf(d)
	switch {
	case d.Status.Settled():
		r.config.Settled(d.MessageID)
		f.Reached = r.tellsReached && r.tellReached(j)
		r.trace(j, "settled", f, d.At.Sub(d.Message.AcceptedAt))
	case !same:
		r.trace(j, "held", f, d.Due.Sub(d.At))
	}
}

// tellReached reports whether the recipient was reached, as far as this process knows: it uses the state of the group at the claim. An ungrouped
// delivery is considered alone.
func (r *runner) tellReached(j *job) bool {
	ds := []store.Progress{{Place: j.Place}}
	if j.Grouped {
		ds = slices.Clone(j.Group)
	}
	own := slices.IndexFunc(ds, func(p store.Progress) bool { return p.Place == j.Place })
	ds[own] = store.Progress{
		Channel: j.lane.channel.Name, To: j.To, Place: j.Place, Attempts: j.Attempts, Status: j.Status, Reason: j.Reason, At: j.At,
	}
	return r.Reached(r.base, j.Message.Dispatcher, ds)
}

func (r *runner) reportLost(j *job) {
	r.log.Warn("lease lost to another process", "delivery", j.ID(), "channel", j.lane.channel.Name)
	r.trace(j, "lost", FateOf(&j.Delivery), 0)
}

func (r *runner) trace(j *job, event string, f Fate, took time.Duration) {
	if r.tell == nil {
		return
	}
	r.tell(Event{
		Name: event, Delivery: j.ID(), Tenant: j.Message.Tenant, Class: j.Message.Class,
		Channel: j.lane.channel.Name, User: j.User, To: j.To, Fate: f, Took: took,
	})
}
