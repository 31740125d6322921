package notify_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
)

// A world is three channels that behave at random, and the truth about what left over them.
type world struct {
	mu   sync.Mutex
	dice *rand.Rand
	left map[string][]bool    // by delivery: for each call, whether it left
	open map[string]time.Time // by recipient: when the last call will be given up; zero if it has answered
	last time.Time            // when the last call of b began
	bad  []string             // broken promises
}

const (
	worldTimeout = 2 * time.Second
	worldGrace   = 100 * time.Millisecond
	worldRate    = 4
)

func (w *world) roll(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dice.IntN(n)
}

func (w *world) promise(ok bool, format string, args ...any) {
	if !ok {
		w.bad = append(w.bad, fmt.Sprintf(format, args...))
	}
}

// begin records a call and decides what it will come to.
func (w *world) begin(d channel.Delivery) (left bool, answer int, takes time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.left[d.ID]
	gone := len(before) > 0 && before[len(before)-1]
	w.promise(d.Attempt == len(before)+1, "%s: attempt %d after %d calls", d.ID, d.Attempt, len(before))
	w.promise(!gone || !d.AtMostOnce, "%s: called again after it left", d.ID)
	w.promise(d.ExpireAt.IsZero() || time.Now().Before(d.ExpireAt), "%s: called after it expired", d.ID)
	w.promise(!time.Now().Before(w.open[d.Recipient]) || d.Category != "first", "%s: called beside another", d.ID)
	w.open[d.Recipient] = time.Now().Add(worldTimeout + worldGrace)
	if d.Channel == "b" {
		w.promise(time.Since(w.last) >= time.Second/worldRate, "b is called faster than its rate")
		w.last = time.Now()
	}
	answer = w.dice.IntN(12)
	left = answer < 4 || answer >= 8 && w.dice.IntN(2) == 0
	w.left[d.ID] = append(before, left || gone)
	return left, answer, []time.Duration{0, time.Millisecond, worldTimeout, worldTimeout + worldGrace, time.Minute}[w.dice.IntN(5)]
}

// end records that a call has answered, unless it was given up.
func (w *world) end(d channel.Delivery, begun time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if time.Since(begun) < worldTimeout+worldGrace {
		w.open[d.Recipient] = time.Time{}
	}
}

// Send takes its time, which it may cut short when ctx ends, and answers.
func (w *world) Send(ctx context.Context, d channel.Delivery) (channel.Receipt, error) {
	left, answer, takes := w.begin(d)
	stop := ctx.Done()
	if w.roll(4) == 0 {
		stop = nil
	}
	defer w.end(d, time.Now())
	select {
	case <-time.After(takes):
	case <-stop:
		if left {
			return channel.Receipt{}, ctx.Err()
		}
		return channel.Receipt{}, fails(channel.Temporary)
	}
	kinds := []channel.Kind{channel.Temporary, channel.RateLimited, channel.Unreachable, channel.Misconfigured}
	switch {
	case answer < 4:
		return channel.Receipt{}, nil
	case answer < 8:
		return channel.Receipt{}, waits(kinds[answer-4], time.Duration(w.roll(2000))*time.Millisecond)
	case answer == 8:
		panic("late or not")
	}
	return channel.Receipt{}, errors.New("eh")
}

// check compares a report with the truth.
func (w *world) check(r notify.Report) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range r.Deliveries {
		calls := w.left[o.ID]
		left := len(calls) > 0 && calls[len(calls)-1]
		w.promise(o.Status.Settled() && o.Until.IsZero(), "%s: is %s", o.ID, o.Status)
		w.promise(o.Attempts == len(calls), "%s: %d attempts, %d calls", o.ID, o.Attempts, len(calls))
		w.promise(left || !o.Status.Reaches(notify.Sent), "%s: is %s, but never left", o.ID, o.Status)
		w.promise(!left || o.Status == notify.Unknown || o.Status == notify.Sent, "%s: is %s, but left", o.ID, o.Status)
		w.promise(len(calls) > 0 || o.Status != notify.Unknown, "%s: is unknown, but was not called", o.ID)
		w.promise((o.Err == nil) == (o.Status == notify.Sent || o.Status == notify.Suppressed && o.Reason == notify.ReasonNotNeeded), "%s: is %s with error %v", o.ID, o.Status, o.Err)
	}
}

// send sends one message at random and checks that it returns in time.
func (w *world) send(t *testing.T, n *notify.Notifier) {
	m := notify.Message{Channels: []string{"a", "b", "c"}[:1+w.roll(3)], Content: notify.Content{Text: "x"}, AtMostOnce: w.roll(2) == 0}
	m.Dispatcher = []string{"all", "first", "moody"}[w.roll(3)]
	m.Category = m.Dispatcher
	for i := range 1 + w.roll(5) {
		id := fmt.Sprintf("%d-%d", w.roll(1e9), i)
		m.To = append(m.To, notify.Recipient{ID: id, Addresses: map[string][]string{"a": {id}, "b": {id, id + "'"}, "c": {id}}})
	}
	if w.roll(3) == 0 {
		m.ExpireAt = time.Now().Add(time.Duration(1+w.roll(8000)) * time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(w.roll(30000))*time.Millisecond)
	defer cancel()
	r, err := n.Send(ctx, m)
	require.NotErrorIs(t, err, notify.ErrClosed)
	end, _ := ctx.Deadline()
	w.check(r)
	require.LessOrEqual(t, time.Since(end), worldGrace, "Send outlived its ctx")
}

// moody is a dispatcher that changes its mind.
func (w *world) moody(_ time.Time, ds []notify.Progress) []notify.Step {
	steps := make([]notify.Step, len(ds))
	for i := range steps {
		steps[i].Action = notify.Action(w.roll(5))
	}
	return steps
}

// It runs a few hundred worlds; a failure prints the seed of its own, to be put in place of base.
func TestReportsAreTrueWhateverHappens(t *testing.T) {
	base := rand.Uint64()
	for i := range uint64(200) {
		synctest.Test(t, func(t *testing.T) {
			w := &world{dice: rand.New(rand.NewPCG(base+i, 0)), left: map[string][]bool{}, open: map[string]time.Time{}}
			n := newNotifier(t, notify.Config{
				Channels:    notify.Channels{"a": w, "b": w, "c": w},
				Policies:    map[string]notify.Policy{"": {Timeout: worldTimeout, Concurrency: 2}, "b": {Rate: worldRate}, "c": {MaxWait: time.Minute}},
				Dispatchers: map[string]notify.Dispatcher{"moody": fakeDispatcher{next: w.moody}},
			})
			var wg sync.WaitGroup
			for range 1 + w.roll(6) {
				wg.Go(func() {
					time.Sleep(time.Duration(w.roll(3000)) * time.Millisecond)
					w.send(t, n)
				})
			}
			wg.Wait()
			require.NoError(t, n.Close(t.Context()), "waits for calls that were given up")
			synctest.Wait()
			w.promise(n.Idle(), "something is still held")
			require.Empty(t, w.bad, "seed %d", base+i)
		})
	}
}
