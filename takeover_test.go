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

func TestRunTakesOverFromTheDead(t *testing.T) {
	tests := map[string]struct {
		once, called bool
		status       notify.Status
		twice        bool
	}{
		"possibly called, flagged": {status: notify.Sent, twice: true},
		"at most once, not called": {once: true, status: notify.Sent},
		"at most once, called":     {once: true, called: true, status: notify.Unknown},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st, d := memory.New(), &driver{}
				n := durable(t, st, notify.Channels{"pager": d})
				m := hello("pager")
				m.AtMostOnce = tt.once
				id := accept(t, n, m).ID
				began := time.Now()
				require.Len(t, crash(t, st, 15*time.Second, tt.called), 1)
				running(t, n)
				o := settled(t, n, id).Deliveries[0]
				require.WithinRange(t, o.At, began.Add(15*time.Second), began.Add(16*time.Second))
				require.Equal(t, tt.status, o.Status)
				require.Equal(t, tt.twice, o.Duplicate)
			})
		})
	}
}

func TestADeliveryThatKillsProcessesEnds(t *testing.T) {
	for attempts, want := range map[int]int{1: 8, 14: 14} {
		synctest.Test(t, func(t *testing.T) {
			st := newFakeStore(memory.New())
			n := durable(t, st.Store, notify.Channels{"pager": &driver{}})
			id, calls := accept(t, n, hello("pager")).ID, 0
			for range 2 {
				require.Len(t, crash(t, st.Store, time.Second, false), 1)
				time.Sleep(time.Second)
			}
			var o notify.Outcome
			for !o.Status.Settled() && calls < 20 {
				st.recover()
				crashes := &driver{send: func(context.Context, channel.Delivery) (channel.Receipt, error) {
					calls++
					st.fail(errCrashed, extendLeases, settleDeliveries)
					return channel.Receipt{}, nil
				}}
				stop := running(t, newNotifier(t, notify.Config{
					Store: st, Channels: notify.Channels{"pager": crashes}, Policies: map[string]notify.Policy{"": {Attempts: attempts}},
				}))
				for crashes.calls() == 0 && !o.Status.Settled() {
					pass(time.Second)
					o = reported(t, n, id).Deliveries[0]
				}
				stop()
			}
			require.Equal(t, want, calls)
			require.Equal(t, notify.Unknown, o.Status)
			require.Equal(t, notify.ReasonExhausted, o.Reason)
			require.True(t, o.Duplicate)
		})
	}
}

func TestDeathsCondemnOnlyWhatWasCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, d := memory.New(), &driver{}
		n := durable(t, st, notify.Channels{"pager": d})
		id := accept(t, n, hello("pager")).ID
		for i := range 20 {
			require.Len(t, crash(t, st, time.Second, i == 2), 1)
			time.Sleep(time.Second)
		}
		running(t, n)
		o := settled(t, n, id).Deliveries[0]
		require.Equal(t, notify.Sent, o.Status)
		require.True(t, o.Duplicate)
	})
}

func TestAReceiptFlagsWhatTwoProcessesMayHaveCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		n := durable(t, st, notify.Channels{"pager": &driver{}})
		id := accept(t, n, hello("pager")).ID
		for twice := range 2 {
			require.Len(t, crash(t, st, time.Second, false), 1)
			time.Sleep(time.Duration(1-twice) * time.Second)
		}
		r := reported(t, n, id)
		require.False(t, r.Deliveries[0].Duplicate)
		require.NoError(t, n.Receive(t.Context(), channel.Receipt{DeliveryID: r.Deliveries[0].ID, Event: channel.Delivered}))
		o := settled(t, n, id).Deliveries[0]
		require.Equal(t, notify.Delivered, o.Status)
		require.True(t, o.Duplicate)
	})
}

func TestTheHostIsToldOfDuplicatesAsTheReportIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		var told []notify.Outcome
		n := newNotifier(t, notify.Config{Store: st, Channels: notify.Channels{"pager": &driver{}},
			OnOutcome: func(o notify.Outcome) { told = append(told, o) }})
		m := hello("pager")
		m.ExpireAt = in(5 * time.Second)
		id := accept(t, n, m).ID
		require.Len(t, crash(t, st, 10*time.Second, false), 1)
		running(t, n)
		o := settled(t, n, id).Deliveries[0]
		synctest.Wait()
		require.Equal(t, notify.Unknown, o.Status)
		require.False(t, o.Duplicate, "only one process may have called it")
		require.Len(t, told, 1)
		require.False(t, told[0].Duplicate)
	})
}

