// Package batch merges concurrent calls into few.
package batch

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"
)

// The errors of [Batcher.Do] when its context ends before the item has a result.
var (
	ErrWithdrawn = errors.New("the item was in no call")
	ErrInFlight  = errors.New("the call with the item has not returned")
)

// A CallError is the error of a call, for each item that was in it.
type CallError struct {
	Err error
	At  time.Time // of the return
}

// Error returns the cause.
func (e *CallError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *CallError) Unwrap() error { return e.Err }

// Config is the configuration of a [Batcher]. All fields are required.
type Config[T, R any] struct {
	// Call returns a result for each item, in the same order.
	Call func(ctx context.Context, items []T) ([]R, error)
	// Size returns the share of an item in MaxSize.
	Size func(item T) int
	// MaxItems and MaxSize bound a call. An item larger than MaxSize goes alone and at once.
	MaxItems, MaxSize int
	// Slow is the duration of a call from which on waiting items go in another call beside it, up to MaxCalls at a time.
	Slow     time.Duration
	MaxCalls int
	// Go runs f on a goroutine of its own.
	Go func(f func())
}

// A Batcher merges the items of concurrent callers into few calls. A caller that finds no call in flight makes one at once. The items of the
// others wait, and go together in the next call. Its methods may be called by many goroutines at once.
type Batcher[T, R any] struct {
	config Config[T, R]

	mu      sync.Mutex
	waiting []*entry[T, R]
	calls   int       // in flight
	begun   time.Time // of the last of them
}

// An entry is an item that waits for its result.
type entry[T, R any] struct {
	item   T
	done   chan struct{} // closed when result or failed is set
	result R
	failed *CallError
}

// New returns a Batcher.
func New[T, R any](c Config[T, R]) *Batcher[T, R] { return &Batcher[T, R]{config: c} }

// Do returns the result of item. Its error is a [*CallError] if the call failed, and [ErrWithdrawn] or [ErrInFlight] if ctx ended first.
// A call for this item alone has ctx, one for several has none.
func (b *Batcher[T, R]) Do(ctx context.Context, item T) (r R, err error) {
	e := &entry[T, R]{item: item, done: make(chan struct{})}
	if b.begin(e) {
		b.first(ctx, e)
	} else if err := b.await(ctx, e); err != nil {
		return r, err
	}
	return e.answer()
}

// Alone makes a call for item only, beside all others. Its error is a [*CallError].
func (b *Batcher[T, R]) Alone(ctx context.Context, item T) (R, error) {
	e := &entry[T, R]{item: item, done: make(chan struct{})}
	b.call(ctx, []*entry[T, R]{e})
	return e.answer()
}

func (e *entry[T, R]) answer() (R, error) {
	if e.failed != nil {
		return e.result, e.failed
	}
	return e.result, nil
}

// begin reports whether e is to go at once. If not, it waits.
func (b *Batcher[T, R]) begin(e *entry[T, R]) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.calls > 0 && !b.slow() && b.config.Size(e.item) <= b.config.MaxSize {
		b.waiting = append(b.waiting, e)
		return false
	}
	b.calls++
	b.begun = time.Now()
	return true
}

// slow reports whether items need not wait for the calls in flight. The lock is held.
func (b *Batcher[T, R]) slow() bool {
	return b.calls < b.config.MaxCalls && time.Since(b.begun) >= b.config.Slow
}

// beginBeside reports whether waiting items are to go now, beside calls that are slow.
func (b *Batcher[T, R]) beginBeside() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == 0 || !b.slow() {
		return false
	}
	b.calls++
	return true
}

// await returns nil when e has its result. If the calls in flight are slow, it begins another.
func (b *Batcher[T, R]) await(ctx context.Context, e *entry[T, R]) error {
	late := time.NewTicker(b.config.Slow)
	defer late.Stop()
	for waits := true; waits; {
		select {
		case <-e.done:
			return nil
		case <-late.C:
			if b.beginBeside() {
				b.pass()
			}
		case <-ctx.Done():
			waits = false
		}
	}
	if b.withdraw(e) {
		return ErrWithdrawn
	}
	select {
	case <-e.done: // at the last moment
		return nil
	default:
		return ErrInFlight
	}
}

// withdraw reports whether e was still waiting, and removes it.
func (b *Batcher[T, R]) withdraw(e *entry[T, R]) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.Index(b.waiting, e)
	if i < 0 {
		return false
	}
	b.waiting = slices.Delete(b.waiting, i, i+1)
	return true
}

// next returns the entries of the next call. If there are none, the caller's call is over.
func (b *Batcher[T, R]) next() []*entry[T, R] {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == 0 {
		b.calls--
		return nil
	}
	count, size := 0, 0
	for count < min(len(b.waiting), b.config.MaxItems) {
		size += b.config.Size(b.waiting[count].item)
		if count > 0 && size > b.config.MaxSize {
			break
		}
		count++
	}
	batch := slices.Clone(b.waiting[:count])
	b.waiting = slices.Delete(b.waiting, 0, count)
	b.begun = time.Now()
	return batch
}

// first makes the call of an entry that found none in flight, and passes on even if Call ends this goroutine.
func (b *Batcher[T, R]) first(ctx context.Context, e *entry[T, R]) {
	defer b.pass()
	b.call(ctx, []*entry[T, R]{e})
}

// pass ends a call. The entries that wait go in further calls, on a goroutine of their own, so that the caller need not stay.
func (b *Batcher[T, R]) pass() {
	batch := b.next()
	if batch == nil {
		return
	}
	b.config.Go(func() {
		defer func() {
			if batch != nil { // Call has ended this goroutine
				b.pass()
			}
		}()
		for ; batch != nil; batch = b.next() {
			b.call(context.Background(), batch)
			runtime.Gosched() // the callers that were just answered may bring their next item
		}
	})
}

// call makes one call for all of batch.
func (b *Batcher[T, R]) call(ctx context.Context, batch []*entry[T, R]) {
	items := make([]T, len(batch))
	for i, e := range batch {
		items[i] = e.item
	}
	rs, err := []R(nil), errors.New("the call ended its goroutine")
	defer func() {
		if err == nil && len(rs) != len(batch) {
			err = errors.New("the call did not answer for every item")
		}
		var failed *CallError
		if err != nil {
			failed = &CallError{err, time.Now()}
		}
		for i, e := range batch {
			if e.failed = failed; failed == nil {
				e.result = rs[i]
			}
			close(e.done)
		}
	}()
	rs, err = b.config.Call(ctx, items)
}
