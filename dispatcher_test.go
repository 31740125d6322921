package notify_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
)

func TestFirst(t *testing.T) {
	tests := map[string]struct {
		a, b     error
		statuses []notify.Status
		err      bool
	}{
		"the first succeeds":                      {nil, nil, []notify.Status{notify.Sent, notify.Suppressed}, false},
		"the second succeeds":                     {fails(channel.Rejected), nil, []notify.Status{notify.Failed, notify.Sent}, false},
		"the second succeeds for an offline user": {fails(channel.Unreachable), nil, []notify.Status{notify.Failed, notify.Sent}, false},
		"all failed":                              {fails(channel.Unreachable), fails(channel.Rejected), []notify.Status{notify.Failed, notify.Failed}, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a, b := &driver{answers: []error{tt.a}}, &driver{answers: []error{tt.b}}
			n := newNotifier(t, notify.Config{Channels: notify.Channels{"page": a, "sms": b}})
			m := hello("page", "sms")
			m.Dispatcher = "first"
			r, err := n.Send(t.Context(), m)
			require.Equal(t, tt.statuses, statuses(r))
			if !tt.err {
				require.NoError(t, err)
				require.True(t, r.Deliveries[0].Reached)
				return
			}
			require.ErrorIs(t, err, tt.a)
			require.ErrorIs(t, err, tt.b)
		})
	}
}

func TestFirstHoldsTheOthersBackWhileOneIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := &driver{answers: []error{waits(channel.Temporary, 2*time.Second), nil}, takes: time.Second}, &driver{}
		n := newNotifier(t, notify.Config{Channels: notify.Channels{"page": a, "sms": b}})
		m := hello("page", "sms")
		m.Dispatcher = "first"
		r, err := n.Send(t.Context(), m)
		require.NoError(t, err)
		require.Equal(t, []notify.Status{notify.Sent, notify.Suppressed}, statuses(r))
		require.Equal(t, notify.ReasonNotNeeded, r.Deliveries[1].Reason)
		require.Zero(t, b.calls())
	})
}

func TestFirstOverTwoProvidersOfOneMedium(t *testing.T) {
	a, b := &driver{answers: []error{fails(channel.Misconfigured)}, kind: channel.Phone}, &driver{kind: channel.Phone}
	n := newNotifier(t, notify.Config{Channels: notify.Channels{"aliyun": a, "twilio": b}})
	for range 2 {
		r, err := n.Send(t.Context(), notify.Message{
			To: notify.To("phone", "+1555"), Channels: []string{"aliyun", "twilio"}, Dispatcher: "first", Content: notify.Content{Text: "x"},
		})
		require.NoError(t, err)
		require.Equal(t, []notify.Status{notify.Failed, notify.Sent}, statuses(r))
	}
	require.Equal(t, []int{1, 2}, []int{a.calls(), b.calls()}, "a misconfigured provider is not called again")
}

func TestFirstSteps(t *testing.T) {
	now := time.Now()
	p := func(s ...notify.Status) (ds []notify.Progress) {
		for i, status := range s {
			ds = append(ds, notify.Progress{Place: i, Status: status, At: now})
		}
		return ds
	}
	untilRead := notify.First(notify.Read, time.Hour)
	wait := notify.Step{Action: notify.Wait, Until: now.Add(time.Hour)}
	start, drop := notify.Step{Action: notify.Start}, notify.Step{Action: notify.Drop}

	require.Equal(t, []notify.Step{start, {}}, untilRead.Next(now, p(notify.Accepted, notify.Accepted)))
	require.Equal(t, []notify.Step{{}, wait}, untilRead.Next(now, p(notify.Sent, notify.Accepted)))
	require.Equal(t, []notify.Step{{}, start}, untilRead.Next(now.Add(time.Hour), p(notify.Delivered, notify.Accepted)))
	require.Equal(t, []notify.Step{drop, drop}, untilRead.Next(now, p(notify.Read, notify.Accepted)))
	require.False(t, untilRead.Reached(p(notify.Delivered, notify.Failed)))
	require.True(t, untilRead.Reached(p(notify.Failed, notify.Read)))
}

