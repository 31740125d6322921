package notify_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/memory"
)

// bothWays runs a test of a rule that holds for sending at once, where st is nil, and from a store.
func bothWays(t *testing.T, test func(t *testing.T, st store.Deliveries)) {
	t.Helper()
	t.Run("at once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { test(t, nil) })
	})
	t.Run("from a store", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { test(t, memory.New()) })
	})
}

// sending returns a Notifier on st, if there is one, that runs.
func sending(t *testing.T, st store.Deliveries, c notify.Config) *notify.Notifier {
	t.Helper()
	c.Store = st
	n := newNotifier(t, c)
	if st != nil {
		running(t, n)
	}
	return n
}

// sendAll sends m and returns the report when all deliveries are settled.
func sendAll(t *testing.T, n *notify.Notifier, m notify.Message) notify.Report {
	t.Helper()
	r, err := n.Send(t.Context(), m)
	if slices.ContainsFunc(r.Deliveries, func(o notify.Outcome) bool { return !o.Status.Settled() }) {
		require.NoError(t, err)
		r = settled(t, n, r.ID)
		time.Sleep(time.Millisecond) // everything is told
	}
	return r
}

// A journal records the calls of OnTransition, but for those of acceptance, which only a store has.
type journal struct {
	mu  sync.Mutex
	all []notify.Transition
}

func (j *journal) add(tr notify.Transition) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if tr.Event != notify.TransitionAccepted {
		j.all = append(j.all, tr)
	}
}

// of returns the transitions of a channel, or of the deliveries on that channel, that are of one of the events.
func (j *journal) of(channel string, events ...notify.TransitionEvent) (found []notify.Transition) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, tr := range j.all {
		if tr.Channel == channel && slices.Contains(events, tr.Event) {
			found = append(found, tr)
		}
	}
	return found
}

func TestPauseLengths(t *testing.T) {
	throttled := fails(channel.RateLimited)
	broken := fails(channel.Misconfigured)
	seconds := func(ns ...int) (ds []time.Duration) {
		for _, n := range ns {
			ds = append(ds, time.Duration(n)*time.Second)
		}
		return ds
	}
	tests := map[string]struct {
		backoff time.Duration
		answers []error // and from then on successes
		pauses  []time.Duration
		atOnce  []time.Duration // nil: the same
	}{
		"double up to 5 minutes": {
			backoff: time.Second, answers: slices.Repeat([]error{throttled}, 11),
			pauses: seconds(1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300),
		},
		"begin with a backoff that is longer": {
			backoff: 10 * time.Minute, answers: slices.Repeat([]error{throttled}, 3), pauses: seconds(600, 600, 600),
		},
		"of a misconfigured channel double only if deliveries wait for an operator": {
			backoff: time.Second, answers: slices.Repeat([]error{broken}, 6),
			pauses: seconds(30, 60, 120, 240, 300, 300), atOnce: seconds(30, 30, 30, 30, 30, 30),
		},
		"begin anew after a success": {
			backoff: time.Second, answers: []error{throttled, throttled, throttled, nil, throttled, throttled, nil, throttled},
			pauses: seconds(1, 2, 4, 1, 2, 1),
		},
		"begin anew after any answer that asks for none": {
			backoff: time.Second, answers: []error{throttled, throttled, fails(channel.Temporary), throttled}, pauses: seconds(1, 2, 1),
		},
		"of a misconfigured channel begin anew after a success": {
			backoff: time.Second, answers: []error{broken, broken, nil, broken}, pauses: seconds(30, 60, 30), atOnce: seconds(30, 30, 30),
		},
		"are those that the provider asks for": {
			backoff: time.Second, answers: []error{
				waits(channel.RateLimited, 7*time.Second), waits(channel.RateLimited, 7*time.Second), waits(channel.RateLimited, 20*time.Minute),
				waits(channel.Misconfigured, time.Minute),
			},
			pauses: seconds(7, 7, 1200, 60),
		},
		"are at least the backoff": {
			backoff: 5 * time.Second, answers: slices.Repeat([]error{waits(channel.RateLimited, time.Second)}, 3), pauses: seconds(5, 5, 5),
		},
		"of a misconfigured channel are at least 30 seconds": {
			backoff: time.Second, answers: slices.Repeat([]error{waits(channel.Misconfigured, time.Second)}, 2), pauses: seconds(30, 30),
		},
		"are an hour at most": {
			backoff: time.Second, answers: []error{waits(channel.RateLimited, 5*time.Hour), waits(channel.Misconfigured, 5*time.Hour)},
			pauses: seconds(3600, 3600),
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bothWays(t, func(t *testing.T, st store.Deliveries) {
				var told journal
				d := &driver{answers: append(slices.Clone(tt.answers), nil)}
				n := sending(t, st, notify.Config{
					Channels: notify.Channels{"pager": d}, OnTransition: told.add,
					Policies: map[string]notify.Policy{"": {Backoff: tt.backoff, MaxWait: 1000 * time.Hour}},
				})
				for d.calls() <= len(tt.answers) { // a misconfigured channel refuses without a call
					sendAll(t, n, hello("pager"))
					time.Sleep(time.Second)
				}
				var pauses []time.Duration
				for _, tr := range told.of("pager", notify.TransitionPaused) {
					pauses = append(pauses, tr.Took)
				}
				want := tt.pauses
				if st == nil && tt.atOnce != nil {
					want = tt.atOnce
				}
				require.Equal(t, want, pauses)
			})
		})
	}
}

