package notify_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
)

func TestRetries(t *testing.T) {
	tests := map[string]struct {
		answers    []error
		atMostOnce bool
		status     notify.Status
		reason     notify.Reason
		attempts   int
	}{
		"a temporary failure is tried again":                   {[]error{fails(channel.Temporary), nil}, false, notify.Sent, "", 2},
		"the last attempt ends the delivery":                   {[]error{fails(channel.Temporary)}, false, notify.Failed, notify.ReasonExhausted, 4},
		"an uncertain failure is tried again":                  {[]error{fails(channel.Uncertain), nil}, false, notify.Sent, "", 2},
		"an uncertain failure is final at most once":           {[]error{fails(channel.Uncertain), nil}, true, notify.Unknown, "", 1},
		"an unclassified failure is uncertain":                 {[]error{errors.New("eh")}, true, notify.Unknown, "", 1},
		"a temporary failure is tried again even at most once": {[]error{fails(channel.Temporary), nil}, true, notify.Sent, "", 2},
		"a failure after an uncertain one is not certain":      {[]error{fails(channel.Uncertain), fails(channel.Temporary)}, false, notify.Unknown, notify.ReasonExhausted, 4},
		"a bad address is final":                               {[]error{fails(channel.InvalidRecipient)}, false, notify.Failed, notify.ReasonInvalid, 1},
		"bad content is final":                                 {[]error{fails(channel.Rejected)}, false, notify.Failed, notify.ReasonRejected, 1},
		"unreachable is final":                                 {[]error{fails(channel.Unreachable)}, false, notify.Failed, notify.ReasonUnreachable, 1},
		"misconfigured is final":                               {[]error{fails(channel.Misconfigured)}, false, notify.Failed, notify.ReasonMisconfigured, 1},
		"a throttled call uses up no attempt": {
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
		least    time.Duration // the wait before the second attempt
		most     time.Duration
		attempts int
	}{
		"backoff is random up to its limit":        {notify.Policy{Backoff: 2 * time.Second}, fails(channel.Temporary), 0, 2 * time.Second, 2},
		"RetryAfter is a minimum":                  {notify.Policy{}, waits(channel.Temporary, 4*time.Second), 4 * time.Second, 4 * time.Second, 2},
		"a throttle waits as asked":                {notify.Policy{}, waits(channel.RateLimited, 3*time.Second), 3 * time.Second, 3 * time.Second, 2},
		"a retry beyond MaxWait is not made":       {notify.Policy{}, waits(channel.Temporary, 6*time.Second), 0, 0, 1},
		"a throttle beyond MaxWait fails":          {notify.Policy{}, waits(channel.RateLimited, 6*time.Second), 0, 0, 1},
		"a throttle within a longer MaxWait waits": {notify.Policy{MaxWait: time.Minute}, waits(channel.RateLimited, 6*time.Second), 6 * time.Second, 6 * time.Second, 2},
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
		require.ErrorIs(t, err, d.answers[0], "the error of the last attempt is kept")
		require.Equal(t, []notify.Status{notify.Canceled}, statuses(report), "the last attempt certainly failed")
	})
}

func TestNoAttemptBeginsAfterExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &driver{answers: []error{waits(channel.Temporary, 3*time.Second)}}
		n := newNotifier(t, notify.Config{Channels: notify.Channels{"pager": d}})
		m := hello("pager")
		m.ExpireAt = in(2 * time.Second)
		report, err := n.Send(t.Context(), m)
		require.Equal(t, []notify.Status{notify.Expired}, statuses(report))
		require.ErrorIs(t, err, d.answers[0])
		require.Equal(t, 1, d.calls())
	})
}

func TestWhatMayHaveGoneOutIsNeverSaidNotToHave(t *testing.T) {
	lost := waits(channel.Uncertain, 3*time.Second)
	for name, change := range map[string]func(*notify.Message) time.Duration{
		"expired":  func(m *notify.Message) time.Duration { m.ExpireAt = in(time.Second); return time.Hour },
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

func TestWhatCameBackIsNotSent(t *testing.T) {
	n := newNotifier(t, notify.Config{Channels: notify.Channels{"pager": channel.Func(func(context.Context, channel.Delivery) (channel.Receipt, error) {
		return channel.Receipt{Event: channel.Bounced}, nil
	})}})
	report, err := n.Send(t.Context(), hello("pager"))
	require.ErrorIs(t, err, channel.Unreachable)
	require.Equal(t, []notify.Status{notify.Failed}, statuses(report))
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

func TestFailoverGoesOnAfterAnUncertainAnswerOnlyWhereDuplicatesAreAllowed(t *testing.T) {
	for _, atMostOnce := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			a, b := &driver{answers: []error{fails(channel.Uncertain)}}, &driver{}
			n := newNotifier(t, notify.Config{Channels: notify.Channels{"sms": channel.Failover(a, b)}})
			m := hello("sms")
			m.AtMostOnce = atMostOnce
			report, err := n.Send(t.Context(), m)
			require.Equal(t, 1, a.calls())
			if atMostOnce {
				require.ErrorIs(t, err, channel.Uncertain)
				require.Equal(t, []notify.Status{notify.Unknown}, statuses(report))
				require.Zero(t, b.calls())
				return
			}
			require.NoError(t, err)
			require.Equal(t, 2, b.got[0].Attempt, "the second attempt begins at the next provider")
		})
	}
}
