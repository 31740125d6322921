// Package notify tells people things over the channels that a program brings: email, SMS, a chat group, the page that is open in
// front of them.
//
// A [Notifier] is made once from a [Config] and used by many goroutines at once. [Notifier.Send] plans a [Message] into
// deliveries, one for each recipient, channel and address, sends them as the [Dispatcher] says within each channel's [Policy],
// and returns a [Report] that says what became of each.
package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"sync/atomic"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/template"
)

// Channels holds the channels by the names that the host gives them, such as "email" or "ops-dingtalk": letters, digits, '-' and
// '_'. The name "default" is taken.
type Channels map[string]channel.Channel

// A Config says what a [Notifier] works with. Only Channels is required.
type Config struct {
	Channels Channels
	// Policies limit the attempts, by channel name. The Policy under "" is for all channels.
	Policies map[string]Policy
	// Dispatchers holds the host's own strategies by name. "all" and "first" are always there.
	Dispatchers map[string]Dispatcher
	// Templates renders messages that name a Template.
	Templates template.Renderer
	// Directory turns user ids into recipients with addresses.
	Directory Directory
	// Store keeps messages, so that nothing accepted is lost: Send returns when the message is durable, and [Notifier.Run], in any
	// process on that store, sends it. If it also is a [store.Schedules], [store.Pauses] or [store.Suppressions], as those of sqlstore
	// and memory are, recurring messages, pauses for every process and suppressed addresses work too.
	Store store.Deliveries
	// Engine tunes Run.
	Engine Engine
	// Redirect is for staging: by address kind or channel name, the one address that everything goes to instead.
	// Group channels have no address and are not redirected.
	Redirect map[string]string
	// OnOutcome is called with each delivery that is settled, by many goroutines at once. It should return soon: Send and Run wait for it.
	// It must not call Close, which waits for them.
	OnOutcome func(Outcome)
	// OnTransition is told every step of a delivery and every pause of a channel, by many goroutines at once. It should return at once,
	// and must not call Close either.
	OnTransition func(Transition)
	// Logger gets ids and channel names, never addresses or content. The default is slog.Default().
	Logger *slog.Logger
}

// A Directory knows the host's users.
type Directory interface {
	// Recipients returns what it knows of ids, in any order; a missing id is left out. It is asked once per message, for the
	// recipients with an ID and no Addresses. An error refuses the message. It should return soon after ctx is done: Send waits.
	Recipients(ctx context.Context, tenant string, ids []string) ([]Recipient, error)
}

// A Notifier sends messages. Its methods may be called by many goroutines at once.
type Notifier struct {
	gates       map[string]*gate
	dispatchers map[string]Dispatcher
	templates   template.Renderer
	directory   Directory
	redirect    map[string]string
	onOutcome   func(Outcome)
	log         *slog.Logger

	store        store.Deliveries // nil: nothing outlives the call
	options      Engine
	engine       engineState
	schedules    store.Schedules
	pauses       store.Pauses
	suppressions store.Suppressions
	scheduled    chan struct{} // has one if a schedule was stored since runSchedules looked
	onTransition func(Transition)

	intake    intake
	unclaimed unclaimed
	waiters   waiters // of Wait
	running   tracker // what Close waits for: Run, Sends and their like, and calls that outlived them
}

// New returns a Notifier that owns the channels it is given: [Notifier.Close] closes them. It does no I/O. Its error names the
// field of c that is at fault.
func New(c Config) (*Notifier, error) {
	n := &Notifier{
		gates:       make(map[string]*gate, len(c.Channels)),
		dispatchers: map[string]Dispatcher{"": All(), "all": All(), "first": First(Sent, 0)},
		templates:   c.Templates,
		directory:   c.Directory,
		redirect:    maps.Clone(c.Redirect),
		onOutcome:   c.OnOutcome,
		log:         c.Logger,

		scheduled:    make(chan struct{}, 1),
		intake:       intake{retries: make(chan struct{}, maxRetries)},
		onTransition: c.OnTransition,
	}
	if !isNil(c.Store) {
		n.store = c.Store
		n.schedules, _ = c.Store.(store.Schedules)
		n.pauses, _ = c.Store.(store.Pauses)
		n.suppressions, _ = c.Store.(store.Suppressions)
	}
	if n.log == nil {
		n.log = slog.Default()
	}
	for _, step := range []func(Config) error{n.checkEngine, n.checkPolicies, n.addChannels, n.addDispatchers, n.checkRedirect} {
		if err := step(c); err != nil {
			return nil, err
		}
	}
	return n, nil
}

func (n *Notifier) checkEngine(c Config) error {
	if err := c.Engine.valid(); err != nil {
		return fault("engine", err)
	}
	n.options = c.Engine.orDefaults()
	return nil
}

func (n *Notifier) addChannels(c Config) error {
	if len(c.Channels) == 0 {
		return fault("channels", errors.New("none given"))
	}
	for _, name := range namesOf(c.Channels) {
		field, ch := "channels."+name, c.Channels[name]
		if name == "" || name == "default" || !consistsOf(name, func(c byte) bool { return letter(c) || digit(c) || c == '-' || c == '_' }) {
			return fault(field, errors.New("a name has letters, digits, '-' and '_', and is not \"default\""))
		}
		if isNil(ch) {
			return fault(field, errors.New("is nil"))
		}
		if err := channel.Valid(ch); err != nil {
			return fault(field, err)
		}
		limits := limited(channel.LimitsOf(ch))
		if err := limits.valid(); err != nil {
			return fault(field, fmt.Errorf("the driver's limits: %w", err))
		}
		g := newGate(name, ch, policyOf(c.Policies[name], limits, c.Policies[""], n.store != nil))
		g.cap = cmp.Or(c.Policies[name].Concurrency, limits.Concurrency, c.Policies[""].Concurrency)
		n.gates[name] = g
	}
	return nil
}

