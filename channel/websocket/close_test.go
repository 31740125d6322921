package websocket_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/websocket"
)

// A hub that cuts its clients, with code 1006, has them all reconnect at once.
func TestCloseTellsEveryoneWhenToComeBack(t *testing.T) {
	const clients = 20
	h := start(t, &websocket.Options{Spread: time.Minute})
	var all []client
	for i := range clients {
		all = append(all, h.connect(t, fmt.Sprint(i)))
	}
	for i := range 10 {
		_, err := h.Push(t.Context(), websocket.Everyone(), websocket.Text(fmt.Sprint(i)))
		require.NoError(t, err)
	}
	hints := map[int]bool{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, c := range all {
		wg.Go(func() {
			for i := range 10 {
				if fmt.Sprint(i) != c.text(t) {
					t.Error("what was queued comes first, in order")
				}
			}
			code, reason := c.closed(t)
			ms, err := strconv.Atoi(strings.TrimPrefix(reason, "retry="))
			if code != websocket.CloseRestart || err != nil || ms < 0 || ms > 60_000 {
				t.Errorf("closed with %d %q", code, reason)
			}
			mu.Lock()
			defer mu.Unlock()
			hints[ms] = true
		})
	}
	require.NoError(t, h.Close(t.Context()))
	wg.Wait()
	require.Greater(t, len(hints), clients/2, "clients are spread")
	require.Zero(t, h.Stats().Lost)
}

func TestAClosedHubRefuses(t *testing.T) {
	h := start(t, nil)
	require.NoError(t, h.Close(t.Context()))
	_, resp, err := h.try(t, "/", http.Header{"Authorization": {"Bearer ann"}})
	require.Error(t, err)
	require.Equal(t, http.StatusServiceUnavailable, resp.status)
	require.NotEmpty(t, resp.header.Get("Retry-After"))

	_, err = h.Push(t.Context(), websocket.Everyone(), websocket.Text("hi"))
	require.ErrorIs(t, err, channel.Temporary)
	require.NoError(t, h.Close(t.Context()))
}

// The hub closes while the authenticator runs.
func TestAHandshakeThatMeetsCloseIsRefused(t *testing.T) {
	began, finish := make(chan struct{}), make(chan struct{})
	h := serve(t, websocket.New(func(*http.Request) (websocket.Identity, error) {
		close(began)
		<-finish
		return websocket.Identity{User: "ann"}, nil
	}, nil))
	go func() {
		<-began
		_ = h.Close(context.Background())
		close(finish)
	}()
	_, resp, err := h.try(t, "/", nil)
	require.Error(t, err)
	require.Equal(t, http.StatusServiceUnavailable, resp.status)
}

// The hub closes after the checks, during the upgrade.
func TestAnUpgradeThatMeetsCloseIsClosed(t *testing.T) {
	tests := map[string]struct {
		close func(*websocket.Hub)
		code  int
	}{
		"while the hub drains": {func(h *websocket.Hub) { go h.Close(context.Background()) }, websocket.CloseRestart},
		"after it has cut everyone": {func(h *websocket.Hub) {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			_ = h.Close(ctx)
		}, 1006},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			hub := websocket.New(auth, nil)
			ours, theirs := net.Pipe()
			defer ours.Close()
			w := piped{httptest.NewRecorder(), theirs, func() {
				test.close(hub)
				eventually(t, func() bool {
					_, err := hub.Push(t.Context(), websocket.Everyone(), websocket.Text("hi"))
					return errors.Is(err, channel.Temporary)
				})
			}}
			hub.ServeHTTP(w, upgradeRequest(http.Header{"Authorization": {"Bearer ann"}}))
			require.Equal(t, test.code, raw{ours, bufio.NewReader(ours)}.code(t))
			require.NoError(t, ours.Close())
			end(t, hub)
		})
	}
}

func TestCloseWaitsForHooks(t *testing.T) {
	began, finish := make(chan struct{}), make(chan struct{})
	var order []string
	h := start(t, &websocket.Options{
		OnConnect: func(context.Context, *websocket.Conn) {
			close(began)
			<-finish
			order = append(order, "connected")
		},
		OnDisconnect: func(*websocket.Conn, int) { order = append(order, "disconnected") },
	})
	c := h.connect(t, "ann")
	<-began
	closed := make(chan error)
	go func() { closed <- h.Close(t.Context()) }()
	code, _ := c.closed(t)
	require.Equal(t, websocket.CloseRestart, code)
	eventually(t, func() bool { return h.Stats().Connections == 0 })
	close(finish)
	require.NoError(t, <-closed)
	require.Equal(t, []string{"connected", "disconnected"}, order)
}

func TestCloseCutsWhatIsLeftWhenItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := startPiped(t, websocket.New(auth, nil))
		h.raw(t, "stuck") // does not even read the close frame
		h.connect(t, "well").CloseRead(t.Context())
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()

		err := h.Close(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "1 connection")
		require.Equal(t, 3*time.Second, time.Since(began))
		synctest.Wait()
		require.Zero(t, h.Stats().Connections)
	})
}

func TestCloseDoesNotWaitLongForAClientThatNeverAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := startPiped(t, websocket.New(auth, nil))
		c := h.raw(t, "ann")
		began := time.Now()
		closed := make(chan error)
		go func() { closed <- h.Close(t.Context()) }()
		require.Equal(t, websocket.CloseRestart, c.code(t))
		require.NoError(t, <-closed)
		require.Equal(t, 5*time.Second, time.Since(began))
	})
}

func TestAHubWithoutConnectionsClosesInNoTime(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 50 {
		require.NoError(t, websocket.New(auth, nil).Close(ended))
	}
}

func TestCloseByManyAtOnce(t *testing.T) {
	h := start(t, nil)
	for range 10 {
		h.connect(t, "ann").CloseRead(t.Context())
	}
	var wg sync.WaitGroup
	errs := make(chan error, 4)
	for range cap(errs) {
		wg.Go(func() { errs <- h.Close(t.Context()) })
	}
	wg.Wait()
	for range cap(errs) {
		require.NoError(t, <-errs)
	}
	require.Zero(t, h.Stats().Connections)
}
