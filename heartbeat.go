package notify

import (
	"context"
	"errors"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// extendMost is how many leases are extended in one call of the store.
const extendMost = 1000

var errLeaseLost = errors.New("the lease is lost")

// margin is how much of a lease must be left when a call begins, and when the call is cut short because the lease cannot be
// extended: for its answer to be written before another process takes over.
func (r *runner) margin() time.Duration { return r.options.Lease / 10 }

// beat extends what is held for long, until ctx ends.
func (r *runner) beat(ctx context.Context) {
	wait := r.options.Lease / 3
	for sleep(ctx, wait) {
		wait = r.options.Lease / 3
		if err := r.extend(); err != nil {
			r.log.Error("cannot extend leases", "error", err)
			wait = r.options.Lease / 10
		}
	}
}

// watchLeases ends calls before their leases end, until ctx does: the store may be silent, or say that it has failed.
func (r *runner) watchLeases(ctx context.Context) {
	for sleep(ctx, r.margin()/2) {
		r.cutShort()
	}
}

// extend extends all leases that would run out within two beats.
func (r *runner) extend() error {
	jobs := r.aging()
	for len(jobs) > 0 {
		n := min(len(jobs), extendMost)
		if err := r.extendSome(jobs[:n]); err != nil {
			return err
		}
		jobs = jobs[n:]
	}
	return nil
}

func (r *runner) aging() []*job {
	r.mu.Lock()
	defer r.mu.Unlock()
	var jobs []*job
	for j := range r.jobs {
		if r.draining && j.unwritable {
			continue // or the process would never end
		}
		if !j.lost && time.Until(j.until) < r.options.Lease*2/3+r.margin() {
			jobs = append(jobs, j)
		}
	}
	return jobs
}

func (r *runner) extendSome(jobs []*job) error {
	es := make([]store.Extension, len(jobs))
	held := make(map[store.DeliveryRef]*job, len(jobs))
	for i, j := range jobs {
		es[i].DeliveryRef = j.DeliveryRef
		held[j.DeliveryRef] = j
	}
	ctx, cancel := context.WithTimeout(r.base, min(storeTimeout, r.options.Lease/3))
	defer cancel()
	before := time.Now()
	var lost []store.DeliveryRef
	var err error
	if crash := r.guard("store", func() { lost, err = r.store.ExtendLeases(ctx, es, r.options.Lease) }); crash != nil {
		err = crash
	}
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, ref := range lost {
		if j := held[ref]; j != nil {
			r.lose(j)
			delete(held, ref)
		}
	}
	for _, j := range held {
		j.until = before.Add(r.options.Lease)
	}
	return nil
}

// lose notes that another process has j, and ends its call: that process will make one too. The lock is held.
func (r *runner) lose(j *job) {
	j.lost = true
	if j.cancel != nil {
		j.cancel(errLeaseLost)
	}
}

// cutShort ends the calls whose leases are about to run out.
func (r *runner) cutShort() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for j := range r.jobs {
		if j.cancel != nil && time.Until(j.until) < r.margin() {
			j.cancel(errLeaseLost)
		}
	}
}
