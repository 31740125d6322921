package dingtalk_test

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/dingtalk"
)

// workOver returns work notifications that h serves without a network.
func workOver(h http.Handler) *dingtalk.Work {
	return dingtalk.NewWork(appKey, appSecret, agentID, &dingtalk.WorkOptions{Client: &http.Client{Transport: local{h}}})
}

// slow delays each request for a token.
func slow(h http.Handler, after time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/gettoken" {
			time.Sleep(after)
		}
		h.ServeHTTP(w, r)
	})
}

func TestTokenIsFetchedOnceForAHundredSends(t *testing.T) {
	a := &app{}
	w := workAt(a.serve(t))
	var wg sync.WaitGroup
	errs := make([]error, 100)
	for i := range errs {
		wg.Go(func() { _, errs[i] = w.Send(t.Context(), approved) })
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Equal(t, 1, a.issued)
	require.Len(t, a.msgs, 100)
}

func TestTokenIsKeptUntilShortlyBeforeItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &app{}
		w := workOver(a)
		send := func() {
			t.Helper()
			_, err := w.Send(t.Context(), approved)
			require.NoError(t, err)
		}
		send()
		time.Sleep(2*time.Hour - 5*time.Minute - time.Second)
		send()
		require.Equal(t, 1, a.issued)
		time.Sleep(time.Second)
		send()
		require.Equal(t, 2, a.issued)
	})
}

func TestTokenWithAShortLifeIsRenewedEarlyToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &app{life: 60}
		w := workOver(a)
		for _, issued := range []int{1, 1, 2} {
			_, err := w.Send(t.Context(), approved)
			require.NoError(t, err)
			require.Equal(t, issued, a.issued)
			time.Sleep(27 * time.Second)
		}
	})
}

func TestTokenThatIsRefusedIsReplacedWithinTheAttempt(t *testing.T) {
	a := &app{}
	w := workAt(a.serve(t))
	_, err := w.Send(t.Context(), approved)
	require.NoError(t, err)

	a.revoked = 1
	_, err = w.Send(t.Context(), approved)
	require.NoError(t, err)
	require.Equal(t, 2, a.issued)
	require.Len(t, a.msgs, 2)
	require.Equal(t, 3, a.calls)
}

func TestTokenThatIsRefusedTwiceIsAMisconfiguration(t *testing.T) {
	a := &app{revoked: 1000}
	w := workAt(a.serve(t))
	_, err := w.Send(t.Context(), approved)
	require.ErrorIs(t, err, channel.Misconfigured)
	require.Equal(t, 2, a.issued, "one token and one more")
	require.Equal(t, 2, a.calls)

	a.revoked = 0
	_, err = w.Send(t.Context(), approved)
	require.NoError(t, err, "what was refused is not kept")
}

func TestTokenRefusedToManyIsReplacedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &app{}
		w := workOver(slow(a, time.Second))
		_, err := w.Send(t.Context(), approved)
		require.NoError(t, err)

		a.revoked = 1
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				_, err := w.Send(t.Context(), approved)
				require.NoError(t, err)
			})
		}
		wg.Wait()
		require.Equal(t, 2, a.issued)
		require.Len(t, a.msgs, 101)
	})
}

func TestTokenRefusedLateDoesNotCostTheNewOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &app{}
		var late atomic.Bool
		w := workOver(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			a.ServeHTTP(w, r)
			if late.CompareAndSwap(true, false) {
				time.Sleep(time.Minute)
			}
		}))
		_, err := w.Send(t.Context(), approved)
		require.NoError(t, err)

		a.revoked = 1
		late.Store(true)
		var wg sync.WaitGroup
		wg.Go(func() { // the refusal arrives after a minute
			_, err := w.Send(t.Context(), approved)
			require.NoError(t, err)
		})
		synctest.Wait()
		_, err = w.Send(t.Context(), approved)
		require.NoError(t, err)
		wg.Wait()
		require.Equal(t, 2, a.issued)
	})
}

func TestTokenFetchOutlivesTheCallerWhoBeganIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &app{}
		w := workOver(slow(a, 10*time.Second))
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()

		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := w.Send(ctx, approved)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, channel.Temporary, channel.KindOf(err), "without a token nothing was sent")
		})
		synctest.Wait() // until the fetch has started
		start := time.Now()
		for range 10 {
			wg.Go(func() {
				_, err := w.Send(t.Context(), approved)
				require.NoError(t, err)
			})
		}
		wg.Wait()
		require.Equal(t, 13*time.Second, time.Since(start))
		require.Len(t, a.msgs, 10)
	})
}

func TestTokenIsNotAwaitedBeyondTheCallersContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := workOver(slow(&app{}, 10*time.Second))
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := w.Send(t.Context(), approved)
			require.NoError(t, err)
		})
		synctest.Wait()

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := w.Send(ctx, approved)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, channel.Temporary, channel.KindOf(err))
		require.Equal(t, time.Second, time.Since(start))
		wg.Wait()
	})
}

func TestTokenFailureIsSharedButNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		var asked atomic.Int32
		down.Store(true)
		a := &app{}
		w := workOver(slow(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/gettoken" && down.Load() {
				asked.Add(1)
				answer(w, -1, "系统繁忙")
				return
			}
			a.ServeHTTP(w, r)
		}), time.Second))

		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				_, err := w.Send(t.Context(), approved)
				require.ErrorIs(t, err, channel.Temporary)
			})
		}
		wg.Wait()
		require.EqualValues(t, 1, asked.Load())

		down.Store(false)
		_, err := w.Send(t.Context(), approved)
		require.NoError(t, err)
	})
}

func TestTokenFetchThatPanicsLeavesNoCallerWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		a := &app{}
		w := dingtalk.NewWork(appKey, appSecret, agentID, &dingtalk.WorkOptions{Client: &http.Client{Transport: trip(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/gettoken" && asked.Add(1) == 1 {
				time.Sleep(time.Second)
				panic("of a RoundTripper")
			}
			return local{a}.RoundTrip(r)
		})}})
		var wg sync.WaitGroup
		wg.Go(func() {
			require.Panics(t, func() { _, _ = w.Send(t.Context(), approved) })
		})
		synctest.Wait()
		_, err := w.Send(t.Context(), approved)
		require.NoError(t, err)
		wg.Wait()
		require.Equal(t, 1, a.calls, "no call without a token")
	})
}

type trip func(*http.Request) (*http.Response, error)

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