// A strategy is a host's dispatcher. The zero strategy starts everything, and reaches whom something was sent to.
type strategy struct {
	next    func(ds []notify.Progress) []notify.Step
	reached func(ds []notify.Progress) bool
}

func (s strategy) Next(_ time.Time, ds []notify.Progress) []notify.Step {
	if s.next != nil {
		return s.next(ds)
	}
	return steps(ds, notify.Start)
}

func (s strategy) Reached(ds []notify.Progress) bool {
	if s.reached != nil {
		return s.reached(ds)
	}
	return slices.ContainsFunc(ds, func(d notify.Progress) bool { return d.Status.Reaches(notify.Sent) })
}

// steps returns the same step for each of ds.
func steps(ds []notify.Progress, a notify.Action) []notify.Step {
	return slices.Repeat([]notify.Step{{Action: a}}, len(ds))
}

// hanging returns a strategy whose Next or Reached returns when release is called, but for the first calls. Meanwhile the arguments must
// not change.
func hanging(t *testing.T, method string, first int64) (s strategy, release func()) {
	ends, calls := make(chan struct{}), atomic.Int64{}
	wait := func(ds []notify.Progress) {
		if calls.Add(1) > first {
			before := slices.Clone(ds)
			<-ends
			assert.Equal(t, before, ds, method)
		}
	}
	switch method {
	case "Next":
		s.next = func(ds []notify.Progress) []notify.Step { wait(ds); return steps(ds, notify.Start) }
	case "Reached":
		s.reached = func(ds []notify.Progress) bool { wait(ds); return true }
	}
	return s, sync.OnceFunc(func() { close(ends) })
}

// An outcomeLog records the calls of OnOutcome.
type outcomeLog struct {
	mu  sync.Mutex
	all []notify.Outcome
}

func (l *outcomeLog) add(o notify.Outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, o)
}

// report returns the outcomes so far, in their order.
func (l *outcomeLog) report() notify.Report {
	l.mu.Lock()
	defer l.mu.Unlock()
	return notify.Report{Deliveries: slices.Clone(l.all)}
}

// requireCloseWaits requires that Close waits for a call that release ends.
func requireCloseWaits(t *testing.T, n *notify.Notifier, release func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.ErrorIs(t, n.Close(ctx), context.DeadlineExceeded)
	require.False(t, n.Idle())
	release()
	require.NoError(t, n.Close(t.Context()))
	require.True(t, n.Idle())
}

