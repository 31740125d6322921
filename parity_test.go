package notify_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/memory"
)

// A script is one message, with its policy and the answer of each call of a driver.
type script struct {
	message  notify.Message
	policy   notify.Policy
	answers  map[string][]scripted // by channel and address, then by attempt
	explicit string                // the script in words, for the report of a failure
}

// A scripted answer of a driver.
type scripted struct {
	name    string
	takes   time.Duration // all differ, so that no two calls end at the same time
	receipt channel.Receipt
	err     error
	act     func() // instead of an answer
}

// All kinds of answers except Misconfigured, which fails at once without a store, and waits for an operator with one.
var scriptedAnswers = []func(r *rand.Rand) scripted{
	func(*rand.Rand) scripted { return scripted{name: "sent"} },
	func(*rand.Rand) scripted {
		return scripted{name: "delivered", receipt: channel.Receipt{Event: channel.Delivered}}
	},
	func(*rand.Rand) scripted {
		return scripted{name: "read", receipt: channel.Receipt{Event: channel.Read}}
	},
	func(r *rand.Rand) scripted {
		kind := []channel.Kind{"", channel.InvalidRecipient, channel.Rejected, channel.Temporary}[r.IntN(4)]
		return scripted{name: "bounced " + string(kind), receipt: channel.Receipt{Event: channel.Bounced, Kind: kind}}
	},
	func(r *rand.Rand) scripted {
		e := waits(channel.Temporary, time.Duration(r.IntN(3))*10*time.Second)
		return scripted{name: e.Error(), err: e}
	},
	func(r *rand.Rand) scripted {
		e := waits(channel.RateLimited, time.Duration(r.IntN(3))*10*time.Second)
		return scripted{name: e.Error(), err: e}
	},
	func(*rand.Rand) scripted { return scripted{name: "unreachable", err: fails(channel.Unreachable)} },
	func(*rand.Rand) scripted { return scripted{name: "invalid", err: fails(channel.InvalidRecipient)} },
	func(*rand.Rand) scripted { return scripted{name: "rejected", err: fails(channel.Rejected)} },
	func(*rand.Rand) scripted { return scripted{name: "uncertain", err: fails(channel.Uncertain)} },
	func(*rand.Rand) scripted { return scripted{name: "unknown", err: errors.New("eh")} },
	func(*rand.Rand) scripted { return scripted{name: "another kind", err: fails("of a driver's own")} },
	func(*rand.Rand) scripted { return scripted{name: "panics", act: func() { panic("eh") }} },
	func(*rand.Rand) scripted { return scripted{name: "ends its goroutine", act: runtime.Goexit} },
	func(*rand.Rand) scripted { return scripted{name: "hangs", act: func() { time.Sleep(time.Minute) }} },
}

// The timeout of a call.
const scriptTimeout = 5 * time.Second

// drawScript returns a random script.
func drawScript(r *rand.Rand) *script {
	s := &script{
		message: hello([]string{"a", "b", "c"}[:1+r.IntN(3)]...),
		policy: notify.Policy{
			Attempts: 1 + r.IntN(4), Concurrency: 16, Timeout: scriptTimeout, MaxWait: 1000 * time.Hour,
			Backoff: time.Nanosecond, // jitter would make the two ways differ
		},
		answers: map[string][]scripted{},
	}
	s.message.AtMostOnce = r.IntN(3) == 0
	s.message.Dispatcher = []string{"all", "first", "race", "last", "fewest", "pick"}[r.IntN(6)]
	words := []string{fmt.Sprintf("%s, %d attempts, at most once: %v", s.message.Dispatcher, s.policy.Attempts, s.message.AtMostOnce)}
	for i, name := range s.message.Channels {
		key, tick := name+" ann-"+name, 0
		for range 12 {
			a := scriptedAnswers[r.IntN(len(scriptedAnswers))](r)
			tick += 1 + r.IntN(50)
			a.takes = time.Duration(50*tick+17*i)*time.Millisecond%(scriptTimeout-time.Second) + time.Millisecond
			a.receipt.ID = fmt.Sprintf("%s-%d", name, tick)
			s.answers[key] = append(s.answers[key], a)
		}
		s.answers[key] = append(s.answers[key], scripted{name: "sent", takes: time.Duration(1+i) * time.Millisecond})
		words = append(words, name+":")
		for _, a := range s.answers[key] {
			words = append(words, "  "+a.name)
		}
	}
	s.explicit = strings.Join(words, "\n")
	return s
}

// Send gives the answer of the script.
func (s *script) Send(_ context.Context, d channel.Delivery) (channel.Receipt, error) {
	as := s.answers[d.Channel+" "+d.To]
	a := as[min(d.Attempt, len(as))-1]
	time.Sleep(a.takes)
	if a.act != nil {
		a.act()
	}
	return a.receipt, a.err
}

