package notify_test

import (
	"context"
	"errors"
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

// The ways in which a store can fail to answer.
var storeFaults = map[string]func(context.Context) error{
	"fails":  func(context.Context) error { return errStore },
	"panics": func(context.Context) error { panic("no") },
	"hangs":  hang,
}

func TestPruningMayFailOrHang(t *testing.T) {
	for name, fault := range storeFaults {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := newFakeStore(memory.New())
				st.before(fault, pruneMessages)
				stop := running(t, durable(t, st, notify.Channels{"pager": &driver{}}))
				pass(62 * time.Minute)
				require.Equal(t, 2, st.calls(pruneMessages))
				stop()
			})
		})
	}
}

func TestACallEndsBeforeItsLeaseIfTheStoreIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newFakeStore(memory.New())
		var called, ended time.Time
		n := newNotifier(t, notify.Config{Store: st, Policies: map[string]notify.Policy{"": {Timeout: time.Hour}}, Channels: notify.Channels{
			"pager": channel.Func(func(ctx context.Context, d channel.Delivery) (channel.Receipt, error) {
				called = time.Now()
				<-ctx.Done()
				ended = time.Now()
				return channel.Receipt{}, ctx.Err()
			}),
		}})
		running(t, n)
		st.before(hang, extendLeases)
		time.Sleep(3400 * time.Millisecond)
		accept(t, n, hello("pager"))
		pass(20 * time.Second)
		require.False(t, ended.IsZero())
		require.Less(t, ended.Sub(called), 15*time.Second)
		st.recover()
	})
}

// The settlement is stored, and the answer is lost. Before the settlement is repeated, something else ends the delivery and is told.
func TestWhatEndsADeliveryIsToldOnceThoughAnAnswerIsLost(t *testing.T) {
	for name, end := range map[string]func(context.Context, *notify.Notifier, string) error{
		"a receipt": func(ctx context.Context, n *notify.Notifier, id string) error {
			return n.Receive(ctx, channel.Receipt{DeliveryID: id + "-0-0", Event: channel.Delivered})
		},
		"a cancellation": func(ctx context.Context, n *notify.Notifier, id string) error {
			_, err := n.Cancel(ctx, notify.Query{ID: id})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st, first := newFakeStore(memory.New()), true
				var told []notify.Outcome
				n := newNotifier(t, notify.Config{Store: st, Channels: notify.Channels{"pager": &driver{answers: []error{fails(channel.Temporary)}}},
					OnOutcome: func(o notify.Outcome) { told = append(told, o) }})
				id := accept(t, n, hello("pager")).ID
				st.after(func(ctx context.Context) error {
					if !first {
						return nil
					}
					first = false
					return errors.Join(errStore, end(ctx, n, id))
				}, settleDeliveries)
				running(t, n)
				pass(time.Minute)
				require.Len(t, told, 1)
			})
		})
	}
}

func TestAMarkThatFailsIsNotACall(t *testing.T) {
	tests := map[string]bool{"it was not written": false, "its answer was lost": true}
	for name, written := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st, d := newFakeStore(memory.New()), &driver{}
				fault := func(context.Context) error {
					if st.calls(extendLeases) > 3 {
						return nil
					}
					return errStore
				}
				if written {
					st.after(fault, extendLeases)
				} else {
					st.before(fault, extendLeases)
				}
				n := durable(t, st, notify.Channels{"pager": d})
				running(t, n)
				m := hello("pager")
				m.AtMostOnce = true
				began := time.Now()
				o := settled(t, n, accept(t, n, m).ID).Deliveries[0]
				require.Equal(t, notify.Sent, o.Status)
				require.False(t, o.Duplicate)
				require.Equal(t, 1, d.calls())
				require.Less(t, time.Since(began), 15*time.Second, "the delivery does not wait for the end of its lease")
			})
		})
	}
}

func TestRunEndsThoughTheStoreIsSilent(t *testing.T) {
	for name, fault := range storeFaults {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := newFakeStore(memory.New())
				n := durable(t, st, notify.Channels{"pager": &driver{takes: 3 * time.Second}})
				stop := running(t, n)
				for range 120 {
					accept(t, n, hello("pager"))
				}
				time.Sleep(time.Second)
				st.before(fault, leasing...)
				time.Sleep(5 * time.Second)
				began := time.Now()
				stop()
				require.Less(t, time.Since(began), time.Minute)
				st.recover()
				other := &driver{}
				m := durable(t, st.Store, notify.Channels{"pager": other})
				running(t, m)
				time.Sleep(30 * time.Second)
				page, err := m.Log(t.Context(), notify.Query{Limit: 200})
				require.NoError(t, err)
				require.Len(t, page.Messages, 120)
				for _, r := range page.Messages {
					require.Equal(t, notify.Sent, r.Deliveries[0].Status)
				}
			})
		})
	}
}

func TestAStoreWhoseClockJumps(t *testing.T) {
	for _, jump := range []time.Duration{5 * time.Hour, -5 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			var skew atomic.Int64
			st := newFakeStore(memory.New())
			st.lease = func(ctx context.Context, r store.LeaseRequest) (store.Leases, error) {
				l, err := st.Store.LeaseDeliveries(ctx, r)
				d := time.Duration(skew.Load())
				l.Now = l.Now.Add(d)
				for lane, due := range l.NextDue {
					l.NextDue[lane] = due.Add(d)
				}
				return l, err
			}
			n := durable(t, st, notify.Channels{"pager": &driver{takes: time.Second}})
			running(t, n)
			id := accept(t, n, hello("pager")).ID
			skew.Store(int64(jump))
			settled(t, n, id)
			before := st.calls(leaseDeliveries)
			time.Sleep(10 * time.Second)
			require.Less(t, st.calls(leaseDeliveries)-before, 30)
		})
	}
}

func TestRunEndsThoughARowCannotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newFakeStore(memory.New())
		n := durable(t, st, notify.Channels{"pager": &driver{}})
		failSettlementsOf(st, accept(t, n, hello("pager")).ID)
		stop := running(t, n)
		time.Sleep(time.Minute)
		began := time.Now()
		stop()
		require.Less(t, time.Since(began), time.Minute)
	})
}

func TestCloseSaysThatTheStoreHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		st := newFakeStore(memory.New())
		st.before(func(context.Context) error { <-release; return nil }, leaseDeliveries)
		n := durable(t, st, notify.Channels{"pager": &driver{}})
		running(t, n)
		pass(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := n.Close(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "the store")
		close(release)
		require.NoError(t, n.Close(t.Context()))
	})
}
