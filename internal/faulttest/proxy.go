package faulttest

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// A Fault is the failure that a [Proxy] causes for a request.
type Fault int

// The faults.
const (
	Pass      Fault = iota // none
	CutBefore              // the connection is closed before the request reaches the server
	CutAfter               // the server executes the request, but the connection is closed before the reply reaches the client
	Stall                  // the reply is held back until Resume
)

// A Proxy forwards connections from clients to a server. Its methods are safe for concurrent use.
type Proxy struct {
	target   string
	listener net.Listener
	fault    atomic.Pointer[func(request []byte) Fault]

	mu      sync.Mutex
	conns   map[net.Conn]bool
	refuse  bool
	closed  bool
	resumed chan struct{} // closed and replaced by Resume
	working sync.WaitGroup
}

// NewProxy returns a proxy that listens on a free loopback port, until t ends, and forwards to target, a "host:port".
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed when t ends
	if err != nil {
		t.Fatalf("faulttest: %v", err)
	}
	p := &Proxy{target: target, listener: listener, conns: make(map[net.Conn]bool), resumed: make(chan struct{})}
	p.working.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// Addr returns the address of the proxy, as "host:port".
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Break sets f, which the proxy calls from now on for the fault of each request. A request is the bytes of one read from a client,
// usually one statement. f must be safe for concurrent use. With a nil f all requests pass.
func (p *Proxy) Break(f func(request []byte) Fault) {
	if f == nil {
		p.fault.Store(nil)
		return
	}
	p.fault.Store(&f)
}

// Refuse makes the proxy close new connections at once, like a server that is down, or accept them again.
func (p *Proxy) Refuse(refuse bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = refuse
}

// Cut closes all connections.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
}

// Resume releases all stalled replies.
func (p *Proxy) Resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.resumed)
	p.resumed = make(chan struct{})
}

func (p *Proxy) close() {
	p.listener.Close()
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.Cut()
	p.Resume()
	p.working.Wait()
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.working.Go(func() { p.serve(client) })
	}
}

func (p *Proxy) serve(client net.Conn) {
	defer client.Close()
	if !p.enter(client) {
		return
	}
	defer p.leave(client)
	server, err := net.Dial("tcp", p.target) //nolint:noctx // a loopback port answers at once
	if err != nil {
		return
	}
	defer server.Close()
	if !p.enter(server) {
		return
	}
	defer p.leave(server)
	l := &link{p: p, client: client, server: server}
	p.working.Go(l.answer)
	l.ask()
}

// enter registers c for Cut. It returns false if connections are refused.
func (p *Proxy) enter(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuse || p.closed {
		return false
	}
	p.conns[c] = true
	return true
}

func (p *Proxy) leave(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

func (p *Proxy) whenResumed() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		done := make(chan struct{})
		close(done)
		return done
	}
	return p.resumed
}

// A link is one connection through the proxy.
type link struct {
	p              *Proxy
	client, server net.Conn
	pending        atomic.Int32 // the Fault for the next reply
}

// ask forwards requests.
func (l *link) ask() {
	defer l.server.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := l.client.Read(buffer)
		if n > 0 {
			fault := Pass
			if f := l.p.fault.Load(); f != nil {
				fault = (*f)(buffer[:n])
			}
			if fault == CutBefore {
				return
			}
			if fault != Pass { // Pass must not replace a pending fault
				l.pending.Store(int32(fault))
			}
			if _, err := l.server.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// answer forwards replies.
func (l *link) answer() {
	defer l.client.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := l.server.Read(buffer)
		if n > 0 {
			switch Fault(l.pending.Swap(int32(Pass))) {
			case CutAfter:
				_ = l.server.Close()
				return
			case Stall:
				<-l.p.whenResumed()
			}
			if _, err := l.client.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