func TestADispatcherThatHangsHoldsNoSend(t *testing.T) {
	temporary := waits(channel.Temporary, 4*time.Second)
	tests := map[string]struct {
		method   string
		first    int64 // calls that return
		a        error
		b        time.Duration // of a call
		ctx      time.Duration // 0: without end
		returns  time.Duration
		statuses []notify.Status
		err      error
	}{
		"Next": {
			method: "Next", ctx: time.Second, returns: 1100 * time.Millisecond,
			statuses: []notify.Status{notify.Canceled, notify.Canceled}, err: context.DeadlineExceeded,
		},
		"Next, and ctx has no end": {
			method: "Next", returns: time.Minute,
			statuses: []notify.Status{notify.Suppressed, notify.Suppressed}, err: channel.Misconfigured,
		},
		"Next, after an answer": {
			method: "Next", first: 1, a: temporary, b: time.Second / 2, ctx: time.Second, returns: 1100 * time.Millisecond,
			statuses: []notify.Status{notify.Canceled, notify.Sent}, err: context.DeadlineExceeded,
		},
		"Reached": {
			method: "Reached", ctx: time.Second, returns: 1100 * time.Millisecond,
			statuses: []notify.Status{notify.Sent, notify.Sent},
		},
		"Reached, and ctx has no end": {
			method: "Reached", returns: time.Minute, statuses: []notify.Status{notify.Sent, notify.Sent},
		},
		"Reached, during a call": {
			method: "Reached", b: time.Minute, ctx: time.Second, returns: 1100 * time.Millisecond,
			statuses: []notify.Status{notify.Sent, notify.Unknown}, err: context.DeadlineExceeded,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told outcomeLog
				d, release := hanging(t, tt.method, tt.first)
				n := newNotifier(t, notify.Config{
					Channels:    notify.Channels{"a": &driver{answers: []error{tt.a}}, "b": &driver{takes: tt.b}},
					Dispatchers: map[string]notify.Dispatcher{"mine": d}, OnOutcome: told.add,
				})
				defer release()
				m := hello("a", "b")
				m.Dispatcher = "mine"
				ctx := t.Context()
				if tt.ctx > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.ctx)
					defer cancel()
				}
				began := time.Now()
				r, err := n.Send(ctx, m)
				require.Equal(t, tt.returns, time.Since(began))
				require.Equal(t, tt.statuses, statuses(r))
				require.ErrorIs(t, err, tt.err)
				require.False(t, r.Deliveries[0].Reached)
				require.ElementsMatch(t, tt.statuses, statuses(told.report()))
				requireCloseWaits(t, n, release)
			})
		})
	}
}

func TestADispatcherThatHangsHoldsNoSendFromAStore(t *testing.T) {
	tests := map[string]struct {
		method   string
		ctx      time.Duration // 0: without end
		returns  time.Duration
		statuses []notify.Status // after a minute
		told     []notify.Status
	}{
		"Next":    {method: "Next", ctx: time.Second, statuses: []notify.Status{notify.Held, notify.Held}},
		"Reached": {"Reached", time.Second, 1100 * time.Millisecond, []notify.Status{notify.Sent, notify.Sent}, []notify.Status{notify.Sent, notify.Sent}},
		"Reached, and ctx has no end": {
			"Reached", 0, 5 * time.Second, []notify.Status{notify.Sent, notify.Sent}, []notify.Status{notify.Sent, notify.Sent},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told outcomeLog
				d, release := hanging(t, tt.method, 0)
				n := sending(t, memory.New(), notify.Config{
					Channels: notify.Channels{"a": &driver{}, "b": &driver{}}, Dispatchers: map[string]notify.Dispatcher{"mine": d},
					OnOutcome: told.add,
				})
				defer release()
				m := hello("a", "b")
				m.Dispatcher = "mine"
				ctx := t.Context()
				if tt.ctx > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.ctx)
					defer cancel()
				}
				began := time.Now()
				r, err := n.Send(ctx, m)
				require.NoError(t, err)
				require.Equal(t, tt.returns, time.Since(began))
				require.Equal(t, []notify.Status{notify.Accepted, notify.Accepted}, statuses(r))

				pass(time.Minute)
				require.ElementsMatch(t, tt.told, statuses(told.report()))
				began = time.Now()
				r, err = n.Report(t.Context(), r.ID)
				require.NoError(t, err)
				require.Equal(t, tt.statuses, statuses(r))
				require.False(t, r.Deliveries[0].Reached)
				require.Zero(t, time.Since(began), "a dispatcher that hangs is not asked")
				requireCloseWaits(t, n, release)
			})
		})
	}
}

