package notify_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store/memory"
)

// running starts n.Run and returns what stops it and waits for it.
func running(t *testing.T, n *notify.Notifier) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	return func() {
		cancel()
		require.NoError(t, <-ended)
	}
}

func TestRunSendsWhatWasAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		n, err := notify.New(notify.Config{
			Store: memory.New(),
			Channels: notify.Channels{"page": channel.Func(func(context.Context, channel.Delivery) (channel.Receipt, error) {
				calls.Add(1)
				return channel.Receipt{ID: "x"}, nil
			})},
		})
		require.NoError(t, err)
		stop := running(t, n)
		for i := range 300 {
			_, err := n.Send(t.Context(), notify.Message{To: notify.To("page", fmt.Sprint(i)), Content: notify.Content{Text: "hi"}})
			require.NoError(t, err)
		}
		time.Sleep(10 * time.Second)
		require.EqualValues(t, 300, calls.Load())
		stop()
		require.NoError(t, n.Close(t.Context()))
	})
}
