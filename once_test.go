package notify_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/memory"
)

// shaky returns a process's way to a store that fails at random, before or after it has done as it was told, until the process is dead:
// then all fails before.
func shaky(st *memory.Store, dice func(n int) int, dead func() bool) *tapped {
	s := &tapped{Store: st}
	fails := func(do func() error) error {
		if dead() || dice(8) == 0 {
			return errCrashed
		}
		if err := do(); err != nil || dice(8) > 0 {
			return err
		}
		return errCrashed
	}
	s.lease = func(ctx context.Context, r store.LeaseRequest) (l store.Leases, err error) {
		err = fails(func() error { l, err = st.LeaseDeliveries(ctx, r); return err })
		return l, err
	}
	s.extend = func(ctx context.Context, es []store.Extension, d time.Duration) (lost []store.DeliveryRef, err error) {
		err = fails(func() error { lost, err = st.ExtendLeases(ctx, es, d); return err })
		return lost, err
	}
	s.settle = func(ctx context.Context, ss []store.Settlement) (lost []store.DeliveryRef, err error) {
		err = fails(func() error { lost, err = st.SettleDeliveries(ctx, ss); return err })
		return lost, err
	}
	return s
}

func TestAtMostOnceWhateverFails(t *testing.T) {
	for seed := range uint64(4) {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			random := rand.New(rand.NewPCG(seed, 0))
			dice := func(n int) int {
				mu.Lock()
				defer mu.Unlock()
				return random.IntN(n)
			}
			left := map[string]int{}
			send := channel.Func(func(ctx context.Context, d channel.Delivery) (channel.Receipt, error) {
				takes, answer := time.Duration(dice(300))*time.Millisecond, dice(4)
				time.Sleep(takes)
				if answer == 0 {
					return channel.Receipt{}, fails(channel.Temporary)
				}
				mu.Lock()
				defer mu.Unlock()
				left[d.MessageID]++
				return channel.Receipt{}, nil
			})
			st, ctx := memory.New(), t.Context()
			life, end := context.WithCancel(ctx)
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() {
					for life.Err() == nil {
						ctx, die := context.WithTimeout(life, time.Duration(1+dice(30))*time.Second)
						n := newNotifier(t, notify.Config{
							Store:    shaky(st, dice, func() bool { return ctx.Err() != nil && life.Err() == nil }),
							Channels: notify.Channels{"pager": send}, Policies: map[string]notify.Policy{"": {Backoff: time.Second}},
						})
						_ = n.Run(ctx)
						die()
					}
				})
			}
			n := durable(t, st, notify.Channels{"pager": send})
			var ids []string
			for range 100 {
				m := hello("pager")
				m.AtMostOnce = true
				ids = append(ids, accept(t, n, m).ID)
				time.Sleep(time.Duration(dice(500)) * time.Millisecond)
			}
			sent := 0
			for _, id := range ids {
				o := settled(t, n, id).Deliveries[0]
				mu.Lock()
				left := left[id]
				mu.Unlock()
				require.LessOrEqual(t, left, 1, "seed %d: %s", seed, id)
				require.False(t, o.Duplicate)
				switch o.Status {
				case notify.Sent:
					sent++
					require.Equal(t, 1, left)
				default:
					require.Equal(t, notify.Unknown, o.Status)
				}
			}
			require.Greater(t, sent, 50)
			end()
			wg.Wait()
		})
	}
}
