package notify

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
)

const (
	// settlers is how many transactions settle at once.
	settlers = 2
	// linger is how long settlements wait for company, so that many share a transaction.
	linger = 500 * time.Microsecond
	// settleSoon is how many settlements need no more company, and settleMost how many share a transaction.
	settleSoon, settleMost = 100, 500
	// splitAfter is after how many failures a batch is halved: one bad row must not hold up the others.
	splitAfter = 3
)

// A settleQueue holds what waits to be written.
type settleQueue struct {
	mu      sync.Mutex
	waiting []ending
	costly  bool          // one of them must not wait
	news    chan struct{} // has one if a settler should look
}

// An ending is a job with what becomes of it.
type ending struct {
	*job
	settlement
}

// settle writes what becomes of j, soon.
func (r *runner) settle(j *job, st settlement) {
	q := &r.settling
	q.mu.Lock()
	q.waiting = append(q.waiting, ending{j, st})
	q.costly = q.costly || j.lane.gate.policy.Costly
	q.mu.Unlock()
	q.signal()
}

func (q *settleQueue) signal() {
	select {
	case q.news <- struct{}{}:
	default:
	}
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

// gather waits for company for what is to be settled, if any is to be expected.
func (r *runner) gather() {
	q := &r.settling
	for until := time.Now().Add(linger); ; {
		q.mu.Lock()
		enough := len(q.waiting) == 0 || len(q.waiting) >= settleSoon || q.costly
		q.mu.Unlock()
		left := time.Until(until)
		if enough || left <= 0 || r.calls.Load() == 0 {
			return
		}
		doze(r.base, left, q.news)
	}
}

func (q *settleQueue) take() []ending {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.waiting), settleMost)
	batch := slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	if len(q.waiting) == 0 {
		q.costly = false
	}
	return batch
}

