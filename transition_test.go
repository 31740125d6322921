package notify_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
)

func TestTransitionsOfADelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told transitionLog
		d := &driver{answers: []error{errors.New("eh"), nil}, takes: time.Second}
		n := newNotifier(t, notify.Config{
			Channels: notify.Channels{"pager": d}, OnTransition: told.add,
			Policies: map[string]notify.Policy{"": {Backoff: 2 * time.Second}},
		})
		m := hello("pager")
		m.Tenant, m.Class = "acme", notify.OTP
		_, err := n.Send(t.Context(), m)
		require.NoError(t, err)

		wait := told.all[2].Took
		require.Positive(t, wait)
		step := func(e notify.TransitionEvent, s notify.Status, attempts int, took time.Duration) notify.Transition {
			return notify.Transition{
				Event: e, Delivery: "a delivery", Tenant: "acme", Channel: "pager", Class: notify.OTP,
				Status: s, Attempts: attempts, Took: took,
			}
		}
		want := []notify.Transition{
			step(notify.TransitionStarted, notify.Accepted, 1, 0),
			step(notify.TransitionAttempted, notify.Accepted, 1, time.Second),
			step(notify.TransitionHeld, notify.Held, 1, wait),
			step(notify.TransitionStarted, notify.Accepted, 2, 0),
			step(notify.TransitionAttempted, notify.Accepted, 2, time.Second),
			step(notify.TransitionSettled, notify.Sent, 2, wait+2*time.Second),
		}
		want[1].Kind, want[2].Kind, want[2].Reason = channel.Uncertain, channel.Uncertain, notify.ReasonRetry
		for i := 3; i < len(want); i++ {
			want[i].Duplicate = true
		}
		require.Equal(t, want, told.all)
	})
}

func TestTransitionsTellOfEveryEnd(t *testing.T) {
	tests := map[string]struct {
		driver *driver
		policy notify.Policy
		events []notify.TransitionEvent
		last   notify.Transition // without the fields that all share
	}{
		"an address that was refused was never tried": {
			driver: &driver{refuse: func(channel.Delivery) error { return fails(channel.InvalidRecipient) }},
			events: []notify.TransitionEvent{notify.TransitionSettled},
			last:   notify.Transition{Status: notify.Failed, Reason: notify.ReasonInvalid, Kind: channel.InvalidRecipient},
		},
		"a channel that is misconfigured is paused": {
			driver: &driver{answers: []error{fails(channel.Misconfigured)}},
			events: []notify.TransitionEvent{
				notify.TransitionStarted, notify.TransitionPaused, notify.TransitionAttempted, notify.TransitionSettled,
			},
			last: notify.Transition{Status: notify.Failed, Reason: notify.ReasonMisconfigured, Kind: channel.Misconfigured, Attempts: 1},
		},
		"the last attempt": {
			driver: &driver{answers: []error{fails(channel.Temporary)}},
			policy: notify.Policy{Attempts: 1},
			events: []notify.TransitionEvent{notify.TransitionStarted, notify.TransitionAttempted, notify.TransitionSettled},
			last:   notify.Transition{Status: notify.Failed, Reason: notify.ReasonExhausted, Kind: channel.Temporary, Attempts: 1},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told transitionLog
				n := newNotifier(t, notify.Config{
					Channels: notify.Channels{"pager": tt.driver}, OnTransition: told.add,
					Policies: map[string]notify.Policy{"": tt.policy},
				})
				_, err := n.Send(t.Context(), hello("pager"))
				require.Error(t, err)
				require.Equal(t, tt.events, told.events())
				last := told.all[len(told.all)-1]
				last = notify.Transition{Status: last.Status, Reason: last.Reason, Kind: last.Kind, Attempts: last.Attempts}
				require.Equal(t, tt.last, last)
			})
		})
	}
}

func TestTransitionOfAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told transitionLog
		n := newNotifier(t, notify.Config{
			Channels:     notify.Channels{"pager": &driver{answers: []error{waits(channel.RateLimited, 3*time.Second), nil}}},
			OnTransition: told.add,
		})
		_, err := n.Send(t.Context(), hello("pager"))
		require.NoError(t, err)
		require.Contains(t, told.all, notify.Transition{
			Event: notify.TransitionPaused, Channel: "pager", Kind: channel.RateLimited, Took: 3 * time.Second,
		})
	})
}

func TestTransitionOfACallThatIgnoresItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told transitionLog
		free := make(chan struct{})
		n := newNotifier(t, notify.Config{
			Channels: notify.Channels{"pager": &driver{hold: free}},
			Policies: map[string]notify.Policy{"": {Timeout: time.Second}}, OnTransition: told.add,
		})
		_, err := n.Send(t.Context(), hello("pager"))
		require.Error(t, err)
		close(free)
		synctest.Wait()
		require.Len(t, told.all, 3)
		require.Equal(t, notify.TransitionAttempted, told.all[1].Event)
		require.Equal(t, channel.Uncertain, told.all[1].Kind)
		require.InDelta(t, time.Second, told.all[1].Took, float64(200*time.Millisecond))
		require.Equal(t, notify.Unknown, told.all[2].Status)
	})
}

func TestALateStartSaysHowLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told transitionLog
		n := newNotifier(t, notify.Config{
			Channels: notify.Channels{"pager": &driver{takes: time.Second}}, OnTransition: told.add,
			Policies: map[string]notify.Policy{"": {Concurrency: 1}},
		})
		m := bulk(2)
		_, err := n.Send(t.Context(), m)
		require.NoError(t, err)
		var late time.Duration
		for _, tr := range told.all {
			if tr.Event == notify.TransitionStarted {
				late = max(late, tr.Took)
			}
		}
		require.Equal(t, time.Second, late)
	})
}

func TestTheWaitForADispatcherIsNoDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told transitionLog
		n := newNotifier(t, notify.Config{
			Channels:     notify.Channels{"page": &driver{answers: []error{fails(channel.Rejected)}, takes: time.Second}, "sms": &driver{}},
			OnTransition: told.add,
		})
		m := hello("page", "sms")
		m.Dispatcher = "first"
		_, err := n.Send(t.Context(), m)
		require.NoError(t, err)
		for _, tr := range told.all {
			if tr.Event == notify.TransitionStarted {
				require.Zero(t, tr.Took, tr.Channel)
			}
		}
	})
}

func TestAPanicInOnTransitionStopsNothing(t *testing.T) {
	n := newNotifier(t, notify.Config{
		Channels: notify.Channels{"pager": &driver{}}, OnTransition: func(notify.Transition) { panic("eh") },
	})
	report, err := n.Send(t.Context(), hello("pager"))
	require.NoError(t, err)
	require.Equal(t, []notify.Status{notify.Sent}, statuses(report))
}
