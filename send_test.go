package notify_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/url"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
)

// driver is a channel that answers each attempt with the next of its errors, and from then on with the last one.
type driver struct {
	mu      sync.Mutex
	answers []error
	got     []channel.Delivery
	at      []time.Time
	kind    string
	limits  channel.Limits
	refuse  func(channel.Delivery) error
	takes   time.Duration
}

func (d *driver) Send(ctx context.Context, dl channel.Delivery) (channel.Receipt, error) {
	d.mu.Lock()
	d.got = append(d.got, dl)
	d.at = append(d.at, time.Now())
	var err error
	if len(d.answers) > 0 {
		err = d.answers[min(len(d.got), len(d.answers))-1]
	}
	d.mu.Unlock()
	if d.takes > 0 {
		select {
		case <-time.After(d.takes):
		case <-ctx.Done():
			return channel.Receipt{}, ctx.Err()
		}
	}
	return channel.Receipt{ID: fmt.Sprintf("id-%d", dl.Attempt)}, err
}

func (d *driver) AddressKind() string    { return d.kind }
func (d *driver) Limits() channel.Limits { return d.limits }
func (d *driver) Validate(dl channel.Delivery) error {
	if d.refuse == nil {
		return nil
	}
	return d.refuse(dl)
}

func (d *driver) calls() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.got)
}

// quiet fills in what tests do not care about.
func quiet(c notify.Config) notify.Config {
	c.Logger = slog.New(slog.DiscardHandler)
	return c
}

func newNotifier(t *testing.T, c notify.Config) *notify.Notifier {
	t.Helper()
	n, err := notify.New(quiet(c))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, n.Close(context.Background())) })
	return n
}

// hello is a message to ann over the channels.
func hello(channels ...string) notify.Message {
	ann := notify.Recipient{ID: "ann", Addresses: map[string][]string{}}
	for _, name := range channels {
		ann.Addresses[name] = []string{"ann-" + name}
	}
	return notify.Message{To: []notify.Recipient{ann}, Channels: channels, Content: notify.Content{Title: "Hello", Text: "World"}}
}

// crowd is many recipients.
func crowd(n int) []notify.Recipient {
	pagers := make([]string, n)
	for i := range pagers {
		pagers[i] = strconv.Itoa(i)
	}
	return notify.To("pager", pagers...)
}

func fails(k channel.Kind) *channel.Error {
	return &channel.Error{Kind: k, Err: errors.New("vendor: no")}
}

func waits(k channel.Kind, d time.Duration) *channel.Error {
	return &channel.Error{Kind: k, RetryAfter: d, Err: errors.New("vendor: wait")}
}

func TestSendGivesTheDriverWhatTheMessageSays(t *testing.T) {
	d := &driver{}
	n := newNotifier(t, notify.Config{Channels: notify.Channels{"pager": d}})
	m := hello("pager")
	m.Tenant, m.Category, m.Class, m.Locale, m.AtMostOnce = "acme", "billing", notify.OTP, "de", true
	m.Attachments = []notify.Attachment{{Name: "a.txt", Data: []byte("a")}}
	m.Extra = map[string]any{"pager": map[string]any{"sound": "bell"}}

	report, err := n.Send(t.Context(), m)
	require.NoError(t, err)
	require.Len(t, report.Deliveries, 1)
	o := report.Deliveries[0]
	require.Equal(t, notify.Sent, o.Status)
	require.Equal(t, "id-1", o.ProviderID)
	require.True(t, o.Reached)

	got := d.got[0]
	require.Equal(t, o.ID, got.ID)
	require.Equal(t, report.ID, got.MessageID)
	require.JSONEq(t, `{"sound":"bell"}`, string(got.Extra))
	require.WithinDuration(t, time.Now().Add(10*time.Minute), got.ExpireAt, time.Minute, "a code expires")
	got.ID, got.MessageID, got.Extra, got.ExpireAt = "", "", nil, time.Time{}
	require.Equal(t, channel.Delivery{
		Tenant: "acme", Channel: "pager", Recipient: "ann", To: "ann-pager", Locale: "de", Category: "billing", Class: "otp",
		Attempt: 1, AtMostOnce: true, Content: m.Content, Attachments: m.Attachments,
	}, got)
}

