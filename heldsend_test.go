package notify_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
)

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
