package channel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// doubtful is how long a provider whose answer was lost comes after the others.
const doubtful = 30 * time.Second

// Failover returns a channel over several providers of one medium, best first. For fan-out over media use a dispatcher.
//
// An attempt moves on to the next provider after every certain refusal but [InvalidRecipient], and skips a provider that is
// [RateLimited], until its RetryAfter, or [Misconfigured], for 30 s. After an uncertain answer it ends, because another provider
// might send the same again; that provider then comes last for 30 s, so that a further attempt, which is made only where
// duplicates are allowed, begins at the next one. If all providers refused, the kind is the one that gives the delivery the best
// chance, and RetryAfter the shortest wait.
//
// The channel answers for its providers: it is valid if all are and all take the same kind of address, takes a Delivery that any
// of them takes, declares the tightest of their limits, is costly if one of them is, and closes them all.
func Failover(primary Channel, secondary ...Channel) Channel {
	f := &failover{}
	for _, c := range append([]Channel{primary}, secondary...) {
		f.providers = append(f.providers, &provider{Channel: c})
	}
	return f
}

type failover struct{ providers []*provider }

var (
	_ Configured = (*failover)(nil)
	_ Validator  = (*failover)(nil)
	_ Addresser  = (*failover)(nil)
	_ Limiter    = (*failover)(nil)
	_ Drainer    = (*failover)(nil)
)

// Send makes one attempt.
func (f *failover) Send(ctx context.Context, d Delivery) (Receipt, error) {
	var refusals []*Error
	for i, c := range f.candidates(time.Now()) {
		if i > 0 && ctx.Err() != nil { // there is no time left to ask the others
			refusals = append(refusals, &Error{Kind: Temporary, Err: ctx.Err()})
			break
		}
		if c.down != nil {
			refusals = append(refusals, c.down)
			continue
		}
		if refused := refusal(Validate(c.provider.Channel, d)); refused != nil {
			refusals = append(refusals, refused)
			continue
		}
		r, err := c.provider.attempt(ctx, d)
		if err == nil {
			return r, nil
		}
		switch err.Kind {
		case InvalidRecipient, Uncertain, Unknown:
			return Receipt{}, err
		}
		refusals = append(refusals, err)
	}
	return Receipt{}, verdict(refusals)
}

// A candidate is a provider as it stands at one moment.
type candidate struct {
	provider *provider
	down     *Error    // not nil: skip it
	doubt    time.Time // until when it comes last
}

// candidates lists the providers in the order to ask them.
func (f *failover) candidates(now time.Time) []candidate {
	cs := make([]candidate, len(f.providers))
	for i, p := range f.providers {
		cs[i] = p.candidate(now)
	}
	slices.SortStableFunc(cs, func(a, b candidate) int { return a.doubt.Compare(b.doubt) })
	return cs
}

// A provider is a child of a failover and what its last answers mean for the next attempt.
type provider struct {
	Channel
	mu        sync.Mutex
	downUntil time.Time
	why       *Error
	doubt     time.Time
}

func (p *provider) candidate(now time.Time) candidate {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := candidate{provider: p}
	if wait := p.downUntil.Sub(now); wait > 0 {
		down := *p.why
		down.RetryAfter = wait
		c.down = &down
	}
	if now.Before(p.doubt) {
		c.doubt = p.doubt
	}
	return c
}

// attempt asks the provider and remembers its answer. A panic counts as an uncertain one.
func (p *provider) attempt(ctx context.Context, d Delivery) (Receipt, *Error) {
	failure := &Error{Kind: Uncertain}
	defer func() { p.remember(failure) }()
	r, err := p.Channel.Send(ctx, d)
	failure = ErrorOf(err)
	return r, failure
}

func (p *provider) remember(failure *Error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if failure == nil { // a call that began before a throttle says nothing about it
		p.doubt = time.Time{}
		return
	}
	switch failure.Kind {
	case Uncertain, Unknown:
		p.doubt = now.Add(doubtful)
	case RateLimited: // the RetryAfter of a Temporary one may be this recipient's alone
		p.skip(failure, now.Add(failure.RetryAfter))
	case Misconfigured:
		p.skip(failure, now.Add(max(failure.RetryAfter, doubtful)))
	}
}