func TestThreeChannelsThatFailPanicAndHang(t *testing.T) {
	cause := errors.New("out of paper")
	boom := errors.New("secret in the panic")
	release := make(chan struct{})
	n, err := notify.New(quiet(notify.Config{
		Channels: notify.Channels{
			"fails":  &driver{answers: []error{&channel.Error{Kind: channel.Rejected, Err: cause}}},
			"panics": channel.Func(func(context.Context, channel.Delivery) (channel.Receipt, error) { panic(boom) }),
			"hangs": channel.Func(func(context.Context, channel.Delivery) (channel.Receipt, error) {
				<-release
				return channel.Receipt{}, nil
			}),
		},
		Policies: map[string]notify.Policy{"": {Timeout: 50 * time.Millisecond, Attempts: 1}},
	}))
	require.NoError(t, err)

	begun := time.Now()
	report, err := n.Send(t.Context(), hello("fails", "panics", "hangs"))
	require.Less(t, time.Since(begun), 5*time.Second, "Send waited for a driver that hangs")
	require.Equal(t, []notify.Status{notify.Failed, notify.Unknown, notify.Unknown}, statuses(report))
	for _, want := range []error{cause, boom, context.DeadlineExceeded, channel.Rejected, channel.Uncertain} {
		require.ErrorIs(t, err, want)
	}
	require.NotContains(t, err.Error(), "secret")

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err = n.Close(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "hangs")
	require.NotContains(t, err.Error(), "panics")

	close(release)
	require.NoError(t, n.Close(t.Context()), "waits for the abandoned call, which can end now")
}

func TestSendWhileADriverNeverAnswersReturnsSoonAfterCtx(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		n := newNotifier(t, notify.Config{Channels: notify.Channels{
			"hangs": channel.Func(func(context.Context, channel.Delivery) (channel.Receipt, error) {
				<-release
				return channel.Receipt{}, nil
			}),
		}})
		t.Cleanup(func() { close(release) })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		report, err := n.Send(ctx, hello("hangs"))
		require.ErrorIs(t, err, channel.Uncertain)
		require.Equal(t, []notify.Status{notify.Unknown}, statuses(report))
		require.Less(t, time.Since(begun), 1200*time.Millisecond)
	})
}

func TestADriverThatHonoursItsDeadlineTellsWhatHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNotifier(t, notify.Config{
			Channels: notify.Channels{"slow": channel.Func(func(ctx context.Context, _ channel.Delivery) (channel.Receipt, error) {
				<-ctx.Done()
				return channel.Receipt{}, &channel.Error{Kind: channel.Temporary, Code: "not-begun", Err: ctx.Err()}
			})},
			Policies: map[string]notify.Policy{"slow": {Timeout: time.Second, Attempts: 1}},
		})
		report, err := n.Send(t.Context(), hello("slow"))
		var e *channel.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, "not-begun", e.Code)
		require.Equal(t, []notify.Status{notify.Failed}, statuses(report))
	})
}

