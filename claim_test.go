package notify_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/memory"
)

func TestASecondRunDoesNotDisturbTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := durable(t, memory.New(), notify.Channels{"pager": &driver{}})
		running(t, n)
		synctest.Wait()
		require.Error(t, n.Run(t.Context()))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := n.Wait(ctx, accept(t, n, hello("pager")).ID)
		require.NoError(t, err)
	})
}

func TestRunAfterItsContextEndedCallsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &driver{}
		n := durable(t, memory.New(), notify.Channels{"pager": d})
		accept(t, n, hello("pager"))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.NoError(t, n.Run(ctx))
		require.Zero(t, d.calls())
		running(t, n)
		synctest.Wait()
		require.Equal(t, 1, d.calls(), "the delivery was returned uncalled")
	})
}

func TestWhatIsClaimedWhenRunEndsIsGivenBackUncalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, d := newFakeStore(memory.New()), &driver{}
		st.before(delay(time.Second), leaseDeliveries)
		n := durable(t, st, notify.Channels{"pager": d})
		accept(t, n, hello("pager"))
		stop := running(t, n)
		synctest.Wait()
		stop()
		require.Zero(t, d.calls())
		other := &driver{}
		running(t, durable(t, st.Store, notify.Channels{"pager": other}))
		time.Sleep(2 * time.Second)
		require.Equal(t, 1, other.calls())
	})
}

func TestAnIdleEngineAsksSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newFakeStore(memory.New())
		n := durable(t, st, notify.Channels{"a": &driver{}, "b": &driver{}, "c": &driver{}, "d": &driver{}})
		running(t, n)
		for _, name := range []string{"a", "b", "c", "d"} {
			for _, class := range []notify.Class{notify.OTP, notify.Transactional, notify.Notice, notify.Marketing} {
				m := hello(name)
				m.Class = class
				accept(t, n, m)
				time.Sleep(61 * time.Millisecond)
			}
		}
		time.Sleep(10 * time.Second)
		before := st.calls(leaseDeliveries)
		time.Sleep(time.Minute)
		require.LessOrEqual(t, st.calls(leaseDeliveries)-before, 61, "one claim in a poll asks for all lanes")
	})
}

func TestRowsThatOthersHoldAreNotAskedForAllTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newFakeStore(memory.New())
		st.lease = func(ctx context.Context, r store.LeaseRequest) (store.Leases, error) {
			l := store.Leases{Now: time.Now(), NextDue: map[store.Lane]time.Time{}}
			for _, room := range r.Lanes {
				l.NextDue[room.Lane] = in(-time.Second) // other processes have locked them
			}
			return l, nil
		}
		n := durable(t, st, notify.Channels{"pager": &driver{}})
		running(t, n)
		time.Sleep(10 * time.Second)
		require.Less(t, st.calls(leaseDeliveries), 100)
	})
}

func TestAPausedChannelIsNotAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newFakeStore(memory.New())
		var most atomic.Int64
		st.lease = func(ctx context.Context, r store.LeaseRequest) (store.Leases, error) {
			for _, l := range r.Lanes {
				most.Store(max(most.Load(), int64(l.Room)))
			}
			return st.Store.LeaseDeliveries(ctx, r)
		}
		d := &driver{answers: []error{waits(channel.RateLimited, time.Minute)}}
		n := durable(t, st, notify.Channels{"pager": d})
		running(t, n)
		accept(t, n, bulk(500))
		time.Sleep(5 * time.Second)
		before := st.calls(leaseDeliveries)
		time.Sleep(50 * time.Second)
		require.Equal(t, before, st.calls(leaseDeliveries))
		_, err := n.Resume(t.Context(), "pager")
		require.NoError(t, err)
		time.Sleep(5 * time.Second)
		require.EqualValues(t, 100, most.Load(), "a delivery that is returned takes room until its settlement is written, and no longer")
	})
}

