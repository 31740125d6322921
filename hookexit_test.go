package notify_test

import (
	"context"
	"log/slog"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/store/memory"
)

// A hook that ends the goroutine it is called on, as a test of the host's does that fails there, does not stop Run.
func TestAHookThatEndsItsGoroutineStrandsNoRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told atomic.Int64
		d := &driver{}
		n, err := notify.New(notify.Config{
			Logger: slog.New(slog.DiscardHandler), Store: memory.New(), Channels: notify.Channels{"pager": d},
			OnOutcome: func(notify.Outcome) {
				told.Add(1)
				runtime.Goexit()
			},
		})
		require.NoError(t, err)
		go func() { _ = n.Run(context.Background()) }()
		for range 10 {
			accept(t, n, hello("pager"))
			pass(time.Second)
		}
		require.Equal(t, 10, d.calls())
		require.Equal(t, int64(10), told.Load())
		require.NoError(t, n.Close(t.Context()))
	})
}
