package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/e7ddda3c/notify/internal/batch"
	"github.com/e7ddda3c/notify/store"
)

const (
	// batchMessages and batchDeliveries bound one transaction. A message with more deliveries goes alone.
	batchMessages, batchDeliveries = 256, 4000
	// slowCall is the duration of a call for which others do not wait any more, and maxCalls the number of calls at a time.
	slowCall, maxCalls = 100 * time.Millisecond, 16
	// maxRetries is the number of messages of failed calls that are tried again at a time.
	maxRetries = 8
)

// An intake accepts messages. Messages of concurrent callers share transactions.
type intake struct {
	store   *guarded
	batcher *batch.Batcher[store.NewMessage, store.Acceptance]
	retries chan struct{} // holds one for each retry in flight

	mu     sync.Mutex
	down   error     // the last failure of the store for every message
	downAt time.Time // and the time of that failure
}

func newIntake(s *guarded, running *tracker) *intake {
	s = s.within(acceptTimeout)
	return &intake{
		store: s, retries: make(chan struct{}, maxRetries),
		batcher: &batch.Batcher[store.NewMessage, store.Acceptance]{
			Call: s.AcceptMessages, Size: func(m store.NewMessage) int { return len(m.Deliveries) },
			MaxItems: batchMessages, MaxSize: batchDeliveries, Slow: slowCall, MaxCalls: maxCalls,
			Go: func(f func()) {
				running.adopt()
				go func() {
					defer running.leave()
					f()
				}()
			},
		},
	}
}

// Accept stores m. Its error says that nothing was accepted, or that this is not known.
func (e *Engine) Accept(ctx context.Context, m store.NewMessage) (store.Acceptance, error) {
	a, err := e.intake.batcher.Do(ctx, m)
	var failed *batch.CallError
	switch {
	case err == nil:
		return a, nil
	case errors.As(err, &failed):
		return e.intake.again(ctx, m, failed)
	case errors.Is(err, batch.ErrWithdrawn):
		return a, notAccepted(EndOf(ctx))
	}
	return a, unsure(EndOf(ctx))
}

// AcceptIn stores m in a transaction of the host's.
func (e *Engine) AcceptIn(ctx context.Context, tx store.Accepter, m store.NewMessage) (a store.Acceptance, err error) {
	if crash := e.guard.Do("store", func() { a, err = acceptOne(ctx, tx, m) }); crash != nil {
		err = crash
	}
	if err != nil {
		return a, fmt.Errorf("notify: not accepted: %w", err)
	}
	return a, nil
}

func acceptOne(ctx context.Context, s store.Accepter, m store.NewMessage) (a store.Acceptance, err error) {
	as, err := s.AcceptMessages(ctx, []store.NewMessage{m})
	if err == nil && len(as) != 1 {
		err = errors.New("the store did not answer")
	}
	if err != nil {
		return a, err
	}
	return as[0], nil
}

// again tries a message of a failed call once more, alone: another message may have failed the call, or the answer of a commit may have been
// lost. A few are tried at a time. The first to find that the store fails for every message spares the others the wait.
func (in *intake) again(ctx context.Context, m store.NewMessage, f *batch.CallError) (a store.Acceptance, err error) {
	switch {
	case errors.Is(f, store.ErrUnfit):
		return a, notAccepted(f.Err)
	case ctx.Err() != nil:
		return a, unsure(EndOf(ctx))
	}
	select {
	case in.retries <- struct{}{}:
		defer func() { <-in.retries }()
	case <-ctx.Done():
		return a, unsure(EndOf(ctx))
	}
	if err := in.downSince(f.At); err != nil {
		return a, unsure(err)
	}
	a, err = acceptOne(ctx, in.store, m)
	switch {
	case err == nil:
		return a, nil
	case ctx.Err() != nil:
		return a, unsure(EndOf(ctx))
	case errors.Is(err, context.DeadlineExceeded): // a message for which the store does not hang has been accepted meanwhile
		in.isDown(err)
	}
	return in.ascertain(ctx, m.ID, err)
}

// ascertain finds out whether a message is stored that the store has failed to accept.
func (in *intake) ascertain(ctx context.Context, id string, failure error) (a store.Acceptance, err error) {
	page, err := in.store.ListMessages(ctx, store.MessageQuery{Filter: store.Filter{AnyTenant: true, MessageID: id}, Limit: 1})
	switch {
	case err == nil && len(page.Messages) > 0:
		return a, nil
	case ctx.Err() != nil:
		return a, unsure(EndOf(ctx))
	case err == nil:
		return a, notAccepted(failure)
	}
	in.isDown(failure)
	return a, unsure(failure)
}

// isDown notes a failure of the store for every message.
func (in *intake) isDown(err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.down, in.downAt = err, time.Now()
}

// downSince returns the last failure of the store for every message since a time, or nil.
func (in *intake) downSince(t time.Time) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.downAt.Before(t) {
		return nil
	}
	return in.down
}

func notAccepted(err error) error { return fmt.Errorf("notify: nothing was accepted: %w", err) }

// unsure is the error if the result is not known.
func unsure(err error) error {
	return fmt.Errorf("notify: the message may have been accepted; to accept it once, send it again with the same Key: %w", err)
}
