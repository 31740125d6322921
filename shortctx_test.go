package notify_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/store"
)

// slow returns a strategy whose Next and Reached take d.
func slow(d time.Duration) strategy {
	return strategy{
		next:    func(ds []notify.Progress) []notify.Step { time.Sleep(d); return steps(ds, notify.Start) },
		reached: func([]notify.Progress) bool { time.Sleep(d); return true },
	}
}

// A dispatcher has 5 s, whoever asks. That one caller waits no longer says nothing about the dispatcher.
func TestAShortCtxIsNoHangingDispatcher(t *testing.T) {
	bothWays(t, func(t *testing.T, st store.Deliveries) {
		n := sending(t, st, notify.Config{
			Channels: notify.Channels{"pager": &driver{}}, Dispatchers: map[string]notify.Dispatcher{"mine": slow(2 * time.Second)},
			Policies: map[string]notify.Policy{"": {Timeout: time.Minute}},
		})
		m := hello("pager")
		m.Dispatcher = "mine"
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			_, _ = n.Send(ctx, m)
		}()
		time.Sleep(500 * time.Millisecond)
		began := time.Now()
		r := sendAll(t, n, m)
		require.Equal(t, []notify.Status{notify.Sent}, statuses(r))
		require.Less(t, time.Since(began), 20*time.Second)
	})
}
