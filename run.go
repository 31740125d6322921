package notify

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// errRunning says that a Notifier runs already. A second Run would only share its slots.
var errRunning = errors.New("notify: Run is under way already")

// Run sends what is due in the store, and keeps its schedules and its retention, until ctx ends or the Notifier is closed. Any number
// of processes may run on one store. Then it claims nothing more, gives back what it has not begun, lets calls under way come to
// their end, and returns nil. It returns an error at once if there is no store, if the store is unfit, or if n runs already or is
// closed; other failures of the store are logged and tried again.
func (n *Notifier) Run(ctx context.Context) error {
	if n.store == nil {
		return fault("store", ErrNeedsStore)
	}
	if !n.running.enter() {
		return ErrClosed
	}
	defer n.running.leave()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	r := newRunner(ctx, n)
	if err := n.engine.start(r, stop); err != nil {
		return err
	}
	defer n.engine.ended()
	r.addLanes() // not before the channels are this Run's
	return r.run(ctx)
}

// Wake makes [Notifier.Run], if it is under way in this process, look into the store at once: call it after the commit of a
// transaction that messages were sent in. Without it they are found at the next poll.
func (n *Notifier) Wake() { n.wake() }

// wake makes Run look into some lanes at once, or into all.
func (n *Notifier) wake(lanes ...store.Lane) {
	if r := n.engine.runner(); r != nil {
		r.wake(lanes...)
	}
}

// An engineState is what a Notifier knows of its own Run.
type engineState struct {
	mu      sync.Mutex
	current *runner
	stop    context.CancelFunc
	closed  bool
}

func (e *engineState) start(r *runner, stop context.CancelFunc) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.closed:
		return ErrClosed
	case e.current != nil:
		return errRunning
	}
	e.current, e.stop = r, stop
	return nil
}

func (e *engineState) ended() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.current, e.stop = nil, nil
}

func (e *engineState) runner() *runner {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.current
}

// close ends Run, and lets it not begin again.
func (e *engineState) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	if e.stop != nil {
		e.stop()
	}
}

// run works until ctx ends, and then until nothing is held any more.
func (r *runner) run(ctx context.Context) error {
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
	work.Go(func() { r.runSchedules(ctx) })
	work.Go(func() { r.watchPauses(ctx) })
	work.Go(func() { r.prune(ctx) })
	r.claimAll(ctx)
	r.drain()
	work.Wait()
	let()
	keep.Wait()
	return nil
}

// pruneChunk is how many messages are deleted in one transaction.
const pruneChunk = 500

// prune deletes what is older than the retention, once an hour.
func (r *runner) prune(ctx context.Context) {
	if r.options.Retention < 0 {
		return
	}
	for pause := time.Minute; sleep(ctx, pause); pause = time.Hour {
		for ctx.Err() == nil {
			n, err := r.pruneSome(ctx)
			if err != nil && ctx.Err() == nil {
				r.log.Error("cannot prune the message log", "error", err)
			}
			if err != nil || n < pruneChunk {
				break
			}
		}
	}
}

func (r *runner) pruneSome(ctx context.Context) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if crash := r.guard("store", func() {
		n, err = r.store.PruneMessages(ctx, r.now().Add(-r.options.Retention), pruneChunk)
	}); crash != nil {
		err = crash
	}
	return n, err
}

// sleep reports whether d passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool { return doze(ctx, d, nil) }

// doze waits for d or for news, and reports whether either came before ctx ended.
func doze(ctx context.Context, d time.Duration, news <-chan struct{}) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-news:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}
