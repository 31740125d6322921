package email

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/e7ddda3c/notify/channel"
)

// A pool bounds how many connections are in use and keeps those that are not, for a while.
type pool struct {
	slots chan struct{} // one for each connection that may be in use
	idle  time.Duration // how long a connection is kept

	mu      sync.Mutex
	kept    []*conn     // the longest unused first
	reaper  *time.Timer // runs while there is something to reap; nil before that
	closed  bool
	goodbye sync.WaitGroup // connections that are being closed
}

func newPool(size int, idle time.Duration) *pool {
	return &pool{slots: make(chan struct{}, max(size, 1)), idle: idle}
}

// acquire waits until a connection may be used. Whoever acquires, releases.
func (p *pool) acquire(ctx context.Context) error {
	if ctx.Err() != nil {
		return notSent(ctx)
	}
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return notSent(ctx)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		p.release()
		return fail(channel.Temporary, "", "the channel is closed")
	}
	return nil
}

func (p *pool) release() { <-p.slots }

// take returns the connection that was used last, or nil.
func (p *pool) take() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.kept)
	if n == 0 {
		return nil
	}
	cn := p.kept[n-1]
	p.kept = p.kept[:n-1]
	return cn
}

// put keeps cn for the next mail, or closes it if p is closed.
func (p *pool) put(cn *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		cn.cut()
		return
	}
	cn.reused, cn.since = true, time.Now()
	p.kept = append(p.kept, cn)
	if p.reaper == nil {
		p.reaper = time.AfterFunc(p.idle, p.reap)
	} else if len(p.kept) == 1 {
		p.reaper.Reset(p.idle)
	}
}

// reap closes connections that have been unused for long.
func (p *pool) reap() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.kept) > 0 && !p.closed {
		left := p.idle - time.Since(p.kept[0].since)
		if left > 0 {
			p.reaper.Reset(left)
			return
		}
		p.goodbye.Go(p.kept[0].quit)
		p.kept = slices.Delete(p.kept, 0, 1)
	}
}

// close closes the connections that are kept, and waits for that. Those in use are closed as they come back.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	if p.reaper != nil {
		p.reaper.Stop()
	}
	for _, cn := range p.kept {
		p.goodbye.Go(cn.quit)
	}
	p.kept = nil
	p.mu.Unlock()
	p.goodbye.Wait()
}
