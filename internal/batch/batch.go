// Package batch merges concurrent calls into fewer calls.
package batch

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"
)

// The errors of [Batcher.Do] when the context ends before the item has a result.
var (
	ErrWithdrawn = errors.New("the item was withdrawn before its call")
	ErrInFlight  = errors.New("the call with the item is in flight")
)

// A CallError is the error of a call, for each item that was in it.
type CallError struct {
	Err error
	At  time.Time // of the return
}

func (e *CallError) Error() string { return e.Err.Error() }
func (e *CallError) Unwrap() error { return e.Err }

// A Batcher merges the items of concurrent callers into few calls. A caller that finds no call in flight makes one at once. The items of the
// others wait, and go together in the next call. All exported fields are required. The methods may be called by many goroutines at once.
type Batcher[T, R any] struct {
	Call func(ctx context.Context, items []T) ([]R, error) // returns a result for each item, in the same order
	Go   func(f func())                                    // runs f on a goroutine of its own
	Size func(item T) int

	MaxItems, MaxSize int           // of a call; an item larger than MaxSize goes alone and at once
	Slow              time.Duration // the duration of a call after which waiting items go in another, concurrent call
	MaxCalls          int           // at a time, without those of larger items

	mu      sync.Mutex
	waiting []*entry[T, R]
	calls   int       // in flight
	begun   time.Time // of the last of them
}

type entry[T, R any] struct {
	item   T
	done   chan struct{} // closed when result or err is set
	result R
	err    error
}

// Do returns the result of item. The error is a [*CallError] if the call failed, and [ErrWithdrawn] or [ErrInFlight] if ctx ended first.
// A call that begins at once has ctx; a call for items that waited has none.
func (b *Batcher[T, R]) Do(ctx context.Context, item T) (r R, err error) {
	e := &entry[T, R]{item: item, done: make(chan struct{})}
	switch {
	case b.Size(item) > b.MaxSize:
		b.call(ctx, []*entry[T, R]{e})
	case b.begin(e):
		b.first(ctx, e)
	default:
		err = b.await(ctx, e)
	}
	if err != nil {
		return r, err
	}
	return e.result, e.err
}

// begin reports whether e is to go at once. Otherwise e waits.
func (b *Batcher[T, R]) begin(e *entry[T, R]) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.calls > 0 && !b.slowLocked() {
		b.waiting = append(b.waiting, e)
		return false
	}
	b.calls++
	b.begun = time.Now()
	return true
}

// slowLocked reports whether items need not wait for the calls in flight.
func (b *Batcher[T, R]) slowLocked() bool {
	return b.calls < b.MaxCalls && time.Since(b.begun) >= b.Slow
}

// beginBeside reports whether waiting items are to go now, beside calls that are slow.
func (b *Batcher[T, R]) beginBeside() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == 0 || !b.slowLocked() {
		return false
	}
	b.calls++
	return true
}

// await returns nil when e has a result. Beside slow calls, await begins another.
func (b *Batcher[T, R]) await(ctx context.Context, e *entry[T, R]) error {
	late := time.NewTicker(b.Slow)
	defer late.Stop()
	for {
		select {
		case <-e.done:
			return nil
		case <-late.C:
			if b.beginBeside() {
				b.pass()
			}
		case <-ctx.Done():
			return b.withdraw(e)
		}
	}
}

// withdraw removes e if e is still waiting, and returns nil if e has a result.
func (b *Batcher[T, R]) withdraw(e *entry[T, R]) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := slices.Index(b.waiting, e); i >= 0 {
		b.waiting = slices.Delete(b.waiting, i, i+1)
		return ErrWithdrawn
	}
	select {
	case <-e.done:
		return nil
	default:
		return ErrInFlight
	}
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
	for count < min(len(b.waiting), b.MaxItems) {
		size += b.Size(b.waiting[count].item)
		if count > 0 && size > b.MaxSize {
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

// pass ends a call. Waiting entries go in further calls, on a goroutine of their own, so that the caller need not stay.
func (b *Batcher[T, R]) pass() {
	batch := b.next()
	if batch == nil {
		return
	}
	b.Go(func() {
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
			err = errors.New("the call must return a result for every item")
		}
		if err != nil {
			err = &CallError{err, time.Now()}
		}
		for i, e := range batch {
			if e.err = err; err == nil {
				e.result = rs[i]
			}
			close(e.done)
		}
	}()
	rs, err = b.Call(ctx, items)
}
