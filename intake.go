package notify

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/e7ddda3c/notify/store"
)

const (
	// acceptTimeout bounds every call that accepts messages, unless the host's ctx ends before.
	acceptTimeout = 15 * time.Second
	// batchMessages and batchDeliveries bound what goes into one transaction. A message with more deliveries goes alone.
	batchMessages, batchDeliveries = 256, 4000
	// slowCall is from when others do not wait any more for a call that is under way, and maxCalls how many of those there may be.
	slowCall, maxCalls = 100 * time.Millisecond, 16
	// maxRetries is how many messages of failed calls may be tried again at a time.
	maxRetries = 8
)

// An intake merges what many callers accept at the same time into few transactions. Who comes while no call of the store is under
// way makes one at once; who comes meanwhile waits, and goes with all others that wait, in the next one, or beside those that are slow.
type intake struct {
	mu      sync.Mutex
	waiting []*entry
	calls   int       // under way
	begun   time.Time // when the last of them began
	down    error     // how the store failed everybody
	downAt  time.Time // when it did last

	retries chan struct{} // holds one for each retry under way
}

// An entry is a message that waits to be accepted.
type entry struct {
	message store.NewMessage
	done    chan struct{} // closed when answer or failed is set
	answer  store.Acceptance
	failed  *failedCall
}

// A failedCall is shared by the messages that went in it.
type failedCall struct {
	err error
	at  time.Time
}

// giveStore accepts m together with what other callers accept at the same time.
func (n *Notifier) giveStore(ctx context.Context, m store.NewMessage, late error) (store.Acceptance, error) {
	if err := n.checkLate(ctx, &m.Message, late); err != nil {
		return store.Acceptance{}, err
	}
	e := &entry{message: m, done: make(chan struct{})}
	if n.intake.begin(e) {
		n.acceptFirst(ctx, e)
	} else if err := n.await(ctx, e); err != nil {
		return store.Acceptance{}, err
	}
	if e.failed != nil {
		return n.again(ctx, m, e.failed)
	}
	return e.answer, nil
}

// await returns when e was in a call, or ctx's error. If the calls under way are slow, it sees to it that there is another.
func (n *Notifier) await(ctx context.Context, e *entry) error {
	late := time.NewTicker(slowCall)
	defer late.Stop()
	for waits := true; waits; {
		select {
		case <-e.done:
			return nil
		case <-late.C:
			if n.intake.beginLate() {
				n.passOn()
			}
		case <-ctx.Done():
			waits = false
		}
	}
	if n.intake.withdraw(e) {
		return ended(ctx)
	}
	select {
	case <-e.done: // at the last moment
		return nil
	default:
		return unsure(endOf(ctx))
	}
}

// begin reports whether e is to go at once; else it waits.
func (in *intake) begin(e *entry) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.calls > 0 && !in.slow() && len(e.message.Deliveries) <= batchDeliveries {
		in.waiting = append(in.waiting, e)
		return false
	}
	in.calls++
	in.begun = time.Now()
	return true
}

// beginLate reports whether what waits is to go now, beside calls that are slow.
func (in *intake) beginLate() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.waiting) == 0 || !in.slow() {
		return false
	}
	in.calls++
	return true
}

// slow reports whether others need not wait for the calls under way. The lock is held.
func (in *intake) slow() bool { return in.calls < maxCalls && time.Since(in.begun) >= slowCall }

// withdraw reports whether e still waited, and takes it away.
func (in *intake) withdraw(e *entry) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	i := slices.Index(in.waiting, e)
	if i < 0 {
		return false
	}
	in.waiting = slices.Delete(in.waiting, i, i+1)
	return true
}

// next returns what goes in the next call, or nil, and then the caller's turn is over.
func (in *intake) next() []*entry {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.waiting) == 0 {
		in.calls--
		return nil
	}
	count, deliveries := 0, 0
	for count < min(len(in.waiting), batchMessages) {
		deliveries += len(in.waiting[count].message.Deliveries)
		if count > 0 && deliveries > batchDeliveries {
			break
		}
		count++
	}
	batch := slices.Clone(in.waiting[:count])
	in.waiting = slices.Delete(in.waiting, 0, count)
	in.begun = time.Now()
	return batch
}

// acceptFirst accepts a message at once, and passes the turn on, even if the store ends this goroutine.
func (n *Notifier) acceptFirst(ctx context.Context, e *entry) {
	defer n.passOn()
	n.acceptAll(ctx, []*entry{e})
}

