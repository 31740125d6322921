package notify_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
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
