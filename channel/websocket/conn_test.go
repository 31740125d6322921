package websocket_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	coder "github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel/websocket"
)

func TestAConnectionThatAnswersPingsLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := startPiped(t, websocket.New(auth, nil))
		c := h.connect(t, "ann")
		c.CloseRead(t.Context())
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		require.Equal(t, 1, h.Count(websocket.User("", "ann")))
	})
}

func TestAMissedPongCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := startPiped(t, websocket.New(auth, &websocket.Options{Heartbeat: time.Minute}))
		began := time.Now()
		c := h.raw(t, "ann") // reads, but answers neither ping nor close
		require.Equal(t, websocket.CloseSilent, c.code(t))
		require.WithinRange(t, time.Now(), began.Add(time.Minute), began.Add(2*time.Minute+5*time.Second))
		eventually(t, func() bool { return h.Stats().Connections == 0 })
		require.Equal(t, uint64(1), h.Stats().Silent)
	})
}

// A sleeping laptop neither reads nor closes the connection.
func TestAHalfOpenConnectionIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := startPiped(t, websocket.New(auth, nil))
		h.raw(t, "ann")
		time.Sleep(2 * time.Minute)
		require.Zero(t, h.Stats().Connections)
	})
}

// A goroutine per ping can leak.
func TestAnIdleConnectionCostsOneGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const connections = 50
		h := startPiped(t, websocket.New(auth, &websocket.Options{MaxPerUser: connections}))
		for range connections {
			h.connect(t, "ann").CloseRead(t.Context())
		}
		time.Sleep(time.Hour) // more than a hundred pings for each
		synctest.Wait()
		stacks := goroutines()
		require.Equal(t, connections, strings.Count(stacks, "websocket.(*Conn).serve(")) // a stack contains its first function once
		require.NotContains(t, stacks, "websocket.(*outbox)")
		require.NotContains(t, stacks, "websocket.(*worker)")
		require.NotContains(t, stacks, "websocket.(*Conn).heartbeat")
		require.Equal(t, connections, h.Stats().Connections)
	})
}

// Checking the token at the handshake alone would leave the connection open after the token has expired.
func TestAnIdentityEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ends := time.Now().Add(time.Hour)
		h := startPiped(t, websocket.New(func(*http.Request) (websocket.Identity, error) {
			return websocket.Identity{User: "ann", Expires: ends}, nil
		}, nil))
		c := h.connect(t, "ann")
		code, _ := c.closed(t)
		require.Equal(t, websocket.CloseExpired, code)
		require.Equal(t, ends, time.Now())
		eventually(t, func() bool { return h.Stats().Expired == 1 })

		_, resp, err := h.try(t, "/", nil)
		require.Error(t, err)
		require.Equal(t, http.StatusUnauthorized, resp.status)
	})
}

func TestAStuckClientCostsOnlyItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const bound, fit = 100 * 1030, 100
		h := startPiped(t, websocket.New(auth, &websocket.Options{QueueBytes: bound}))
		h.raw(t, "stuck") // never reads
		well := h.connect(t, "well")
		p := websocket.Text(strings.Repeat("x", 1000))
		for i := range 1000 {
			n, err := h.Push(t.Context(), websocket.Everyone(), p)
			require.NoError(t, err)
			require.LessOrEqual(t, h.Queued(websocket.User("", "stuck")), bound+200, "a close frame may come on top")
			require.Equal(t, i < fit, n == 2, i)
			well.text(t)
		}
		require.Zero(t, h.Count(websocket.User("", "stuck")))

		well.CloseRead(t.Context())
		time.Sleep(20 * time.Second)
		require.Equal(t, 1, h.Stats().Connections)
		require.Equal(t, uint64(1), h.Stats().Slow)
		require.Equal(t, 1, h.Count(websocket.User("", "well")))
	})
}

func TestASlowClientIsToldWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := startPiped(t, websocket.New(auth, &websocket.Options{QueueBytes: 10_000}))
		c := h.raw(t, "ann")
		for i := range 20 {
			_, err := h.Push(t.Context(), websocket.Everyone(), websocket.Text(fmt.Sprintf("%d %s", i, strings.Repeat("x", 1000))))
			require.NoError(t, err)
			synctest.Wait() // the first is being written, the others wait
		}
		_, body, err := c.frame() // the frame being written arrives whole
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(body), "0 x"))
		require.Len(t, body, 1002)
		require.Equal(t, websocket.CloseSlow, c.code(t))
	})
}

func TestAWriteThatTakesTooLongIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := startPiped(t, websocket.New(auth, nil))
		h.raw(t, "ann")
		_, err := h.Push(t.Context(), websocket.Everyone(), websocket.Text("x"))
		require.NoError(t, err)
		time.Sleep(11 * time.Second)
		require.Zero(t, h.Stats().Connections)
		require.Equal(t, uint64(1), h.Stats().Slow)
	})
}

func TestASlowButSteadyClientGetsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := startPiped(t, websocket.New(auth, nil))
		c := h.raw(t, "ann")
		for range 300 {
			_, err := h.Push(t.Context(), websocket.Everyone(), websocket.Bytes(make([]byte, 1000)))
			require.NoError(t, err)
		}
		for range 15 { // 20 kB per second, for longer than writeTimeout
			time.Sleep(time.Second)
			_, err := io.ReadFull(c, make([]byte, 20*1004))
			require.NoError(t, err)
		}
		require.Equal(t, 1, h.Count(websocket.Everyone()))
	})
}

func TestASlowButSteadyClientGetsALargeFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := startPiped(t, websocket.New(auth, nil))
		c := h.raw(t, "ann")
		sent := []byte(strings.Repeat("0123456789", 50_000))
		_, err := h.Push(t.Context(), websocket.Everyone(), websocket.Bytes(sent))
		require.NoError(t, err)
		got := make([]byte, 10+len(sent))
		for at := 0; at < len(got); at += 20_000 { // 20 kB per second, for longer than writeTimeout
			time.Sleep(time.Second)
			_, err := io.ReadFull(c, got[at:min(at+20_000, len(got))])
			require.NoError(t, err)
		}
		require.Equal(t, sent, got[10:])
		require.Equal(t, 1, h.Count(websocket.Everyone()))
	})
}

// A client that pings but reads no pongs fills its own queue only.
func TestAClientThatOnlyPingsIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := startPiped(t, websocket.New(auth, &websocket.Options{QueueBytes: 10_000}))
		c := h.raw(t, "ann")
		ping := masked(0x9, strings.Repeat("p", 100))
		for h.Count(websocket.Everyone()) == 1 {
			_, err := c.Write(ping)
			require.NoError(t, err)
		}
		time.Sleep(20 * time.Second)
		require.Zero(t, h.Stats().Connections)
		eventually(t, func() bool { return h.Stats().Slow == 1 })
	})
}

func TestMessagesOfAClientComeInOrder(t *testing.T) {
	const messages = 1000
	got := make(chan websocket.Incoming, messages)
	h := start(t, &websocket.Options{OnMessage: func(_ context.Context, c *websocket.Conn, m websocket.Incoming) {
		if c.Identity().User == "ann" {
			got <- m
		}
	}})
	c := h.connect(t, "ann")
	for i := range messages {
		require.NoError(t, c.Write(t.Context(), coder.MessageText, []byte(fmt.Sprint(i))))
	}
	require.NoError(t, c.Write(t.Context(), coder.MessageBinary, []byte{0xff}))
	for i := range messages {
		require.Equal(t, websocket.Incoming{Data: []byte(fmt.Sprint(i))}, <-got)
	}
	require.Equal(t, websocket.Incoming{Binary: true, Data: []byte{0xff}}, <-got)
}

