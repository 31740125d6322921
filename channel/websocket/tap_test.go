package websocket_test

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	coder "github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel/websocket"
)

// The hub relies on coder/websocket to use the connection and the buffers from Hijack, and to write one whole control frame at a
// time. Anything else would split the hub's data frames.
func TestCoderWritesOneControlFrameAtATime(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	writes := make(chan []byte, 10)
	done := make(chan error, 1)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := coder.Accept(recorder{w, writes}, r, nil)
		if err == nil {
			_, _, err = c.Read(context.Background())
		}
		done <- err
	})}
	go server.Serve(l)
	defer server.Close()

	conn, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.Write(handshake("ann"))
	require.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil) //nolint:bodyclose // it has none
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, resp.StatusCode)
	require.Empty(t, writes, "the answer to the handshake goes another way")

	for _, size := range []int{0, 1, 124, 125} {
		body := strings.Repeat("p", size)
		_, err := conn.Write(masked(0x9, body))
		require.NoError(t, err)
		require.Equal(t, string([]byte{0x8a, byte(size)})+body, string(<-writes))
	}
	_, err = conn.Write(masked(0x8, "\x0f\xa0"+strings.Repeat("r", 123)))
	require.NoError(t, err)
	require.Equal(t, "\x88\x7d\x0f\xa0"+strings.Repeat("r", 123), string(<-writes))
	require.Equal(t, coder.StatusCode(4000), coder.CloseStatus(<-done))
	require.Empty(t, writes)
}

// A recorder is hijacked like the hub's own ResponseWriter, and records all writes.
type recorder struct {
	http.ResponseWriter
	writes chan []byte
}

func (r recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	sock, rw, err := http.NewResponseController(r.ResponseWriter).Hijack()
	conn := recorded{sock, r.writes}
	return conn, bufio.NewReadWriter(rw.Reader, bufio.NewWriterSize(conn, 128)), err
}

type recorded struct {
	net.Conn
	writes chan []byte
}

func (r recorded) Write(b []byte) (int, error) {
	r.writes <- bytes.Clone(b)
	return len(b), nil
}

func TestPongsNeverSplitData(t *testing.T) {
	const pings = 500
	h := start(t, nil)
	c := h.raw(t, "ann")
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		for range pings {
			_, _ = c.Write(masked(0x9, "ping"))
			_, _ = h.Push(t.Context(), websocket.Everyone(), websocket.Text(strings.Repeat("x", 1000)))
		}
	})
	counts := map[byte]int{}
	for range 2 * pings {
		op, body, err := c.frame()
		require.NoError(t, err)
		require.Len(t, body, map[byte]int{0x8a: 4, 0x81: 1000}[op])
		counts[op]++
	}
	require.Equal(t, map[byte]int{0x8a: pings, 0x81: pings}, counts)
}