// A driver that ends the goroutine of its call, as a test of the host's does that fails there, has answered.
func TestADriverThatEndsItsGoroutineFreesItsSlotAtOnce(t *testing.T) {
	bothWays(t, func(t *testing.T, st store.Deliveries) {
		var told journal
		calls := atomic.Int64{}
		d := channel.Func(func(_ context.Context, d channel.Delivery) (channel.Receipt, error) {
			if calls.Add(1); d.Attempt == 1 && d.To == "ann-pager" {
				time.Sleep(time.Second)
				runtime.Goexit()
			}
			return channel.Receipt{}, nil
		})
		n := sending(t, st, notify.Config{
			Channels: notify.Channels{"pager": d}, OnTransition: told.add,
			Policies: map[string]notify.Policy{"": {Concurrency: 1, Timeout: time.Hour, Backoff: 10 * time.Second, MaxWait: time.Hour}},
		})
		began := time.Now()
		var first notify.Report
		done := make(chan struct{})
		go func() {
			defer close(done)
			if first, _ = n.Send(t.Context(), hello("pager")); st != nil {
				first, _ = n.Wait(t.Context(), first.ID)
			}
		}()
		synctest.Wait()
		other := hello("pager")
		other.To[0].Addresses["pager"] = []string{"bob-pager"}
		second := sendAll(t, n, other)
		require.Equal(t, notify.Sent, second.Deliveries[0].Status)
		require.InDelta(t, time.Second, time.Since(began), float64(50*time.Millisecond), "the slot is free")
		<-done
		o := first.Deliveries[0]
		require.Equal(t, notify.Sent, o.Status)
		require.Equal(t, 2, o.Attempts)
		require.True(t, o.Duplicate, "nobody knows what the first call did")
		require.LessOrEqual(t, time.Since(began), 11*time.Second+50*time.Millisecond)
		require.Equal(t, int64(3), calls.Load())
		attempts := told.of("pager", notify.TransitionAttempted)
		attempts = slices.DeleteFunc(attempts, func(tr notify.Transition) bool { return tr.Delivery != o.ID })
		require.Len(t, attempts, 2)
		require.Equal(t, channel.Uncertain, attempts[0].Kind)
		require.Equal(t, time.Second, attempts[0].Took)
		require.NoError(t, n.Close(t.Context()))
		require.True(t, n.Idle())
	})
}

func TestAHostsDispatcherDecidesAboutASingleDelivery(t *testing.T) {
	bothWays(t, func(t *testing.T, st store.Deliveries) {
		d := &driver{}
		drop := strategy{next: func(ds []notify.Progress) []notify.Step { return steps(ds, notify.Drop) }}
		n := sending(t, st, notify.Config{Channels: notify.Channels{"pager": d}, Dispatchers: map[string]notify.Dispatcher{"mine": drop}})
		m := hello("pager")
		m.Dispatcher = "mine"
		o := sendAll(t, n, m).Deliveries[0]
		require.Equal(t, notify.Suppressed, o.Status)
		require.Equal(t, notify.ReasonNotNeeded, o.Reason)
		require.NoError(t, o.Err)
		require.Zero(t, d.calls())
	})
}

