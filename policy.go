package notify

import (
	"cmp"
	"errors"
	"math"
	"time"
)

// A Policy limits the attempts on a channel. Each zero field is taken from the driver's own limits, then from the Policy of the
// channel name "", then from the defaults.
type Policy struct {
	// Timeout is the deadline of one attempt. The default is 30 s.
	Timeout time.Duration
	// Attempts is the maximum number of attempts of a delivery. The default is 4; with a store 14, which take about one hour, and two at
	// most.
	Attempts int
	// Backoff is the maximum wait before the second attempt. The maximum doubles with each further attempt, up to an hour; the wait is a random
	// part of the maximum. The default is 1 s.
	Backoff time.Duration
	// MaxWait is the maximum time that a delivery waits in all, for retries, a rate or a pause, before it fails. The default is 5 s. With a
	// store a delivery waits until it expires, and MaxWait is ignored.
	MaxWait time.Duration
	// Concurrency is the maximum number of calls of the driver in flight. The default is 16; with a store 50 for each class of messages.
	Concurrency int
	// Rate is the maximum number of calls that begin in a second. The default, and any negative Rate, is no limit.
	Rate float64
	// Burst is the number of calls that may begin at once after a rest. The default is 1. Without a Rate, Burst is ignored.
	Burst int
	// Costly, with a store, limits the possible duplicates after a crash to the calls in flight: each answer is stored at once, which is
	// slower. One policy that sets Costly is enough.
	Costly bool
}

// policyOf resolves the policy of a channel from the most to the least specific.
func policyOf(own, driver, general Policy, stored bool) Policy {
	p := Policy{Timeout: 30 * time.Second, Attempts: 4, Backoff: time.Second, MaxWait: 5 * time.Second, Concurrency: 16, Burst: 1}
	if stored {
		p.Attempts, p.Concurrency = 14, 50
	}
	return own.or(driver).or(general).or(p)
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
		return errors.New("Rate must be a number")
	}
	return nil
}
