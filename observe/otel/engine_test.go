package otel_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	observe "github.com/e7ddda3c/notify/observe/otel"
	"github.com/e7ddda3c/notify/store/memory"
)

func TestRunWithAStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		reader, spans, observer := open(t, observe.Options{Store: st})
		n, err := notify.New(notify.Config{
			Channels: notify.Channels{
				"email": answers(fails(channel.Uncertain)),
				"ops":   answers(fails(channel.RateLimited)),
				"sms":   answers(fails(channel.Rejected)),
			},
			Store:        st,
			OnTransition: observer.Observe,
			Logger:       slog.New(slog.DiscardHandler),
		})
		require.NoError(t, err)
		var email notify.Report
		for _, name := range []string{"sms", "ops", "email"} {
			email, err = n.Send(t.Context(), notify.Message{
				Tenant: "acme", Class: notify.OTP, To: notify.To(name, "secret"), Content: notify.Content{Text: "secret"},
			})
			require.NoError(t, err)
		}
		time.Sleep(30 * time.Second) // nobody runs
		waiting := metrics(t, reader)
		for _, name := range []string{"email", "ops", "sms"} {
			require.InDelta(t, 1, waiting["notify.deliveries.accepted{"+name+" otp}"], 0)
			require.InDelta(t, 1, waiting["notify.backlog.deliveries{"+name+" otp due}"], 0)
			require.InDelta(t, 30, waiting["notify.backlog.age{"+name+" otp}"], 0.1)
		}

		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- n.Run(ctx) }()
		time.Sleep(time.Minute)
		stop()
		require.NoError(t, <-ended)

		require.NoError(t, n.Receive(t.Context(), channel.Receipt{DeliveryID: email.Deliveries[0].ID, Event: channel.Delivered}))

		after := metrics(t, reader)
		requireAmong(t, map[string]float64{
			"notify.attempts{email otp ok}":                      1,
			"notify.receipts{email otp  delivered}":              1,
			"notify.attempts{email otp uncertain}":               1,
			"notify.attempt.duration.sum{email}":                 2,
			"notify.channel.pauses{ops rate_limited}":            1,
			"notify.deliveries.duplicate{email otp}":             1,
			"notify.deliveries.held{ops otp paused}":             1,
			"notify.deliveries.settled{email otp  sent}":         1,
			"notify.deliveries.settled{sms otp rejected failed}": 1,
			"notify.backlog.age{email otp}":                      0,
			"notify.backlog.deliveries{email otp due}":           0,
			"notify.backlog.up{}":                                1,
		}, after)
		require.InDelta(t, 30, after["notify.attempt.delay.sum{sms otp}"], 1, "it was that late")
		require.InDelta(t, 34, after["notify.delivery.duration.sum{email otp}"], 1, "nobody ran for 30 s, two calls of 1 s, 2 s between")
		require.Len(t, spans.Ended(), 5)
		require.NoError(t, n.Close(t.Context()))
	})
}

// requireAmong compares those of all values that are in want.
func requireAmong(t *testing.T, want, all map[string]float64) {
	t.Helper()
	got := make(map[string]float64)
	for name := range want {
		if v, ok := all[name]; ok {
			got[name] = v
		}
	}
	require.Equal(t, want, got)
}
