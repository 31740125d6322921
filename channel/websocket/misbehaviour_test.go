package websocket_test

import (
	"context"
	"net"
	"strings"
	"testing"

	coder "github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel/websocket"
)

func TestBadFrames(t *testing.T) {
	h := start(t, &websocket.Options{
		ReadLimit: 1000, MaxPerUser: 100,
		OnMessage: func(_ context.Context, c *websocket.Conn, m websocket.Incoming) { _ = c.Push(websocket.Bytes(m.Data)) },
	})
	part := func(frame []byte) string { frame[0] &^= 0x80; return string(frame) } // not the last of its message
	whole := func(op byte, body string) string { return string(masked(op, body)) }
	tests := map[string]struct {
		sent string
		code int
	}{
		"a reserved bit":                        {"\xc1\x80\x00\x00\x00\x00", 1002},
		"an unknown opcode":                     {whole(0x3, "x"), 1002},
		"an unknown control opcode":             {whole(0xb, ""), 1002},
		"a frame without a mask":                {"\x81\x01x", 1002},
		"a ping in parts":                       {part(masked(0x9, "x")), 1002},
		"a ping of 126 bytes":                   {whole(0x9, strings.Repeat("x", 126)), 1002},
		"a continuation of nothing":             {whole(0x0, "x"), 1002},
		"a message within a message":            {part(masked(0x1, "x")) + whole(0x1, "x"), 1002},
		"a length below zero":                   {"\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00", 1002},
		"a close of one byte":                   {whole(0x8, "x"), 1002},
		"a close with a code of no wire":        {whole(0x8, "\x03\xed"), 1002},
		"text that is not UTF-8":                {whole(0x1, "a\xff"), 1007},
		"text that ends within a letter":        {whole(0x1, "\xc3"), 1007},
		"text that is not UTF-8, in parts":      {part(masked(0x1, "é")) + whole(0x0, "\xff"), 1007},
		"a message beyond the limit":            {whole(0x2, strings.Repeat("x", 1001)), 1009},
		"a huge message":                        {whole(0x2, strings.Repeat("x", 8<<20)), 1009},
		"a message beyond the limit, in parts":  {part(masked(0x2, strings.Repeat("x", 600))) + whole(0x0, strings.Repeat("x", 600)), 1009},
		"a huge length, and a little of it":     {"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00" + strings.Repeat("x", 2000), 1009},
		"no frame but HTTP":                     {"GET / HTTP/1.1\r\n\r\n", 1002},
		"a close":                               {whole(0x8, "\x0f\xa0bye"), 4000},
		"a close, and more after it":            {whole(0x8, "\x03\xe8") + whole(0x1, "x"), 1000},
		"a ping between the parts of a message": {part(masked(0x1, "x")) + whole(0x9, "p") + whole(0x0, "y") + whole(0x8, "\x03\xe8"), 1000},
		"a letter in two parts":                 {part(masked(0x1, "\xc3")) + whole(0x0, "\xa9") + whole(0x8, "\x03\xe8"), 1000},
		"a pong that nobody asked for":          {whole(0xa, "x") + whole(0x8, "\x03\xe8"), 1000},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := h.raw(t, "ann")
			written := make(chan error, 1)
			go func() {
				_, err := c.Write([]byte(test.sent))
				written <- err
			}()
			require.Equal(t, test.code, c.code(t))
			require.NoError(t, <-written, "a reset would overtake the close frame")
			_ = c.Close()
		})
	}
	eventually(t, func() bool { return h.Stats().Connections == 0 })
}

func TestAMessageOfTheLimitIsRead(t *testing.T) {
	got := make(chan int, 1)
	h := start(t, &websocket.Options{ReadLimit: 1000, OnMessage: func(_ context.Context, _ *websocket.Conn, m websocket.Incoming) {
		got <- len(m.Data)
	}})
	c := h.connect(t, "ann")
	require.NoError(t, c.Write(t.Context(), coder.MessageBinary, make([]byte, 1000)))
	require.Equal(t, 1000, <-got)
}

func TestClientsThatVanish(t *testing.T) {
	tests := map[string]func(*testing.T, net.Conn){
		"with a hang-up": func(t *testing.T, c net.Conn) { require.NoError(t, c.Close()) },
		"with a reset": func(t *testing.T, c net.Conn) {
			require.NoError(t, c.(*net.TCPConn).SetLinger(0))
			require.NoError(t, c.Close())
		},
		"within a frame": func(t *testing.T, c net.Conn) {
			_, err := c.Write(masked(0x1, "a long message")[:10])
			require.NoError(t, err)
			require.NoError(t, c.Close())
		},
	}
	for name, vanish := range tests {
		t.Run(name, func(t *testing.T) {
			codes := make(chan int, 1)
			h := start(t, &websocket.Options{OnDisconnect: func(_ *websocket.Conn, code int) { codes <- code }})
			vanish(t, h.raw(t, "ann").Conn)
			require.Equal(t, 1006, <-codes)
			eventually(t, func() bool { return h.Stats().Connections == 0 })
			require.Equal(t, uint64(1), h.Stats().Lost)
		})
	}
}

// A real socket buffers some megabytes. Once the buffer is full, the client fills its own queue and does not delay the others.
func TestAClientThatNeverReadsOverTCP(t *testing.T) {
	h := start(t, &websocket.Options{QueueBytes: 128 << 10})
	stuck := h.raw(t, "stuck")
	well := h.connect(t, "well")
	p := websocket.Bytes(make([]byte, 16<<10))
	sent := 0
	for ; h.Count(websocket.User("", "stuck")) == 1; sent++ {
		require.Less(t, sent, 10_000)
		_, err := h.Push(t.Context(), websocket.Everyone(), p)
		require.NoError(t, err)
		well.next(t)
	}
	require.Equal(t, websocket.CloseSlow, stuck.code(t), "it reads in the end, and is told")
	require.Equal(t, 1, h.Count(websocket.User("", "well")))
}