// passOn ends a turn: what waits meanwhile is accepted on a goroutine of its own, which Close waits for, so that the caller need not
// stay.
func (n *Notifier) passOn() {
	batch := n.intake.next()
	if batch == nil {
		return
	}
	n.running.adopt()
	go func() {
		defer n.running.leave()
		defer func() {
			if batch != nil { // the store ends this goroutine
				n.passOn()
			}
		}()
		for ; batch != nil; batch = n.intake.next() {
			n.acceptAll(context.Background(), batch)
			runtime.Gosched() // lets those that were just answered bring their next message
		}
	}()
}

// acceptAll makes one call for all of batch.
func (n *Notifier) acceptAll(ctx context.Context, batch []*entry) {
	ms := make([]store.NewMessage, len(batch))
	for i, e := range batch {
		ms[i] = e.message
	}
	ctx, cancel := context.WithTimeout(ctx, acceptTimeout)
	defer cancel()
	as, err := []store.Acceptance(nil), errors.New("the store ended the goroutine that called it")
	defer func() { answerAll(batch, as, err) }()
	as, err = n.acceptIn(ctx, n.store, ms)
}

func answerAll(batch []*entry, as []store.Acceptance, err error) {
	var failed *failedCall
	if err != nil {
		failed = &failedCall{err, time.Now()}
	}
	for i, e := range batch {
		if e.failed = failed; err == nil {
			e.answer = as[i]
		}
		close(e.done)
	}
}

// acceptIn calls a store, and turns a panic, or a wrong number of answers, into an error.
func (n *Notifier) acceptIn(ctx context.Context, a store.Accepter, ms []store.NewMessage) (as []store.Acceptance, err error) {
	returned := false
	defer func() {
		if !returned {
			err = fmt.Errorf("the store %w", n.crashed("store", recover()).Err)
		}
	}()
	as, err = a.AcceptMessages(ctx, ms)
	returned = true
	if err == nil && len(as) != len(ms) {
		err = errors.New("the store did not answer for every message")
	}
	return as, err
}

// again tries a message of a failed call once more, alone: a strange message must not fail it, and the answer of a commit may have been
// lost. Each caller does this for itself, a few at a time; the first to find that the store fails everybody spares the others the
// wait.
func (n *Notifier) again(ctx context.Context, m store.NewMessage, f *failedCall) (store.Acceptance, error) {
	switch {
	case errors.Is(f.err, store.ErrUnfit):
		return store.Acceptance{}, fmt.Errorf("notify: nothing was accepted: %w", f.err)
	case ctx.Err() != nil:
		return store.Acceptance{}, unsure(endOf(ctx))
	}
	select {
	case n.intake.retries <- struct{}{}:
		defer func() { <-n.intake.retries }()
	case <-ctx.Done():
		return store.Acceptance{}, unsure(endOf(ctx))
	}
	if err := n.intake.downSince(f.at); err != nil {
		return store.Acceptance{}, unsure(err)
	}
	e := &entry{message: m, done: make(chan struct{})}
	n.acceptAll(ctx, []*entry{e})
	switch {
	case e.failed == nil:
		return e.answer, nil
	case ctx.Err() != nil:
		return store.Acceptance{}, unsure(endOf(ctx))
	case errors.Is(e.failed.err, context.DeadlineExceeded): // whoever it does not hang for has been accepted meanwhile
		n.intake.isDown(e.failed.err)
	}
	return n.ascertain(ctx, m.ID, e.failed.err)
}

// ascertain finds out what became of a message that the store has failed to accept.
func (n *Notifier) ascertain(ctx context.Context, id string, failure error) (store.Acceptance, error) {
	look, cancel := context.WithTimeout(ctx, acceptTimeout)
	defer cancel()
	_, err := n.find(look, id)
	switch {
	case err == nil:
		return store.Acceptance{}, nil
	case ctx.Err() != nil:
		return store.Acceptance{}, unsure(endOf(ctx))
	case errors.Is(err, ErrNotFound):
		return store.Acceptance{}, fmt.Errorf("notify: nothing was accepted: %w", failure)
	}
	n.intake.isDown(failure)
	return store.Acceptance{}, unsure(failure)
}

// isDown notes that the store has just failed as it fails everybody.
func (in *intake) isDown(err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.down, in.downAt = err, time.Now()
}

// downSince returns how the store failed everybody since a time, or nil.
func (in *intake) downSince(t time.Time) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.downAt.Before(t) {
		return nil
	}
	return in.down
}

// unsure is for when nobody can tell.
func unsure(err error) error {
	return fmt.Errorf("notify: the message may have been accepted; sent again with the same Key, it is accepted once: %w", err)
}
