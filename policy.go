package notify

import (
	"cmp"
	"errors"
	"math"
	"time"
)

// A Policy limits the attempts on a channel. A zero field takes its value from the driver's limits, else from the Policy under the
// channel name "", else from the defaults.
type Policy struct {
	// Timeout is the deadline of one attempt. The default is 30 s.
	Timeout time.Duration
	// Attempts is the maximum number of attempts of a delivery. The default is 4. With a store, the default is 14: these take about one hour,
	// and two hours at most.
	Attempts int
	// Backoff is the maximum wait before the second attempt. The maximum doubles with each further attempt, up to an hour; the wait is a random
	// part of the maximum. The default is 1 s.
	Backoff time.Duration
	// MaxWait is the maximum total time that a delivery waits for retries, the rate and pauses before it fails. The default is 5 s. With a
	// store, MaxWait is ignored: a delivery waits until it expires.
	MaxWait time.Duration
	// Concurrency is the maximum number of calls of the driver in flight. The default is 16; with a store, 50 for each class.
	Concurrency int
	// Rate is the maximum number of calls that begin in one second. By default, and if Rate is negative, there is no limit.
	Rate float64
	// Burst is the number of calls that may begin at once after an idle period. The default is 1. Without a Rate, Burst is ignored.
	Burst int
	// Costly, with a store, limits the possible duplicates after a crash to the calls in flight. Each answer is stored at once, which is
	// slower. A channel is costly if its Policy, the driver's limits or the Policy under "" sets Costly.
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
	if p.Timeout < 0 || p.Attempts < 0 || p.Backoff < 0 || p.MaxWait < 0 || p.Concurrency < 0 || p.Burst < 0 || math.IsNaN(p.Rate) {
		return errors.New("fields other than Rate must not be negative, and Rate must be a number")
	}
	return nil
}