func TestEscalateSteps(t *testing.T) {
	now := time.Now()
	unlessRead := notify.Escalate(time.Hour)
	ds := []notify.Progress{{Status: notify.Sent, At: now}, {Place: 1, Status: notify.Accepted, At: now}}

	require.Equal(t, notify.Step{Action: notify.Wait, Until: now.Add(time.Hour)}, unlessRead.Next(now, ds)[1])
	require.Equal(t, notify.Step{Action: notify.Start}, unlessRead.Next(now.Add(time.Hour), ds)[1])
	require.True(t, unlessRead.Reached(ds), "a delivery that was sent reaches its recipient")
	ds[0].Status = notify.Read
	require.Equal(t, notify.Step{Action: notify.Drop}, unlessRead.Next(now.Add(2*time.Hour), ds)[1])
	ds[0].Status = notify.Failed
	require.Equal(t, notify.Step{Action: notify.Start}, unlessRead.Next(now, ds)[1])
	require.False(t, unlessRead.Reached(ds))
}

func TestAllIsReachedOnlyWhenNothingFailed(t *testing.T) {
	a, b := &driver{}, &driver{answers: []error{fails(channel.Rejected)}}
	n := newNotifier(t, notify.Config{Channels: notify.Channels{"page": a, "sms": b}})
	r, err := n.Send(t.Context(), hello("page", "sms"))
	require.ErrorIs(t, err, channel.Rejected)
	require.False(t, r.Deliveries[0].Reached)
}

func TestADispatcherThatLeavesADeliveryIsNoSuccess(t *testing.T) {
	for name, next := range map[string]func(time.Time, []notify.Progress) []notify.Step{
		"leaves": func(_ time.Time, ds []notify.Progress) []notify.Step { return make([]notify.Step, len(ds)) },
		"waits":  func(time.Time, []notify.Progress) []notify.Step { return []notify.Step{{Action: notify.Wait}} },
		"short":  func(time.Time, []notify.Progress) []notify.Step { return nil },
		"panics": func(time.Time, []notify.Progress) []notify.Step { panic("no") },
	} {
		t.Run(name, func(t *testing.T) {
			d := &driver{}
			n := newNotifier(t, notify.Config{
				Channels: notify.Channels{"page": d}, Dispatchers: map[string]notify.Dispatcher{"faulty": fakeDispatcher{next: next}},
			})
			m := hello("page")
			m.Dispatcher = "faulty"
			r, err := n.Send(t.Context(), m)
			require.ErrorIs(t, err, channel.Misconfigured)
			require.Equal(t, notify.ReasonStuck, r.Deliveries[0].Reason)
			require.Zero(t, d.calls())
		})
	}
}

func TestAHostsDispatcherMayDropWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := &driver{takes: time.Second}, &driver{answers: []error{waits(channel.Temporary, 4*time.Second)}}
		race := fakeDispatcher{next: func(_ time.Time, ds []notify.Progress) []notify.Step {
			steps := make([]notify.Step, len(ds))
			for i := range ds {
				steps[i].Action = notify.Start
				if ds[0].Status == notify.Sent {
					steps[i].Action = notify.Drop
				}
			}
			return steps
		}}
		n := newNotifier(t, notify.Config{Channels: notify.Channels{"a": a, "b": b}, Dispatchers: map[string]notify.Dispatcher{"race": race}})
		m := hello("a", "b")
		m.Dispatcher = "race"
		begun := time.Now()
		r, _ := n.Send(t.Context(), m)
		require.Equal(t, []notify.Status{notify.Sent, notify.Suppressed}, statuses(r))
		require.Equal(t, time.Second, time.Since(begun))
	})
}