func TestRetries(t *testing.T) {
	tests := map[string]struct {
		answers    []error
		atMostOnce bool
		status     notify.Status
		reason     notify.Reason
		attempts   int
	}{
		"a temporary failure is tried again":              {[]error{fails(channel.Temporary), nil}, false, notify.Sent, "", 2},
		"until the attempts are used up":                  {[]error{fails(channel.Temporary)}, false, notify.Failed, notify.ReasonExhausted, 4},
		"an uncertain one too":                            {[]error{fails(channel.Uncertain), nil}, false, notify.Sent, "", 2},
		"but not at most once":                            {[]error{fails(channel.Uncertain), nil}, true, notify.Unknown, "", 1},
		"an unclassified one is uncertain":                {[]error{errors.New("eh")}, true, notify.Unknown, "", 1},
		"a temporary one is tried again at most once too": {[]error{fails(channel.Temporary), nil}, true, notify.Sent, "", 2},
		"a failure after an uncertain one is not certain": {[]error{fails(channel.Uncertain), fails(channel.Temporary)}, false, notify.Unknown, notify.ReasonExhausted, 4},
		"a bad address is final":                          {[]error{fails(channel.InvalidRecipient)}, false, notify.Failed, notify.ReasonInvalid, 1},
		"bad content is final":                            {[]error{fails(channel.Rejected)}, false, notify.Failed, notify.ReasonRejected, 1},
		"unreachable is final":                            {[]error{fails(channel.Unreachable)}, false, notify.Failed, notify.ReasonUnreachable, 1},
		"misconfigured is final":                          {[]error{fails(channel.Misconfigured)}, false, notify.Failed, notify.ReasonMisconfigured, 1},
		"a throttled call burns no attempt": {
			[]error{fails(channel.RateLimited), fails(channel.RateLimited), fails(channel.Temporary), fails(channel.Temporary), fails(channel.Temporary), nil},
			false, notify.Sent, "", 6,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &driver{answers: tt.answers}
				n := newNotifier(t, notify.Config{
					Channels: notify.Channels{"pager": d}, Policies: map[string]notify.Policy{"": {MaxWait: time.Hour}},
				})
				m := hello("pager")
				m.AtMostOnce = tt.atMostOnce
				report, err := n.Send(t.Context(), m)
				o := report.Deliveries[0]
				require.Equal(t, tt.status, o.Status)
				require.Equal(t, tt.reason, o.Reason)
				require.Equal(t, tt.attempts, o.Attempts)
				require.Equal(t, tt.attempts, d.calls())
				if tt.status == notify.Sent {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, tt.answers[min(tt.attempts, len(tt.answers))-1])
				}
				for i, got := range d.got {
					require.Equal(t, i+1, got.Attempt)
					require.Equal(t, o.ID, got.ID)
				}
			})
		})
	}
}

func TestWaitsBetweenAttempts(t *testing.T) {
	tests := map[string]struct {
		policy   notify.Policy
		err      error
		least    time.Duration // before the second attempt; zero: there is none
		most     time.Duration
		attempts int
	}{
		"backoff is random up to its limit": {notify.Policy{Backoff: 2 * time.Second}, fails(channel.Temporary), 0, 2 * time.Second, 2},
		"retry-after is the least":          {notify.Policy{}, waits(channel.Temporary, 4*time.Second), 4 * time.Second, 4 * time.Second, 2},
		"a throttle waits as asked":         {notify.Policy{}, waits(channel.RateLimited, 3*time.Second), 3 * time.Second, 3 * time.Second, 2},
		"nothing waits longer than MaxWait": {notify.Policy{}, waits(channel.Temporary, 6*time.Second), 0, 0, 1},
		"nor does a throttle":               {notify.Policy{}, waits(channel.RateLimited, 6*time.Second), 0, 0, 1},
		"unless MaxWait is longer":          {notify.Policy{MaxWait: time.Minute}, waits(channel.RateLimited, 6*time.Second), 6 * time.Second, 6 * time.Second, 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &driver{answers: []error{tt.err, nil}}
				n := newNotifier(t, notify.Config{Channels: notify.Channels{"pager": d}, Policies: map[string]notify.Policy{"pager": tt.policy}})
				_, err := n.Send(t.Context(), hello("pager"))
				require.Equal(t, tt.attempts, d.calls())
				if tt.attempts == 1 {
					var e *channel.Error
					require.ErrorAs(t, err, &e)
					require.Equal(t, 6*time.Second, e.RetryAfter)
					return
				}
				require.NoError(t, err)
				waited := d.at[1].Sub(d.at[0])
				require.GreaterOrEqual(t, waited, tt.least)
				require.LessOrEqual(t, waited, tt.most)
			})
		})
	}
}

func TestAThrottledChannelIsPausedForEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &driver{answers: []error{waits(channel.RateLimited, 10*time.Second), nil}}
		n := newNotifier(t, notify.Config{Channels: notify.Channels{"pager": d}})
		for range 20 {
			report, err := n.Send(t.Context(), hello("pager"))
			require.ErrorIs(t, err, channel.RateLimited)
			require.Equal(t, notify.ReasonThrottled, report.Deliveries[0].Reason)
		}
		require.Equal(t, 1, d.calls(), "the channel was hammered")

		time.Sleep(6 * time.Second)
		begun := time.Now()
		_, err := n.Send(t.Context(), hello("pager"))
		require.NoError(t, err, "what is left of the pause is worth waiting for")
		require.Equal(t, 4*time.Second, time.Since(begun))
	})
}