func TestADeliveryThatWaitsAsBeforeIsToldOnce(t *testing.T) {
	for name, failure := range map[string]error{
		"for retries":   fails(channel.Temporary),
		"for a pause":   waits(channel.RateLimited, 10*time.Second),
		"for who knows": fails(channel.Uncertain),
	} {
		t.Run(name, func(t *testing.T) {
			bothWays(t, func(t *testing.T, st store.Deliveries) {
				var told journal
				n := sending(t, st, notify.Config{
					Channels:     notify.Channels{"page": &driver{answers: []error{failure, failure, failure, nil}}, "sms": &driver{}},
					OnTransition: told.add, Policies: map[string]notify.Policy{"": {Backoff: time.Second, MaxWait: time.Hour}},
				})
				m := hello("page", "sms")
				m.Dispatcher = "first"
				r := sendAll(t, n, m)
				require.Equal(t, []notify.Status{notify.Sent, notify.Suppressed}, statuses(r))
				require.Len(t, told.of("page", notify.TransitionHeld), 3)
				held := told.of("sms", notify.TransitionHeld)
				require.Len(t, held, 1)
				require.Equal(t, notify.ReasonWaiting, held[0].Reason)
			})
		})
	}
}

func TestTheIDOfAFailedAttemptIsReported(t *testing.T) {
	tests := map[string]struct {
		ids     []string // of each attempt; all but the last fail
		kind    channel.Kind
		want    string
		settled notify.Status
	}{
		"if the next has none":    {[]string{"one", ""}, channel.Temporary, "one", notify.Sent},
		"unless the next has one": {[]string{"one", "two"}, channel.Temporary, "two", notify.Sent},
		"if it is the last":       {[]string{"one"}, channel.Rejected, "one", notify.Failed},
		"if it may have gone out": {[]string{"one", ""}, channel.Uncertain, "one", notify.Sent},
		"if it was throttled":     {[]string{"one", ""}, channel.RateLimited, "one", notify.Sent},
		"if it was the second":    {[]string{"", "two", ""}, channel.Temporary, "two", notify.Sent},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bothWays(t, func(t *testing.T, st store.Deliveries) {
				var told outcomeLog
				d := channel.Func(func(_ context.Context, d channel.Delivery) (channel.Receipt, error) {
					r := channel.Receipt{ID: tt.ids[d.Attempt-1]}
					if d.Attempt < len(tt.ids) || tt.settled == notify.Failed {
						return r, fails(tt.kind)
					}
					return r, nil
				})
				n := sending(t, st, notify.Config{Channels: notify.Channels{"pager": d}, OnOutcome: told.add})
				o := sendAll(t, n, hello("pager")).Deliveries[0]
				require.Equal(t, tt.settled, o.Status)
				require.Equal(t, tt.want, o.ProviderID)
				require.Equal(t, tt.want, told.report().Deliveries[0].ProviderID)
			})
		})
	}
}

// inOrder reports whether the events of one delivery tell a history: each attempt is started, attempted, and then held or settled before the
// next is started.
func inOrder(trs []notify.Transition) bool {
	calling, concluded := false, true
	for i, tr := range trs {
		switch tr.Event {
		case notify.TransitionStarted:
			if calling || !concluded {
				return false
			}
			calling, concluded = true, false
		case notify.TransitionAttempted:
			if !calling {
				return false
			}
			calling = false
		case notify.TransitionHeld:
			if calling {
				return false
			}
			concluded = true
		case notify.TransitionSettled:
			return !calling && i == len(trs)-1
		}
	}
	return false
}

func TestInOrder(t *testing.T) {
	const started, attempted, held, settled = notify.TransitionStarted, notify.TransitionAttempted, notify.TransitionHeld, notify.TransitionSettled
	tests := map[string]struct {
		events []notify.TransitionEvent
		want   bool
	}{
		"one attempt":                    {[]notify.TransitionEvent{started, attempted, settled}, true},
		"none":                           {[]notify.TransitionEvent{settled}, true},
		"a wait before and a retry":      {[]notify.TransitionEvent{held, started, attempted, held, held, started, attempted, settled}, true},
		"started before held":            {[]notify.TransitionEvent{started, attempted, started, held, attempted, settled}, false},
		"held during the call":           {[]notify.TransitionEvent{started, held, attempted, settled}, false},
		"attempted and not started":      {[]notify.TransitionEvent{attempted, settled}, false},
		"settled during the call":        {[]notify.TransitionEvent{started, settled}, false},
		"something after it was settled": {[]notify.TransitionEvent{settled, held}, false},
		"not settled":                    {[]notify.TransitionEvent{started, attempted, held}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var trs []notify.Transition
			for _, e := range tt.events {
				trs = append(trs, notify.Transition{Event: e})
			}
			require.Equal(t, tt.want, inOrder(trs))
		})
	}
}

