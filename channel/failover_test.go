package channel_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
)

// vendor is a provider that returns err, or a receipt if err is nil.
type vendor struct {
	err   error
	calls int
}

func (v *vendor) Send(context.Context, channel.Delivery) (channel.Receipt, error) {
	v.calls++
	if v.err != nil {
		return channel.Receipt{}, v.err
	}
	return channel.Receipt{ID: "ok"}, nil
}

func failure(k channel.Kind, wait time.Duration) error {
	return &channel.Error{Kind: k, RetryAfter: wait, Err: errors.New("vendor says no")}
}

func TestFailoverMovesOnAfterCertainRefusals(t *testing.T) {
	for _, kind := range []channel.Kind{
		channel.Temporary, channel.RateLimited, channel.Unreachable, channel.Rejected, channel.Misconfigured,
	} {
		t.Run(kind.Error(), func(t *testing.T) {
			a, b := &vendor{err: failure(kind, 0)}, &vendor{}
			r, err := channel.Failover(a, b).Send(t.Context(), channel.Delivery{})
			require.NoError(t, err)
			require.Equal(t, "ok", r.ID)
			require.Equal(t, 1, a.calls)
		})
	}
}

func TestFailoverStopsAtAnInvalidRecipient(t *testing.T) {
	a, b := &vendor{err: failure(channel.InvalidRecipient, 0)}, &vendor{}
	_, err := channel.Failover(a, b).Send(t.Context(), channel.Delivery{})
	require.ErrorIs(t, err, channel.InvalidRecipient)
	require.Zero(t, b.calls)
}

func TestFailoverEndsTheAttemptAfterAnUncertainAnswer(t *testing.T) {
	for name, lost := range map[string]error{
		"classified":   failure(channel.Uncertain, 0),
		"unclassified": errors.New("eh"),
		"timeout":      context.DeadlineExceeded,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := &vendor{err: lost}, &vendor{}
				f := channel.Failover(a, b)
				_, err := f.Send(t.Context(), channel.Delivery{})
				require.ErrorIs(t, err, lost)
				require.Zero(t, b.calls, "the attempt went on")

				_, err = f.Send(t.Context(), channel.Delivery{})
				require.NoError(t, err)
				require.Equal(t, []int{1, 1}, []int{a.calls, b.calls}, "the next attempt begins at the next provider")

				time.Sleep(30 * time.Second)
				a.err = nil
				_, err = f.Send(t.Context(), channel.Delivery{})
				require.NoError(t, err)
				require.Equal(t, 2, a.calls, "after 30 s the best provider comes first again")
			})
		})
	}
}

func TestFailoverAsksDoubtfulProvidersWhenThereIsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := &vendor{err: channel.Uncertain}, &vendor{err: channel.Uncertain}
		f := channel.Failover(a, b)
		for range 2 {
			_, err := f.Send(t.Context(), channel.Delivery{})
			require.ErrorIs(t, err, channel.Uncertain)
			time.Sleep(time.Second)
		}
		a.err, b.err = nil, nil
		_, err := f.Send(t.Context(), channel.Delivery{})
		require.NoError(t, err)
		require.Equal(t, []int{2, 1}, []int{a.calls, b.calls}, "the provider in doubt for longest comes first")
	})
}

func TestFailoverCountsAPanicAsUncertain(t *testing.T) {
	b := &vendor{}
	f := channel.Failover(channel.Func(func(context.Context, channel.Delivery) (channel.Receipt, error) { panic("boom") }), b)
	require.Panics(t, func() { _, _ = f.Send(t.Context(), channel.Delivery{}) })
	_, err := f.Send(t.Context(), channel.Delivery{})
	require.NoError(t, err)
	require.Equal(t, 1, b.calls)
}

func TestFailoverRecoversAfterAllWereDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := &vendor{err: failure(channel.RateLimited, time.Minute)}, &vendor{err: failure(channel.RateLimited, 20*time.Second)}
		f := channel.Failover(a, b)
		_, err := f.Send(t.Context(), channel.Delivery{})
		require.Equal(t, channel.RateLimited, channel.KindOf(err))

		time.Sleep(5 * time.Second)
		_, err = f.Send(t.Context(), channel.Delivery{})
		var e *channel.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, 15*time.Second, e.RetryAfter, "the time left of the shortest throttle")
		require.Equal(t, []int{1, 1}, []int{a.calls, b.calls}, "no provider is called while all are throttled")

		time.Sleep(15 * time.Second)
		a.err, b.err = nil, nil
		_, err = f.Send(t.Context(), channel.Delivery{})
		require.NoError(t, err)
		require.Equal(t, []int{1, 2}, []int{a.calls, b.calls})
		time.Sleep(time.Minute)
		_, err = f.Send(t.Context(), channel.Delivery{})
		require.NoError(t, err)
		require.Equal(t, 2, a.calls, "the best provider comes first again")
	})
}

func TestFailoverDoesNotSkipAProviderForOneRecipientsThrottle(t *testing.T) {
	a, b := &vendor{err: failure(channel.Temporary, time.Hour)}, &vendor{}
	f := channel.Failover(a, b)
	for range 2 {
		_, err := f.Send(t.Context(), channel.Delivery{})
		require.NoError(t, err)
	}
	require.Equal(t, 2, a.calls)
}

func TestFailoverVerdict(t *testing.T) {
	tests := map[string]struct {
		a, b error
		kind channel.Kind
		wait time.Duration
	}{
		"all misconfigured":          {failure(channel.Misconfigured, 0), failure(channel.Misconfigured, 0), channel.Misconfigured, 0},
		"all throttled":              {failure(channel.RateLimited, 3*time.Second), failure(channel.RateLimited, 2*time.Second), channel.RateLimited, 2 * time.Second},
		"throttled or misconfigured": {failure(channel.RateLimited, 3*time.Second), failure(channel.Misconfigured, 0), channel.RateLimited, 3 * time.Second},
		"one may work later":         {failure(channel.Rejected, 0), failure(channel.RateLimited, 9*time.Second), channel.Temporary, 9 * time.Second},
		"one may work at once":       {failure(channel.Temporary, 0), failure(channel.RateLimited, 9*time.Second), channel.Temporary, 0},
		"unreachable":                {failure(channel.Rejected, 0), failure(channel.Unreachable, 0), channel.Unreachable, 0},
		"all rejected":               {failure(channel.Rejected, 0), failure(channel.Rejected, 0), channel.Rejected, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := channel.Failover(&vendor{err: tt.a}, &vendor{err: tt.b}).Send(t.Context(), channel.Delivery{})
			var e *channel.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, tt.kind, e.Kind)
			require.Equal(t, tt.wait, e.RetryAfter)
			require.ErrorIs(t, err, tt.a)
			require.ErrorIs(t, err, tt.b)
		})
	}
}

func TestFailoverStopsWhenCtxEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	a := channel.Func(func(context.Context, channel.Delivery) (channel.Receipt, error) {
		cancel()
		return channel.Receipt{}, channel.Temporary
	})
	b := &vendor{}
	_, err := channel.Failover(a, b).Send(ctx, channel.Delivery{})
	require.ErrorIs(t, err, channel.Temporary)
	require.Zero(t, b.calls)
}

// picky implements every optional interface.
type picky struct {
	vendor
	kind   string
	refuse error
	valid  error
	limits channel.Limits
	closed *int
}

func (p *picky) Valid() error                    { return p.valid }
func (p *picky) Validate(channel.Delivery) error { return p.refuse }
func (p *picky) AddressKind() string             { return p.kind }
func (p *picky) Limits() channel.Limits          { return p.limits }
func (p *picky) Close() error                    { *p.closed++; return nil }