func TestWithoutOnMessageMessagesAreDropped(t *testing.T) {
	h := start(t, nil)
	c := h.connect(t, "ann")
	for range 100 {
		require.NoError(t, c.Write(t.Context(), coder.MessageText, []byte("hello?")))
	}
	eventually(t, func() bool { return h.Stats().Received == 100 })
	_, err := h.Push(t.Context(), websocket.Everyone(), websocket.Text("still here"))
	require.NoError(t, err)
	require.Equal(t, "still here", c.text(t))
}

// A hub that reads no pongs while a hook runs would close the connection.
func TestASlowHookStopsNeitherPongsNorPushes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		work := make(chan string)
		h := startPiped(t, websocket.New(auth, &websocket.Options{OnMessage: func(_ context.Context, _ *websocket.Conn, m websocket.Incoming) {
			time.Sleep(time.Hour)
			work <- string(m.Data)
		}}))
		c := h.connect(t, "ann")
		require.NoError(t, c.Write(t.Context(), coder.MessageText, []byte("hard work")))
		got := make(chan string, 1)
		go func() {
			_, b, _ := c.Read(t.Context())
			got <- string(b)
			_, _, _ = c.Read(t.Context())
		}()
		time.Sleep(30 * time.Minute)
		_, err := h.Push(t.Context(), websocket.Everyone(), websocket.Text("meanwhile"))
		require.NoError(t, err)
		require.Equal(t, "meanwhile", <-got)
		require.Equal(t, "hard work", <-work)
		require.Equal(t, 1, h.Count(websocket.Everyone()))
	})
}

func TestAClientThatFloodsIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ran atomic.Int64
		h := startPiped(t, websocket.New(auth, &websocket.Options{
			QueueBytes: 10_000,
			OnMessage: func(ctx context.Context, _ *websocket.Conn, _ websocket.Incoming) {
				ran.Add(1)
				<-ctx.Done()
			},
		}))
		c := h.raw(t, "ann")
		go func() {
			for range 20 {
				_, _ = c.Write(masked(0x2, strings.Repeat("x", 1000)))
			}
		}()
		require.Equal(t, websocket.CloseFlood, c.code(t))
		time.Sleep(10 * time.Second)
		require.Equal(t, uint64(1), h.Stats().Flooded)
		require.LessOrEqual(t, ran.Load(), int64(9))
	})
}

// A short message takes much more memory than its own size: a buffer of at least 512 bytes.
func TestShortMessagesThatWaitAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := startPiped(t, websocket.New(auth, &websocket.Options{
			QueueBytes: 60_000,
			OnMessage:  func(ctx context.Context, _ *websocket.Conn, _ websocket.Incoming) { <-ctx.Done() },
		}))
		c := h.raw(t, "ann")
		_, err := c.Write(bytes.Repeat(masked(0x1, ""), 100))
		require.NoError(t, err)
		synctest.Wait()
		require.Equal(t, 1, h.Count(websocket.Everyone()))
		_, err = c.Write(masked(0x1, ""))
		require.NoError(t, err)
		require.Equal(t, websocket.CloseFlood, c.code(t))
	})
}

func TestMessagesAfterAClosingAreDropped(t *testing.T) {
	var ran atomic.Int64
	h := start(t, &websocket.Options{OnMessage: func(context.Context, *websocket.Conn, websocket.Incoming) { ran.Add(1) }})
	c := h.raw(t, "ann")
	h.Disconnect(websocket.Everyone(), websocket.CloseRevoked, "signed out")
	_, err := c.Write(append(masked(0x1, "too late"), masked(0x8, "\x03\xe8")...))
	require.NoError(t, err)
	eventually(t, func() bool { return h.Stats().Connections == 0 })
	require.Equal(t, uint64(1), h.Stats().Received)
	require.Zero(t, ran.Load())
}

