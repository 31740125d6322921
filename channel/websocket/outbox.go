package websocket

import (
	"errors"
	"net"
	"os"
	"runtime"
	"sync"
	"time"
)

// An outbox is what waits for one client. While something waits, one goroutine writes it, in order.
type outbox struct {
	sock   net.Conn
	limit  int
	writer sync.WaitGroup

	mu      sync.Mutex
	state   state
	code    int // why it closed
	frames  net.Buffers
	bytes   int // the cost of frames and of what is being written
	writing bool
	reply   *time.Timer // ends the wait for the client's own close frame
}

type state uint8

const (
	open    state = iota
	closing       // a close frame is the last that is queued
	gone          // the socket is closed
)

// cost is what a frame counts in a queue: its bytes, and its place in the list.
func cost(frame []byte) int { return len(frame) + 24 }

// push queues a frame, and reports whether it was taken. When the queue is half full the writer may go first: who pushes in a loop
// must not outrun it only because it has not been scheduled.
func (o *outbox) push(frame []byte) bool {
	taken, room := o.offer(frame)
	if room < o.limit/2 {
		runtime.Gosched()
	}
	return taken
}

// offer queues a frame if the client is not too slow for it. If it is, all that waits makes room for the close frame that says so.
func (o *outbox) offer(frame []byte) (taken bool, room int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.state != open {
		return false, o.limit
	}
	if o.bytes+cost(frame) > o.limit {
		for _, f := range o.frames {
			o.bytes -= cost(f)
		}
		o.frames = nil
		o.last(CloseSlow, closeFrame(CloseSlow, "too slow"))
		return false, o.limit
	}
	o.add(frame)
	return true, o.limit - o.bytes
}

// seal queues a close frame as the last of all. Only the first counts.
func (o *outbox) seal(code int, frame []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.state == open {
		o.last(code, frame)
	}
}

func (o *outbox) last(code int, frame []byte) {
	o.state, o.code = closing, code
	o.add(frame)
}

func (o *outbox) add(frame []byte) {
	o.frames = append(o.frames, frame)
	o.bytes += cost(frame)
	if !o.writing {
		o.writing = true
		o.writer.Go(o.write)
	}
}

// write writes until nothing waits.
func (o *outbox) write() {
	for batch, size := o.next(0); size > 0; batch, size = o.next(size) {
		if err := o.send(batch); err != nil {
			code := closeLost
			if errors.Is(err, os.ErrDeadlineExceeded) {
				code = CloseSlow
			}
			o.cut(code)
			return
		}
	}
}

// send writes what next took. A frame that is larger than one write goes in pieces, each with its own time.
func (o *outbox) send(batch net.Buffers) error {
	for len(batch) > 0 {
		piece := batch
		if first := batch[0]; len(first) > writeSize { // and so the only one
			piece, batch[0] = net.Buffers{first[:writeSize]}, first[writeSize:]
		} else {
			batch = nil
		}
		_ = o.sock.SetWriteDeadline(time.Now().Add(writeTimeout)) // if this fails, so does the write
		if _, err := piece.WriteTo(o.sock); err != nil {
			return err
		}
	}
	return nil
}

// next takes what goes into one write, and its cost. Before, it gives back the cost of what has been written. When the close frame
// has been written too, the client has closeTimeout to answer it.
func (o *outbox) next(written int) (batch net.Buffers, size int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bytes -= written
	n := 0
	for n < len(o.frames) && (n == 0 || size+cost(o.frames[n]) <= writeSize) {
		size += cost(o.frames[n])
		n++
	}
	batch, o.frames = o.frames[:n:n], o.frames[n:]
	if n > 0 {
		return batch, size
	}
	o.frames, o.writing = nil, false
	if o.state == closing {
		o.reply = time.AfterFunc(closeTimeout, func() { o.cut(closeLost) })
	}
	return nil, 0
}

// cut closes the socket at once. The code counts if no close frame was queued before.
func (o *outbox) cut(code int) {
	if o.abandon(code) {
		_ = o.sock.Close() // not under the lock: over TLS it writes, and may block
	}
}

// abandon drops what waits, and reports whether the socket is still to be closed.
func (o *outbox) abandon(code int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.state == gone {
		return false
	}
	if o.state == open {
		o.code = code
	}
	if o.reply != nil {
		o.reply.Stop()
	}
	o.state, o.frames = gone, nil
	return true
}

// closed reports whether a close frame has been queued, or the socket closed.
func (o *outbox) closed() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.state != open
}

// why is the code that the connection closed with.
func (o *outbox) why() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.code
}