func TestAMisconfiguredChannelAnswersTheSameUncalledForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &driver{answers: []error{fails(channel.Misconfigured), nil}}
		n := newNotifier(t, notify.Config{Channels: notify.Channels{"pager": d}})
		for range 3 {
			report, err := n.Send(t.Context(), hello("pager"))
			require.ErrorIs(t, err, channel.Misconfigured)
			require.Equal(t, notify.ReasonMisconfigured, report.Deliveries[0].Reason)
		}
		require.Equal(t, 1, d.calls())
		time.Sleep(30 * time.Second)
		_, err := n.Send(t.Context(), hello("pager"))
		require.NoError(t, err)
	})
}

func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &driver{limits: channel.Limits{Rate: 2, Burst: 3}}
		n := newNotifier(t, notify.Config{Channels: notify.Channels{"pager": d}})
		m := hello("pager")
		m.To = notify.To("pager", "0", "1", "2", "3", "4", "5", "6")
		begun := time.Now()
		_, err := n.Send(t.Context(), m)
		require.NoError(t, err)
		var took []time.Duration
		for _, at := range d.at {
			took = append(took, at.Sub(begun))
		}
		ms := time.Millisecond
		require.Equal(t, []time.Duration{0, 0, 0, 500 * ms, 1000 * ms, 1500 * ms, 2000 * ms}, took)
	})
}

func TestRateBeyondMaxWaitFailsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &driver{}
		n := newNotifier(t, notify.Config{
			Channels: notify.Channels{"pager": d}, Policies: map[string]notify.Policy{"pager": {Rate: 1, MaxWait: 1500 * time.Millisecond}},
		})
		m := hello("pager")
		m.To = notify.To("pager", "0", "1", "2", "3")
		report, err := n.Send(t.Context(), m)
		require.ErrorIs(t, err, channel.RateLimited)
		require.Equal(t, 2, d.calls())
		count := map[notify.Status]int{}
		for _, s := range statuses(report) {
			count[s]++
		}
		require.Equal(t, map[notify.Status]int{notify.Sent: 2, notify.Failed: 2}, count)

		time.Sleep(time.Second)
		_, err = n.Send(t.Context(), hello("pager"))
		require.NoError(t, err, "the places of those who gave up are free again")
	})
}

func TestTheRateHoldsAfterAWait(t *testing.T) {
	tests := map[string]struct {
		first error
		takes time.Duration // the first call
		slots int
	}{
		"for a pause": {waits(channel.RateLimited, 30*time.Second), 0, 16},
		"for a slot":  {nil, 20 * time.Second, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &driver{answers: []error{tt.first, nil}}
				first := tt.takes
				n := newNotifier(t, notify.Config{
					Channels: notify.Channels{"pager": channel.Func(func(ctx context.Context, dl channel.Delivery) (channel.Receipt, error) {
						r, err := d.Send(ctx, dl)
						if d.calls() == 1 {
							time.Sleep(first)
						}
						return r, err
					})},
					Policies: map[string]notify.Policy{"pager": {Rate: 1, MaxWait: time.Hour, Concurrency: tt.slots}},
				})
				m := hello("pager")
				m.To = crowd(60)
				_, err := n.Send(t.Context(), m)
				require.NoError(t, err)
				for i := 1; i < len(d.at); i++ {
					require.GreaterOrEqual(t, d.at[i].Sub(d.at[i-1]), time.Second, "call %d", i)
				}
			})
		})
	}
}

func TestThoseWhoGiveUpLeaveTheirPlacesToOthers(t *testing.T) {
	tests := map[string]struct{ maxWait, ctx time.Duration }{
		"because it is too long until then": {5 * time.Second, time.Hour},
		"because ctx ended":                 {time.Hour, 5500 * time.Millisecond},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &driver{}
				n := newNotifier(t, notify.Config{
					Channels: notify.Channels{"pager": d}, Policies: map[string]notify.Policy{"pager": {Rate: 1, MaxWait: tt.maxWait}},
				})
				m := hello("pager")
				m.To = crowd(500)
				ctx, cancel := context.WithTimeout(t.Context(), tt.ctx)
				defer cancel()
				_, err := n.Send(ctx, m)
				require.Error(t, err)
				require.Equal(t, 6, d.calls(), "at once and after each of five seconds")

				time.Sleep(time.Second)
				begun := time.Now()
				_, err = n.Send(t.Context(), hello("pager"))
				require.NoError(t, err)
				require.Zero(t, time.Since(begun))
			})
		})
	}
}

func TestConcurrencyIsBoundedAcrossMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		n := newNotifier(t, notify.Config{
			Channels: notify.Channels{"pager": channel.Func(func(context.Context, channel.Delivery) (channel.Receipt, error) {
				most.Store(max(most.Load(), now.Add(1)))
				time.Sleep(time.Second)
				now.Add(-1)
				return channel.Receipt{}, nil
			})},
			Policies: map[string]notify.Policy{"pager": {Concurrency: 3}},
		})
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				m := hello("pager")
				m.To = notify.To("pager", "0", "1", "2")
				_, err := n.Send(t.Context(), m)
				require.NoError(t, err, "waiting for a slot is no failure, however long")
			})
		}
		wg.Wait()
		require.Equal(t, int64(3), most.Load())
	})
}

func TestWhoWaitsForASlotIsCanceledWithCtx(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &driver{takes: time.Minute}
		n := newNotifier(t, notify.Config{Channels: notify.Channels{"pager": d}, Policies: map[string]notify.Policy{"pager": {Concurrency: 1, Timeout: time.Hour}}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		m := hello("pager")
		m.To = notify.To("pager", "0", "1", "2")
		report, err := n.Send(ctx, m)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ElementsMatch(t, []notify.Status{notify.Unknown, notify.Canceled, notify.Canceled}, statuses(report))
		require.Equal(t, 1, d.calls())

		d.takes = 0
		_, err = n.Send(t.Context(), hello("pager"))
		require.NoError(t, err, "the slot is free again")
	})
}

func TestABrokenDriverDoesNotPileUpCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		release := make(chan struct{})
		n := newNotifier(t, notify.Config{
			Channels: notify.Channels{"hangs": channel.Func(func(context.Context, channel.Delivery) (channel.Receipt, error) {
				calls.Add(1)
				<-release
				return channel.Receipt{}, nil
			})},
			Policies: map[string]notify.Policy{"hangs": {Concurrency: 2, Timeout: time.Second, Attempts: 2}},
		})
		for range 6 {
			_, err := n.Send(t.Context(), hello("hangs"))
			require.Error(t, err)
		}
		require.Equal(t, int64(2), calls.Load())
		close(release)
		synctest.Wait()
		_, err := n.Send(t.Context(), hello("hangs"))
		require.NoError(t, err, "it recovers when they come back")
	})
}

func TestASlotThatComesTooLateIsNotUsed(t *testing.T) {
	tests := map[string]struct {
		answer error
		expire time.Duration
		status notify.Status
	}{
		"after the message expired":     {nil, time.Second, notify.Expired},
		"after the channel was paused":  {waits(channel.RateLimited, time.Minute), time.Hour, notify.Failed},
		"after it proved misconfigured": {fails(channel.Misconfigured), time.Hour, notify.Failed},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &driver{answers: []error{tt.answer}, takes: 2 * time.Second}
				n := newNotifier(t, notify.Config{Channels: notify.Channels{"pager": d}, Policies: map[string]notify.Policy{"pager": {Concurrency: 1}}})
				m := hello("pager")
				m.To = crowd(100)
				m.ExpireAt = time.Now().Add(tt.expire)
				report, err := n.Send(t.Context(), m)
				require.Error(t, err)
				require.Equal(t, 1, d.calls())
				late := 0
				for _, o := range report.Deliveries {
					if o.Attempts == 0 && o.Status == tt.status {
						late++
					}
				}
				require.Equal(t, 99, late)
			})
		})
	}
}