// commit writes a batch, however long the store takes. While the process drains, it gives up what another may have taken meanwhile.
func (r *runner) commit(batch []ending) {
	for failures, wait := 1, firstTrouble; ; failures, wait = failures+1, min(2*wait, lastTrouble) {
		lost, err := r.write(batch)
		if err == nil {
			r.settled(batch, lost)
			return
		}
		r.log.Error("cannot settle deliveries", "count", len(batch), "error", err, "again_in", wait)
		if r.hopeless(batch) {
			r.log.Error("gave up deliveries, which another process takes over", "count", len(batch))
			r.letGo(batch)
			return
		}
		switch {
		case failures < splitAfter:
			sleep(r.base, wait)
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

// putOff tries again later what cannot be written though it stands alone.
func (r *runner) putOff(e ending) {
	r.mu.Lock()
	e.unwritable = true
	r.mu.Unlock()
	time.AfterFunc(lastTrouble, func() { r.settle(e.job, e.settlement) })
}

func (r *runner) write(batch []ending) (lost []store.DeliveryRef, err error) {
	ss := make([]store.Settlement, len(batch))
	for i := range batch {
		ss[i] = batch[i].Settlement
	}
	ctx, cancel := context.WithTimeout(r.base, storeTimeout)
	defer cancel()
	if crash := r.guard("store", func() { lost, err = r.store.SettleDeliveries(ctx, ss) }); crash != nil {
		err = crash
	}
	if err == nil {
		for i := range batch {
			if overtaken := ss[i].Overtaken; overtaken != nil {
				batch[i].meet(overtaken)
			}
		}
	}
	return lost, err
}

// meet makes e what it came to, when a receipt or a cancellation was faster.
func (e *ending) meet(overtaken *store.Standing) {
	st := &e.Settlement
	st.Status, st.Reason, st.Failure, st.Wake = overtaken.Status, overtaken.Reason, overtaken.Failure, true
	e.Canceled = overtaken.Canceled
}

// hopeless reports whether the process ends and nothing in a batch is surely ours any more.
func (r *runner) hopeless(batch []ending) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.draining && !slices.ContainsFunc(batch, func(e ending) bool { return time.Now().Before(e.until) })
}

func (r *runner) letGo(batch []ending) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range batch {
		r.forget(e.job)
	}
}

// forget lets go of a job on its way to the store. The lock is held.
func (r *runner) forget(j *job) {
	if j.called {
		j.lane.open--
	} else {
		j.lane.judged--
	}
	r.release(j)
}

// settled lets go of what was written, and tells everybody who waits for it.
func (r *runner) settled(batch []ending, lost []store.DeliveryRef) {
	r.mu.Lock()
	for _, e := range batch {
		r.forget(e.job)
		r.lookAgain(e)
	}
	for _, l := range r.lanes { // a place among the open ones is free
		if len(l.ready)+len(l.suspects) > 0 {
			r.feed(l.gate)
		}
	}
	r.nudge()
	r.mu.Unlock()
	for _, e := range batch {
		if slices.Contains(lost, e.Settlement.DeliveryRef) {
			r.reportLost(e.job)
			continue
		}
		r.report(e)
	}
}

// lookAgain notes what the claimer must not miss: a wait that ends before the next poll, and peers that were woken. The lock is held.
func (r *runner) lookAgain(e ending) {
	if !e.Status().Settled() {
		if due := r.here(e.Due); due.Before(e.lane.look) {
			e.lane.look = due
		}
	}
	if !e.Wake {
		return
	}
	for _, peer := range e.Group {
		if l := r.byName[store.LaneOf(peer.Channel, e.Message.Class)]; l != nil && peer.Place != e.job.Place {
			l.look = time.Time{}
		}
	}
}

// Status returns what it comes to.
func (e ending) Status() Status { return e.Settlement.Status }

// report tells the host what became of a delivery.
func (r *runner) report(e ending) {
	d := &e.Delivery
	s := &e.Settlement
	d.Status, d.Reason, d.At, d.Due = s.Status, s.Reason, r.now(), s.Due
	d.Attempts, d.Spent, d.Doubt, d.Duplicate, d.Failure = s.Attempts, s.Spent, s.Doubt, s.Duplicate, s.Failure
	d.Lapsed, d.Marked = 0, false
	if s.Attempt != nil && s.Attempt.ProviderID != "" {
		d.ProviderID = s.Attempt.ProviderID
	}
	failure, _ := s.Failure.Err()
	if !s.Status.Settled() {
		r.trace(e.job, e.settlement, TransitionHeld, failure, s.Due.Sub(d.At))
		return
	}
	r.trace(e.job, e.settlement, TransitionSettled, failure, d.At.Sub(d.Message.AcceptedAt))
	r.waiters.tell(d.MessageID)
	if r.onOutcome != nil {
		out := outcomeOf(d)
		out.Reached = r.reaches(e)
		_ = r.guard("OnOutcome", func() { r.onOutcome(out) })
	}
}

// reaches reports whether the recipient counts as told, as far as this process knows: by the group as it was claimed, or, if the
// delivery has none, by the delivery itself.
func (r *runner) reaches(e ending) bool {
	dispatcher := r.dispatchers[e.Message.Dispatcher]
	progress, own := []Progress{{Channel: e.lane.gate.name, To: e.To}}, 0
	if e.Grouped {
		progress, own = slices.Clone(e.Group), e.own()
	}
	p := &progress[own]
	p.Status, p.Reason, p.Attempts, p.At = e.Delivery.Status, e.Delivery.Reason, e.Delivery.Attempts, e.Delivery.At
	reached := false
	return dispatcher != nil && r.consult(e.Message.Dispatcher, func() { reached = dispatcher.Reached(progress) }) && reached
}

func (r *runner) reportLost(j *job) {
	r.log.Warn("lease lost to another process", "delivery", j.ID(), "channel", j.lane.gate.name)
	r.trace(j, settlementOf(j), TransitionLost, nil, 0)
}

// trace tells the host of a step of j, after which it stands as st says.
func (r *runner) trace(j *job, st settlement, event TransitionEvent, e *channel.Error, took time.Duration) {
	if r.onTransition == nil {
		return
	}
	r.tell(Transition{
		Event: event, Delivery: j.ID(), Tenant: j.Message.Tenant, Channel: j.lane.gate.name, Class: Class(j.Message.Class),
		Status: st.Status, Reason: st.Reason, Kind: kindOf(e), Attempts: st.Attempts, Duplicate: st.Duplicate, Took: took,
	})
}
