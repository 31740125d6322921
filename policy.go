package notify

import (
	"cmp"
	"errors"
	"math"
	"math/rand/v2"
	"time"

	"github.com/e7ddda3c/notify/channel"
)

// A Policy limits the attempts on a channel. Each zero field is taken from the driver's own limits, then from the Policy of the
// channel name "", then from the defaults.
type Policy struct {
	// Timeout is the deadline of one attempt. The default is 30 s.
	Timeout time.Duration
	// Attempts is how often a delivery is tried at most. The default is 4; with a store 14, which takes up to two hours, and mostly about
	// one.
	Attempts int
	// Backoff is the longest wait before the second attempt; it doubles with each further one, up to an hour, and the wait is a
	// random part of it. The default is 1 s.
	Backoff time.Duration
	// MaxWait is how long a delivery may wait in all, for a retry, a rate or a pause, before it fails. The default is 5 s.
	// With a store it may wait for as long as its message is of use, and MaxWait means nothing.
	MaxWait time.Duration
	// Concurrency is how many calls of the driver may be under way at a time. The default is 16; with a store 50
	// for each class of messages.
	Concurrency int
	// Rate is how many calls may begin in a second. The default, and any negative Rate, is no limit.
	Rate float64
	// Burst is how many calls may begin at once after a rest. The default is 1. Without a Rate it means nothing.
	Burst int
	// Costly, with a store, keeps the possible duplicates after a crash to the calls under way: each answer is stored at once, which is
	// slower. It is set if any of the policies sets it.
	Costly bool
}

const maxBackoff = time.Hour

// policyOf resolves the policy of a channel from the most to the least particular. With a store a delivery can take its time.
func policyOf(own, driver, general Policy, stored bool) Policy {
	p := Policy{Timeout: 30 * time.Second, Attempts: 4, Backoff: time.Second, MaxWait: 5 * time.Second, Concurrency: 16, Burst: 1}
	if stored {
		p.Attempts, p.Concurrency = 14, 50
	}
	return own.or(driver).or(general).or(p)
}

// limited returns what a driver declares as a Policy.
func limited(l channel.Limits) Policy {
	return Policy{Rate: l.Rate, Burst: l.Burst, Concurrency: l.Concurrency, Costly: l.Costly}
}

// or fills p's zero fields from q.
func (p Policy) or(q Policy) Policy {
	return Policy{
		Timeout:     cmp.Or(p.Timeout, q.Timeout),
		Attempts:    cmp.Or(p.Attempts, q.Attempts),
		Backoff:     cmp.Or(p.Backoff, q.Backoff),
		MaxWait:     cmp.Or(p.MaxWait, q.MaxWait),
		Concurrency: cmp.Or(p.Concurrency, q.Concurrency),
		Rate:        cmp.Or(p.Rate, q.Rate),
		Burst:       cmp.Or(p.Burst, q.Burst),
		Costly:      p.Costly || q.Costly,
	}
}

func (p Policy) valid() error {
	if p.Timeout < 0 || p.Attempts < 0 || p.Backoff < 0 || p.MaxWait < 0 || p.Concurrency < 0 || p.Burst < 0 {
		return errors.New("only Rate may be negative")
	}
	if math.IsNaN(p.Rate) {
		return errors.New("the Rate is not a number")
	}
	return nil
}

// wait draws the time before the attempt that follows n failed ones.
func (p Policy) wait(n int) time.Duration {
	limit := p.Backoff
	for i := 1; i < n && limit < maxBackoff; i++ {
		limit *= 2
	}
	return rand.N(min(limit, maxBackoff) + 1)
}