// isNil reports whether v is nil or holds a nil pointer or function.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	switch v := reflect.ValueOf(v); v.Kind() {
	case reflect.Pointer, reflect.Func, reflect.Map, reflect.Slice, reflect.Chan:
		return v.IsNil()
	}
	return false
}

func (n *Notifier) checkPolicies(c Config) error {
	for _, name := range namesOf(c.Policies) {
		if _, ok := c.Channels[name]; !ok && name != "" {
			return fault("policies."+name, errors.New("no such channel"))
		}
		if err := c.Policies[name].valid(); err != nil {
			return fault("policies."+name, err)
		}
	}
	return nil
}

func (n *Notifier) addDispatchers(c Config) error {
	for _, name := range namesOf(c.Dispatchers) {
		field, d := "dispatchers."+name, c.Dispatchers[name]
		if _, ok := n.dispatchers[name]; ok {
			return fault(field, errors.New("the name is taken"))
		}
		if isNil(d) {
			return fault(field, errors.New("is nil"))
		}
		if v, ok := d.(interface{ Valid() error }); ok {
			if err := v.Valid(); err != nil {
				return fault(field, err)
			}
		}
		if w, ok := d.(interface{ Waits() bool }); ok && w.Waits() && n.store == nil {
			return fault(field, ErrNeedsStore)
		}
		n.dispatchers[name] = d
	}
	return nil
}

func (n *Notifier) checkRedirect(c Config) error {
	for _, key := range namesOf(c.Redirect) {
		if c.Redirect[key] == "" {
			return fault("redirect."+key, errors.New("is empty"))
		}
		known := false
		for _, g := range n.gates {
			known = known || g.takes(key)
		}
		if !known {
			return fault("redirect."+key, errors.New("no channel has this name, or takes this kind of address"))
		}
	}
	return nil
}

// Send delivers m and reports what became of each delivery. It returns when all are settled, or soon after ctx has ended: then
// what was not called yet is canceled, and what was being called is unknown.
//
// With a store, Send returns as soon as m is durable, and [Notifier.Run] delivers it. Then an error says that nothing was accepted, or,
// if ctx ended or the store failed, that nobody can tell: the same message with the same Key settles that. A fault of one delivery
// stands in the Report alone.
//
// A fault of the message refuses it whole: the Report is zero and the error a [*FieldError]. A fault of one delivery, such as a
// malformed address, settles that delivery as failed, and its siblings go. All checks and all rendering precede the first
// attempt. Without a store, the error is then [Report.Err].
func (n *Notifier) Send(ctx context.Context, m Message) (Report, error) {
	if !n.running.enter() {
		return Report{}, ErrClosed
	}
	defer n.running.leave()
	if n.store != nil {
		r, due, err := n.accept(ctx, m, n.giveStore)
		if len(due) > 0 {
			n.wake(due...)
		}
		return r, err
	}
	p, err := n.plan(ctx, m)
	if err != nil {
		return Report{}, err
	}
	r := p.report()
	n.deliver(ctx, p)
	return r, r.Err()
}

// Close refuses further messages, ends Run, waits for it, for messages under way and for calls whose driver ignored its deadline, and
// then closes each channel once. If ctx ends first, it closes the channels all the same, and its error names those that are still
// busy and wraps ctx's error. Calling it again waits again. The database behind a store is the host's to close, after this.
func (n *Notifier) Close(ctx context.Context) error {
	n.engine.close()
	n.unclaimed.stop()
	var errs []error
	if err := n.running.close(ctx); err != nil {
		errs = append(errs, fmt.Errorf("notify: closed with %s: %w", n.busy(), err))
	}
	closed := make(map[any]bool, len(n.gates))
	for _, g := range n.inOrder() {
		if reflect.ValueOf(g.driver).Comparable() {
			if closed[g.driver] {
				continue
			}
			closed[g.driver] = true
		}
		var err error
		if crash := n.guard(g.name, func() { err = g.close(ctx) }); crash != nil {
			err = crash
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("notify: %s: %w", g.name, err))
		}
	}
	return errors.Join(errs...)
}

// busy says what is under way.
func (n *Notifier) busy() string {
	var names []string
	for _, g := range n.inOrder() {
		if g.busy.Load() > 0 {
			names = append(names, g.name)
		}
	}
	switch {
	case names != nil:
		return fmt.Sprintf("calls under way on %q", names)
	case n.store == nil:
		return "messages under way"
	}
	return "messages, or a call of the store or of a dispatcher, under way"
}

// inOrder returns the gates by name.
func (n *Notifier) inOrder() []*gate {
	var gs []*gate
	for _, name := range namesOf(n.gates) {
		gs = append(gs, n.gates[name])
	}
	return gs
}

// namesOf returns the keys of m in order.
func namesOf[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

var standard atomic.Pointer[Notifier]

// SetDefault makes n the Notifier of the package-level [Send].
func SetDefault(n *Notifier) { standard.Store(n) }

// Send calls [Notifier.Send] on the default Notifier, or returns [ErrNoDefault].
func Send(ctx context.Context, m Message) (Report, error) {
	n := standard.Load()
	if n == nil {
		return Report{}, ErrNoDefault
	}
	return n.Send(ctx, m)
}
