package notify_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store/memory"
)

// unreliable returns a process's connection to st. Calls fail at random before they change st, or their answers are lost. After the
// process has crashed, all calls fail.
func unreliable(st *memory.Store, r *random, crashed func() bool) *fakeStore {
	s, fail := newFakeStore(st), r.failOneIn(8)
	s.before(func(ctx context.Context) error {
		if crashed() {
			return errCrashed
		}
		return fail(ctx)
	}, leasing...)
	s.after(fail, leasing...)
	return s
}

func TestAtMostOnceWhateverFails(t *testing.T) {
	for seed := range uint64(4) {
		synctest.Test(t, func(t *testing.T) {
			random := newRandom(seed)
			var mu sync.Mutex
			left := map[string]int{} // the deliveries that left, by message
			send := channel.Func(func(ctx context.Context, d channel.Delivery) (channel.Receipt, error) {
				takes, answer := time.Duration(random.intn(300))*time.Millisecond, random.intn(4)
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
						ctx, die := context.WithTimeout(life, time.Duration(1+random.intn(30))*time.Second)
						n := newNotifier(t, notify.Config{
							Store:    unreliable(st, random, func() bool { return ctx.Err() != nil && life.Err() == nil }),
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
				time.Sleep(time.Duration(random.intn(500)) * time.Millisecond)
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
