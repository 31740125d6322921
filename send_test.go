package notify_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
)

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
	require.WithinDuration(t, in(10*time.Minute), got.ExpireAt, time.Minute, "a code expires")
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
	n := newNotifier(t, notify.Config{
		Channels: notify.Channels{
			"fails":  &driver{answers: []error{&channel.Error{Kind: channel.Rejected, Err: cause}}},
			"panics": channel.Func(func(context.Context, channel.Delivery) (channel.Receipt, error) { panic(boom) }),
			"hangs":  &driver{hold: release},
		},
		Policies: map[string]notify.Policy{"": {Timeout: 50 * time.Millisecond, Attempts: 1}},
	})

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
	require.NoError(t, n.Close(t.Context()), "Close waits for the call that was given up, which can end now")
}

func TestSendWhileADriverNeverAnswersReturnsSoonAfterCtx(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		n := newNotifier(t, notify.Config{Channels: notify.Channels{
			"hangs": &driver{hold: release},
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
		report, _ := n.Send(t.Context(), hello("a", "b")) // the hook runs for a before b is called
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