func TestThoseWhoWaitForASlotOfABrokenDriverGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		release := make(chan struct{})
		n := newNotifier(t, notify.Config{
			Channels: notify.Channels{"pager": channel.Func(func(context.Context, channel.Delivery) (channel.Receipt, error) {
				calls.Add(1)
				<-release
				return channel.Receipt{}, nil
			})},
			Policies: map[string]notify.Policy{"pager": {Concurrency: 2, Timeout: time.Second}},
		})
		t.Cleanup(func() { close(release) })
		m := hello("pager")
		m.To = crowd(100)
		begun := time.Now()
		_, err := n.Send(t.Context(), m)
		require.ErrorIs(t, err, channel.Uncertain)
		require.LessOrEqual(t, calls.Load(), int64(3), "two, and one that took the slot of the first to be given up")
		require.Less(t, time.Since(begun), 10*time.Second)
	})
}

func TestANilPointerIsNoError(t *testing.T) {
	var none *channel.Error
	var noURL *url.Error
	for _, err := range []error{none, noURL} {
		d := &driver{answers: []error{err}, refuse: func(channel.Delivery) error { return err }}
		n := newNotifier(t, notify.Config{Channels: notify.Channels{"pager": d}})
		report, err := n.Send(t.Context(), hello("pager"))
		require.NoError(t, err)
		require.Equal(t, []notify.Status{notify.Sent}, statuses(report))
		require.Equal(t, 1, d.calls())
	}
}

func TestAnErrorThatPanicsIsUncertain(t *testing.T) {
	n := newNotifier(t, notify.Config{
		Channels: notify.Channels{"pager": &driver{answers: []error{&net.OpError{}, fmt.Errorf("wrapped: %w", (*net.OpError)(nil))}}},
		Policies: map[string]notify.Policy{"": {Backoff: 1}},
	})
	_, err := n.Send(t.Context(), hello("pager"))
	require.ErrorIs(t, err, channel.Uncertain)
}

func TestWhatCameBackIsNotSent(t *testing.T) {
	n := newNotifier(t, notify.Config{Channels: notify.Channels{"pager": channel.Func(func(context.Context, channel.Delivery) (channel.Receipt, error) {
		return channel.Receipt{Event: channel.Bounced}, nil
	})}})
	report, err := n.Send(t.Context(), hello("pager"))
	require.ErrorIs(t, err, channel.Unreachable)
	require.Equal(t, []notify.Status{notify.Failed}, statuses(report))
}

func TestHugeTimesDoNotOverflow(t *testing.T) {
	tests := map[string]struct {
		policy notify.Policy
		second error
		sent   bool
	}{
		"a timeout":                    {notify.Policy{Timeout: math.MaxInt64}, nil, true},
		"a retry-after":                {notify.Policy{}, waits(channel.Temporary, math.MaxInt64), false},
		"a throttle":                   {notify.Policy{}, waits(channel.RateLimited, math.MaxInt64), false},
		"the time until the next call": {notify.Policy{Rate: 1e-300}, nil, false},
		"a rate and a burst":           {notify.Policy{Rate: math.Inf(1), Burst: math.MaxInt}, nil, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := &driver{answers: []error{waits(channel.Temporary, time.Second), tt.second}, takes: time.Second}, &driver{takes: time.Minute}
				n := newNotifier(t, notify.Config{
					Channels: notify.Channels{"a": a, "b": b}, Policies: map[string]notify.Policy{"a": tt.policy, "b": {Timeout: math.MaxInt64}},
				})
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				begun := time.Now()
				report, _ := n.Send(ctx, hello("a", "b"))
				require.Equal(t, tt.sent, report.Deliveries[0].Status == notify.Sent)
				require.Equal(t, notify.Sent, report.Deliveries[1].Status)
				require.Equal(t, time.Minute, time.Since(begun))
			})
		})
	}
}

func TestASlowHookMakesNoDriverLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNotifier(t, notify.Config{
			Channels: notify.Channels{
				"a": &driver{answers: []error{fails(channel.Misconfigured)}},
				"b": channel.Func(func(ctx context.Context, _ channel.Delivery) (channel.Receipt, error) {
					<-ctx.Done()
					return channel.Receipt{}, fails(channel.Temporary)
				}),
			},
			Policies:  map[string]notify.Policy{"": {Attempts: 1, Timeout: time.Second}},
			OnOutcome: func(notify.Outcome) { time.Sleep(200 * time.Millisecond) },
		})
		_, err := n.Send(t.Context(), hello("a"))
		require.ErrorIs(t, err, channel.Misconfigured)
		report, _ := n.Send(t.Context(), hello("a", "b")) // b is called after the hook has heard of a
		require.Equal(t, []notify.Status{notify.Failed, notify.Failed}, statuses(report), "b was given up too early")
	})
}

