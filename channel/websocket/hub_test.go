package websocket_test

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"

	coder "github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/websocket"
)

func TestPushReachesEveryConnectionOfAUser(t *testing.T) {
	h := start(t, nil)
	phone, laptop, bob := h.connect(t, "ann"), h.connect(t, "ann"), h.connect(t, "bob")

	n, err := h.Push(t.Context(), websocket.User("", "ann"), websocket.Text("for ann"))
	require.NoError(t, err)
	require.Equal(t, 2, n)
	n, err = h.Push(t.Context(), websocket.User("", "bob"), websocket.Text("for bob"))
	require.NoError(t, err)
	require.Equal(t, 1, n)

	require.Equal(t, "for ann", phone.text(t))
	require.Equal(t, "for ann", laptop.text(t))
	require.Equal(t, "for bob", bob.text(t))
}

func TestPayloadsArriveAsTheyAre(t *testing.T) {
	h := start(t, &websocket.Options{QueueBytes: 1 << 20})
	c := h.connect(t, "ann")
	c.SetReadLimit(1 << 20)
	long := strings.Repeat("é", 50_000) // needs a length of eight bytes
	tests := map[string]struct {
		payload websocket.Payload
		typ     coder.MessageType
		want    string
	}{
		"text":               {websocket.Text("néé 你好 🚀"), coder.MessageText, "néé 你好 🚀"},
		"no text":            {websocket.Text(""), coder.MessageText, ""},
		"text of 125 bytes":  {websocket.Text(long[:124] + "x"), coder.MessageText, long[:124] + "x"},
		"text of 126 bytes":  {websocket.Text(long[:126]), coder.MessageText, long[:126]},
		"text of 65 535":     {websocket.Text(long[:65534] + "x"), coder.MessageText, long[:65534] + "x"},
		"text of 65 536":     {websocket.Text(long[:65536]), coder.MessageText, long[:65536]},
		"long text":          {websocket.Text(long), coder.MessageText, long},
		"JSON":               {websocket.JSON(map[string]string{"a": "<b> & c"}), coder.MessageText, `{"a":"<b> & c"}`},
		"bytes, as they are": {websocket.Bytes([]byte{0, 0xff, 7}), coder.MessageBinary, "\x00\xff\x07"},
		"a frame": {
			websocket.Frame{ID: "d-1", Text: "Your order is on its way"}.Payload(), coder.MessageText,
			`{"v":1,"type":"message","id":"d-1","text":"Your order is on its way"}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := h.Push(t.Context(), websocket.Everyone(), test.payload)
			require.NoError(t, err)
			typ, got := c.next(t)
			require.Equal(t, test.typ, typ)
			require.Equal(t, test.want, string(got))
		})
	}
}

func TestPushRefuses(t *testing.T) {
	h := start(t, &websocket.Options{QueueBytes: 1000})
	c := h.connect(t, "ann")
	tests := map[string]websocket.Payload{
		"the zero payload":           {},
		"text that is not UTF-8":     websocket.Text("\xff"),
		"what is no JSON":            websocket.JSON(math.NaN()),
		"a frame of an unknown type": websocket.Frame{Type: "pigeon"}.Payload(),
		"a frame with broken data":   websocket.Frame{Data: []byte("{")}.Payload(),
		"data that is not UTF-8":     websocket.Frame{Data: []byte("\"\xff\"")}.Payload(),
		"more than a queue holds":    websocket.Text(strings.Repeat("x", 1001)),
	}
	for name, payload := range tests {
		t.Run(name, func(t *testing.T) {
			n, err := h.Push(t.Context(), websocket.Everyone(), payload)
			require.ErrorIs(t, err, channel.Rejected)
			require.Zero(t, n)
		})
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := h.Push(ended, websocket.Everyone(), websocket.Text("late"))
	require.ErrorIs(t, err, context.Canceled)

	_, err = h.Push(t.Context(), websocket.Everyone(), websocket.Text("still here"))
	require.NoError(t, err)
	require.Equal(t, "still here", c.text(t))
}

func TestNamesAreMatchedExactly(t *testing.T) {
	h := start(t, nil)
	tokens := []string{"1", "10", "a~1", "a~10", "a1~0", "A~1", "a~ann"}
	clients := map[string]client{}
	for _, token := range tokens {
		clients[token] = h.connect(t, token)
	}
	for _, token := range tokens {
		tenant, user, ok := strings.Cut(token, "~")
		if !ok {
			tenant, user = "", tenant
		}
		n, err := h.Push(t.Context(), websocket.User(tenant, user), websocket.Text(token))
		require.NoError(t, err)
		require.Equal(t, 1, n)
	}
	for _, missing := range []websocket.Target{
		websocket.User("", "100"), websocket.User("", ""), websocket.User("a~1", "0"), websocket.User("a", "Ann"),
		websocket.Room("a", "1"), websocket.Tenant("1"),
	} {
		n, err := h.Push(t.Context(), missing, websocket.Text("for nobody"))
		require.NoError(t, err)
		require.Zero(t, n)
	}
	n, err := h.Push(t.Context(), websocket.Everyone(), websocket.Text("the end"))
	require.NoError(t, err)
	require.Equal(t, len(tokens), n)
	for token, c := range clients {
		require.Equal(t, token, c.text(t))
		require.Equal(t, "the end", c.text(t), "nothing else came")
	}
}

func TestTenantsAndEveryone(t *testing.T) {
	h := start(t, nil)
	a, b := h.connect(t, "a~ann"), h.connect(t, "b~ann")
	push := func(target websocket.Target, text string) {
		_, err := h.Push(t.Context(), target, websocket.Text(text))
		require.NoError(t, err)
	}
	push(websocket.Tenant("a"), "tenant a")
	push(websocket.User("b", "ann"), "ann of b")
	push(websocket.Everyone(), "everyone")

	require.Equal(t, "tenant a", a.text(t))
	require.Equal(t, "everyone", a.text(t))
	require.Equal(t, "ann of b", b.text(t))
	require.Equal(t, "everyone", b.text(t))
}

func TestRooms(t *testing.T) {
	h := start(t, &websocket.Options{OnConnect: func(_ context.Context, c *websocket.Conn) {
		if c.Identity().User == "ann" {
			c.Join("lobby")
			c.Join("lobby")
		}
	}})
	lobby := websocket.Room("", "lobby")
	ann, bob := h.connect(t, "ann"), h.connect(t, "bob")
	other := h.connect(t, "a~ann")
	eventually(t, func() bool { return h.Count(lobby) == 1 && h.Count(websocket.Room("a", "lobby")) == 1 }) // a room is its tenant's

	h.Join(websocket.User("", "bob"), "lobby")
	n, err := h.Push(t.Context(), lobby, websocket.Text("to both"))
	require.NoError(t, err)
	require.Equal(t, 2, n)

	h.Leave(lobby, "lobby")
	require.Zero(t, h.Count(lobby))
	n, err = h.Push(t.Context(), lobby, websocket.Text("to nobody"))
	require.NoError(t, err)
	require.Zero(t, n)

	_, err = h.Push(t.Context(), websocket.Everyone(), websocket.Text("to all"))
	require.NoError(t, err)
	for _, c := range []client{ann, bob} {
		require.Equal(t, "to both", c.text(t))
		require.Equal(t, "to all", c.text(t))
	}
	require.Equal(t, "to all", other.text(t))
	require.Equal(t, 1, h.Stats().Rooms)
}

func TestAClosedConnectionHasLeftItsRooms(t *testing.T) {
	joined := make(chan *websocket.Conn, 1)
	h := start(t, &websocket.Options{OnConnect: func(_ context.Context, c *websocket.Conn) {
		c.Join("lobby")
		joined <- c
	}})
	c := h.connect(t, "ann")
	conn := <-joined
	require.NoError(t, c.Close(coder.StatusNormalClosure, ""))
	eventually(t, func() bool { return h.Stats().Connections == 0 })

	conn.Join("lobby")
	require.Zero(t, h.Stats().Rooms)
	require.ErrorIs(t, conn.Push(websocket.Text("hello?")), channel.Unreachable)
}

func TestOrderIsKept(t *testing.T) {
	const messages = 2000
	h := start(t, nil)
	clients := []client{h.connect(t, "ann"), h.connect(t, "ann"), h.connect(t, "bob")}
	go func() {
		for i := range messages {
			target := websocket.Everyone()
			if i%2 == 0 {
				target = websocket.Tenant("")
			}
			_, _ = h.Push(t.Context(), target, websocket.Text(fmt.Sprint(i)))
		}
	}()
	for _, c := range clients {
		for i := range messages {
			require.Equal(t, fmt.Sprint(i), c.text(t))
		}
	}
}

func TestABurstThatFitsTheQueueLosesNothing(t *testing.T) {
	const messages = 4000
	h := start(t, nil)
	c := h.connect(t, "ann")
	text := func(i int) string { return fmt.Sprintf("%200d", i) }
	for i := range messages {
		n, err := h.Push(t.Context(), websocket.User("", "ann"), websocket.Text(text(i)))
		require.NoError(t, err)
		require.Equal(t, 1, n)
	}
	for i := range messages {
		require.Equal(t, text(i), c.text(t))
	}
}

func TestDisconnect(t *testing.T) {
	h := start(t, nil)
	first, second, bob := h.connect(t, "ann"), h.connect(t, "ann"), h.connect(t, "bob")
	_, err := h.Push(t.Context(), websocket.User("", "ann"), websocket.Text("bye"))
	require.NoError(t, err)
	h.Disconnect(websocket.User("", "ann"), websocket.CloseRevoked, "signed out")
	require.Zero(t, h.Count(websocket.User("", "ann")))

	require.Equal(t, "bye", first.text(t), "what was queued comes first")
	for _, c := range []client{first, second} {
		code, reason := c.closed(t)
		require.Equal(t, websocket.CloseRevoked, code)
		require.Equal(t, "signed out", reason)
	}
	_, err = h.Push(t.Context(), websocket.Everyone(), websocket.Text("hello bob"))
	require.NoError(t, err)
	require.Equal(t, "hello bob", bob.text(t))
}

// Removing the entry of the user would also remove a newer connection than the one that has ended.
func TestAnOldConnectionTakesOnlyItselfAway(t *testing.T) {
	h := start(t, nil)
	old := h.connect(t, "ann")
	newer := h.connect(t, "ann")
	require.NoError(t, old.Close(coder.StatusNormalClosure, ""))
	eventually(t, func() bool { return h.Stats().Connections == 1 })

	n, err := h.Push(t.Context(), websocket.User("", "ann"), websocket.Text("still there?"))
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, "still there?", newer.text(t))
}

// The test locks all other connections, so a push that touched one would hang.
func TestAPushTouchesOnlyItsTarget(t *testing.T) {
	h := start(t, nil)
	for i := range 5 {
		h.connect(t, fmt.Sprint("other", i))
	}
	ann := h.connect(t, "ann")
	h.Join(websocket.User("", "ann"), "room")

	unlock := h.LockAllBut(websocket.User("", "ann"))
	for _, target := range []websocket.Target{websocket.User("", "ann"), websocket.Room("", "room")} {
		n, err := h.Push(t.Context(), target, websocket.Text("hi"))
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, "hi", ann.text(t))
	}
	unlock()
}

// A push must not panic with "send on closed channel" when it meets a disconnect.
func TestPushesMeetConnectsDisconnectsAndClose(t *testing.T) {
	h := start(t, &websocket.Options{QueueBytes: 2000, OnConnect: func(_ context.Context, c *websocket.Conn) {
		c.Join("room")
		_ = c.Push(websocket.Text("welcome"))
	}})
	var clients, pushers sync.WaitGroup
	done := make(chan struct{})
	for _, target := range []websocket.Target{
		websocket.Everyone(), websocket.Tenant(""), websocket.User("", "ann"), websocket.Room("", "room"),
	} {
		pushers.Go(func() {
			for !ended(done) {
				_, _ = h.Push(t.Context(), target, websocket.Text("now"))
				_ = h.Count(target)
				h.Join(target, "other room")
				h.Leave(target, "other room")
			}
		})
	}
	for i := range 4 {
		clients.Go(func() {
			for j := range 15 {
				c, _, err := h.try(t, "/", http.Header{"Authorization": {"Bearer ann"}})
				if err != nil {
					continue
				}
				_, _, _ = c.Read(t.Context())
				switch {
				case i+j == 10:
					h.Disconnect(websocket.Everyone(), websocket.CloseRevoked, "")
				case i%2 == 0:
					_ = c.Close(coder.StatusNormalClosure, "")
				}
				_ = c.CloseNow()
			}
		})
	}
	clients.Wait()
	open(t, h, "ann")
	require.NoError(t, h.Close(t.Context()))
	close(done)
	pushers.Wait()
}

func ended(done chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

func TestStats(t *testing.T) {
	h := start(t, nil)
	h.connect(t, "ann")
	c := h.connect(t, "ann")
	h.connect(t, "bob")
	h.Join(websocket.User("", "bob"), "room")
	_, _, err := h.try(t, "/", nil)
	require.Error(t, err)
	_, err = h.Push(t.Context(), websocket.Everyone(), websocket.Text("hi"))
	require.NoError(t, err)
	require.NoError(t, c.Write(t.Context(), coder.MessageText, []byte("hi")))
	eventually(t, func() bool { return h.Stats().Received == 1 })

	require.Equal(t, websocket.Stats{Connections: 3, Users: 2, Rooms: 1, Accepted: 3, Refused: 1, Pushed: 3, Received: 1}, h.Stats())
}
