package notify_test

import (
	"context"
	"errors"
	"strings"
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

func TestALongerPauseIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &driver{}
		d.send = func(context.Context, channel.Delivery) (channel.Receipt, error) {
			switch d.calls() {
			case 1:
				return channel.Receipt{}, waits(channel.RateLimited, 2*time.Second)
			case 2:
				time.Sleep(100 * time.Millisecond)
				return channel.Receipt{}, waits(channel.RateLimited, time.Minute)
			}
			return channel.Receipt{}, nil
		}
		n := durable(t, memory.New(), notify.Channels{"pager": d})
		accept(t, n, hello("pager"))
		accept(t, n, hello("pager"))
		running(t, n)
		began := time.Now()
		time.Sleep(10 * time.Second)
		settled(t, n, accept(t, n, hello("pager")).ID)
		synctest.Wait()
		require.GreaterOrEqual(t, d.at[2].Sub(began), time.Minute)
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
				st := newFakeStore(memory.New())
				var a *store.Attempt
				st.settle = func(ctx context.Context, ss []store.Settlement) ([]store.DeliveryRef, error) {
					a = ss[0].Attempt
					return st.Store.SettleDeliveries(ctx, ss)
				}
				n := durable(t, st, notify.Channels{"pager": &driver{send: func(context.Context, channel.Delivery) (channel.Receipt, error) {
					return channel.Receipt{ID: word, Provider: word, Code: word}, &channel.Error{Kind: channel.Rejected, Code: word, Field: word, Err: errors.New(word)}
				}}})
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

func TestHooksThatPanicStopNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNotifier(t, notify.Config{
			Store: memory.New(), Channels: notify.Channels{"pager": &driver{answers: []error{fails(channel.Temporary), nil}}},
			OnOutcome: func(notify.Outcome) { panic("a") }, OnTransition: func(notify.Transition) { panic("b") },
		})
		running(t, n)
		settled(t, n, accept(t, n, hello("pager")).ID)
	})
}

func TestAnswersThatMakeNoSense(t *testing.T) {
	tests := map[string]struct {
		receipt channel.Receipt
		err     error
		want    notify.Status
	}{
		"a receipt and an error": {channel.Receipt{ID: "x", Event: channel.Delivered}, fails(channel.Rejected), notify.Failed},
		"negative wait":          {channel.Receipt{}, waits(channel.Temporary, -time.Hour), notify.Failed},
		"negative pause":         {channel.Receipt{}, waits(channel.RateLimited, -time.Hour), notify.Held},
		"endless pause":          {channel.Receipt{}, waits(channel.RateLimited, 1<<62), notify.Held},
		"endless wait":           {channel.Receipt{}, waits(channel.Temporary, 1<<62), notify.Held},
		"an unknown event":       {channel.Receipt{Event: "lost", At: time.Unix(-1<<50, 0)}, nil, notify.Sent},
		"no kind":                {channel.Receipt{}, &channel.Error{}, notify.Unknown},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &driver{send: func(context.Context, channel.Delivery) (channel.Receipt, error) { return tt.receipt, tt.err }}
				n := newNotifier(t, notify.Config{
					Store: memory.New(), Policies: map[string]notify.Policy{"": {Attempts: 3, Backoff: time.Millisecond}},
					Channels: notify.Channels{"pager": d},
				})
				running(t, n)
				id := accept(t, n, hello("pager")).ID
				time.Sleep(time.Minute)
				require.Equal(t, tt.want, reported(t, n, id).Deliveries[0].Status)
				require.Less(t, d.calls(), 100)
			})
		})
	}
}

func TestHugePolicies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNotifier(t, notify.Config{
			Store: memory.New(), Channels: notify.Channels{"pager": &driver{}},
			Policies: map[string]notify.Policy{"": {Attempts: 1 << 62, Concurrency: 1 << 40, Backoff: 1 << 62, Timeout: 1 << 62, Rate: 1e300, Burst: 1 << 60}},
		})
		running(t, n)
		settled(t, n, accept(t, n, hello("pager")).ID)
	})
}

func TestAPauseThatIsBeingStoredStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &driver{answers: []error{waits(channel.RateLimited, time.Minute), nil}}
		st := newFakeStore(memory.New())
		st.before(delay(1500*time.Millisecond), savePause)
		n := durable(t, st, notify.Channels{"pager": d})
		running(t, n)
		time.Sleep(500 * time.Millisecond)
		accept(t, n, hello("pager"))
		time.Sleep(time.Second)
		id := accept(t, n, hello("pager")).ID
		time.Sleep(50 * time.Second)
		require.Equal(t, 1, d.calls())
		held, err := n.Resume(t.Context(), "pager")
		require.NoError(t, err)
		require.True(t, held)
		settled(t, n, id)
		require.Equal(t, 2, d.calls())
	})
}
