package notify_test

import (
	"context"
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

func TestAPeerMovesOnAtOnce(t *testing.T) {
	tests := map[string]struct {
		once, crashed bool
		answer        error
	}{
		"after a failure": {answer: fails(channel.Unreachable)},
		"after a crash":   {once: true, crashed: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st, sms := memory.New(), &driver{}
				n := durable(t, st, notify.Channels{"pager": &driver{answers: []error{tt.answer}}, "sms": sms})
				m := hello("pager", "sms")
				m.Dispatcher, m.AtMostOnce = "first", tt.once
				began, id := time.Now(), accept(t, n, m).ID
				if tt.crashed {
					crash(t, st, 10*time.Second, true)
					began = began.Add(10 * time.Second)
				}
				running(t, n)
				settled(t, n, id)
				require.WithinDuration(t, began, sms.at[0], 300*time.Millisecond)
			})
		})
	}
}

func TestAFactUndoesNoBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, sms := memory.New(), &driver{answers: []error{waits(channel.Temporary, time.Minute), nil}}
		both := fakeDispatcher{waits: true, next: func(time.Time, []notify.Progress) []notify.Step {
			return []notify.Step{{Action: notify.Start}, {Action: notify.Start}}
		}}
		n := newNotifier(t, notify.Config{
			Store: st, Channels: notify.Channels{"email": &driver{takes: 10 * time.Second}, "sms": sms},
			Dispatchers: map[string]notify.Dispatcher{"both": both},
		})
		running(t, n)
		m := hello("email", "sms")
		m.Dispatcher = "both"
		settled(t, n, accept(t, n, m).ID)
		require.GreaterOrEqual(t, sms.at[1].Sub(sms.at[0]), time.Minute)
	})
}

func TestAGroupThatWaitsIsAskedSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newFakeStore(memory.New())
		leased := 0
		st.onLease(func(ds []store.Leased) { leased += len(ds) })
		n := newNotifier(t, notify.Config{
			Store: st, Channels: notify.Channels{"email": &driver{}, "sms": &driver{}, "phone": &driver{}},
			Dispatchers: map[string]notify.Dispatcher{"mine": notify.Escalate(10 * time.Minute)},
		})
		running(t, n)
		send(t, n, "mine")
		pass(9 * time.Minute)
		require.Less(t, leased, 10)
	})
}

func TestWhatWaitsForItsDispatcherExpiresInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := dispatched(t, notify.Escalate(time.Hour), notify.Channels{"email": &driver{}, "sms": &driver{}, "phone": &driver{}})
		m := hello("email", "sms", "phone")
		m.Dispatcher, m.ExpireAt = "mine", in(10*time.Minute)
		r := settled(t, n, accept(t, n, m).ID)
		require.Equal(t, []notify.Status{notify.Sent, notify.Expired, notify.Expired}, statuses(r))
		require.WithinDuration(t, m.ExpireAt, time.Now(), 2*time.Second)
	})
}

func TestWhatWasCanceledUnderADeadProcessIsNotCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, d := memory.New(), &driver{}
		n := durable(t, st, notify.Channels{"pager": d})
		m := hello("pager")
		m.AtMostOnce = true // so that the dead process has not called it
		id := accept(t, n, m).ID
		crash(t, st, 10*time.Second, false)
		_, err := n.Cancel(t.Context(), notify.Query{ID: id})
		require.NoError(t, err)
		running(t, n)
		require.Equal(t, notify.Canceled, settled(t, n, id).Deliveries[0].Status)
		require.Zero(t, d.calls())
	})
}

func TestWhatMayHaveGoneOutAndTurnsOutInvalidHasFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := durable(t, memory.New(), notify.Channels{"pager": &driver{answers: []error{fails(channel.Uncertain), fails(channel.InvalidRecipient)}}})
		running(t, n)
		o := settled(t, n, accept(t, n, hello("pager")).ID).Deliveries[0]
		require.Equal(t, notify.Failed, o.Status)
		require.Equal(t, notify.ReasonInvalid, o.Reason)
	})
}

func TestNoProviderHoldsADeliveryForMoreThanADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := durable(t, memory.New(), notify.Channels{"pager": &driver{answers: []error{waits(channel.Temporary, 1<<62)}}})
		running(t, n)
		id := accept(t, n, hello("pager")).ID
		time.Sleep(time.Second)
		require.WithinDuration(t, in(24*time.Hour), reported(t, n, id).Deliveries[0].Until, 2*time.Second)
	})
}

func TestAWakeDuringAClaimIsNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newFakeStore(memory.New())
		st.after(delay(10*time.Millisecond), leaseDeliveries)
		d := &driver{}
		n := durable(t, st, notify.Channels{"pager": d})
		running(t, n)
		time.Sleep(10*time.Second + 5*time.Millisecond) // the middle of a claim
		began := time.Now()
		accept(t, n, hello("pager"))
		pass(30 * time.Millisecond)
		require.Len(t, d.at, 1)
		require.Less(t, d.at[0].Sub(began), 30*time.Millisecond)
	})
}

func TestACallUnderALostLeaseIsCutShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, d := newFakeStore(memory.New()), &driver{takes: time.Hour}
		st.extend = func(_ context.Context, es []store.Extension, _ time.Duration) ([]store.DeliveryRef, error) {
			return []store.DeliveryRef{es[0].DeliveryRef}, nil
		}
		st.settle = func(_ context.Context, ss []store.Settlement) ([]store.DeliveryRef, error) {
			return []store.DeliveryRef{ss[0].DeliveryRef}, nil
		}
		var told atomic.Int64
		var traced transitionLog
		n := newNotifier(t, notify.Config{
			Store: st, Channels: notify.Channels{"pager": d}, Policies: map[string]notify.Policy{"": {Timeout: time.Hour, Attempts: 1}},
			OnOutcome: func(notify.Outcome) { told.Add(1) }, OnTransition: traced.add,
		})
		stop := running(t, n)
		accept(t, n, hello("pager"))
		time.Sleep(6 * time.Second) // the first heartbeat has passed
		began := time.Now()
		stop()
		require.Less(t, time.Since(began), time.Second, "the call has ended")
		require.Equal(t, 1, traced.count(notify.TransitionLost))
		require.Zero(t, told.Load())
	})
}

func TestWhatIsLostBeforeItsCallIsNotCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, d := newFakeStore(memory.New()), &driver{takes: 8 * time.Second}
		n := newNotifier(t, notify.Config{Store: st, Channels: notify.Channels{"pager": d}, Policies: map[string]notify.Policy{"": {Concurrency: 1}}})
		called := accept(t, n, hello("pager")).ID
		st.extend = func(ctx context.Context, es []store.Extension, lease time.Duration) (lost []store.DeliveryRef, err error) {
			for _, e := range es {
				if e.MessageID != called {
					lost = append(lost, e.DeliveryRef)
				}
			}
			return lost, nil
		}
		stop := running(t, n)
		synctest.Wait()
		accept(t, n, hello("pager"))
		time.Sleep(9 * time.Second)
		require.Equal(t, 1, d.calls())
		stop()
	})
}

func TestAMarkUnderALostLeaseIsNoCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, d := newFakeStore(memory.New()), &driver{}
		st.extend = func(_ context.Context, es []store.Extension, _ time.Duration) ([]store.DeliveryRef, error) {
			return []store.DeliveryRef{es[0].DeliveryRef}, nil
		}
		var traced transitionLog
		n := newNotifier(t, notify.Config{Store: st, Channels: notify.Channels{"pager": d}, OnTransition: traced.add})
		stop := running(t, n)
		m := hello("pager")
		m.AtMostOnce = true
		accept(t, n, m)
		time.Sleep(time.Second)
		stop()
		synctest.Wait()
		require.Zero(t, d.calls())
		require.Equal(t, 1, traced.count(notify.TransitionLost))
	})
}

func TestNoCallBeginsUnderALeaseThatIsAboutToEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newFakeStore(memory.New())
		st.lease = func(ctx context.Context, r store.LeaseRequest) (store.Leases, error) {
			l, err := st.Store.LeaseDeliveries(context.WithoutCancel(ctx), r)
			if len(l.Deliveries) > 0 && l.Deliveries[0].Claim == 1 {
				time.Sleep(9500 * time.Millisecond) // the answer comes late
			}
			return l, err
		}
		var first []store.Settlement
		st.settle = func(ctx context.Context, ss []store.Settlement) ([]store.DeliveryRef, error) {
			if first == nil {
				first = ss
			}
			return st.Store.SettleDeliveries(ctx, ss)
		}
		d := &driver{}
		n := newNotifier(t, notify.Config{Store: st, Engine: notify.Engine{Lease: 10 * time.Second}, Channels: notify.Channels{"pager": d}})
		id := accept(t, n, hello("pager")).ID
		running(t, n)
		require.False(t, settled(t, n, id).Deliveries[0].Duplicate)
		require.Equal(t, 1, d.calls())
		require.Nil(t, first[0].Attempt, "the delivery is returned uncalled")
	})
}

func TestAfterAPauseOneCallGoesAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &driver{takes: time.Second, answers: []error{waits(channel.RateLimited, time.Minute), fails(channel.Rejected), nil}}
		n := durable(t, memory.New(), notify.Channels{"pager": d})
		running(t, n)
		accept(t, n, hello("pager"))
		time.Sleep(10 * time.Second)
		for _, class := range []notify.Class{notify.OTP, notify.Notice} {
			for range 10 {
				m := hello("pager")
				m.Class = class
				accept(t, n, m)
			}
		}
		time.Sleep(51500 * time.Millisecond)
		require.Equal(t, 2, d.calls(), "one call probes the channel")
		time.Sleep(time.Second)
		require.Equal(t, 22, d.calls(), "after any answer but a pause, the others follow")
	})
}

func TestAPauseOfAnotherProcessLetsOneCallGoAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, d := memory.New(), &driver{takes: time.Second}
		n := durable(t, st, notify.Channels{"pager": d})
		require.NoError(t, st.SavePause(t.Context(), store.Pause{Channel: "pager"}, 10*time.Second))
		running(t, n)
		synctest.Wait()
		for range 10 {
			accept(t, n, hello("pager"))
		}
		time.Sleep(10500 * time.Millisecond)
		require.Equal(t, 1, d.calls())
	})
}

func TestWhatIsDearIsSettledBeforeMoreIsCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, d := newFakeStore(memory.New()), &driver{takes: time.Millisecond}
		n := newNotifier(t, notify.Config{
			Store: st, Channels: notify.Channels{"pager": d}, Policies: map[string]notify.Policy{"pager": {Costly: true, Concurrency: 5}},
		})
		st.before(hang, settleDeliveries)
		stop := running(t, n)
		accept(t, n, bulk(100))
		time.Sleep(5 * time.Second)
		require.Equal(t, 5, d.calls())
		st.recover()
		stop()
	})
}

func TestSlowCallsAreNotClaimedFarAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, other := memory.New(), &driver{}
		n := newNotifier(t, notify.Config{
			Store: st, Channels: notify.Channels{"pager": &driver{takes: 20 * time.Second}}, Policies: map[string]notify.Policy{"pager": {Concurrency: 4}},
		})
		running(t, n)
		accept(t, n, bulk(30))
		time.Sleep(70 * time.Second) // by now, the length of the calls is known
		running(t, durable(t, st, notify.Channels{"pager": other}))
		time.Sleep(time.Second)
		require.Equal(t, 30-16-1, other.calls(), "the others are left to other processes")
	})
}

// The outcome of a settlement that was overtaken is the final state of the delivery. The process that settles tells it, once.
func TestTheHostIsToldWhatOvertookAnAttempt(t *testing.T) {
	cancel := func(t *testing.T, n *notify.Notifier, id string) {
		_, err := n.Cancel(t.Context(), notify.Query{ID: id[:36]})
		require.NoError(t, err)
	}
	deliver := func(t *testing.T, n *notify.Notifier, id string) {
		require.NoError(t, n.Receive(t.Context(), channel.Receipt{DeliveryID: id, Event: channel.Delivered}))
	}
	for name, tt := range map[string]struct {
		meanwhile func(*testing.T, *notify.Notifier, string)
		answer    error
		want      notify.Status
		why       notify.Reason
	}{
		"canceled, after a failure":            {cancel, fails(channel.Temporary), notify.Canceled, ""},
		"canceled, after a success":            {cancel, nil, notify.Sent, notify.ReasonTooLate},
		"delivered, after an uncertain answer": {deliver, fails(channel.Uncertain), notify.Delivered, ""},
		"delivered, after a refusal":           {deliver, fails(channel.Rejected), notify.Delivered, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := memory.New()
				other := durable(t, st, notify.Channels{"pager": &driver{}})
				var told []notify.Outcome
				var traced transitionLog
				send := channel.Func(func(_ context.Context, d channel.Delivery) (channel.Receipt, error) {
					tt.meanwhile(t, other, d.ID)
					return channel.Receipt{}, tt.answer
				})
				n := newNotifier(t, notify.Config{Store: st, Channels: notify.Channels{"pager": send}, OnTransition: traced.add,
					OnOutcome: func(o notify.Outcome) { told = append(told, o) }})
				accept(t, n, hello("pager")) // before Run, which could be faster than the event of Send
				running(t, n)
				pass(time.Hour)
				require.Len(t, told, 1)
				require.Equal(t, tt.want, told[0].Status)
				require.Equal(t, tt.why, told[0].Reason)
				require.Equal(t, tt.want.Reaches(notify.Sent), told[0].Reached)
				last := traced.all[len(traced.all)-1]
				require.Equal(t, notify.TransitionSettled, last.Event)
				require.Equal(t, tt.want, last.Status)
			})
		})
	}
}
