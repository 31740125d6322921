package email

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/e7ddda3c/notify/channel"
)

// A pool limits the connections in use and keeps idle ones for reuse.
type pool struct {
	slots       chan struct{} // one for each connection in use
	idleTimeout time.Duration

	mu     sync.Mutex
	idle   []*conn     // the longest idle first
	reaper *time.Timer // calls reap; nil until a connection was idle
	closed bool
	quits  sync.WaitGroup // calls of quit in progress
}

func newPool(size int, idleTimeout time.Duration) *pool {
	return &pool{slots: make(chan struct{}, max(size, 1)), idleTimeout: idleTimeout}
}

// acquire waits for a slot. After a nil error, the caller must call release.
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

// take removes and returns the connection that was used last, or returns nil.
func (p *pool) take() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	cn := p.idle[n-1]
	p.idle = p.idle[:n-1]
	return cn
}

// put adds cn to the idle connections. If p is closed, put closes cn.
func (p *pool) put(cn *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		cn.abort()
		return
	}
	cn.reused, cn.idleSince = true, time.Now()
	p.idle = append(p.idle, cn)
	if p.reaper == nil {
		p.reaper = time.AfterFunc(p.idleTimeout, p.reap)
	} else if len(p.idle) == 1 {
		p.reaper.Reset(p.idleTimeout)
	}
}

// reap closes the connections that have been idle for idleTimeout.
func (p *pool) reap() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.idle) > 0 && !p.closed {
		left := p.idleTimeout - time.Since(p.idle[0].idleSince)
		if left > 0 {
			p.reaper.Reset(left)
			return
		}
		p.quits.Go(p.idle[0].quit)
		p.idle = slices.Delete(p.idle, 0, 1)
	}
}

// close closes the idle connections and waits until they are closed. Connections in use are closed when they come back.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	if p.reaper != nil {
		p.reaper.Stop()
	}
	for _, cn := range p.idle {
		p.quits.Go(cn.quit)
	}
	p.idle = nil
	p.mu.Unlock()
	p.quits.Wait()
}
