package batch_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/internal/batch"
)

// A fake is a Batcher of words, whose sizes are their lengths. A call takes a second and answers each word in capitals.
type fake struct {
	batch.Batcher[string, string]
	takes  time.Duration                          // of a call; the end of its ctx cuts it short
	answer func(words []string) ([]string, error) // not nil: answers when the call has taken its time
	since  time.Time

	mu    sync.Mutex
	calls []string // "1s a b" is a call of a and b that began after a second
}

func newFake() *fake {
	f := &fake{takes: time.Second, since: time.Now()}
	f.Call = f.call
	f.Go = func(work func()) {
		go func() {
			defer func() { _ = recover() }()
			work()
		}()
	}
	f.Size = func(word string) int { return len(word) }
	f.MaxItems, f.MaxSize, f.Slow, f.MaxCalls = 4, 10, 3*time.Second, 2
	return f
}

func (f *fake) call(ctx context.Context, words []string) ([]string, error) {
	f.mu.Lock()
	f.calls = append(f.calls, strings.Join(append([]string{time.Since(f.since).String()}, words...), " "))
	f.mu.Unlock()
	select {
	case <-time.After(f.takes):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if f.answer != nil {
		return f.answer(words)
	}
	return capitals(words), nil
}

func capitals(words []string) []string {
	return strings.Split(strings.ToUpper(strings.Join(words, " ")), " ")
}

// A caller is one call of Do, on a goroutine of its own.
type caller struct {
	word     string
	result   string
	err      error
	returned time.Duration // after the beginning of the test
	ended    string        // the way in which the goroutine ended: "", "returned", "panicked" or "exited"
}

type method func(ctx context.Context, word string) (string, error)

// start lets a new caller call do, and returns when it waits.
func (f *fake) start(ctx context.Context, do method, word string) *caller {
	c := &caller{word: word}
	go func() {
		ended := "exited"
		defer func() {
			if recover() != nil {
				ended = "panicked"
			}
			c.ended, c.returned = ended, time.Since(f.since)
		}()
		c.result, c.err = do(ctx, word)
		ended = "returned"
	}()
	synctest.Wait()
	return c
}

// arrive starts callers of Do. "1s a" comes a second after the beginning of the test.
func (f *fake) arrive(t *testing.T, arrivals ...string) []*caller {
	t.Helper()
	var cs []*caller
	for _, a := range arrivals {
		at, word, _ := strings.Cut(a, " ")
		after, err := time.ParseDuration(at)
		require.NoError(t, err)
		time.Sleep(time.Until(f.since.Add(after)))
		cs = append(cs, f.start(t.Context(), f.Do, word))
	}
	return cs
}

// pass lets d pass.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// requireIdle requires that the next caller need not wait.
func (f *fake) requireIdle(t *testing.T) {
	t.Helper()
	began := time.Since(f.since).String()
	last := f.start(t.Context(), f.Do, "last")
	require.Equal(t, began+" last", f.calls[len(f.calls)-1])
	pass(f.takes)
	require.Equal(t, "LAST", last.result)
}

func TestCalls(t *testing.T) {
	tests := map[string]struct {
		takes    time.Duration
		arrivals []string
		calls    []string
	}{
		"a caller alone calls at once": {
			time.Second, []string{"0s a", "5s b"}, []string{"0s a", "5s b"},
		},
		"those who come during a call go together in the next, in order": {
			time.Second, []string{"0s a", "100ms b", "200ms c", "300ms d"}, []string{"0s a", "1s b c d"},
		},
		"and so on": {
			time.Second, []string{"0s a", "100ms b", "1100ms c", "1200ms d", "2100ms e"}, []string{"0s a", "1s b", "2s c d", "3s e"},
		},
		"a call has MaxItems": {
			time.Second, []string{"0s a", "0s b", "0s c", "0s d", "0s e", "0s f", "0s g"}, []string{"0s a", "1s b c d e", "2s f g"},
		},
		"a call has MaxSize": {
			time.Second, []string{"0s a", "0s bbbbb", "0s ccccc", "0s d"}, []string{"0s a", "1s bbbbb ccccc", "2s d"},
		},
		"and no item overtakes the one that does not fit": {
			time.Second, []string{"0s a", "0s bbbbbb", "0s ccccc", "0s d"}, []string{"0s a", "1s bbbbbb", "2s ccccc d"},
		},
		"an item of MaxSize waits": {
			time.Second, []string{"0s a", "0s bbbbbbbbbb", "0s c"}, []string{"0s a", "1s bbbbbbbbbb", "2s c"},
		},
		"a larger item goes alone and at once": {
			time.Second, []string{"0s a", "0s b", "100ms ccccccccccc", "200ms d"}, []string{"0s a", "100ms ccccccccccc", "1s b d"},
		},
		"a call beside one that is slow": {
			10 * time.Second, []string{"0s a", "1s b", "2s c"}, []string{"0s a", "4s b c"},
		},
		"a caller who finds a slow call goes at once": {
			10 * time.Second, []string{"0s a", "3s b"}, []string{"0s a", "3s b"},
		},
		"no call beside one that is not slow yet": {
			2500 * time.Millisecond, []string{"0s a", "0s b", "3100ms c"}, []string{"0s a", "2.5s b", "5s c"},
		},
		"no more than MaxCalls": {
			10 * time.Second, []string{"0s a", "1s b", "5s c", "8s d"}, []string{"0s a", "4s b", "10s c d"},
		},
		"nor when a larger item's call beside them returns": {
			10 * time.Second, []string{"0s a", "3s b", "4s ccccccccccc", "5s d", "11s e", "13500ms f"},
			[]string{"0s a", "3s b", "4s ccccccccccc", "10s d", "13s e", "20s f"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.takes = tt.takes
				cs := f.arrive(t, tt.arrivals...)
				pass(time.Minute)
				require.Equal(t, tt.calls, f.calls)
				for _, c := range cs {
					require.NoError(t, c.err)
					require.Equal(t, strings.ToUpper(c.word), c.result)
				}
				f.requireIdle(t)
			})
		})
	}
}

