package notify_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
)

func TestAThrottledChannelIsPausedForEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &driver{answers: []error{waits(channel.RateLimited, 10*time.Second), nil}}
		n := newNotifier(t, notify.Config{Channels: notify.Channels{"pager": d}})
		for range 20 {
			report, err := n.Send(t.Context(), hello("pager"))
			require.ErrorIs(t, err, channel.RateLimited)
			require.Equal(t, notify.ReasonThrottled, report.Deliveries[0].Reason)
		}
		require.Equal(t, 1, d.calls(), "the channel was called during its pause")

		time.Sleep(6 * time.Second)
		begun := time.Now()
		_, err := n.Send(t.Context(), hello("pager"))
		require.NoError(t, err, "the rest of the pause is shorter than MaxWait")
		require.Equal(t, 4*time.Second, time.Since(begun))
	})
}

func TestAMisconfiguredChannelAnswersTheSameUncalledForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &driver{answers: []error{fails(channel.Misconfigured), nil}}
		n := newNotifier(t, notify.Config{Channels: notify.Channels{"pager": d}})
		for range 3 {
			report, err := n.Send(t.Context(), hello("pager"))
			require.ErrorIs(t, err, channel.Misconfigured)
			require.Equal(t, notify.ReasonMisconfigured, report.Deliveries[0].Reason)
		}
		require.Equal(t, 1, d.calls())
		time.Sleep(30 * time.Second)
		_, err := n.Send(t.Context(), hello("pager"))
		require.NoError(t, err)
	})
}

func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &driver{limits: channel.Limits{Rate: 2, Burst: 3}}
		n := newNotifier(t, notify.Config{Channels: notify.Channels{"pager": d}})
		m := hello("pager")
		m.To = notify.To("pager", "0", "1", "2", "3", "4", "5", "6")
		begun := time.Now()
		_, err := n.Send(t.Context(), m)
		require.NoError(t, err)
		var took []time.Duration
		for _, at := range d.at {
			took = append(took, at.Sub(begun))
		}
		ms := time.Millisecond
		require.Equal(t, []time.Duration{0, 0, 0, 500 * ms, 1000 * ms, 1500 * ms, 2000 * ms}, took)
	})
}

func TestRateBeyondMaxWaitFailsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &driver{}
		n := newNotifier(t, notify.Config{
			Channels: notify.Channels{"pager": d}, Policies: map[string]notify.Policy{"pager": {Rate: 1, MaxWait: 1500 * time.Millisecond}},
		})
		m := hello("pager")
		m.To = notify.To("pager", "0", "1", "2", "3")
		report, err := n.Send(t.Context(), m)
		require.ErrorIs(t, err, channel.RateLimited)
		require.Equal(t, 2, d.calls())
		count := map[notify.Status]int{}
		for _, s := range statuses(report) {
			count[s]++
		}
		require.Equal(t, map[notify.Status]int{notify.Sent: 2, notify.Failed: 2}, count)

		time.Sleep(time.Second)
		_, err = n.Send(t.Context(), hello("pager"))
		require.NoError(t, err, "deliveries that gave up return their tickets")
	})
}

func TestTheRateHoldsAfterAWait(t *testing.T) {
	tests := map[string]struct {
		first error
		takes time.Duration // of the first call
		slots int
	}{
		"for a pause": {waits(channel.RateLimited, 30*time.Second), 0, 16},
		"for a slot":  {nil, 20 * time.Second, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &driver{}
				d.send = func(context.Context, channel.Delivery) (channel.Receipt, error) {
					if d.calls() > 1 {
						return channel.Receipt{}, nil
					}
					time.Sleep(tt.takes)
					return channel.Receipt{}, tt.first
				}
				n := newNotifier(t, notify.Config{
					Channels: notify.Channels{"pager": d},
					Policies: map[string]notify.Policy{"pager": {Rate: 1, MaxWait: time.Hour, Concurrency: tt.slots}},
				})
				_, err := n.Send(t.Context(), bulk(60))
				require.NoError(t, err)
				for i := 1; i < len(d.at); i++ {
					require.GreaterOrEqual(t, d.at[i].Sub(d.at[i-1]), time.Second, "call %d", i)
				}
			})
		})
	}
}

