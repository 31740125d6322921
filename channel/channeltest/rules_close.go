package channeltest

import (
	"context"
	"net/http"
	"runtime"
	"strings"
	"testing"
)

func closesTwice(r *run) {
	c := r.open(Accepts)
	_, _ = r.send(r.Context(), c, clone(r.Delivery))
	for range 2 {
		if fault := r.close(c); fault != "" {
			r.broken("%s", fault)
			return
		}
	}
	_, _ = r.send(r.Context(), c, clone(r.Delivery))
}

func leavesNoGoroutine(r *run) {
	for _, p := range []Peer{Accepts, Silent, Cuts, Fails} {
		if !r.has(r.T, p) {
			continue
		}
		before := goroutines()
		r.Run(string(p), func(t *testing.T) { // the end of the subtest closes the peer too
			inner := &run{T: t, Suite: r.Suite, rule: r.rule, told: r.told}
			ctx, cancel := context.WithTimeout(t.Context(), short)
			defer cancel()
			_, _ = inner.send(ctx, inner.open(p), clone(r.Delivery))
		})
		var left map[string]string
		if !eventually(soon, func() bool { left = since(before); return len(left) == 0 }) {
			for _, stack := range left {
				r.broken("%d goroutines are left, with the peer %q, such as\n%s", len(left), p, stack)
				return
			}
		}
	}
}

// since returns the stacks of the goroutines that are not in before.
func since(before map[string]string) map[string]string {
	http.DefaultClient.CloseIdleConnections()
	now := goroutines()
	for id := range before {
		delete(now, id)
	}
	return now
}

// goroutines returns the stacks of all goroutines by id, except for the calling one and those that belong to the runtime or to
// packages testing and os/signal.
func goroutines() map[string]string {
	buf := make([]byte, 1<<20)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) {
			buf = buf[:n]
			break
		}
		buf = make([]byte, 2*len(buf))
	}
	all := map[string]string{}
	for _, stack := range strings.Split(string(buf), "\n\n")[1:] {
		id, _, _ := strings.Cut(stack, " [")
		if !strings.Contains(stack, "\ntesting.") && !strings.Contains(stack, "created by runtime.") && !strings.Contains(stack, "os/signal.") {
			all[id] = stack
		}
	}
	return all
}