func TestTheEventsOfADeliveryComeInOrder(t *testing.T) {
	bothWays(t, func(t *testing.T, st store.Deliveries) {
		for seed := range uint64(10) {
			var mu sync.Mutex
			source := rand.New(rand.NewPCG(seed, 0))
			d := channel.Func(func(_ context.Context, d channel.Delivery) (channel.Receipt, error) {
				mu.Lock()
				answer, takes := source.IntN(7), source.IntN(2)*source.IntN(3000)
				mu.Unlock()
				time.Sleep(time.Duration(takes) * time.Millisecond)
				return channel.Receipt{}, []error{
					nil, nil, fails(channel.Temporary), fails(channel.Uncertain), fails(channel.RateLimited), errors.New("eh"), fails(channel.Rejected),
				}[answer]
			})
			var told journal
			n := sending(t, st, notify.Config{
				Channels: notify.Channels{"page": d, "sms": d}, OnTransition: told.add,
				Policies: map[string]notify.Policy{"": {Backoff: time.Second, MaxWait: time.Hour, Concurrency: 5}},
			})
			var wg sync.WaitGroup
			for i := range 20 {
				wg.Go(func() {
					m := hello("page", "sms")
					m.Dispatcher, m.AtMostOnce = []string{"all", "first"}[i%2], i%3 == 0
					sendAll(t, n, m)
				})
			}
			wg.Wait()
			synctest.Wait()
			events := map[string][]notify.Transition{}
			for _, tr := range told.all {
				events[tr.Delivery] = append(events[tr.Delivery], tr)
			}
			delete(events, "") // those of channels
			require.Len(t, events, 40)
			for id, trs := range events {
				require.True(t, inOrder(trs), "seed %d: %s: %v", seed, id, trs)
			}
			require.NoError(t, n.Close(t.Context()))
		}
	})
}

// The wait before attempt n+1 is a random part of Backoff × 2ⁿ⁻¹. Of 200 waits, the longest comes close to the whole.
func TestTheBackoffDoubles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		longest := map[int]time.Duration{}
		n := newNotifier(t, notify.Config{
			Channels: notify.Channels{"pager": &driver{answers: []error{fails(channel.Temporary)}}},
			Policies: map[string]notify.Policy{"": {Attempts: 5, Backoff: time.Second, MaxWait: time.Hour}},
			OnTransition: func(tr notify.Transition) {
				if tr.Event == notify.TransitionHeld {
					longest[tr.Attempts] = max(longest[tr.Attempts], tr.Took)
				}
			},
		})
		for range 200 {
			_, err := n.Send(t.Context(), hello("pager"))
			require.ErrorIs(t, err, channel.Temporary)
		}
		for attempt, limit := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second, 4: 8 * time.Second} {
			require.LessOrEqual(t, longest[attempt], limit, "after attempt %d", attempt)
			require.Greater(t, longest[attempt], limit*9/10, "after attempt %d", attempt)
		}
	})
}

// A dispatcher gets a copy of the progress.
func TestADispatcherThatChangesItsArgumentsChangesNothing(t *testing.T) {
	bothWays(t, func(t *testing.T, st store.Deliveries) {
		d := fakeDispatcher{next: func(_ time.Time, ds []notify.Progress) []notify.Step {
			slices.Reverse(ds)
			for i := range ds {
				ds[i] = notify.Progress{Place: 9, Status: notify.Read}
			}
			return []notify.Step{{Action: notify.Start}, {Action: notify.Drop}}
		}}
		n := sending(t, st, notify.Config{
			Channels: notify.Channels{"a": &driver{}, "b": &driver{}}, Dispatchers: map[string]notify.Dispatcher{"mine": d},
		})
		m := hello("a", "b")
		m.Dispatcher = "mine"
		require.Equal(t, []notify.Status{notify.Sent, notify.Suppressed}, statuses(sendAll(t, n, m)))
	})
}

