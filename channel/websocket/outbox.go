package websocket

import (
	"errors"
	"net"
	"os"
	"runtime"
	"sync"
	"time"
)

// An outbox is the queue of frames for one client. While it is not empty, one goroutine writes the frames in order.
type outbox struct {
	sock   net.Conn
	limit  int
	writer sync.WaitGroup

	mu      sync.Mutex
	state   state
	code    int // the close code
	frames  net.Buffers
	bytes   int // the cost of frames and of the batch being written
	writing bool
	reply   *time.Timer // cuts the connection if the client does not answer the close frame
}

type state uint8

const (
	open    state = iota
	closing       // a close frame is the last frame in the queue
	gone          // the socket is closed
)

// cost returns the size that a frame counts as: its bytes, and its slot in the list.
func cost(frame []byte) int { return len(frame) + 24 }

// push queues a frame and reports whether it was taken. If the queue is half full, push yields the processor, so that a loop of
// pushes does not overflow the queue before the writer is scheduled.
func (o *outbox) push(frame []byte) bool {
	taken, room := o.offer(frame)
	if room < o.limit/2 {
		runtime.Gosched()
	}
	return taken
}

// offer queues a frame. It reports whether the queue took the frame, and the room that is left. If the queue is full, offer
// replaces the queued frames by a close frame with [CloseSlow].
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

// seal queues a close frame as the last frame. Only the first call has an effect.
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

// write writes until the queue is empty.
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

// send writes a batch. A frame larger than writeSize is written in pieces, each with its own deadline.
func (o *outbox) send(batch net.Buffers) error {
	for len(batch) > 0 {
		piece := batch
		if first := batch[0]; len(first) > writeSize { // next puts no other frame into its batch
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

// next gives back the cost of the batch that was written, and returns the next batch with its cost. After the close frame has been
// written, the client has closeTimeout to answer.
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

// cut closes the socket at once. The code counts unless a close frame was queued before.
func (o *outbox) cut(code int) {
	if o.abandon(code) {
		_ = o.sock.Close() // not under the lock: closing a TLS connection writes, and may block
	}
}

// abandon drops the queue and reports whether the caller must close the socket.
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

// closed reports whether a close frame has been queued or the socket has been closed.
func (o *outbox) closed() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.state != open
}

// why returns the code that the connection closed with.
func (o *outbox) why() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.code
}
