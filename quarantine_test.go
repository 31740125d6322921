package notify_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store/memory"
)

// quarantined accepts messages and lets two processes crash with them, so that they are quarantined.
func quarantined(t *testing.T, st *memory.Store, n *notify.Notifier, count int) (ids []string) {
	t.Helper()
	for range count {
		ids = append(ids, accept(t, n, hello("pager")).ID)
	}
	for range 2 {
		require.Len(t, crash(t, st, time.Second, false), count)
		time.Sleep(time.Second)
	}
	return ids
}

func TestSuspectsAreCalledOneByOneAndHoldUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, d := memory.New(), &driver{takes: time.Second}
		n := durable(t, st, notify.Channels{"pager": d})
		ids := quarantined(t, st, n, 80)
		running(t, n)
		synctest.Wait()
		require.Equal(t, 1, d.calls())
		began := time.Now()
		settled(t, n, accept(t, n, hello("pager")).ID)
		require.Less(t, time.Since(began), 2*time.Second)
		for _, id := range ids {
			require.Equal(t, notify.Sent, settled(t, n, id).Deliveries[0].Status)
		}
		require.InDelta(t, 80, time.Since(began).Seconds(), 2)
	})
}

func TestASuspectThatHangsHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, release := memory.New(), make(chan struct{})
		d := &driver{}
		d.send = func(context.Context, channel.Delivery) (channel.Receipt, error) {
			if d.calls() == 1 {
				<-release
			}
			return channel.Receipt{}, nil
		}
		n := newNotifier(t, notify.Config{
			Store: st, Policies: map[string]notify.Policy{"": {Timeout: time.Second}}, Channels: notify.Channels{"pager": d},
		})
		ids := quarantined(t, st, n, 3)
		stop := running(t, n)
		time.Sleep(10 * time.Second)
		var got []notify.Status
		for _, id := range ids {
			got = append(got, statuses(reported(t, n, id))...)
		}
		close(release)
		stop()
		require.ElementsMatch(t, []notify.Status{notify.Unknown, notify.Sent, notify.Sent}, got)
	})
}

func TestRunGivesBackSuspectsItHasNotCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, d := memory.New(), &driver{takes: 5 * time.Second}
		n := durable(t, st, notify.Channels{"pager": d})
		quarantined(t, st, n, 20)
		stop := running(t, n)
		synctest.Wait()
		began := time.Now()
		stop()
		require.Less(t, time.Since(began), 6*time.Second)
		require.Equal(t, 1, d.calls())
	})
}