// A delivery asks when its wait is over or a peer has changed, not after its own failure.
func TestADeliveryIsNotStuckBesideAPeerInFlight(t *testing.T) {
	bothWays(t, func(t *testing.T, st store.Deliveries) {
		d := fakeDispatcher{next: func(_ time.Time, ds []notify.Progress) []notify.Step {
			if ds[0].Status == notify.Held && !ds[1].Status.Settled() {
				return make([]notify.Step, 2)
			}
			return []notify.Step{{Action: notify.Start}, {Action: notify.Start}}
		}}
		n := sending(t, st, notify.Config{
			Channels: notify.Channels{
				"a": &driver{answers: []error{waits(channel.Temporary, 10*time.Second), nil}}, "b": &driver{takes: 5 * time.Second},
			},
			Dispatchers: map[string]notify.Dispatcher{"mine": d}, Policies: map[string]notify.Policy{"": {MaxWait: time.Hour}},
		})
		m := hello("a", "b")
		m.Dispatcher = "mine"
		require.Equal(t, []notify.Status{notify.Sent, notify.Sent}, statuses(sendAll(t, n, m)))
	})
}

func TestExpireAtEndsAWait(t *testing.T) {
	bothWays(t, func(t *testing.T, st store.Deliveries) {
		n := sending(t, st, notify.Config{
			Channels: notify.Channels{"pager": &driver{answers: []error{waits(channel.Temporary, 10*time.Minute)}}},
			Policies: map[string]notify.Policy{"": {MaxWait: time.Hour}},
		})
		m := hello("pager")
		began := time.Now()
		m.ExpireAt = began.Add(time.Minute)
		require.Equal(t, []notify.Status{notify.Expired}, statuses(sendAll(t, n, m)))
		require.InDelta(t, time.Minute, time.Since(began), float64(2*time.Second))
	})
}

// The dispatcher is busy with a peer when the answer comes.
func TestAWaitBeginsWithTheAnswer(t *testing.T) {
	for _, kind := range []channel.Kind{channel.RateLimited, channel.Temporary} {
		t.Run(string(kind), func(t *testing.T) {
			bothWays(t, func(t *testing.T, st store.Deliveries) {
				a := &driver{takes: 2 * time.Second, answers: []error{waits(kind, 3*time.Second), nil}}
				b := &driver{takes: time.Second, answers: []error{fails(channel.Rejected)}}
				var once sync.Once
				d := fakeDispatcher{next: func(_ time.Time, ds []notify.Progress) []notify.Step {
					if ds[1].Status == notify.Failed {
						once.Do(func() { time.Sleep(4 * time.Second) })
						return []notify.Step{{Action: notify.Start}, {}, {Action: notify.Start}}
					}
					return []notify.Step{{Action: notify.Start}, {Action: notify.Start}, {}}
				}}
				n := sending(t, st, notify.Config{
					Channels: notify.Channels{"a": a, "b": b, "c": &driver{}}, Dispatchers: map[string]notify.Dispatcher{"mine": d},
					Policies: map[string]notify.Policy{"": {Backoff: time.Nanosecond, MaxWait: time.Hour}},
				})
				m := hello("a", "b", "c")
				m.Dispatcher = "mine"
				require.Equal(t, []notify.Status{notify.Sent, notify.Failed, notify.Sent}, statuses(sendAll(t, n, m)))
				require.InDelta(t, 5*time.Second, a.at[1].Sub(a.at[0]), float64(time.Second/2))
			})
		})
	}
}

