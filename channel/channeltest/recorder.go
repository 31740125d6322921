package channeltest

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/e7ddda3c/notify/channel"
)

// A Recorder is a channel for the tests of applications: it sends nothing and remembers what it was given. The zero Recorder takes every
// delivery. It may be used by many goroutines at once, and not be copied.
//
//	mail := &channeltest.Recorder{Kind: channel.Email}
//	shop := newShop(notify.Channels{"email": mail})
//	shop.Ship(order)
//	require.Equal(t, "ann@example.com", mail.Wait(t, 1)[0].To)
type Recorder struct {
	Kind string // the AddressKind that it declares

	mu     sync.Mutex
	answer channel.Func
	got    []channel.Delivery
	more   chan struct{} // closed when got has grown, if somebody waits
}

var (
	_ channel.Channel   = (*Recorder)(nil)
	_ channel.Addresser = (*Recorder)(nil)
)

// Send remembers d, and answers as it was told to by Answer or Fail. If ctx has ended, it returns ctx's error and remembers nothing.
func (r *Recorder) Send(ctx context.Context, d channel.Delivery) (channel.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return channel.Receipt{}, &channel.Error{Kind: channel.Temporary, Err: err}
	}
	r.mu.Lock()
	r.got = append(r.got, clone(d))
	if r.more != nil {
		close(r.more)
		r.more = nil
	}
	answer := r.answer
	r.mu.Unlock()
	if answer != nil {
		return answer(ctx, d)
	}
	return channel.Receipt{DeliveryID: d.ID, Provider: "recorder", ID: d.ID, Event: channel.Sent, At: time.Now()}, nil
}

// AddressKind returns r.Kind.
func (r *Recorder) AddressKind() string { return r.Kind }

// Answer makes f answer from now on, after the delivery was remembered. A nil f takes every delivery.
func (r *Recorder) Answer(f channel.Func) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = f
}

// Fail makes every Send from now on return err, which should wrap a [*channel.Error]. A nil err heals.
func (r *Recorder) Fail(err error) {
	if err == nil {
		r.Answer(nil)
		return
	}
	r.Answer(func(context.Context, channel.Delivery) (channel.Receipt, error) { return channel.Receipt{}, err })
}

// Deliveries returns all that Send was called with, failures and repeated attempts too, in order.
func (r *Recorder) Deliveries() []channel.Delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// Wait returns Deliveries once there are n or more. It fails the test if that takes longer than ten seconds.
func (r *Recorder) Wait(tb testing.TB, n int) []channel.Delivery {
	tb.Helper()
	end := time.NewTimer(10 * time.Second)
	defer end.Stop()
	for {
		got, more := r.state()
		if len(got) >= n {
			return got
		}
		select {
		case <-more:
		case <-end.C:
			tb.Fatalf("channeltest: the Recorder has %d deliveries after ten seconds, want %d", len(got), n)
		}
	}
}

// state returns the deliveries and what is closed when there is another.
func (r *Recorder) state() ([]channel.Delivery, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.more == nil {
		r.more = make(chan struct{})
	}
	return slices.Clone(r.got), r.more
}