func TestHooks(t *testing.T) {
	events := make(chan string, 10)
	h := start(t, &websocket.Options{
		OnConnect: func(ctx context.Context, c *websocket.Conn) {
			events <- "connect " + c.Identity().User
			_ = c.Push(websocket.Text("welcome"))
			context.AfterFunc(ctx, func() { events <- "context ends" })
		},
		OnMessage: func(_ context.Context, _ *websocket.Conn, m websocket.Incoming) {
			events <- "message " + string(m.Data)
		},
		OnDisconnect: func(c *websocket.Conn, code int) { events <- fmt.Sprint("disconnect ", c.Identity().User, " ", code) },
	})
	c := h.connect(t, "ann")
	require.NoError(t, c.Write(t.Context(), coder.MessageText, []byte("hi")))
	require.Equal(t, "welcome", c.text(t))
	require.Equal(t, "connect ann", <-events)
	require.Equal(t, "message hi", <-events)
	require.NoError(t, c.Close(4321, "done"))
	require.ElementsMatch(t, []string{"context ends", "disconnect ann 4321"}, []string{<-events, <-events})
}

func TestAHookThatPanicsCostsItsConnection(t *testing.T) {
	panics := func(c *websocket.Conn, at string) {
		if c.Identity().User == at {
			panic("s3cret")
		}
	}
	var log bytes.Buffer
	h := start(t, &websocket.Options{
		Logger:       slog.New(slog.NewTextHandler(&log, nil)),
		OnConnect:    func(_ context.Context, c *websocket.Conn) { panics(c, "connect") },
		OnMessage:    func(_ context.Context, c *websocket.Conn, _ websocket.Incoming) { panics(c, "message") },
		OnDisconnect: func(c *websocket.Conn, _ int) { panics(c, "disconnect") },
	})
	other := h.connect(t, "other")
	for _, at := range []string{"connect", "message"} {
		c := h.connect(t, at)
		_ = c.Write(t.Context(), coder.MessageText, []byte("hi"))
		code, _ := c.closed(t)
		require.Equal(t, 1011, code)
	}
	require.NoError(t, h.connect(t, "disconnect").Close(coder.StatusNormalClosure, ""))
	eventually(t, func() bool { return h.Stats().Connections == 1 })
	_, err := h.Push(t.Context(), websocket.Everyone(), websocket.Text("still here"))
	require.NoError(t, err)
	require.Equal(t, "still here", other.text(t))
	require.NoError(t, other.CloseNow())
	require.NoError(t, h.Close(t.Context()))
	require.Equal(t, 3, strings.Count(log.String(), "msg=panic in=On"))
	require.NotContains(t, log.String(), "s3cret")
}

func TestCloseCodesAndReasons(t *testing.T) {
	tests := map[string]struct {
		code       int
		reason     string
		wantCode   int
		wantReason string
	}{
		"a host's own code":             {4000, "bye", 4000, "bye"},
		"a code that may not be sent":   {1006, "bye", 1008, "bye"},
		"a code that is none":           {17, "", 1008, ""},
		"a reason that is too long":     {4000, strings.Repeat("x", 200), 4000, strings.Repeat("x", 123)},
		"a reason cut within a letter":  {4000, strings.Repeat("é", 62), 4000, strings.Repeat("é", 61)},
		"a reason that is not UTF-8":    {4000, "a\xff", 4000, "a"},
		"the longest reason that fits":  {4000, strings.Repeat("x", 123), 4000, strings.Repeat("x", 123)},
		"a code for clients to go away": {websocket.CloseRevoked, "", websocket.CloseRevoked, ""},
	}
	h := start(t, nil)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := h.connect(t, "ann")
			h.Disconnect(websocket.User("", "ann"), test.code, test.reason)
			code, reason := c.closed(t)
			require.Equal(t, test.wantCode, code)
			require.Equal(t, test.wantReason, reason)
			eventually(t, func() bool { return h.Stats().Connections == 0 })
		})
	}
}
