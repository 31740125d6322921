package notify_test

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/memory"
)

func TestRunSendsWhatWasAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &driver{takes: time.Second}
		n := durable(t, memory.New(), notify.Channels{"pager": d})
		running(t, n)
		for i := range 300 {
			accept(t, n, notify.Message{To: notify.To("pager", strconv.Itoa(i)), Content: notify.Content{Text: "hi"}})
		}
		synctest.Wait()
		require.Equal(t, 50, d.calls(), "a lane has 50 slots")
		time.Sleep(time.Minute)
		require.Equal(t, 300, d.calls())
	})
}

func TestRunRetries(t *testing.T) {
	tests := map[string]struct {
		answers  []error
		message  func(*notify.Message)
		status   notify.Status
		reason   notify.Reason
		attempts int
		twice    bool // flagged as a possible duplicate
		after    time.Duration
	}{
		"a success":                           {status: notify.Sent, attempts: 1},
		"a temporary failure":                 {answers: []error{fails(channel.Temporary), nil}, status: notify.Sent, attempts: 2},
		"a temporary failure with RetryAfter": {answers: []error{waits(channel.Temporary, time.Hour), nil}, status: notify.Sent, attempts: 2, after: time.Hour},
		"an uncertain failure, flagged":       {answers: []error{fails(channel.Uncertain), nil}, status: notify.Sent, attempts: 2, twice: true},
		"an uncertain failure at most once, not retried": {
			answers: []error{fails(channel.Uncertain)}, message: func(m *notify.Message) { m.AtMostOnce = true },
			status: notify.Unknown, attempts: 1,
		},
		"a rejection, not retried": {answers: []error{fails(channel.Rejected)}, status: notify.Failed, reason: notify.ReasonRejected, attempts: 1},
		"the last attempt fails": {
			answers: []error{fails(channel.Temporary)}, status: notify.Failed, reason: notify.ReasonExhausted, attempts: 14,
		},
		"the last attempt fails after an uncertain one": {
			answers: []error{fails(channel.Uncertain), fails(channel.Temporary)},
			status:  notify.Unknown, reason: notify.ReasonExhausted, attempts: 14, twice: true,
		},
		"the message expires": {
			answers: []error{waits(channel.Temporary, time.Hour)}, message: func(m *notify.Message) { m.Class = notify.OTP },
			status: notify.Expired, attempts: 1, after: 10 * time.Minute,
		},
		"a throttle, which uses up no attempt": {
			answers: append(slices.Repeat([]error{waits(channel.RateLimited, time.Minute)}, 20), nil), status: notify.Sent, attempts: 21, after: 20 * time.Minute,
		},
		"a configuration that an operator corrects": {
			answers: append(slices.Repeat([]error{fails(channel.Misconfigured)}, 20), nil), status: notify.Sent, attempts: 21, after: 10 * time.Minute,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &driver{answers: tt.answers}
				n := durable(t, memory.New(), notify.Channels{"pager": d})
				running(t, n)
				m := hello("pager")
				if tt.message != nil {
					tt.message(&m)
				}
				began := time.Now()
				o := settled(t, n, accept(t, n, m).ID).Deliveries[0]
				require.Equal(t, tt.status, o.Status)
				require.Equal(t, tt.reason, o.Reason)
				require.Equal(t, tt.attempts, o.Attempts)
				require.Equal(t, tt.attempts, d.calls())
				require.Equal(t, tt.twice, o.Duplicate)
				require.GreaterOrEqual(t, time.Since(began), tt.after)
			})
		})
	}
}

func TestRunOutlivesDriversThatPanicAndHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		n := newNotifier(t, notify.Config{
			Store: memory.New(), Policies: map[string]notify.Policy{"panics": {Attempts: 2}, "hangs": {Timeout: time.Second}},
			Channels: notify.Channels{
				"panics": channel.Func(func(context.Context, channel.Delivery) (channel.Receipt, error) { panic("secret") }),
				"hangs":  &driver{hold: release},
			},
		})
		stop := running(t, n)
		r := settled(t, n, accept(t, n, hello("panics", "hangs")).ID)
		require.Equal(t, []notify.Status{notify.Unknown, notify.Unknown}, statuses(r))
		require.Equal(t, []int{2, 1}, []int{r.Deliveries[0].Attempts, r.Deliveries[1].Attempts})
		stop()
		close(release)
	})
}

func TestRunHoldsAPausedChannelForEveryProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		d := &driver{answers: []error{waits(channel.RateLimited, time.Minute), nil}}
		other := &driver{}
		first, second := durable(t, st, notify.Channels{"pager": d}), durable(t, st, notify.Channels{"pager": other})
		running(t, first)
		accept(t, first, hello("pager"))
		synctest.Wait()
		require.Equal(t, 1, d.calls())
		running(t, second)
		time.Sleep(2 * time.Second) // until the second process has read the pause
		id := accept(t, second, hello("pager")).ID
		time.Sleep(50 * time.Second)
		require.Zero(t, other.calls())
		held, err := second.Resume(t.Context(), "pager")
		require.NoError(t, err)
		require.True(t, held)
		settled(t, second, id)
	})
}

func TestRunSendsNoSoonerThanItWasAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &driver{}
		n := durable(t, memory.New(), notify.Channels{"pager": d})
		running(t, n)
		m, at := hello("pager"), time.Now().Add(3*time.Hour).Truncate(time.Second)
		m.SendAt = at
		r := accept(t, n, m)
		require.Equal(t, notify.Held, r.Deliveries[0].Status)
		require.Equal(t, notify.ReasonScheduled, r.Deliveries[0].Reason)
		settled(t, n, r.ID)
		require.WithinRange(t, d.at[0], at, at.Add(10*time.Millisecond))
	})
}

func TestRunKeepsTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &driver{limits: channel.Limits{Rate: 10}}
		n := durable(t, memory.New(), notify.Channels{"pager": d})
		running(t, n)
		r := accept(t, n, bulk(100))
		began := time.Now()
		settled(t, n, r.ID)
		require.InDelta(t, 10, time.Since(began).Seconds(), 1)
		for i := range d.at[1:] {
			require.GreaterOrEqual(t, d.at[i+1].Sub(d.at[i]), 99*time.Millisecond)
		}
	})
}

func TestRunSharesAChannelsOwnLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &driver{limits: channel.Limits{Concurrency: 2}, takes: time.Second}
		n := durable(t, memory.New(), notify.Channels{"pager": d})
		running(t, n)
		many := bulk(100)
		many.Class = notify.Marketing
		accept(t, n, many)
		time.Sleep(10*time.Second + time.Millisecond)
		calls := d.calls()
		require.InDelta(t, 20, calls, 2)
		m := hello("pager")
		m.Class = notify.OTP
		began := time.Now()
		settled(t, n, accept(t, n, m).ID)
		require.LessOrEqual(t, time.Since(began), 2500*time.Millisecond, "a code does not wait for marketing")
	})
}

func TestADeadProviderSlowsNoOtherChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dead, well := &driver{takes: time.Hour}, &driver{}
		n := durable(t, memory.New(), notify.Channels{"dead": dead, "pager": well})
		running(t, n)
		for range 500 {
			accept(t, n, hello("dead"))
		}
		time.Sleep(time.Second)
		began := time.Now()
		settled(t, n, accept(t, n, hello("pager")).ID)
		require.Less(t, time.Since(began), 10*time.Millisecond)
	})
}

func TestRunRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bare := newNotifier(t, notify.Config{Channels: notify.Channels{"pager": &driver{}}})
		require.ErrorIs(t, bare.Run(t.Context()), notify.ErrNeedsStore)

		n := durable(t, memory.New(), notify.Channels{"pager": &driver{}})
		running(t, n)
		synctest.Wait()
		require.Error(t, n.Run(t.Context()), "a second Run")
		require.NoError(t, n.Close(t.Context()), "Close ends the first")
		require.ErrorIs(t, n.Run(t.Context()), notify.ErrClosed)

		st := newFakeStore(memory.New())
		st.fail(store.ErrUnfit, leaseDeliveries)
		require.ErrorIs(t, durable(t, st, notify.Channels{"pager": &driver{}}).Run(t.Context()), store.ErrUnfit)
	})
}