func TestCanceledCtxSendsNothing(t *testing.T) {
	d := &driver{}
	n := newNotifier(t, notify.Config{Channels: notify.Channels{"pager": d}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	report, err := n.Send(ctx, hello("pager"))
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, []notify.Status{notify.Canceled}, statuses(report))
	require.Zero(t, d.calls())
}

func TestCtxEndsARetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &driver{answers: []error{waits(channel.Temporary, 3*time.Second)}}
		n := newNotifier(t, notify.Config{Channels: notify.Channels{"pager": d}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		report, err := n.Send(ctx, hello("pager"))
		require.Equal(t, time.Second, time.Since(begun))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, d.answers[0], "and what the last attempt said")
		require.Equal(t, []notify.Status{notify.Canceled}, statuses(report), "it was certainly not sent")
	})
}

func TestNoAttemptBeginsAfterExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &driver{answers: []error{waits(channel.Temporary, 3*time.Second)}}
		n := newNotifier(t, notify.Config{Channels: notify.Channels{"pager": d}})
		m := hello("pager")
		m.ExpireAt = time.Now().Add(2 * time.Second)
		report, err := n.Send(t.Context(), m)
		require.Equal(t, []notify.Status{notify.Expired}, statuses(report))
		require.ErrorIs(t, err, d.answers[0])
		require.Equal(t, 1, d.calls())
	})
}

func TestWhatMayHaveGoneOutIsNeverSaidNotToHave(t *testing.T) {
	lost := waits(channel.Uncertain, 3*time.Second)
	for name, change := range map[string]func(*notify.Message) time.Duration{
		"expired":  func(m *notify.Message) time.Duration { m.ExpireAt = time.Now().Add(time.Second); return time.Hour },
		"canceled": func(*notify.Message) time.Duration { return time.Second },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNotifier(t, notify.Config{Channels: notify.Channels{"pager": &driver{answers: []error{lost}}}})
				m := hello("pager")
				ctx, cancel := context.WithTimeout(t.Context(), change(&m))
				defer cancel()
				report, err := n.Send(ctx, m)
				require.Equal(t, []notify.Status{notify.Unknown}, statuses(report))
				require.ErrorIs(t, err, lost)
			})
		})
	}
}

func TestADriverThatEndsItsGoroutineIsUncertain(t *testing.T) {
	n := newNotifier(t, notify.Config{
		Channels: notify.Channels{"pager": channel.Func(func(context.Context, channel.Delivery) (channel.Receipt, error) {
			runtime.Goexit()
			return channel.Receipt{}, nil
		})},
		Policies: map[string]notify.Policy{"": {Attempts: 1}},
	})
	_, err := n.Send(t.Context(), hello("pager"))
	require.ErrorIs(t, err, channel.Uncertain)
}

func TestOneBadRecipientNeverStopsTheOthers(t *testing.T) {
	var mu sync.Mutex
	var told []notify.Outcome
	bad := fails(channel.InvalidRecipient)
	d := channel.Func(func(_ context.Context, dl channel.Delivery) (channel.Receipt, error) {
		if dl.To == "1" {
			return channel.Receipt{}, bad
		}
		return channel.Receipt{Event: channel.Delivered}, nil
	})
	n := newNotifier(t, notify.Config{Channels: notify.Channels{"pager": d}, OnOutcome: func(o notify.Outcome) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, o)
		panic("a host's hook")
	}})
	m := hello("pager")
	m.To = notify.To("pager", "0", "1", "2")
	report, err := n.Send(t.Context(), m)
	require.ErrorIs(t, err, bad)
	require.Equal(t, []notify.Status{notify.Delivered, notify.Failed, notify.Delivered}, statuses(report))
	require.ElementsMatch(t, report.Deliveries, told)
}

func statuses(r notify.Report) []notify.Status {
	var s []notify.Status
	for _, o := range r.Deliveries {
		s = append(s, o.Status)
	}
	return s
}
