package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// A tracker counts running work, so that Close can wait. The zero value is open.
type tracker struct {
	mu      sync.Mutex
	running int
	idle    chan struct{} // not nil once closed; itself closed when nothing runs
}

// enter counts one more, unless the tracker is closed.
func (t *tracker) enter() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.idle != nil {
		return false
	}
	t.running++
	return true
}

// adopt counts one more on behalf of one that is running.
func (t *tracker) adopt() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running++
}

func (t *tracker) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running--
	if t.idle != nil && t.running == 0 {
		select {
		case <-t.idle: // a call was adopted after Close
		default:
			close(t.idle)
		}
	}
}

func (t *tracker) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.running
}

// close lets nothing more in and waits until nothing runs. If ctx ends first, it returns ctx's error.
func (t *tracker) close(ctx context.Context) error {
	t.mu.Lock()
	if t.idle == nil {
		t.idle = make(chan struct{})
		if t.running == 0 {
			close(t.idle)
		}
	}
	idle := t.idle
	t.mu.Unlock()
	select {
	case <-idle:
		return nil
	default:
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// EndOf returns the error of a context that has ended, with its cause.
func EndOf(ctx context.Context) error {
	if cause := context.Cause(ctx); !errors.Is(cause, ctx.Err()) {
		return fmt.Errorf("%w: %w", ctx.Err(), cause)
	}
	return ctx.Err()
}

// Sleep waits for d or for news, which may be nil, and reports whether either came before ctx ended.
func Sleep(ctx context.Context, d time.Duration, news <-chan struct{}) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-news:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}
