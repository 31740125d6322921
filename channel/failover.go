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

// The time for which a provider is called last after an uncertain answer, or skipped after Misconfigured.
const coolDown = 30 * time.Second

// Failover returns a channel that sends through several providers of one medium, best first. To send over several media, use a
// dispatcher instead.
//
// An attempt calls the providers in order until one accepts the delivery:
//
//   - After a certain refusal, the attempt moves on to the next provider. The exception is [InvalidRecipient], which ends the attempt.
//   - A [RateLimited] provider is skipped for its RetryAfter, and a [Misconfigured] one for 30 s, or its RetryAfter if that is longer.
//   - An uncertain answer ends the attempt, because another provider might send a duplicate. For the next 30 s, that provider is
//     called last. A further attempt, made only if duplicates are allowed, therefore starts with the next provider.
//
// If every provider refuses, the error combines all refusals. Its kind is the one that leaves the delivery the best chance, and its
// RetryAfter is the shortest.
//
// The channel is valid if all its providers are valid and send to the same kind of address. It accepts a Delivery that any provider
// accepts. Each of its limits is the tightest one among the providers. A duplicate counts as costly if any provider says so. Close
// closes all providers.
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
		if i > 0 && ctx.Err() != nil { // no time is left for the other providers
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

// A candidate is the state of a provider at one moment.
type candidate struct {
	provider *provider
	down     *Error    // the reason to skip the provider, or nil
	doubt    time.Time // the provider is called last until then; zero without a doubt
}

// candidates returns the providers in calling order. Those in doubt come last, the longest in doubt first.
func (f *failover) candidates(now time.Time) []candidate {
	cs := make([]candidate, len(f.providers))
	for i, p := range f.providers {
		cs[i] = p.candidate(now)
	}
	slices.SortStableFunc(cs, func(a, b candidate) int { return a.doubt.Compare(b.doubt) })
	return cs
}

// A provider is a member of a failover, with the consequences of its last answers.
type provider struct {
	Channel
	mu        sync.Mutex
	downUntil time.Time // skipped until then
	why       *Error    // the answer that downUntil comes from
	doubt     time.Time // called last until then
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

// attempt calls the provider and remembers the answer. A panic counts as an uncertain answer.
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
	if failure == nil { // ends the doubt, but no throttle, because the call may have begun before that
		p.doubt = time.Time{}
		return
	}
	switch failure.Kind {
	case Uncertain, Unknown:
		p.doubt = now.Add(coolDown)
	case RateLimited: // not Temporary, whose RetryAfter may concern this recipient alone
		p.skip(failure, now.Add(failure.RetryAfter))
	case Misconfigured:
		p.skip(failure, now.Add(max(failure.RetryAfter, coolDown)))
	}
}

// skip takes the provider out until the given time, unless an earlier answer asked for longer.
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

// verdict merges the refusals of all providers into one error.
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

// joined joins the refusals into one error with a text of one line.
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

// shortest returns the shortest RetryAfter among the refusals of the given kinds.
func shortest(refusals []*Error, kinds ...Kind) time.Duration {
	wait := time.Duration(-1)
	for _, e := range refusals {
		if slices.Contains(kinds, e.Kind) && (wait < 0 || e.RetryAfter < wait) {
			wait = e.RetryAfter
		}
	}
	return max(wait, 0)
}

// Valid refuses a nil provider, an invalid one, and providers that send to different kinds of address.
func (f *failover) Valid() error {
	for i, p := range f.providers {
		if p.Channel == nil {
			return fmt.Errorf("failover: provider %d must not be nil", i)
		}
		if err := Valid(p.Channel); err != nil {
			return fmt.Errorf("failover: provider %d: %w", i, err)
		}
		if a, b := AddressKind(f.providers[0].Channel), AddressKind(p.Channel); a != b {
			return fmt.Errorf("failover: the providers must have the same kind of address, but provider 0 has %q and provider %d has %q", a, i, b)
		}
	}
	return nil
}

// Validate accepts a Delivery that any provider accepts. Otherwise it returns the first provider's error.
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

// AddressKind returns the kind of address of the first provider. Valid checks that the others have the same.
func (f *failover) AddressKind() string { return AddressKind(f.providers[0].Channel) }

// Limits returns the tightest limit of all providers, field by field. A duplicate is costly if any provider says so.
func (f *failover) Limits() Limits {
	var l Limits
	for _, p := range f.providers {
		o := LimitsOf(p.Channel)
		l.Rate, l.Burst, l.Concurrency = tighter(l.Rate, o.Rate), tighter(l.Burst, o.Burst), tighter(l.Concurrency, o.Concurrency)
		l.Costly = l.Costly || o.Costly
	}
	return l
}

// tighter returns the smaller of two limits. Zero means no limit.
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
