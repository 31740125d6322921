package notify

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// storeTimeout bounds every call of the store.
const storeTimeout = 10 * time.Second

// A runner is one Run. The claimer takes what is due from the store into lanes; lanes call drivers, each call on a goroutine of its
// own; the settlers write what became of it; the heartbeat keeps what is held. The store's word counts: what this process believes is
// only ever a reason to ask.
type runner struct {
	*Notifier
	options Engine
	base    context.Context // for calls: Run's values, without its end
	began   time.Time
	skew    atomic.Int64  // the store's clock less ours, in nanoseconds
	news    chan struct{} // has one if the claimer should look at the lanes
	calls   atomic.Int64  // jobs that hold a slot

	mu        sync.Mutex // for all below, and for lanes and jobs
	lanes     []*lane    // in the order of their gates, then of their classes
	byName    map[store.Lane]*lane
	jobs      map[*job]struct{} // what is held
	suspected bool              // a suspect holds a slot; see judge
	hanging   map[string]int    // calls of dispatchers that hang, by name
	draining  bool
	idle      chan struct{} // closed when nothing is held any more; not nil once draining

	settling settleQueue
	bodies   map[*store.Message]bodyFunc // of the messages of the last claim; the claimer's alone
}

// A bodyFunc decodes the body of a message, the first time it is called: a large one that goes to many is decoded once.
type bodyFunc func() (*sharedBody, error)

// A job is a delivery under a lease of ours. It is held from its claim until its settlement is committed, or it is lost.
type job struct {
	store.Leased
	lane       *lane
	body       bodyFunc
	until      time.Time               // our clock: when the lease runs out if it is not extended
	called     bool                    // the driver has been called: a possible duplicate until it is settled
	lost       bool                    // another process has it
	alone      bool                    // it may have killed processes
	unwritable bool                    // its settlement failed though it stood alone
	cancel     context.CancelCauseFunc // of its call, while it is under way
	turn       turn
}

func newRunner(ctx context.Context, n *Notifier) *runner {
	r := &runner{
		Notifier: n,
		options:  n.options,
		base:     context.WithoutCancel(ctx),
		began:    time.Now(),
		news:     make(chan struct{}, 1),
		byName:   map[store.Lane]*lane{},
		jobs:     map[*job]struct{}{},
		hanging:  map[string]int{},
		bodies:   map[*store.Message]bodyFunc{},
	}
	r.settling.news = make(chan struct{}, settlers)
	return r
}

// now is the store's clock.
func (r *runner) now() time.Time {
	return time.Now().Add(time.Duration(r.skew.Load())).UTC().Truncate(time.Microsecond)
}

// here translates a time of the store's clock to ours.
func (r *runner) here(t time.Time) time.Time { return t.Add(-time.Duration(r.skew.Load())) }

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
	r.nudge()
}

// nudge makes the claimer look at the lanes.
func (r *runner) nudge() {
	select {
	case r.news <- struct{}{}:
	default:
	}
}

// release lets go of j, which is settled or lost. The lock is held.
func (r *runner) release(j *job) {
	delete(r.jobs, j)
	if r.draining && len(r.jobs) == 0 {
		close(r.idle)
	}
}

// drain gives back what has not been begun, and returns when the rest is settled.
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
		for _, j := range l.giveBack() {
			r.postpone(j, j.Status, j.Reason, r.now())
		}
	}
	r.mu.Unlock()
	<-r.idle
}