// hostDispatchers returns dispatchers of a host that need no store.
func hostDispatchers() map[string]notify.Dispatcher {
	each := func(step func(ds []notify.Progress, i int) notify.Action) notify.Dispatcher {
		return fakeDispatcher{next: func(_ time.Time, ds []notify.Progress) []notify.Step {
			steps := make([]notify.Step, len(ds))
			for i := range ds {
				steps[i].Action = step(ds, i)
			}
			return steps
		}}
	}
	sent := func(d notify.Progress) bool { return d.Status.Reaches(notify.Sent) }
	return map[string]notify.Dispatcher{
		"race": each(func(ds []notify.Progress, _ int) notify.Action { // all at once, until one is sent
			if slices.ContainsFunc(ds, sent) {
				return notify.Drop
			}
			return notify.Start
		}),
		"last": each(func(ds []notify.Progress, i int) notify.Action { // one after another, the last one first
			for _, d := range ds[i+1:] {
				if !d.Status.Settled() {
					return notify.Leave
				}
			}
			if slices.ContainsFunc(ds, sent) {
				return notify.Drop
			}
			return notify.Start
		}),
		"fewest": each(func(ds []notify.Progress, i int) notify.Action { // the one with the fewest attempts
			for j, d := range ds {
				if !d.Status.Settled() && (d.Attempts < ds[i].Attempts || d.Attempts == ds[i].Attempts && j < i) {
					return notify.Leave
				}
			}
			return notify.Start
		}),
		"pick": each(func(ds []notify.Progress, i int) notify.Action { // two attempts of the last one alone
			if i == len(ds)-1 && ds[i].Attempts < 2 {
				return notify.Start
			}
			return notify.Drop
		}),
	}
}

// A fate is all that the host sees of a message.
type fate struct {
	Report []notify.Outcome
	Told   []notify.Outcome
	Steps  map[string][]string // transitions, by place of the delivery or by channel
}

// perform sends the message with st, or without a store if st is nil, and returns its fate.
func (s *script) perform(t *testing.T, st store.Deliveries) fate {
	var mu sync.Mutex
	f := fate{Steps: map[string][]string{}}
	n := newNotifier(t, notify.Config{
		Store: st, Dispatchers: hostDispatchers(), Policies: map[string]notify.Policy{"": s.policy},
		Channels: notify.Channels{"a": s, "b": s, "c": s},
		OnOutcome: func(o notify.Outcome) {
			mu.Lock()
			defer mu.Unlock()
			f.Told = append(f.Told, normalized(o))
		},
		OnTransition: func(tr notify.Transition) {
			mu.Lock()
			defer mu.Unlock()
			if tr.Event == notify.TransitionAccepted { // happens only with a store
				return
			}
			key, took := tr.Channel, time.Duration(0)
			if tr.Delivery != "" {
				key = place(tr.Delivery)
			}
			if tr.Event == notify.TransitionAttempted || tr.Event == notify.TransitionPaused {
				took = tr.Took.Truncate(time.Millisecond)
			}
			f.Steps[key] = append(f.Steps[key], fmt.Sprintf("%s %s %s/%s %q attempts %d duplicate %v took %v",
				tr.Event, tr.Class, tr.Status, tr.Reason, tr.Kind, tr.Attempts, tr.Duplicate, took))
		},
	})
	r, err := n.Send(t.Context(), s.message)
	if st != nil {
		require.NoError(t, err)
		running(t, n)
		r, err = n.Wait(t.Context(), r.ID)
		require.NoError(t, err)
	}
	pass(2 * time.Minute) // until the calls that were given up have ended
	mu.Lock()
	defer mu.Unlock()
	for _, o := range r.Deliveries {
		f.Report = append(f.Report, normalized(o))
	}
	for _, steps := range f.Steps { // a retry without a wait may begin before the event of the failure
		for i := 1; i < len(steps); i++ {
			if strings.HasPrefix(steps[i], "held") && strings.HasPrefix(steps[i-1], "started") {
				steps[i-1], steps[i] = steps[i], steps[i-1]
			}
		}
	}
	slices.SortFunc(f.Told, func(a, b notify.Outcome) int { return strings.Compare(a.ID, b.ID) })
	return f
}

// normalized returns o without ids and times, and with an error of the same text that compares equal.
func normalized(o notify.Outcome) notify.Outcome {
	o.ID, o.At, o.Until = place(o.ID), time.Time{}, time.Time{}
	if o.Err != nil {
		o.Err = errors.New(o.Err.Error())
	}
	return o
}

// place returns a delivery's id without the id of the message.
func place(id string) string { return id[36:] }

// scripts returns the number of scripts to test: NOTIFY_SCRIPTS, or n by default.
func scripts(t *testing.T, n int) int {
	if text := os.Getenv("NOTIFY_SCRIPTS"); text != "" {
		var err error
		n, err = strconv.Atoi(text)
		require.NoError(t, err, "NOTIFY_SCRIPTS must be a number")
	}
	return n
}

// A message has the same fate with a store and without one, whatever the drivers answer.
func TestAStoreChangesNoFate(t *testing.T) {
	base, workers := rand.Uint64(), uint64(runtime.GOMAXPROCS(0))
	count := uint64(scripts(t, 400))
	for worker := range workers {
		t.Run(fmt.Sprint(worker), func(t *testing.T) {
			t.Parallel()
			for i := worker; i < count; i += workers {
				s := drawScript(rand.New(rand.NewPCG(base+i, 0)))
				var direct, stored fate
				synctest.Test(t, func(t *testing.T) { direct = s.perform(t, nil) })
				synctest.Test(t, func(t *testing.T) { stored = s.perform(t, memory.New()) })
				require.Equal(t, direct, stored, "seed %d\n%s", base+i, s.explicit)
			}
		})
	}
}
