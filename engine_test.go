package notify_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

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
}

func (s *tapped) LeaseDeliveries(ctx context.Context, r store.LeaseRequest) (store.Leases, error) {
	s.claims.Add(1)
	if s.lease != nil {
		return s.lease(ctx, r)
	}
	return s.Store.LeaseDeliveries(ctx, r)
}

func (s *tapped) ExtendLeases(ctx context.Context, es []store.Extension, d time.Duration) ([]store.DeliveryRef, error) {
	if s.extend != nil {
		return s.extend(ctx, es, d)
	}
	return s.Store.ExtendLeases(ctx, es, d)
}

func (s *tapped) SettleDeliveries(ctx context.Context, ss []store.Settlement) ([]store.DeliveryRef, error) {
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

// stuck never answers before ctx ends.
func stuck(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

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
		require.Equal(t, 1, d.calls(), "it was given back")
	})
}

func TestWhatIsClaimedWhenRunEndsIsGivenBackUncalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, d := &tapped{Store: memory.New()}, &driver{}
		st.lease = func(ctx context.Context, r store.LeaseRequest) (store.Leases, error) {
			time.Sleep(time.Second)
			return st.Store.LeaseDeliveries(ctx, r)
		}
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
		st := &tapped{Store: memory.New()}
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
		before := st.claims.Load()
		time.Sleep(time.Minute)
		require.LessOrEqual(t, st.claims.Load()-before, int64(61), "all lanes are asked together, once in a poll")
	})
}

func TestRowsThatOthersHoldAreNotAskedForAllTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &tapped{Store: memory.New()}
		st.lease = func(ctx context.Context, r store.LeaseRequest) (store.Leases, error) {
			l := store.Leases{Now: time.Now(), NextDue: map[store.Lane]time.Time{}}
			for _, room := range r.Lanes {
				l.NextDue[room.Lane] = time.Now().Add(-time.Second) // they are locked
			}
			return l, nil
		}
		n := durable(t, st, notify.Channels{"pager": &driver{}})
		running(t, n)
		time.Sleep(10 * time.Second)
		require.Less(t, st.claims.Load(), int64(100))
	})
}

func TestAPausedChannelIsNotAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &tapped{Store: memory.New()}
		d := &driver{answers: []error{waits(channel.RateLimited, time.Minute)}}
		n := durable(t, st, notify.Channels{"pager": d})
		running(t, n)
		accept(t, n, notify.Message{To: crowd(500), Channels: []string{"pager"}, Content: notify.Content{Text: "hi"}})
		time.Sleep(5 * time.Second)
		before := st.claims.Load()
		time.Sleep(50 * time.Second)
		require.Equal(t, before, st.claims.Load())
	})
}

func TestPruningMayFailOrHang(t *testing.T) {
	tests := map[string]func(ctx context.Context) (int, error){
		"fails":  func(context.Context) (int, error) { return 0, errors.New("no") },
		"panics": func(context.Context) (int, error) { panic("no") },
		"hangs":  func(ctx context.Context) (int, error) { return 0, stuck(ctx) },
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
				time.Sleep(62 * time.Minute)
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
				return nil, stuck(ctx)
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
		time.Sleep(20 * time.Second)
		require.False(t, ended.IsZero())
		require.Less(t, ended.Sub(called), 15*time.Second)
		silent.Store(false)
	})
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

func TestNothingIsCalledThatExpiredWhileItWaitedForTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &driver{limits: channel.Limits{Rate: 1.0 / 60}}
		n := durable(t, memory.New(), notify.Channels{"pager": d})
		running(t, n)
		var ids []string
		for range 3 {
			m := hello("pager")
			m.ExpireAt = time.Now().Add(90 * time.Second)
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
		var mu sync.Mutex
		var at []time.Time
		slow := channel.Func(func(context.Context, channel.Delivery) (channel.Receipt, error) {
			mu.Lock()
			at = append(at, time.Now())
			first := len(at) <= 2
			began := at[0]
			mu.Unlock()
			if first {
				time.Sleep(time.Until(began.Add(20 * time.Second)))
			}
			return channel.Receipt{}, nil
		})
		n := newNotifier(t, notify.Config{
			Store: memory.New(), Channels: notify.Channels{"pager": slow},
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
		time.Sleep(time.Minute)
		require.Len(t, at, 12)
		for i := range at[1:] {
			require.GreaterOrEqual(t, at[i+1].Sub(at[i]), 990*time.Millisecond, "call %d", i+1)
		}
	})
}

func TestALongerPauseIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		var at []time.Time
		n := durable(t, memory.New(), notify.Channels{
			"pager": channel.Func(func(_ context.Context, d channel.Delivery) (channel.Receipt, error) {
				at = append(at, time.Now())
				switch calls++; calls {
				case 1:
					return channel.Receipt{}, waits(channel.RateLimited, 2*time.Second)
				case 2:
					time.Sleep(100 * time.Millisecond)
					return channel.Receipt{}, waits(channel.RateLimited, time.Minute)
				}
				return channel.Receipt{}, nil
			}),
		})
		accept(t, n, hello("pager"))
		accept(t, n, hello("pager"))
		running(t, n)
		began := time.Now()
		time.Sleep(10 * time.Second)
		settled(t, n, accept(t, n, hello("pager")).ID)
		require.GreaterOrEqual(t, at[2].Sub(began), time.Minute)
	})
}

func TestWordsOfProvidersAreCutToFit(t *testing.T) {
	for name, word := range map[string]string{
		"NUL":               strings.Repeat("\x00", 1<<20),
		"no UTF-8":          strings.Repeat("a\xff", 1<<19),
		"a cut in a letter": strings.Repeat("€", 1<<18),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := &tapped{Store: memory.New()}
				var a *store.Attempt
				st.settle = func(ctx context.Context, ss []store.Settlement) ([]store.DeliveryRef, error) {
					a = ss[0].Attempt
					return st.Store.SettleDeliveries(ctx, ss)
				}
				n := durable(t, st, notify.Channels{"pager": channel.Func(func(context.Context, channel.Delivery) (channel.Receipt, error) {
					return channel.Receipt{ID: word, Provider: word, Code: word}, &channel.Error{Kind: channel.Rejected, Code: word, Field: word, Err: errors.New(word)}
				})})
				running(t, n)
				settled(t, n, accept(t, n, hello("pager")).ID)
				for _, s := range []string{a.ProviderID, a.Provider, a.Code, a.Failure.Code, a.Failure.Field, a.Failure.Text} {
					require.LessOrEqual(t, len(s), 1000)
					require.True(t, utf8.ValidString(s))
					require.NotContains(t, s, "\x00")
				}
			})
		})
	}
}
