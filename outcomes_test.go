package notify_test

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store/memory"
)

// Two processes send. Settlements fail, answers of the store are lost, and receipts and cancellations come at any time.
func TestEachDeliveryIsToldOnceAndAsItIsReported(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			random := newRandom(seed)
			st := newFakeStore(memory.New())
			st.before(random.failOneIn(6), settleDeliveries)
			st.after(random.failOneIn(4), settleDeliveries)
			send := channel.Func(func(context.Context, channel.Delivery) (channel.Receipt, error) {
				time.Sleep(time.Duration(random.intn(2000)) * time.Millisecond)
				return channel.Receipt{}, []error{nil, fails(channel.Temporary), fails(channel.Uncertain), fails(channel.Rejected)}[random.intn(4)]
			})
			var mu sync.Mutex
			told := map[string][]notify.Outcome{}
			var ns [2]*notify.Notifier
			for i := range ns {
				ns[i] = newNotifier(t, notify.Config{
					Store: st, Channels: notify.Channels{"pager": send, "sms": send},
					Policies: map[string]notify.Policy{"": {Attempts: 4}},
					OnOutcome: func(o notify.Outcome) {
						mu.Lock()
						defer mu.Unlock()
						told[o.ID] = append(told[o.ID], o)
					},
				})
				running(t, ns[i])
			}
			ids := make([]string, 30)
			for i := range ids {
				m := hello("pager", "sms")
				m.Dispatcher, m.AtMostOnce = []string{"all", "first"}[i%2], i%3 == 0
				ids[i] = accept(t, ns[i%2], m).ID
			}
			for range 60 {
				time.Sleep(time.Duration(random.intn(300)) * time.Millisecond)
				n, id := ns[random.intn(2)], ids[random.intn(len(ids))]
				if random.intn(2) == 0 {
					_, err := n.Cancel(t.Context(), notify.Query{ID: id})
					require.NoError(t, err)
					continue
				}
				r := channel.Receipt{DeliveryID: id + "-0-" + strconv.Itoa(random.intn(2)), Event: channel.Delivered}
				require.NoError(t, n.Receive(t.Context(), r))
			}
			pass(20 * time.Minute)
			for _, id := range ids {
				r, err := ns[0].Report(t.Context(), id)
				require.NoError(t, err)
				for _, o := range r.Deliveries {
					require.Len(t, told[o.ID], 1, "seed %d: %v", seed, o)
					first := told[o.ID][0]
					if first.Status != notify.Delivered && o.Status == notify.Delivered {
						continue // a later receipt raised it
					}
					require.Equal(t, []any{o.Status, o.Reason, o.Duplicate}, []any{first.Status, first.Reason, first.Duplicate}, "seed %d: %v", seed, o)
				}
			}
		})
	}
}