func TestWhatWasClaimedBesideAKillerIsNotCondemned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, d := memory.New(), &driver{}
		n := durable(t, st, notify.Channels{"pager": d})
		id := accept(t, n, hello("pager")).ID
		for range 20 {
			require.Len(t, crash(t, st, time.Second, false), 1)
			time.Sleep(time.Second)
		}
		running(t, n)
		require.Equal(t, notify.Sent, settled(t, n, id).Deliveries[0].Status)
	})
}

func TestACallEndsBeforeItsLeaseDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		broken := newFakeStore(st)
		broken.fail(errStore, extendLeases)
		slow, other := &driver{takes: time.Minute}, &driver{}
		first := newNotifier(t, notify.Config{
			Store: broken, Channels: notify.Channels{"pager": slow}, Policies: map[string]notify.Policy{"": {Timeout: time.Hour}},
		})
		running(t, first)
		id := accept(t, first, hello("pager")).ID
		time.Sleep(time.Second)
		require.Equal(t, 1, slow.calls())
		began := slow.at[0]
		broken.fail(errStore, leasing...)
		second := durable(t, st, notify.Channels{"pager": other})
		running(t, second)
		o := settled(t, second, id).Deliveries[0]
		require.Equal(t, notify.Sent, o.Status)
		require.True(t, o.Duplicate)
		require.WithinRange(t, other.at[0], began.Add(15*time.Second), began.Add(16*time.Second))
		broken.recover()
	})
}

func TestALongCallKeepsItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		slow, other := &driver{takes: 20 * time.Minute}, &driver{}
		first := newNotifier(t, notify.Config{
			Store: st, Channels: notify.Channels{"pager": slow}, Policies: map[string]notify.Policy{"": {Timeout: time.Hour}},
		})
		running(t, first)
		id := accept(t, first, hello("pager")).ID
		synctest.Wait()
		running(t, durable(t, st, notify.Channels{"pager": other}))
		require.Equal(t, notify.Sent, settled(t, first, id).Deliveries[0].Status)
		require.Zero(t, other.calls())
	})
}

func TestRunGivesBackWhatItHasNotBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		slow, other := &driver{takes: 5 * time.Second}, &driver{}
		first := durable(t, st, notify.Channels{"pager": slow})
		stop := running(t, first)
		id := accept(t, first, bulk(100)).ID
		synctest.Wait()
		began := time.Now()
		stop()
		require.InDelta(t, 5, time.Since(began).Seconds(), 0.1, "Run waits for the calls in flight")
		require.Equal(t, 50, slow.calls())
		running(t, durable(t, st, notify.Channels{"pager": other}))
		r := settled(t, first, id)
		require.Less(t, time.Since(began), 7*time.Second)
		require.Equal(t, 50, other.calls())
		for _, o := range r.Deliveries {
			require.Equal(t, notify.Sent, o.Status)
			require.False(t, o.Duplicate)
		}
	})
}

func TestRunWritesWhatItCanWhenARowCannotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newFakeStore(memory.New())
		n := durable(t, st, notify.Channels{"pager": &driver{takes: time.Second}})
		failSettlementsOf(st, accept(t, n, hello("pager")).ID)
		var ids []string
		for range 20 {
			ids = append(ids, accept(t, n, hello("pager")).ID)
		}
		stop := running(t, n)
		for _, id := range ids {
			require.Equal(t, notify.Sent, settled(t, n, id).Deliveries[0].Status)
		}
		stop()
	})
}

func TestRunWaitsForAStoreThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newFakeStore(memory.New())
		st.fail(errStore, leaseDeliveries)
		d := &driver{answers: []error{fails(channel.Temporary), nil}}
		n := durable(t, st, notify.Channels{"pager": d})
		id := accept(t, n, hello("pager")).ID
		running(t, n)
		time.Sleep(time.Hour)
		st.fail(errStore, settleDeliveries)
		time.Sleep(time.Hour)
		st.recover()
		o := settled(t, n, id).Deliveries[0]
		require.Equal(t, notify.Sent, o.Status)
		require.Equal(t, 2, d.calls(), "an answer that is not written yet is no reason to call again")
		require.False(t, o.Duplicate)
	})
}
