package channeltest

import (
	"context"
	"errors"
	"sync"

	"github.com/e7ddda3c/notify/channel"
)

// kinds are the allowed classifications of each peer's failure.
var kinds = map[Peer][]channel.Kind{
	Cuts:         {channel.Uncertain},
	Refuses:      {channel.Temporary},
	Throttles:    {channel.RateLimited},
	Denies:       {channel.Misconfigured},
	Fails:        {channel.Uncertain, channel.Temporary},
	BadRecipient: {channel.InvalidRecipient, channel.Unreachable},
	redirects:    {channel.Rejected, channel.Misconfigured, channel.Uncertain},
}

// fails sends to the peer of r's rule.
func fails(r *run) {
	c := r.open(r.rule.peer)
	if r.rule.peer == BadRecipient && channel.AddressKind(c) == channel.None {
		return
	}
	_, err := r.send(r.Context(), c, clone(r.Delivery))
	r.kind(err, kinds[r.rule.peer]...)
	if got, _ := r.received(); len(got) > 1 && r.rule.peer == redirects {
		r.broken("the driver followed the redirect")
		return
	}
	r.once()

	var e *channel.Error
	if r.rule.peer == Throttles && r.Wait > 0 && errors.As(err, &e) {
		if e.RetryAfter > r.Wait || e.RetryAfter < r.Wait-soon { // a little less if the header has a date
			r.broken("RetryAfter is %v, but the peer asked for %v", e.RetryAfter, r.Wait)
		}
	}
}

func cutsKept(r *run) {
	c := r.open(cutsLater)
	if _, err := r.send(r.Context(), c, clone(r.Delivery)); err != nil {
		r.broken("the first Send returned %v", err)
		return
	}
	_, err := r.send(r.Context(), c, clone(r.Delivery))
	r.kind(err, channel.Uncertain)
	if got, _ := r.received(); len(got) > 2 {
		r.broken("the peer received the second delivery twice")
	}
}

func endlessAnswer(r *run) {
	if _, err := r.send(r.Context(), r.open(floods), clone(r.Delivery)); err != nil {
		r.kind(err, channel.Uncertain)
	}
	if r.server().drained.Load() {
		r.broken("the driver read an answer of 64 MiB to its end")
	}
	r.once()
}

func endedContext(r *run) {
	ctx, cancel := context.WithCancel(r.Context())
	cancel()
	_, err := r.send(ctx, r.open(Accepts), clone(r.Delivery))
	if !errors.Is(err, context.Canceled) {
		r.broken("Send returned an error that does not wrap context.Canceled: %v", err)
		return
	}
	r.kind(err, channel.Temporary, channel.Uncertain)
	if got, ok := r.received(); ok && len(got) > 0 {
		r.broken("the peer received the delivery, although the context had ended before Send")
	}
}

func deadline(r *run) {
	c := r.open(Silent)
	ctx, cancel := context.WithTimeout(r.Context(), short)
	defer cancel()
	interrupted(ctx, r, c, context.DeadlineExceeded)
}

func cancels(r *run) {
	c := r.open(Silent)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { // cancel once the peer has the delivery, or after a while if the suite cannot see the peer
		eventually(short, func() bool {
			got, _ := r.received()
			return len(got) > 0
		})
		cancel()
	})
	interrupted(ctx, r, c, context.Canceled)
}

// interrupted sends to a silent peer until ctx is done. Temporary is allowed as well if the peer has verifiably received nothing.
func interrupted(ctx context.Context, r *run, c channel.Channel, want error) {
	r.Helper()
	_, err := r.send(ctx, c, clone(r.Delivery))
	if !errors.Is(err, want) {
		r.broken("Send returned an error that does not wrap %q: %v", want, err)
		return
	}
	allowed := []channel.Kind{channel.Uncertain}
	if got, ok := r.received(); ok && len(got) == 0 {
		allowed = append(allowed, channel.Temporary)
	}
	r.kind(err, allowed...)
	r.once()
}
