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

// A store that ends the goroutine it is called on, as a test of the host's does that fails there, takes nobody with it.
func TestAStoreThatEndsItsGoroutineStrandsNobody(t *testing.T) {
	tests := map[string]func(ms []store.NewMessage) bool{
		"a caller's own":                func(ms []store.NewMessage) bool { return ms[0].Key == "" },
		"the one that accepts for many": func(ms []store.NewMessage) bool { return len(ms) > 1 },
	}
	for name, ends := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &flaky{Store: memory.New()}
				n, _ := stored(t, f)
				hold, calls := make(chan struct{}), atomic.Int64{}
				f.accept = func(ctx context.Context, ms []store.NewMessage) ([]store.Acceptance, error) {
					if calls.Add(1) == 1 {
						<-hold
					}
					if ends(ms) {
						runtime.Goexit()
					}
					return f.Store.AcceptMessages(ctx, ms)
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
				require.NoError(t, n.Close(closing), "nobody is left")
			})
		})
	}
}

// A thousand callers without a deadline do not wait for one another's.
func TestAStoreThatHangsIsWaitedForOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &flaky{Store: memory.New()}
		n, _ := stored(t, f)
		f.accept = func(ctx context.Context, _ []store.NewMessage) ([]store.Acceptance, error) {
			<-ctx.Done() // a table is locked; what is there can be read
			return nil, ctx.Err()
		}
		keys := make([]string, 1000)
		for i := range keys {
			keys[i] = fmt.Sprint(i)
		}
		began := time.Now()
		for _, err := range sends(t.Context(), n, keys...)() {
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
		require.LessOrEqual(t, time.Since(began), 2*time.Minute)

		f.accept = nil
		_, err := n.Send(t.Context(), keyed("0"))
		require.NoError(t, err)
	})
}

func TestAMessageThatHangsTheStoreDoesNotFailStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &flaky{Store: memory.New()}
		n, _ := stored(t, f)
		letGo := busy(t, n, f, func(ctx context.Context, ms []store.NewMessage) ([]store.Acceptance, error) {
			for _, m := range ms {
				if m.Key == "locked" { // by a transaction that has not ended
					<-ctx.Done()
					return nil, ctx.Err()
				}
			}
			return f.Store.AcceptMessages(ctx, ms)
		})
		wait := sends(t.Context(), n, "locked", "a", "b", "c")
		synctest.Wait()
		letGo()
		for key, err := range wait() {
			require.Equal(t, key == "locked", errors.Is(err, context.DeadlineExceeded), "%s: %v", key, err)
		}
	})
}

func TestWhoWaitsBehindACallThatHangsDoesNotWaitForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &flaky{Store: memory.New()}
		n, _ := stored(t, f)
		hang := func(ctx context.Context, ms []store.NewMessage) ([]store.Acceptance, error) {
			if ms[0].Key == "locked" {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return f.Store.AcceptMessages(ctx, ms)
		}
		letGo := busy(t, n, f, hang)
		began := time.Now()
		for _, err := range sends(t.Context(), n, "a", "b")() { // and nobody comes after them
			require.NoError(t, err)
		}
		require.Equal(t, 100*time.Millisecond, time.Since(began))

		locked := sends(t.Context(), n, "locked")
		time.Sleep(110 * time.Millisecond) // it has gone beside the first
		require.NoError(t, sends(t.Context(), n, "c")()["c"])
		require.LessOrEqual(t, time.Since(began), 350*time.Millisecond)
		letGo()
		require.ErrorIs(t, locked()["locked"], context.DeadlineExceeded)
		require.NoError(t, n.Close(t.Context()))
	})
}
