package observetest

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
)

// open returns a Notifier with the three channels of [Send]. The store may be nil.
func open(t *testing.T, s store.Deliveries, observe func(notify.Transition)) *notify.Notifier {
	t.Helper()
	n, err := notify.New(notify.Config{
		Channels: notify.Channels{
			"email": answers(channel.Uncertain),
			"ops":   answers(channel.RateLimited),
			"sms":   answers(channel.Rejected),
		},
		Store:        s,
		OnTransition: observe,
		Logger:       slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func message(channel string) notify.Message {
	return notify.Message{
		Tenant: "acme", Class: notify.OTP, To: notify.To(channel, "secret"), Content: notify.Content{Text: "secret"},
	}
}

// answers returns a channel whose calls take a second each. The first fails with k and asks for a retry after 2 s; the others
// succeed.
func answers(k channel.Kind) channel.Channel {
	called := false
	return channel.Func(func(context.Context, channel.Delivery) (channel.Receipt, error) {
		time.Sleep(time.Second)
		if called {
			return channel.Receipt{}, nil
		}
		called = true
		return channel.Receipt{}, &channel.Error{Kind: k, RetryAfter: 2 * time.Second, Err: errors.New("no")}
	})
}

// counts is a store that can only count.
type counts struct {
	store.Deliveries
	lanes []store.LaneCount
	err   error
	calls int
}

func (c *counts) CountDeliveries(context.Context, store.CountQuery) ([]store.LaneCount, error) {
	c.calls++
	return c.lanes, c.err
}
