package websocket

import (
	"bufio"
	"bytes"
	"net"
	"net/http"
	"time"
)

// A tap is the connection that coder/websocket is given instead of the socket. Reading goes to the socket. Writing goes to the
// outbox, as the hub writes all data itself: what coder/websocket writes is one control frame at a time, the answer to a ping or to
// a close. So nothing that it does can block, and a close frame comes after everything that was queued before it.
type tap struct {
	net.Conn
	out   *outbox
	early []byte // came together with the handshake
	lost  bool   // the socket has failed; only the reading goroutine looks
}

func (t *tap) Read(p []byte) (int, error) {
	if len(t.early) > 0 {
		n := copy(p, t.early)
		t.early = t.early[n:]
		return n, nil
	}
	n, err := t.Conn.Read(p)
	t.lost = t.lost || err != nil
	return n, err
}

// Write queues one control frame. After a close frame it is too late for any other, which is no fault.
func (t *tap) Write(p []byte) (int, error) {
	frame := bytes.Clone(p) // p is a buffer that will be used again
	if frame[0]&0x0f == opClose {
		t.out.seal(closeCode(frame), frame)
	} else {
		t.out.push(frame)
	}
	return len(p), nil
}

// Close ends reading. The socket stays open until the outbox has been written; then the Conn closes it.
func (t *tap) Close() error { return t.SetReadDeadline(time.Unix(1, 0)) }

// A hijacker hands coder/websocket a tap, with buffers that are just large enough for control frames.
type hijacker struct {
	http.ResponseWriter
	c *Conn
}

// canHijack looks for what [http.ResponseController] would hijack.
func canHijack(w http.ResponseWriter) bool {
	for {
		switch t := w.(type) {
		case http.Hijacker:
			return true
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return false
		}
	}
}

// WriteHeaderNow is what gin's writer needs before it is hijacked.
func (h hijacker) WriteHeaderNow() {
	if w, ok := h.ResponseWriter.(interface{ WriteHeaderNow() }); ok {
		w.WriteHeaderNow()
	}
}

func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	sock, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	early, _ := rw.Reader.Peek(rw.Reader.Buffered())
	h.c.out.sock = sock
	h.c.tap = &tap{Conn: sock, out: &h.c.out, early: bytes.Clone(early)}
	return h.c.tap, bufio.NewReadWriter(bufio.NewReaderSize(h.c.tap, 512), bufio.NewWriterSize(h.c.tap, 128)), nil
}
