package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// extendMost is the number of leases that are extended in one call of the store.
const extendMost = 1000

var errLeaseLost = errors.New("the lease is lost")

// margin is the part of a lease that must be left when a call begins, and at which a call is cut short because its lease cannot be
// extended: its answer is to be written before another process takes over.
func (r *runner) margin() time.Duration { return r.config.Lease / 10 }

// beat extends leases until ctx ends.
func (r *runner) beat(ctx context.Context) {
	wait := r.config.Lease / 3
	for Sleep(ctx, wait, nil) {
		wait = r.config.Lease / 3
		if err := r.extend(); err != nil {
			r.log.Error("cannot extend leases", "error", err)
			wait = r.config.Lease / 10
		}
	}
}

// watchLeases ends calls before their leases lapse, until ctx ends: the store may be silent, or fail.
func (r *runner) watchLeases(ctx context.Context) {
	for Sleep(ctx, r.margin()/2, nil) {
		r.mu.Lock()
		for j := range r.jobs {
			if j.cancel != nil && time.Until(j.until) < r.margin() {
				j.cancel(errLeaseLost)
			}
		}
		r.mu.Unlock()
	}
}

// extend extends all leases that would lapse within two beats.
func (r *runner) extend() error {
	for jobs := range slices.Chunk(r.aging(), extendMost) {
		if err := r.extendSome(jobs); err != nil {
			return err
		}
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
		if !j.lost && time.Until(j.until) < r.config.Lease*2/3+r.margin() {
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
	ctx, cancel := context.WithTimeout(r.base, r.config.Lease/3)
	defer cancel()
	before := time.Now()
	lost, err := r.store.ExtendLeases(ctx, es, r.config.Lease)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, ref := range lost {
		if j := held[ref]; j != nil {
			delete(held, ref)
			j.lost = true
			if j.cancel != nil { // the other process will make a call too
				j.cancel(errLeaseLost)
			}
		}
	}
	for _, j := range held {
		j.until = before.Add(r.config.Lease)
	}
	return nil
}