func TestAWaitThatIsSettledDuringAClaimIsNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newFakeStore(memory.New())
		d := &driver{takes: 50 * time.Millisecond, answers: []error{waits(channel.Temporary, 60*time.Millisecond), nil}}
		n := newNotifier(t, notify.Config{Store: st, Channels: notify.Channels{"pager": d}, Policies: map[string]notify.Policy{"": {Backoff: time.Nanosecond}}})
		running(t, n)
		id := accept(t, n, hello("pager")).ID
		synctest.Wait()
		st.after(delay(100*time.Millisecond), leaseDeliveries)
		n.Wake() // a claim is in flight when the first call is settled
		began := time.Now()
		settled(t, n, id)
		require.Less(t, d.at[1].Sub(began), 320*time.Millisecond)
	})
}

func TestProcessesWithDifferentChannelsShareAGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		email, sms := &driver{answers: []error{fails(channel.Unreachable)}}, &driver{}
		all := durable(t, st, notify.Channels{"email": email, "sms": sms})
		running(t, durable(t, st, notify.Channels{"email": email}))
		m := hello("email", "sms")
		m.Dispatcher = "first"
		id := accept(t, all, m).ID
		time.Sleep(2 * time.Second)
		require.Equal(t, 1, email.calls())
		running(t, durable(t, st, notify.Channels{"sms": sms}))
		require.Equal(t, []notify.Status{notify.Failed, notify.Sent}, statuses(settled(t, all, id)))
	})
}

func TestOpenedAndClosedAllTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		var mu sync.Mutex
		sent := map[string]int{}
		var accepted []string
		for round := range 50 {
			n := newNotifier(t, notify.Config{Store: st, Channels: notify.Channels{
				"pager": channel.Func(func(ctx context.Context, d channel.Delivery) (channel.Receipt, error) {
					time.Sleep(time.Duration(rand.N(20)) * time.Millisecond)
					mu.Lock()
					defer mu.Unlock()
					sent[d.MessageID]++
					return channel.Receipt{}, nil
				}),
			}})
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() {
					for range 3 {
						ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.N(20))*time.Millisecond)
						_ = n.Run(ctx)
						cancel()
					}
				})
				wg.Go(func() {
					for i := range 5 {
						m := hello("pager")
						m.Key = fmt.Sprint(round, i)
						r, err := n.Send(context.Background(), m)
						if errors.Is(err, notify.ErrClosed) {
							return
						}
						if !r.Repeated {
							mu.Lock()
							accepted = append(accepted, r.ID)
							mu.Unlock()
						}
						time.Sleep(time.Duration(rand.N(5)) * time.Millisecond)
					}
				})
			}
			time.Sleep(time.Duration(rand.N(60)) * time.Millisecond)
			require.NoError(t, n.Close(context.Background()))
			wg.Wait()
		}
		last := durable(t, st, notify.Channels{"pager": &driver{}})
		running(t, last)
		time.Sleep(time.Minute)
		for _, id := range accepted {
			r := reported(t, last, id)
			require.Equal(t, notify.Sent, r.Deliveries[0].Status)
			require.False(t, r.Deliveries[0].Duplicate)
			require.LessOrEqual(t, sent[id], 1)
		}
	})
}

func TestManyChannels(t *testing.T) {
	channels, drivers := notify.Channels{}, make([]*driver, 2000)
	for i := range drivers {
		drivers[i] = &driver{}
		channels[fmt.Sprint("c", i)] = drivers[i]
	}
	synctest.Test(t, func(t *testing.T) {
		n := durable(t, memory.New(), channels)
		running(t, n)
		for i := range 500 {
			accept(t, n, hello(fmt.Sprint("c", i)))
		}
		pass(3 * time.Second)
		for i, d := range drivers {
			require.Equal(t, i < 500, d.calls() == 1, "channel %d", i)
		}
	})
}

func TestMuchIsSentWithoutARest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := durable(t, memory.New(), notify.Channels{"pager": &driver{takes: time.Millisecond}})
		running(t, n)
		began := time.Now()
		settled(t, n, accept(t, n, bulk(5000)).ID)
		require.Less(t, time.Since(began), 2*time.Second)
	})
}