func TestThoseWhoGiveUpLeaveTheirPlacesToOthers(t *testing.T) {
	tests := map[string]struct{ maxWait, ctx time.Duration }{
		"because the wait exceeds MaxWait": {5 * time.Second, time.Hour},
		"because ctx ended":                {time.Hour, 5500 * time.Millisecond},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &driver{}
				n := newNotifier(t, notify.Config{
					Channels: notify.Channels{"pager": d}, Policies: map[string]notify.Policy{"pager": {Rate: 1, MaxWait: tt.maxWait}},
				})
				m := bulk(500)
				ctx, cancel := context.WithTimeout(t.Context(), tt.ctx)
				defer cancel()
				_, err := n.Send(ctx, m)
				require.Error(t, err)
				require.Equal(t, 6, d.calls(), "one at once, and one in each of five seconds")

				time.Sleep(time.Second)
				begun := time.Now()
				_, err = n.Send(t.Context(), hello("pager"))
				require.NoError(t, err)
				require.Zero(t, time.Since(begun))
			})
		})
	}
}

func TestConcurrencyIsBoundedAcrossMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		n := newNotifier(t, notify.Config{
			Channels: notify.Channels{"pager": channel.Func(func(context.Context, channel.Delivery) (channel.Receipt, error) {
				most.Store(max(most.Load(), now.Add(1)))
				time.Sleep(time.Second)
				now.Add(-1)
				return channel.Receipt{}, nil
			})},
			Policies: map[string]notify.Policy{"pager": {Concurrency: 3}},
		})
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				m := hello("pager")
				m.To = notify.To("pager", "0", "1", "2")
				_, err := n.Send(t.Context(), m)
				require.NoError(t, err, "waiting for a slot is no failure")
			})
		}
		wg.Wait()
		require.Equal(t, int64(3), most.Load())
	})
}

func TestWhoWaitsForASlotIsCanceledWithCtx(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &driver{takes: time.Minute}
		n := newNotifier(t, notify.Config{Channels: notify.Channels{"pager": d}, Policies: map[string]notify.Policy{"pager": {Concurrency: 1, Timeout: time.Hour}}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		m := hello("pager")
		m.To = notify.To("pager", "0", "1", "2")
		report, err := n.Send(ctx, m)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ElementsMatch(t, []notify.Status{notify.Unknown, notify.Canceled, notify.Canceled}, statuses(report))
		require.Equal(t, 1, d.calls())

		d.takes = 0
		_, err = n.Send(t.Context(), hello("pager"))
		require.NoError(t, err, "the slot is free again")
	})
}

func TestABrokenDriverDoesNotPileUpCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		d := &driver{hold: release}
		n := newNotifier(t, notify.Config{
			Channels: notify.Channels{"hangs": d},
			Policies: map[string]notify.Policy{"hangs": {Concurrency: 2, Timeout: time.Second, Attempts: 2}},
		})
		for range 6 {
			_, err := n.Send(t.Context(), hello("hangs"))
			require.Error(t, err)
		}
		require.Equal(t, 2, d.calls())
		close(release)
		synctest.Wait()
		_, err := n.Send(t.Context(), hello("hangs"))
		require.NoError(t, err, "the channel works again when the calls return")
	})
}

func TestASlotThatComesTooLateIsNotUsed(t *testing.T) {
	tests := map[string]struct {
		answer error
		expire time.Duration
		status notify.Status
	}{
		"after the message expired":     {nil, time.Second, notify.Expired},
		"after the channel was paused":  {waits(channel.RateLimited, time.Minute), time.Hour, notify.Failed},
		"after it proved misconfigured": {fails(channel.Misconfigured), time.Hour, notify.Failed},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &driver{answers: []error{tt.answer}, takes: 2 * time.Second}
				n := newNotifier(t, notify.Config{Channels: notify.Channels{"pager": d}, Policies: map[string]notify.Policy{"pager": {Concurrency: 1}}})
				m := bulk(100)
				m.ExpireAt = in(tt.expire)
				report, err := n.Send(t.Context(), m)
				require.Error(t, err)
				require.Equal(t, 1, d.calls())
				late := 0
				for _, o := range report.Deliveries {
					if o.Attempts == 0 && o.Status == tt.status {
						late++
					}
				}
				require.Equal(t, 99, late)
			})
		})
	}
}

func TestThoseWhoWaitForASlotOfABrokenDriverGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		d := &driver{hold: release}
		n := newNotifier(t, notify.Config{
			Channels: notify.Channels{"pager": d},
			Policies: map[string]notify.Policy{"pager": {Concurrency: 2, Timeout: time.Second}},
		})
		t.Cleanup(func() { close(release) })
		m := bulk(100)
		begun := time.Now()
		_, err := n.Send(t.Context(), m)
		require.ErrorIs(t, err, channel.Uncertain)
		require.LessOrEqual(t, d.calls(), 3, "two, and one in the slot of the first call that was given up")
		require.Less(t, time.Since(begun), 10*time.Second)
	})
}