// A call for those who waited has no ctx of theirs: it must not end with one of them.
func TestOnlyACallThatBeginsAtOnceHasTheCallersCtx(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		first, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		a := f.start(first, f.Do, "a")
		second, cancel := context.WithTimeout(t.Context(), 1200*time.Millisecond)
		defer cancel()
		b, c := f.start(second, f.Do, "b"), f.start(t.Context(), f.Do, "c")
		pass(time.Minute)
		require.ErrorIs(t, a.err, context.DeadlineExceeded)
		require.ErrorIs(t, b.err, batch.ErrInFlight)
		require.Equal(t, 1200*time.Millisecond, b.returned)
		require.Equal(t, "C", c.result)
		require.Equal(t, []string{"0s a", "500ms b c"}, f.calls)
		f.requireIdle(t)
	})
}

func TestCtxEnds(t *testing.T) {
	tests := map[string]struct {
		after time.Duration // the end of b's ctx
		err   error
		calls []string
	}{
		"while the item waits":        {500 * time.Millisecond, batch.ErrWithdrawn, []string{"0s a", "1s c"}},
		"while the call is in flight": {1500 * time.Millisecond, batch.ErrInFlight, []string{"0s a", "1s b c"}},
		"after the call":              {2500 * time.Millisecond, nil, []string{"0s a", "1s b c"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				ctx, cancel := context.WithTimeout(t.Context(), tt.after)
				defer cancel()
				a := f.start(t.Context(), f.Do, "a")
				b := f.start(ctx, f.Do, "b")
				c := f.start(t.Context(), f.Do, "c")
				pass(time.Minute)
				require.Equal(t, tt.calls, f.calls)
				require.ErrorIs(t, b.err, tt.err)
				require.Equal(t, min(tt.after, 2*time.Second), b.returned)
				require.Equal(t, []string{"A", "C"}, []string{a.result, c.result})
				f.requireIdle(t)
			})
		})
	}
}

// A call that fails does so for each of its items, and for no other.
func TestFailures(t *testing.T) {
	failure := fmt.Errorf("wrapped: %w", context.Canceled)
	answers := map[string]struct {
		call  func(words []string) ([]string, error)
		is    error
		ended string // the way in which the goroutine of a caller who called ends
	}{
		"an error":           {func([]string) ([]string, error) { return nil, failure }, failure, "returned"},
		"results and error":  {func(ws []string) ([]string, error) { return capitals(ws), failure }, failure, "returned"},
		"no results":         {func([]string) ([]string, error) { return nil, nil }, nil, "returned"},
		"too few results":    {func(ws []string) ([]string, error) { return capitals(ws)[1:], nil }, nil, "returned"},
		"too many results":   {func(ws []string) ([]string, error) { return append(capitals(ws), "X"), nil }, nil, "returned"},
		"a panic":            {func([]string) ([]string, error) { panic("eh") }, nil, "panicked"},
		"an ended goroutine": {func([]string) ([]string, error) { runtime.Goexit(); return nil, nil }, nil, "exited"},
	}
	for name, tt := range answers {
		for _, failing := range []string{"a", "b c"} {
			t.Run(name+" for "+failing, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := newFake()
					f.answer = func(words []string) ([]string, error) {
						if strings.Join(words, " ") == failing {
							return tt.call(words)
						}
						return capitals(words), nil
					}
					cs := f.arrive(t, "0s a", "100ms b", "200ms c", "1200ms d", "1300ms e")
					pass(time.Minute)
					require.Equal(t, []string{"0s a", "1s b c", "2s d e"}, f.calls)
					for i, c := range cs {
						if !strings.Contains(failing, c.word) {
							require.NoError(t, c.err)
							require.Equal(t, strings.ToUpper(c.word), c.result)
							continue
						}
						if i == 0 && tt.ended != "returned" { // it is the caller's own goroutine
							require.Equal(t, tt.ended, c.ended)
							continue
						}
						var failed *batch.CallError
						require.ErrorAs(t, c.err, &failed)
						require.Equal(t, f.since.Add(c.returned), failed.At)
						require.Equal(t, failed.Err.Error(), failed.Error())
						require.Empty(t, c.result)
						if tt.is != nil {
							require.ErrorIs(t, c.err, tt.is)
						}
					}
					f.requireIdle(t)
				})
			})
		}
	}
}

