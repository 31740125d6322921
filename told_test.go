package notify_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
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

// dice may be thrown by many goroutines at once.
type dice struct {
	mu   sync.Mutex
	rand *rand.Rand
}

func (d *dice) throw(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rand.IntN(n)
}

// lossy makes settlements fail at random, and others whose answers are lost.
func (d *dice) lossy() *tapped {
	st := &tapped{Store: memory.New()}
	st.settle = func(ctx context.Context, ss []store.Settlement) ([]store.DeliveryRef, error) {
		if d.throw(6) == 0 {
			return nil, errors.New("nothing is written")
		}
		lost, err := st.Store.SettleDeliveries(ctx, ss)
		if d.throw(4) == 0 {
			return nil, errors.New("the answer is lost")
		}
		return lost, err
	}
	return st
}

// Send answers as the dice say, after up to 2 s.
func (d *dice) Send(context.Context, channel.Delivery) (channel.Receipt, error) {
	time.Sleep(time.Duration(d.throw(2000)) * time.Millisecond)
	return channel.Receipt{}, []error{nil, fails(channel.Temporary), fails(channel.Uncertain), fails(channel.Rejected)}[d.throw(4)]
}

// Two processes send, their answers from the store are lost, and receipts and cancellations come at any time.
func TestEachDeliveryIsToldOnceAndAsItIsReported(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			d := &dice{rand: rand.New(rand.NewPCG(seed, 0))}
			st := d.lossy()
			var mu sync.Mutex
			told := map[string][]notify.Outcome{}
			var ns [2]*notify.Notifier
			for i := range ns {
				ns[i] = newNotifier(t, notify.Config{
					Store: st, Channels: notify.Channels{"pager": channel.Func(d.Send), "sms": channel.Func(d.Send)},
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
				time.Sleep(time.Duration(d.throw(300)) * time.Millisecond)
				n, id := ns[d.throw(2)], ids[d.throw(len(ids))]
				if d.throw(2) == 0 {
					_, err := n.Cancel(t.Context(), notify.Query{ID: id})
					require.NoError(t, err)
					continue
				}
				r := channel.Receipt{DeliveryID: id + "-0-" + strconv.Itoa(d.throw(2)), Event: channel.Delivered}
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
						continue // it was raised after
					}
					require.Equal(t, []any{o.Status, o.Reason, o.Duplicate}, []any{first.Status, first.Reason, first.Duplicate}, "seed %d: %v", seed, o)
				}
			}
		})
	}
}
