package notify_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/memory"
)

// A report may be read while a process shuts down.
func TestADispatcherMayHangAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, release := hanging(t, "Reached", 1) // the first is that of Send
		n := newNotifier(t, notify.Config{
			Store: memory.New(), Channels: notify.Channels{"a": &driver{}, "b": &driver{}}, Dispatchers: map[string]notify.Dispatcher{"mine": d},
		})
		m := hello("a", "b")
		m.Dispatcher = "mine"
		id := accept(t, n, m).ID
		require.NoError(t, n.Close(t.Context()))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := n.Report(ctx, id)
		require.NoError(t, err)
		release()
		synctest.Wait()
	})
}

// ctx ends while the dispatcher is asked, and the driver of another delivery ignores it.
func TestADispatcherAndADriverThatHangHoldNoSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, release := hanging(t, "Next", 1)
		free := make(chan struct{})
		n := newNotifier(t, notify.Config{
			Channels:    notify.Channels{"a": &driver{answers: []error{waits(channel.Temporary, 4*time.Second)}}, "b": &driver{hold: free}},
			Dispatchers: map[string]notify.Dispatcher{"mine": d},
		})
		defer release()
		defer close(free)
		m := hello("a", "b")
		m.Dispatcher = "mine"
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		r, err := n.Send(ctx, m)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, []notify.Status{notify.Canceled, notify.Unknown}, statuses(r))
		require.LessOrEqual(t, time.Since(began), 1200*time.Millisecond, "100 ms for each of them")
	})
}

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

// The time that a dispatcher takes is not the driver's, and passes for the message.
func TestASlowDispatcherTakesNoTimeFromTheCall(t *testing.T) {
	tests := map[string]struct {
		timeout, expire time.Duration
		status          notify.Status
		attempts        int
	}{
		"longer than a call may take": {2 * time.Second, time.Hour, notify.Sent, 1},
		"until the message expires":   {time.Minute, 2 * time.Second, notify.Expired, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bothWays(t, func(t *testing.T, st store.Deliveries) {
				d := slow(3 * time.Second)
				d.reached = nil
				n := sending(t, st, notify.Config{
					Channels: notify.Channels{"pager": &driver{takes: time.Second}}, Dispatchers: map[string]notify.Dispatcher{"mine": d},
					Policies: map[string]notify.Policy{"": {Timeout: tt.timeout}},
				})
				m := hello("pager")
				m.Dispatcher, m.ExpireAt = "mine", time.Now().Add(tt.expire)
				o := sendAll(t, n, m).Deliveries[0]
				require.Equal(t, tt.status, o.Status)
				require.Equal(t, tt.attempts, o.Attempts)
			})
		})
	}
}
