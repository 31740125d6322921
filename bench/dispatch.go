package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	peer "github.com/nikoksr/notify"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
)

// dispatch measures the overhead of Send, over channels that do nothing.
func dispatch(_ context.Context, s *session) error {
	for _, k := range []int{1, 5} {
		if err := dispatchTo(k, s); err != nil {
			return err
		}
	}
	return nil
}

// Limits by the number of channels.
var (
	bareLimit  = map[int]float64{1: 5, 5: 4}
	allocLimit = map[int]float64{1: 14, 5: 26}
)

func dispatchTo(k int, s *session) error {
	ours, err := notifySend(k)
	if err != nil {
		return err
	}
	r, err := s.race(plural(k, "channel"),
		contender{name: "notify", do: ours},
		contender{name: "nikoksr/notify, guarded", do: peerSend(k, guarded{noop{}})},
		contender{name: "nikoksr/notify, bare", do: peerSend(k, noop{})},
	)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("dispatch-%d-", k)
	s.most(name+"guarded", r.ratio("notify", "nikoksr/notify, guarded"), 1.5, "×")
	s.most(name+"bare", r.ratio("notify", "nikoksr/notify, bare"), bareLimit[k], "×")
	allocs := testing.AllocsPerRun(1000, func() { err = ours() })
	s.most(name+"allocs", exactly(allocs), allocLimit[k], "allocs")
	return err
}

// notifySend returns a function that sends to one recipient over k channels.
func notifySend(k int) (func() error, error) {
	channels := notify.Channels{}
	m := notify.Message{
		To:      []notify.Recipient{{ID: "ann", Addresses: map[string][]string{}}},
		Content: notify.Content{Title: "Shipped", Text: "Your order is on its way."},
	}
	for i := range k {
		name := fmt.Sprint("channel", i)
		channels[name] = channel.Func(func(context.Context, channel.Delivery) (channel.Receipt, error) { return channel.Receipt{}, nil })
		m.Channels = append(m.Channels, name)
		m.To[0].Addresses[name] = []string{"ann@example.com"}
	}
	n, err := notify.New(notify.Config{Channels: channels})
	return func() error {
		_, err := n.Send(context.Background(), m)
		return err
	}, err
}

// peerSend returns a function that sends with the peer, over the same service k times.
func peerSend(k int, service peer.Notifier) func() error {
	n := peer.New()
	for range k {
		n.UseServices(service)
	}
	return func() error { return n.Send(context.Background(), "Shipped", "Your order is on its way.") }
}

// noop is a service of the peer that does nothing.
type noop struct{}

func (noop) Send(context.Context, string, string) error { return nil }

// guarded gives a service of the peer the guards that notify has: a call returns by its deadline even if the service does not, and
// a panic becomes an error.
type guarded struct{ service peer.Notifier }

func (g guarded) Send(ctx context.Context, subject, message string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	answer := make(chan error, 1)
	go func() {
		defer func() {
			if v := recover(); v != nil {
				answer <- fmt.Errorf("panicked with a %T", v)
			}
		}()
		answer <- g.service.Send(ctx, subject, message)
	}()
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