func TestAWaitBeginsWithTheAnswerDespiteSlowHooks(t *testing.T) {
	for _, event := range []notify.TransitionEvent{notify.TransitionAttempted, notify.TransitionPaused} {
		t.Run(string(event), func(t *testing.T) {
			bothWays(t, func(t *testing.T, st store.Deliveries) {
				d := &driver{answers: []error{waits(channel.RateLimited, 10*time.Second), nil}}
				n := sending(t, st, notify.Config{
					Channels: notify.Channels{"pager": d}, Policies: map[string]notify.Policy{"": {MaxWait: time.Hour}},
					OnTransition: func(tr notify.Transition) {
						if tr.Event == event {
							time.Sleep(8 * time.Second)
						}
					},
				})
				require.Equal(t, []notify.Status{notify.Sent}, statuses(sendAll(t, n, hello("pager"))))
				require.InDelta(t, 10*time.Second, d.at[1].Sub(d.at[0]), float64(time.Second))
			})
		})
	}
}

// Slow hooks are not part of the call.
func TestTookOfAnAttemptIsTheCall(t *testing.T) {
	bothWays(t, func(t *testing.T, st store.Deliveries) {
		var told journal
		hold := make(chan struct{})
		n := sending(t, st, notify.Config{
			Channels: notify.Channels{
				"a": &driver{takes: time.Second}, "b": &driver{takes: time.Second, answers: []error{waits(channel.RateLimited, time.Second), nil}},
				"c": &driver{hold: hold},
			},
			Policies: map[string]notify.Policy{"c": {Timeout: 900 * time.Millisecond}},
			OnTransition: func(tr notify.Transition) {
				told.add(tr)
				time.Sleep(2 * time.Second)
			},
		})
		require.Equal(t, []notify.Status{notify.Sent, notify.Sent}, statuses(sendAll(t, n, hello("a", "b"))))
		require.Equal(t, []notify.Status{notify.Unknown}, statuses(sendAll(t, n, hello("c"))))
		close(hold)
		for name, count := range map[string]int{"a": 1, "b": 2, "c": 1} { // c is given up after its timeout and 0.1 s
			attempts := told.of(name, notify.TransitionAttempted)
			require.Len(t, attempts, count)
			for _, tr := range attempts {
				require.InDelta(t, time.Second, tr.Took, float64(time.Millisecond), name)
			}
		}
	})
}

// A vendorError panics if it is formatted.
type vendorError struct{ status *int }

func (e vendorError) Error() string { return fmt.Sprint(*e.status) }

func TestAPanicOfErrorIsItsText(t *testing.T) {
	bothWays(t, func(t *testing.T, st store.Deliveries) {
		fault := &channel.Error{Kind: channel.Rejected, Err: vendorError{}}
		n := sending(t, st, notify.Config{Channels: notify.Channels{
			"sends": &driver{answers: []error{fault}}, "validates": &driver{refuse: func(channel.Delivery) error { return fault }},
		}})
		r := sendAll(t, n, hello("sends", "validates"))
		require.Equal(t, []notify.Status{notify.Failed, notify.Failed}, statuses(r))
		for _, o := range r.Deliveries {
			require.ErrorIs(t, o.Err, channel.Rejected)
			require.ErrorContains(t, o.Err, "PANIC=Error method")
		}
	})
}

// Hooks must not exit. A FailNow in one still must not hang Send.
func TestSendEndsThoughAHookExits(t *testing.T) {
	for _, event := range []notify.TransitionEvent{
		notify.TransitionStarted, notify.TransitionAttempted, notify.TransitionPaused, notify.TransitionHeld, notify.TransitionSettled,
	} {
		t.Run(string(event), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNotifier(t, notify.Config{
					Channels: notify.Channels{"pager": &driver{answers: []error{waits(channel.RateLimited, time.Second), nil}}},
					OnTransition: func(tr notify.Transition) {
						if tr.Event == event {
							runtime.Goexit()
						}
					},
				})
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					_, _ = n.Send(t.Context(), hello("pager"))
				}()
				select {
				case <-ended:
				case <-time.After(time.Hour):
					require.Fail(t, "Send hangs")
				}
			})
		})
	}
}