// skip leaves the provider out until then, or for as long as an earlier answer asked for.
func (p *provider) skip(why *Error, until time.Time) {
	if until.After(p.downUntil) {
		p.why, p.downUntil = why, until
	}
}

// refusal returns the error of a Validate as an Error. An error without a kind counts as Rejected.
func refusal(err error) *Error {
	e := ErrorOf(err)
	if e == nil || e.Kind != Unknown {
		return e
	}
	rejected := *e
	rejected.Kind = Rejected
	return &rejected
}

// verdict makes one error of the refusals of all providers.
func verdict(refusals []*Error) error {
	count := make(map[Kind]int)
	for _, e := range refusals {
		count[e.Kind]++
	}
	v := &Error{Kind: Rejected, Err: joined(refusals)}
	if len(refusals) == 1 {
		v.Field, v.Code, v.Err = refusals[0].Field, refusals[0].Code, refusals[0].Err
	}
	switch all := len(refusals); {
	case count[Misconfigured] == all:
		v.Kind = Misconfigured
	case count[Misconfigured]+count[RateLimited] == all:
		v.Kind, v.RetryAfter = RateLimited, shortest(refusals, RateLimited)
	case count[Misconfigured]+count[RateLimited]+count[Temporary] > 0:
		v.Kind, v.RetryAfter = Temporary, shortest(refusals, Temporary, RateLimited, Misconfigured)
	case count[Unreachable] > 0:
		v.Kind, v.RetryAfter = Unreachable, shortest(refusals, Unreachable)
	}
	return v
}

// joined puts all refusals on one line.
func joined(refusals []*Error) error {
	var all error
	for _, e := range refusals {
		if all == nil {
			all = e
			continue
		}
		all = fmt.Errorf("%w; %w", all, e)
	}
	return all
}

// shortest returns the least RetryAfter among the refusals of these kinds.
func shortest(refusals []*Error, kinds ...Kind) time.Duration {
	wait := time.Duration(-1)
	for _, e := range refusals {
		if slices.Contains(kinds, e.Kind) && (wait < 0 || e.RetryAfter < wait) {
			wait = e.RetryAfter
		}
	}
	return max(wait, 0)
}

// Valid refuses a nil provider, one that is not valid, and providers that take different kinds of address.
func (f *failover) Valid() error {
	for i, p := range f.providers {
		if p.Channel == nil {
			return fmt.Errorf("failover: provider %d is nil", i)
		}
		if err := Valid(p.Channel); err != nil {
			return fmt.Errorf("failover: provider %d: %w", i, err)
		}
		if a, b := AddressKind(f.providers[0].Channel), AddressKind(p.Channel); a != b {
			return fmt.Errorf("failover: provider 0 takes an address of kind %q, provider %d of kind %q", a, i, b)
		}
	}
	return nil
}

// Validate takes what any provider takes, and else returns what the first one says.
func (f *failover) Validate(d Delivery) error {
	var first error
	for _, p := range f.providers {
		err := Validate(p.Channel, d)
		if isNil(err) {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// AddressKind returns the kind that all providers take.
func (f *failover) AddressKind() string { return AddressKind(f.providers[0].Channel) }

// Limits returns the tightest limit of any provider, field by field. It is costly if one of them is.
func (f *failover) Limits() Limits {
	var l Limits
	for _, p := range f.providers {
		o := LimitsOf(p.Channel)
		l.Rate, l.Burst, l.Concurrency = tighter(l.Rate, o.Rate), tighter(l.Burst, o.Burst), tighter(l.Concurrency, o.Concurrency)
		l.Costly = l.Costly || o.Costly
	}
	return l
}

// tighter returns the smaller of two limits, of which zero is none.
func tighter[T cmp.Ordered](a, b T) T {
	var none T
	if a == none || b != none && b < a {
		return b
	}
	return a
}

// Close closes every provider.
func (f *failover) Close(ctx context.Context) error {
	var errs []error
	for _, p := range f.providers {
		errs = append(errs, Close(ctx, p.Channel))
	}
	return errors.Join(errs...)
}
