// Package engine sends deliveries, at once or from a store, under the limits of their channels.
//
// Both ways share the rules: the files fate.go (the result of an attempt), call.go (one call of a driver), consult.go (one question to a
// dispatcher) and channel.go with rate.go (the limits of a channel). direct.go and direct_admit.go send at once; run.go, claim.go, triage.go,
// lane.go, attempt.go, settle.go, heartbeat.go and pauses.go send from the store, to which intake.go accepts. The engine knows neither
// messages nor templates: its deliveries are planned and rendered.
package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
)

// A Config is the configuration of an [Engine]. All fields but Store and Tell are required.
type Config struct {
	Channels    []*Channel            // in the order of their names
	Dispatchers map[string]Dispatcher // by the names that messages are stored with
	Classes     []string              // the first takes free slots of a channel before the others, which take turns
	Store       store.Deliveries      // nil: deliveries are sent at once only
	// Open returns the decoder of a stored message's deliveries, which many goroutines call at once. Open itself decodes nothing: a lock is held.
	// A [*channel.Error] of the decoder ends the delivery.
	Open func(*store.Message) func(*store.Delivery) (channel.Delivery, error)
	// Suppression returns the key under which an address of a channel is suppressed; the zero key if the channel has no addresses.
	Suppression func(channel, tenant, address string) store.SuppressionKey
	// Tell, unless nil, is called with every step of a delivery and every pause of a channel, by many goroutines at once.
	Tell        func(Event)
	TellReached bool                 // settled events say whether the recipient is reached
	Settled     func(message string) // called for each settled delivery of the store
	Log         *slog.Logger

	Lease     time.Duration // of a claimed delivery
	Poll      time.Duration // the longest time between two looks into the store
	Retention time.Duration // of messages; negative: for ever
}

// ErrClosed is the error of a [Engine.Run] that begins after [Engine.Close].
var ErrClosed = errors.New("notify: closed")

// errRunning refuses a second Run, which would only share the slots of the first.
var errRunning = errors.New("notify: Run is already running")

// An Engine sends deliveries. Its methods may be called by many goroutines at once.
type Engine struct {
	core
	config Config
	store  *guarded // nil: none
	intake *intake  // nil: no store

	mu     sync.Mutex
	runner *runner // the Run in progress, or nil
	stop   context.CancelFunc
	closed bool
}

// core is the part of an [Engine] that both ways of sending share.
type core struct {
	consultant
	guard        Guard
	log          *slog.Logger
	channels     []*Channel
	running      tracker // Close waits for it: Run, Sends and the like, and calls that outlived them
	tell         func(Event)
	tellsReached bool // Config.TellReached
}

// New returns an Engine that owns the channels it is given.
func New(c Config) *Engine {
	e := &Engine{config: c}
	e.guard, e.log, e.channels, e.tell, e.tellsReached = Guard{c.Log}, c.Log, c.Channels, c.Tell, c.TellReached
	e.consultant = consultant{guard: e.guard, dispatchers: make(map[string]*strategy, len(c.Dispatchers)), running: &e.running}
	for name, d := range c.Dispatchers {
		e.dispatchers[name] = &strategy{Dispatcher: d}
	}
	for _, ch := range c.Channels {
		ch.init()
	}
	if c.Store != nil {
		e.store = newStore(c.Store, e.guard)
		e.intake = newIntake(e.store, &e.running)
	}
	return e
}

// Store returns the guarded store, bounded by the caller's context alone; nil if there is none.
func (e *Engine) Store() Store {
	if e.store == nil {
		return nil
	}
	return e.store.within(0)
}

// Enter counts a call that [Engine.Close] is to wait for, and reports whether the Engine is open. Leave ends it.
func (e *Engine) Enter() bool { return e.running.enter() }

// Leave ends a call that [Engine.Enter] has counted.
func (e *Engine) Leave() { e.running.leave() }

// Run sends due deliveries of the store until ctx ends or the Engine is closed; beside runs meanwhile, under the same context. Run then claims
// nothing more, returns uncalled deliveries to the store, waits for calls in flight and returns nil. An unfit store, a Run in progress and a
// closed Engine are errors at once.
func (e *Engine) Run(ctx context.Context, beside func(context.Context)) error {
	if !e.Enter() {
		return ErrClosed
	}
	defer e.Leave()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	r := newRunner(ctx, e)
	e.mu.Lock()
	closed, running := e.closed, e.runner != nil
	if !closed && !running {
		e.runner, e.stop = r, stop
	}
	e.mu.Unlock()
	switch {
	case closed:
		return ErrClosed
	case running:
		return errRunning
	}
	defer func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.runner, e.stop = nil, nil
	}()
	r.addLanes() // only now are the channels this Run's
	return r.run(ctx, beside)
}

// Running reports whether a Run is in progress.
func (e *Engine) Running() bool { return e.current() != nil }

func (e *Engine) current() *runner {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.runner
}

// Wake makes a Run in progress look into some lanes at once, or into all.
func (e *Engine) Wake(lanes ...store.Lane) {
	if r := e.current(); r != nil {
		r.wake(lanes...)
	}
}

// Close refuses further calls, ends Run, waits for everything in flight until ctx ends, and closes each channel once. If ctx ends first, the
// channels are closed all the same, and the error names the busy ones and wraps ctx's error. Close may be called again.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	e.closed = true
	if e.stop != nil {
		e.stop()
	}
	e.mu.Unlock()
	var errs []error
	if err := e.running.close(ctx); err != nil {
		errs = append(errs, fmt.Errorf("notify: closed with %s: %w", e.busy(), err))
	}
	closed := make(map[any]bool, len(e.channels))
	for _, c := range e.channels {
		if reflect.ValueOf(c.Driver).Comparable() {
			if closed[c.Driver] {
				continue
			}
			closed[c.Driver] = true
		}
		var err error
		if crash := e.guard.Do(c.Name, func() { err = c.close(ctx) }); crash != nil {
			err = crash
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("notify: %s: %w", c.Name, err))
		}
	}
	return errors.Join(errs...)
}

// busy describes the work that is in flight.
func (e *Engine) busy() string {
	var names []string
	for _, c := range e.channels {
		if c.busy.Load() > 0 {
			names = append(names, c.Name)
		}
	}
	switch {
	case names != nil:
		return fmt.Sprintf("calls in flight on %q", names)
	case e.store == nil:
		return "messages in flight"
	}
	return "messages, or a call of the store or of a dispatcher, in flight"
}

// Idle reports whether the Engine holds nothing: no call, no slot, no ticket that is still to come. Tests look for leaks with it.
func (e *Engine) Idle() bool {
	return !slices.ContainsFunc(e.channels, func(c *Channel) bool { return !c.idle() }) && e.running.count() == 0
}