func TestFailoverAnswersForItsProviders(t *testing.T) {
	var closed int
	a := &picky{kind: channel.Phone, closed: &closed, limits: channel.Limits{Rate: 5, Concurrency: 9}}
	b := &picky{kind: channel.Phone, closed: &closed, limits: channel.Limits{Burst: 3, Concurrency: 4, Costly: true}}
	f := channel.Failover(a, b)

	require.NoError(t, channel.Valid(f))
	require.Equal(t, channel.Phone, channel.AddressKind(f))
	require.Equal(t, channel.Limits{Rate: 5, Burst: 3, Concurrency: 4, Costly: true}, channel.LimitsOf(f))
	require.True(t, channel.LimitsOf(channel.Failover(b, a)).Costly, "in any order")
	require.False(t, channel.LimitsOf(channel.Failover(a, a)).Costly)

	a.refuse = failure(channel.Rejected, 0)
	require.NoError(t, channel.Validate(f, channel.Delivery{}), "one provider accepts it")
	_, err := f.Send(t.Context(), channel.Delivery{})
	require.NoError(t, err)
	require.Zero(t, a.calls, "a provider is never called with what it refused")
	b.refuse = failure(channel.InvalidRecipient, 0)
	require.ErrorIs(t, channel.Validate(f, channel.Delivery{}), channel.Rejected, "the first provider's error")

	require.NoError(t, channel.Close(t.Context(), f))
	require.Equal(t, 2, closed)

	b.valid = errors.New("no key")
	require.ErrorIs(t, channel.Valid(f), b.valid)
	b.valid, b.kind = nil, channel.Email
	require.Error(t, channel.Valid(f), "kinds differ")
	require.Error(t, channel.Valid(channel.Failover(a, nil)))
}

func TestFailoverKeepsTheLongestThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := []error{failure(channel.RateLimited, 0), failure(channel.RateLimited, time.Minute)}
		calls := 0
		a := channel.Func(func(context.Context, channel.Delivery) (channel.Receipt, error) {
			err := answers[min(calls, 1)]
			calls++
			if calls == 1 { // the first call answers last
				time.Sleep(time.Second)
			}
			return channel.Receipt{}, err
		})
		b := channel.Func(func(context.Context, channel.Delivery) (channel.Receipt, error) { return channel.Receipt{}, nil })
		f := channel.Failover(a, b)
		go func() { _, _ = f.Send(t.Context(), channel.Delivery{}) }()
		synctest.Wait()
		_, err := f.Send(t.Context(), channel.Delivery{})
		require.NoError(t, err)
		time.Sleep(2 * time.Second)
		_, err = f.Send(t.Context(), channel.Delivery{})
		require.NoError(t, err)
		require.Equal(t, 2, calls, "the provider asked for a minute")
	})
}

func TestFailoverThatRunsOutOfTimeMayBeTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := channel.Func(func(ctx context.Context, _ channel.Delivery) (channel.Receipt, error) {
			<-ctx.Done()
			return channel.Receipt{}, failure(channel.Rejected, 0)
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		b := &vendor{}
		_, err := channel.Failover(slow, b).Send(ctx, channel.Delivery{})
		require.Equal(t, channel.Temporary, channel.KindOf(err), "the second provider was not called yet")
		require.Zero(t, b.calls)
	})
}

// careless returns nil pointers as errors, which are not equal to nil.
type careless struct{ calls int }

func (c *careless) Send(context.Context, channel.Delivery) (channel.Receipt, error) {
	c.calls++
	var none *channel.Error
	return channel.Receipt{ID: "ok"}, none
}

func (c *careless) Validate(channel.Delivery) error {
	var none *channel.Error
	return none
}

func TestFailoverTakesANilPointerForNoError(t *testing.T) {
	a := &careless{}
	f := channel.Failover(a, &vendor{err: channel.Misconfigured})
	require.NoError(t, channel.Validate(f, channel.Delivery{}))
	for range 2 {
		r, err := f.Send(t.Context(), channel.Delivery{})
		require.NoError(t, err)
		require.Equal(t, "ok", r.ID)
	}
	require.Equal(t, 2, a.calls, "a success leaves no doubt")
}

func TestFailoverRejectsWhatAValidatorRefusesWithoutAKind(t *testing.T) {
	a := &picky{refuse: &channel.Error{Field: "to", Err: errors.New("eh")}}
	_, err := channel.Failover(a).Send(t.Context(), channel.Delivery{})
	var e *channel.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, channel.Rejected, e.Kind)
	require.Equal(t, "to", e.Field)
	require.Equal(t, channel.Unknown, channel.KindOf(a.refuse), "the provider's own error is left as it is")
}
