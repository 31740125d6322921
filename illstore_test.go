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

// A tapped store counts its claims, and lets a test stand between the engine and the memory.
type tapped struct {
	*memory.Store
	claims atomic.Int64
	lease  func(ctx context.Context, r store.LeaseRequest) (store.Leases, error)
	extend func(ctx context.Context, es []store.Extension, d time.Duration) ([]store.DeliveryRef, error)
	settle func(ctx context.Context, ss []store.Settlement) ([]store.DeliveryRef, error)
	prune  func(ctx context.Context) (int, error)
	ill    atomic.Pointer[func(ctx context.Context) error] // what all calls but pruning come to, if not nil
}

func (s *tapped) isIll() (func(ctx context.Context) error, bool) {
	ill := s.ill.Load()
	if ill == nil {
		return nil, false
	}
	return *ill, true
}

func (s *tapped) LeaseDeliveries(ctx context.Context, r store.LeaseRequest) (store.Leases, error) {
	s.claims.Add(1)
	if ill, ok := s.isIll(); ok {
		return store.Leases{}, ill(ctx)
	}
	if s.lease != nil {
		return s.lease(ctx, r)
	}
	return s.Store.LeaseDeliveries(ctx, r)
}

func (s *tapped) ExtendLeases(ctx context.Context, es []store.Extension, d time.Duration) ([]store.DeliveryRef, error) {
	if ill, ok := s.isIll(); ok {
		return nil, ill(ctx)
	}
	if s.extend != nil {
		return s.extend(ctx, es, d)
	}
	return s.Store.ExtendLeases(ctx, es, d)
}

func (s *tapped) SettleDeliveries(ctx context.Context, ss []store.Settlement) ([]store.DeliveryRef, error) {
	if ill, ok := s.isIll(); ok {
		return nil, ill(ctx)
	}
	if s.settle != nil {
		return s.settle(ctx, ss)
	}
	return s.Store.SettleDeliveries(ctx, ss)
}

func (s *tapped) PruneMessages(ctx context.Context, before time.Time, limit int) (int, error) {
	if s.prune != nil {
		return s.prune(ctx)
	}
	return s.Store.PruneMessages(ctx, before, limit)
}

func TestPruningMayFailOrHang(t *testing.T) {
	tests := map[string]func(ctx context.Context) (int, error){
		"fails":  func(context.Context) (int, error) { return 0, errors.New("no") },
		"panics": func(context.Context) (int, error) { panic("no") },
		"hangs":  func(ctx context.Context) (int, error) { return 0, hang(ctx) },
	}
	for name, prune := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				st := &tapped{Store: memory.New(), prune: func(ctx context.Context) (int, error) {
					calls++
					return prune(ctx)
				}}
				stop := running(t, durable(t, st, notify.Channels{"pager": &driver{}}))
				pass(62 * time.Minute)
				require.Equal(t, 2, calls)
				stop()
			})
		})
	}
}

func TestACallEndsBeforeItsLeaseIfTheStoreIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var silent atomic.Bool
		st := &tapped{Store: memory.New()}
		st.extend = func(ctx context.Context, es []store.Extension, d time.Duration) ([]store.DeliveryRef, error) {
			if silent.Load() {
				return nil, hang(ctx)
			}
			return st.Store.ExtendLeases(ctx, es, d)
		}
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
		silent.Store(true)
		time.Sleep(3400 * time.Millisecond)
		accept(t, n, hello("pager"))
		pass(20 * time.Second)
		require.False(t, ended.IsZero())
		require.Less(t, ended.Sub(called), 15*time.Second)
		silent.Store(false)
	})
}

// The settlement is stored and its answer lost; before it is repeated, something else ends the delivery, and tells.
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
				st, first := &tapped{Store: memory.New()}, true
				var told []notify.Outcome
				n := newNotifier(t, notify.Config{Store: st, Channels: notify.Channels{"pager": &driver{answers: []error{fails(channel.Temporary)}}},
					OnOutcome: func(o notify.Outcome) { told = append(told, o) }})
				id := accept(t, n, hello("pager")).ID
				st.settle = func(ctx context.Context, ss []store.Settlement) ([]store.DeliveryRef, error) {
					lost, err := st.Store.SettleDeliveries(ctx, ss)
					if first {
						first = false
						return nil, errors.Join(errors.New("the answer is lost"), end(ctx, n, id))
					}
					return lost, err
				}
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
				st, d, failed := &tapped{Store: memory.New()}, &driver{}, 0
				st.extend = func(ctx context.Context, es []store.Extension, lease time.Duration) ([]store.DeliveryRef, error) {
					if failed++; failed > 3 {
						return st.Store.ExtendLeases(ctx, es, lease)
					}
					if written {
						_, _ = st.Store.ExtendLeases(ctx, es, lease)
					}
					return nil, errors.New("connection reset")
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
				require.Less(t, time.Since(began), 15*time.Second, "it does not wait out its lease")
			})
		})
	}
}

func TestRunEndsThoughTheStoreIsSilent(t *testing.T) {
	tests := map[string]func(ctx context.Context) error{
		"hangs":  hang,
		"panics": func(context.Context) error { panic("no") },
		"fails":  func(context.Context) error { return errors.New("no") },
	}
	for name, ill := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := &tapped{Store: memory.New()}
				n := durable(t, st, notify.Channels{"pager": &driver{takes: 3 * time.Second}})
				stop := running(t, n)
				for range 120 {
					accept(t, n, hello("pager"))
				}
				time.Sleep(time.Second)
				st.sicken(ill)
				time.Sleep(5 * time.Second)
				began := time.Now()
				stop()
				require.Less(t, time.Since(began), time.Minute)
				st.sicken(nil)
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

func (s *tapped) sicken(ill func(ctx context.Context) error) {
	if ill == nil {
		s.ill.Store(nil)
		return
	}
	s.ill.Store(&ill)
}

func TestAStoreWhoseClockJumps(t *testing.T) {
	for _, jump := range []time.Duration{5 * time.Hour, -5 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			var skew atomic.Int64
			st := &tapped{Store: memory.New()}
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
			before := st.claims.Load()
			time.Sleep(10 * time.Second)
			require.Less(t, st.claims.Load()-before, int64(30))
		})
	}
}

func TestRunEndsThoughARowCannotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad := &sick{Deliveries: memory.New()}
		n := durable(t, bad, notify.Channels{"pager": &driver{}})
		bad.suffer(ailment{poison: accept(t, n, hello("pager")).ID})
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
		st := &tapped{Store: memory.New()}
		st.lease = func(context.Context, store.LeaseRequest) (store.Leases, error) {
			<-release
			return store.Leases{}, nil
		}
		n, err := notify.New(notify.Config{Store: st, Channels: notify.Channels{"pager": &driver{}}})
		require.NoError(t, err)
		running(t, n)
		pass(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err = n.Close(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "the store")
		close(release)
		require.NoError(t, n.Close(t.Context()))
	})
}
