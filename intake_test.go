package notify_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/memory"
)

// A store ends the goroutine that calls it, like a failed test of the host. No other caller waits forever.
func TestAStoreThatEndsItsGoroutineStrandsNobody(t *testing.T) {
	tests := map[string]func(ms []store.NewMessage) bool{
		"with one message":      func(ms []store.NewMessage) bool { return ms[0].Key == "" },
		"with several messages": func(ms []store.NewMessage) bool { return len(ms) > 1 },
	}
	for name, ends := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := newFakeStore(memory.New())
				n, _ := stored(t, st)
				hold, calls := make(chan struct{}), atomic.Int64{}
				st.accept = func(ctx context.Context, ms []store.NewMessage) ([]store.Acceptance, error) {
					if calls.Add(1) == 1 {
						<-hold
					}
					if ends(ms) {
						runtime.Goexit()
					}
					return st.Store.AcceptMessages(ctx, ms)
				}
				go func() { _, _ = n.Send(t.Context(), hello("pager")) }()
				synctest.Wait()
				wait := sends(t.Context(), n, "a", "b", "c")
				synctest.Wait()
				close(hold)
				for _, err := range wait() {
					require.NoError(t, err)
				}
				synctest.Wait()
				again := sends(t.Context(), n, "d", "e")
				for _, err := range again() {
					require.NoError(t, err)
				}
				closing, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				require.NoError(t, n.Close(closing), "no call is left")
			})
		})
	}
}

// The timeouts of a thousand callers without a deadline do not add up.
func TestAStoreThatHangsIsWaitedForOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newFakeStore(memory.New())
		n, _ := stored(t, st)
		st.before(hang, acceptMessages) // the table is locked against writes
		keys := make([]string, 1000)
		for i := range keys {
			keys[i] = fmt.Sprint(i)
		}
		began := time.Now()
		for _, err := range sends(t.Context(), n, keys...)() {
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
		require.LessOrEqual(t, time.Since(began), 2*time.Minute)

		st.recover()
		accept(t, n, keyed("0"))
	})
}

func TestAMessageThatHangsTheStoreDoesNotFailStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newFakeStore(memory.New())
		n, _ := stored(t, st)
		release := blocked(t, n, st, func(ctx context.Context, ms []store.NewMessage) ([]store.Acceptance, error) {
			for _, m := range ms {
				if m.Key == "locked" { // by an open transaction
					return nil, hang(ctx)
				}
			}
			return st.Store.AcceptMessages(ctx, ms)
		})
		wait := sends(t.Context(), n, "locked", "a", "b", "c")
		synctest.Wait()
		release()
		for key, err := range wait() {
			require.Equal(t, key == "locked", errors.Is(err, context.DeadlineExceeded), "%s: %v", key, err)
		}
	})
}

func TestWhoWaitsBehindACallThatHangsDoesNotWaitForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newFakeStore(memory.New())
		n, _ := stored(t, st)
		release := blocked(t, n, st, func(ctx context.Context, ms []store.NewMessage) ([]store.Acceptance, error) {
			if ms[0].Key == "locked" {
				return nil, hang(ctx)
			}
			return st.Store.AcceptMessages(ctx, ms)
		})
		began := time.Now()
		for _, err := range sends(t.Context(), n, "a", "b")() { // and no call follows
			require.NoError(t, err)
		}
		require.Equal(t, 100*time.Millisecond, time.Since(began))

		locked := sends(t.Context(), n, "locked")
		time.Sleep(110 * time.Millisecond) // both calls are in the store now
		require.NoError(t, sends(t.Context(), n, "c")()["c"])
		require.LessOrEqual(t, time.Since(began), 350*time.Millisecond)
		release()
		require.ErrorIs(t, locked()["locked"], context.DeadlineExceeded)
		require.NoError(t, n.Close(t.Context()))
	})
}
