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

func TestNothingIsCalledThatExpiredWhileItWaitedForTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &driver{limits: channel.Limits{Rate: 1.0 / 60}}
		n := durable(t, memory.New(), notify.Channels{"pager": d})
		running(t, n)
		var ids []string
		for range 3 {
			m := hello("pager")
			m.ExpireAt = in(90 * time.Second)
			ids = append(ids, accept(t, n, m).ID)
		}
		var got []notify.Status
		for _, id := range ids {
			got = append(got, statuses(settled(t, n, id))...)
		}
		require.ElementsMatch(t, []notify.Status{notify.Sent, notify.Sent, notify.Expired}, got)
		require.Equal(t, 2, d.calls())
	})
}

func TestTheRateHoldsThoughLanesWaitForTheChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, end := &driver{}, in(20*time.Second)
		d.send = func(context.Context, channel.Delivery) (channel.Receipt, error) {
			if d.calls() <= 2 {
				time.Sleep(time.Until(end))
			}
			return channel.Receipt{}, nil
		}
		n := newNotifier(t, notify.Config{
			Store: memory.New(), Channels: notify.Channels{"pager": d},
			Policies: map[string]notify.Policy{"pager": {Rate: 1, Concurrency: 2}},
		})
		running(t, n)
		for _, class := range []notify.Class{notify.OTP, notify.Transactional, notify.Notice, notify.Marketing} {
			for range 3 {
				m := hello("pager")
				m.Class = class
				accept(t, n, m)
			}
		}
		pass(time.Minute)
		require.Len(t, d.at, 12)
		for i := range d.at[1:] {
			require.GreaterOrEqual(t, d.at[i+1].Sub(d.at[i]), 990*time.Millisecond, "call %d", i+1)
		}
	})
}

func TestARateIsWholeAfterRunWasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &driver{limits: channel.Limits{Rate: 1.0 / 3600}}
		n := durable(t, memory.New(), notify.Channels{"pager": d})
		stop := running(t, n)
		accept(t, n, hello("pager"))
		accept(t, n, hello("pager"))
		began := time.Now()
		time.Sleep(time.Minute)
		stop()
		running(t, n)
		pass(time.Hour)
		require.Len(t, d.at, 2)
		require.WithinDuration(t, began.Add(time.Hour), d.at[1], 2*time.Second)
	})
}