// A random is a fake whose calls take up to 5 s and fail at random. They check the limits of the Batcher.
type random struct {
	*fake
	t     *testing.T
	large bool // some items are larger than MaxSize

	mu       sync.Mutex
	source   *rand.Rand
	inFlight int
	ends     map[string]end // by word
}

// An end is that of a word's only call.
type end struct {
	good   bool
	others int // words in the call
	at     time.Duration
}

func (r *random) intn(n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.source.IntN(n)
}

func (r *random) call(_ context.Context, words []string) ([]string, error) {
	r.checkLimits(words)
	fate := r.intn(10)
	defer r.end(words, fate < 6)
	time.Sleep(time.Duration(r.intn(5000)) * time.Millisecond)
	switch fate {
	case 6:
		return nil, errors.New("no")
	case 7:
		return capitals(words)[1:], nil
	case 8:
		panic("eh")
	case 9:
		runtime.Goexit()
	}
	return capitals(words), nil
}

func (r *random) checkLimits(words []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inFlight++
	assert.LessOrEqual(r.t, len(words), r.MaxItems)
	if len(words) > 1 {
		assert.LessOrEqual(r.t, len(strings.Join(words, "")), r.MaxSize)
	}
	if !r.large { // those go at once
		assert.LessOrEqual(r.t, r.inFlight, r.MaxCalls)
	}
}

func (r *random) end(words []string, good bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inFlight--
	for _, w := range words {
		assert.NotContains(r.t, r.ends, w, "each item has one call")
		r.ends[w] = end{good, len(words) - 1, time.Since(r.since)}
	}
}

// check compares the result of c with the end of the call.
func (r *random) check(c *caller) {
	r.mu.Lock()
	defer r.mu.Unlock()
	end, called := r.ends[c.word]
	var failed *batch.CallError
	switch {
	case c.ended != "returned":
		require.True(r.t, called && !end.good && end.others == 0, "the call for this item alone took the caller along")
	case errors.Is(c.err, batch.ErrWithdrawn):
		require.False(r.t, called)
	case errors.Is(c.err, batch.ErrInFlight):
		require.True(r.t, called)
		require.GreaterOrEqual(r.t, end.at, c.returned)
	case errors.As(c.err, &failed):
		require.True(r.t, called && !end.good)
		require.Equal(r.t, r.since.Add(end.at), failed.At)
	default:
		require.NoError(r.t, c.err)
		require.True(r.t, called && end.good)
		require.Equal(r.t, strings.ToUpper(c.word), c.result)
	}
}

// However calls end, each item is in one at most, each caller gets the result of that, and later callers are served.
func TestRandomCalls(t *testing.T) {
	for seed := range uint64(200) {
		synctest.Test(t, func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Logf("seed %d", seed)
				}
			}()
			r := &random{fake: newFake(), t: t, large: seed%2 == 1, source: rand.New(rand.NewPCG(seed, 0)), ends: map[string]end{}}
			healthy := r.Call
			r.Call = r.call
			longest := r.MaxSize
			if r.large {
				longest += 2
			}
			var cs []*caller
			for i := range 60 {
				word := fmt.Sprintf("%02d", i)
				word += strings.Repeat("x", r.intn(longest-len(word)+1))
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+r.intn(20_000))*time.Millisecond)
				defer cancel()
				cs = append(cs, r.start(ctx, r.Do, word))
				if r.intn(3) > 0 {
					time.Sleep(time.Duration(r.intn(1000)) * time.Millisecond)
				}
			}
			pass(10 * time.Minute)
			for _, c := range cs {
				r.check(c)
			}
			r.Call = healthy
			r.requireIdle(t)
		})
	}
}
