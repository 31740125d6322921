package channeltest

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/e7ddda3c/notify/channel"
)

// A Recorder is a channel for the tests of applications. It sends nothing and records the deliveries. The zero Recorder accepts every
// delivery. A Recorder is safe for concurrent use and must not be copied.
//
//	mail := &channeltest.Recorder{Kind: channel.Email}
//	shop := newShop(notify.Channels{"email": mail})
//	shop.Ship(order)
//	require.Equal(t, "ann@example.com", mail.Wait(t, 1)[0].To)
type Recorder struct {
	Kind string // the declared AddressKind

	mu     sync.Mutex
	answer channel.Func
	got    []channel.Delivery
	more   chan struct{} // closed when got grows; nil unless a Wait needs it
}

var (
	_ channel.Channel   = (*Recorder)(nil)
	_ channel.Addresser = (*Recorder)(nil)
)

// Send records d and answers as set by Answer or Fail. If ctx is done, Send records nothing and returns a Temporary error around
// ctx's error.
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

// Answer makes every later Send call f for its result, once the delivery is recorded. With a nil f, Send accepts every delivery.
func (r *Recorder) Answer(f channel.Func) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = f
}

// Fail makes every later Send return err, which should wrap a [*channel.Error]. With a nil err, Send accepts every delivery.
func (r *Recorder) Fail(err error) {
	if err == nil {
		r.Answer(nil)
		return
	}
	r.Answer(func(context.Context, channel.Delivery) (channel.Receipt, error) { return channel.Receipt{}, err })
}

// Deliveries returns the recorded deliveries in the order of the calls, failed and repeated attempts included.
func (r *Recorder) Deliveries() []channel.Delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// Wait returns Deliveries as soon as there are at least n. It fails the test after ten seconds.
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
			tb.Fatalf("channeltest: the Recorder has %d deliveries after ten seconds, want at least %d", len(got), n)
		}
	}
}

// state returns the deliveries and a channel that the next Send closes.
func (r *Recorder) state() ([]channel.Delivery, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.more == nil {
		r.more = make(chan struct{})
	}
	return slices.Clone(r.got), r.more
}
