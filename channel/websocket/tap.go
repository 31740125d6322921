package websocket

import (
	"bufio"
	"bytes"
	"net"
	"net/http"
	"time"
)

// A tap is the connection that coder/websocket uses instead of the socket. Reads go to the socket, writes to the outbox. The hub
// writes all data itself, so coder/websocket only writes control frames, one at a time: the answers to pings and closes. It
// therefore never blocks on a write, and a close frame follows everything that was queued before.
type tap struct {
	net.Conn
	out   *outbox
	early []byte // bytes that arrived together with the handshake
	lost  bool   // the socket has failed; used by the reading goroutine only
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

// Write queues one control frame. After a close frame all others are dropped, which is not an error.
func (t *tap) Write(p []byte) (int, error) {
	frame := bytes.Clone(p) // coder/websocket reuses p
	if frame[0]&0x0f == opClose {
		t.out.seal(closeCode(frame), frame)
	} else {
		t.out.push(frame)
	}
	return len(p), nil
}

// Close ends reading. The socket stays open: the Conn closes it after the outbox has been written.
func (t *tap) Close() error { return t.SetReadDeadline(time.Unix(1, 0)) }

// A hijacker gives coder/websocket a tap, with buffers just large enough for control frames.
type hijacker struct {
	http.ResponseWriter
	c *Conn
}

// canHijack reports whether [http.ResponseController] can hijack w.
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

// WriteHeaderNow is called by coder/websocket, because gin's writer must write the header before it is hijacked.
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
