package engine

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
)

// A runner is one Run. The claimer takes due deliveries from the store into lanes; lanes call drivers, each call on a goroutine of its own;
// the settlers write the results; the heartbeat extends the leases. The store is the truth: the runner's own knowledge is only ever a
// reason to ask.
type runner struct {
	*core
	config *Config
	store  *guarded
	base   context.Context // for calls: Run's values, without its end
	began  time.Time
	skew   atomic.Int64  // the store's clock less ours, in nanoseconds
	news   chan struct{} // has one if the claimer should look at the lanes
	calls  atomic.Int64  // jobs that hold a slot

	mu          sync.Mutex // for the fields below, lanes and jobs
	lanes       []*lane    // in the order of their channels, then of their classes
	byName      map[store.Lane]*lane
	jobs        map[*job]struct{} // those that are held
	quarantined bool              // a quarantined job holds a slot
	draining    bool
	idle        chan struct{} // closed when no job is held; not nil once draining

	settling settleQueue
	openers  map[*store.Message]opener // of the last claim's messages, so that each is decoded once; the claimer's alone
}

// An opener decodes the deliveries of one message.
type opener func(*store.Delivery) (channel.Delivery, error)

// A job is a delivery under a lease of ours. A job is held from the claim until the settlement is committed, or the lease is lost.
type job struct {
	store.Leased
	lane        *lane
	open        opener
	until       time.Time               // our clock: the end of the lease unless extended
	called      bool                    // the driver has been called: a possible duplicate until settled
	lost        bool                    // to another process
	quarantined bool                    // may have crashed processes
	unwritable  bool                    // the settlement failed though alone in a batch
	cancel      context.CancelCauseFunc // of the call in flight
	ending      claimOnce               // of the call
	settlement  store.Settlement        // on the way to the store
}

func newRunner(ctx context.Context, e *Engine) *runner {
	r := &runner{
		core:    &e.core,
		config:  &e.config,
		store:   e.store,
		base:    context.WithoutCancel(ctx),
		began:   time.Now(),
		news:    make(chan struct{}, 1),
		byName:  map[store.Lane]*lane{},
		jobs:    map[*job]struct{}{},
		openers: map[*store.Message]opener{},
	}
	r.settling.news = make(chan struct{}, settlers)
	return r
}

// run works until ctx ends, and then until no job is held.
func (r *runner) run(ctx context.Context, beside func(context.Context)) error {
	if err := r.claim(ctx); errors.Is(err, store.ErrUnfit) {
		return err
	}
	var work, keep sync.WaitGroup
	kept, let := context.WithCancel(context.WithoutCancel(ctx))
	keep.Go(func() { r.beat(kept) })
	keep.Go(func() { r.watchLeases(kept) })
	for range settlers {
		keep.Go(func() { r.settleAll(kept) })
	}
	work.Go(func() { beside(ctx) })
	work.Go(func() { r.watchPauses(ctx) })
	work.Go(func() { r.prune(ctx) })
	r.claimAll(ctx)
	r.drain()
	work.Wait()
	let()
	keep.Wait()
	return nil
}

// now is the store's clock.
func (r *runner) now() time.Time { return r.there(time.Now()) }

// here translates a time of the store's clock to ours, and there back, in UTC and microseconds.
func (r *runner) here(t time.Time) time.Time { return t.Add(-time.Duration(r.skew.Load())) }
func (r *runner) there(t time.Time) time.Time {
	return t.Add(time.Duration(r.skew.Load())).UTC().Truncate(time.Microsecond)
}

// wake makes the claimer look into some lanes, or into all.
func (r *runner) wake(names ...store.Lane) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range names {
		if l := r.byName[name]; l != nil {
			l.look = time.Time{}
		}
	}
	if len(names) == 0 {
		for _, l := range r.lanes {
			l.look = time.Time{}
		}
	}
	signal(r.news)
}

// signal puts an element into news, which holds one at most.
func signal(news chan struct{}) {
	select {
	case news <- struct{}{}:
	default:
	}
}

// releaseLocked lets go of j, which is settled or lost.
func (r *runner) releaseLocked(j *job) {
	delete(r.jobs, j)
	if r.draining && len(r.jobs) == 0 {
		close(r.idle)
	}
}

// drain returns uncalled deliveries to the store, and waits until the others are settled.
func (r *runner) drain() {
	r.mu.Lock()
	r.draining, r.idle = true, make(chan struct{})
	if len(r.jobs) == 0 {
		close(r.idle)
	}
	for _, l := range r.lanes {
		if l.timer != nil {
			l.timer.Stop()
		}
		for _, j := range l.emptyLocked() {
			r.postpone(j, j.Status, j.Reason, r.now())
		}
	}
	r.mu.Unlock()
	<-r.idle
}

// pruneChunk is the number of messages that are deleted in one transaction.
const pruneChunk = 500

// prune deletes messages that are older than the retention, once an hour.
func (r *runner) prune(ctx context.Context) {
	if r.config.Retention < 0 {
		return
	}
	for pause := time.Minute; Sleep(ctx, pause, nil); pause = time.Hour {
		for ctx.Err() == nil {
			n, err := r.store.PruneMessages(ctx, r.now().Add(-r.config.Retention), pruneChunk)
			if err != nil && ctx.Err() == nil {
				r.log.Error("cannot prune the message log", "error", err)
			}
			if err != nil || n < pruneChunk {
				break
			}
		}
	}
}
