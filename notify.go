// Package notify is an embeddable notification system: it sends messages over email, SMS, chat and web pages, and reports the result of each
// delivery.
//
// A [Notifier] is made once from a [Config]. [Notifier.Send] plans a [Message] into deliveries, one for each recipient, channel and address,
// sends them as the [Dispatcher] decides and each channel's [Policy] allows, and returns a [Report]. With a store, Send returns as soon as
// the message is durable, and [Notifier.Run], in any process, sends the deliveries.
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
	"github.com/e7ddda3c/notify/internal/engine"
	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/template"
)

// Channels holds channels by the host's own names, such as "email" or "ops-dingtalk". A name consists of letters, digits, '-' and '_', and
// must not be "default".
type Channels map[string]channel.Channel

// A Config is the configuration of a [Notifier]. Only Channels is required.
type Config struct {
	Channels Channels
	// Policies limit the attempts, by channel name. The Policy under "" is for all channels.
	Policies map[string]Policy
	// Dispatchers holds the host's own strategies by name. "all" and "first" are always registered.
	Dispatchers map[string]Dispatcher
	// Templates renders messages that name a Template.
	Templates template.Renderer
	// Directory turns user ids into recipients with addresses.
	Directory Directory
	// Store makes messages durable: Send returns when a message is stored, and [Notifier.Run], in any process on the store, sends it. A
	// store that also is a [store.Schedules], [store.Pauses] or [store.Suppressions], as those of sqlstore and memory are, brings recurring
	// messages, pauses for every process and suppressed addresses.
	Store store.Deliveries
	// Engine tunes Run.
	Engine Engine
	// Redirect is for staging: by address kind or channel name, the one address that replaces all others. Group channels have no address
	// and are not redirected.
	Redirect map[string]string
	// OnOutcome is called with each delivery that is settled, by many goroutines at once. Its Reached is provisional: the recipient's other
	// deliveries may not be settled. Send and Run wait for OnOutcome, which should return soon, and must not call Close.
	OnOutcome func(Outcome)
	// OnTransition is called with every step of a delivery and every pause of a channel, by many goroutines at once. OnTransition should
	// return at once, and must not call Close.
	OnTransition func(Transition)
	// Logger gets ids and channel names, never addresses or content. The default is slog.Default().
	Logger *slog.Logger
}

// A Directory knows the host's users.
type Directory interface {
	// Recipients returns the recipients with these ids, in any order, without unknown ones. Send calls Recipients once per message, for the
	// recipients with an ID and no Addresses, and waits for the answer, which should come soon after ctx is done. An error refuses the message.
	Recipients(ctx context.Context, tenant string, ids []string) ([]Recipient, error)
}

// A Notifier sends messages. Its methods may be called by many goroutines at once.
type Notifier struct {
	planner planner
	media   map[string]*medium
	engine  *engine.Engine
	store   engine.Store // nil: nothing outlives the call
	log     *slog.Logger
	guard   engine.Guard

	onOutcome    func(Outcome)
	onTransition func(Transition)

	scheduled chan struct{} // has one if a schedule was stored since runSchedules looked
	unclaimed unclaimed
	waiters   waiters // of Wait
}

// New returns a Notifier that owns the channels it is given: [Notifier.Close] closes them. New does no I/O. Its error names the field of c
// that is at fault.
func New(c Config) (*Notifier, error) {
	if isNil(c.Store) {
		c.Store = nil
	}
	n := &Notifier{
		media: make(map[string]*medium, len(c.Channels)), log: c.Logger, onOutcome: c.OnOutcome, onTransition: c.OnTransition,
		scheduled: make(chan struct{}, 1),
	}
	if n.log == nil {
		n.log = slog.Default()
	}
	n.guard = engine.Guard{Log: n.log}
	n.planner = planner{
		guard: n.guard, media: n.media, dispatchers: map[string]Dispatcher{"all": All(), "first": First(Sent, 0)},
		templates: c.Templates, directory: c.Directory, redirect: maps.Clone(c.Redirect), stored: c.Store != nil,
	}
	if err := c.Engine.valid(); err != nil {
		return nil, fault("engine", err)
	}
	for _, step := range []func(Config) error{checkPolicies, n.addChannels, n.planner.addDispatchers, n.checkRedirect} {
		if err := step(c); err != nil {
			return nil, err
		}
	}
	n.engine = engine.New(n.engineConfig(c))
	n.store = n.engine.Store()
	return n, nil
}

func (n *Notifier) engineConfig(c Config) engine.Config {
	o := c.Engine.orDefaults()
	e := engine.Config{
		Dispatchers: make(map[string]engine.Dispatcher, len(n.planner.dispatchers)), Classes: classes[:], Store: c.Store, Open: decode,
		Suppression: func(channel, tenant, address string) store.SuppressionKey {
			return n.media[channel].suppression(tenant, address)
		},
		TellReached: n.onOutcome != nil, Log: n.log,
		Lease: o.Lease, Poll: o.Poll, Retention: o.Retention,
	}
	if c.Store != nil || n.onOutcome != nil || n.onTransition != nil {
		e.Tell = n.tell
	}
	for _, name := range namesOf(n.media) {
		e.Channels = append(e.Channels, n.media[name].Channel)
	}
	for name, d := range n.planner.dispatchers {
		e.Dispatchers[name] = consulted(d)
	}
	return e
}

func checkPolicies(c Config) error {
	for _, name := range namesOf(c.Policies) {
		if _, ok := c.Channels[name]; !ok && name != "" {
			return fault("policies."+name, unknown("channel", name))
		}
		if err := c.Policies[name].valid(); err != nil {
			return fault("policies."+name, err)
		}
	}
	return nil
}

func (n *Notifier) addChannels(c Config) error {
	if len(c.Channels) == 0 {
		return fault("channels", errRequired)
	}
	for _, name := range namesOf(c.Channels) {
		field, ch := "channels."+name, c.Channels[name]
		if name == "" || name == "default" || !consistsOf(name, letters+digits+"-_") {
			return fault(field, errors.New(`the name must consist of letters, digits, '-' and '_', and must not be "default"`))
		}
		if isNil(ch) {
			return fault(field, errRequired)
		}
		if err := channel.Valid(ch); err != nil {
			return fault(field, err)
		}
		l := channel.LimitsOf(ch)
		limits := Policy{Rate: l.Rate, Burst: l.Burst, Concurrency: l.Concurrency, Costly: l.Costly}
		if err := limits.valid(); err != nil {
			return fault(field, fmt.Errorf("the driver's limits: %w", err))
		}
		own, general := c.Policies[name], c.Policies[""]
		m := &medium{kind: channel.AddressKind(ch), Channel: &engine.Channel{
			Name: name, Driver: ch, Policy: engine.Policy(policyOf(own, limits, general, c.Store != nil)),
			Cap: cmp.Or(own.Concurrency, limits.Concurrency, general.Concurrency),
		}}
		m.validator, _ = channel.As[channel.Validator](ch)
		n.media[name] = m
	}
	return nil
}

// isNil reports whether v is nil or holds a nil pointer, function, map, slice or channel.
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

func (p *planner) addDispatchers(c Config) error {
	for _, name := range namesOf(c.Dispatchers) {
		field, d := "dispatchers."+name, c.Dispatchers[name]
		if _, ok := p.dispatchers[cmp.Or(name, "all")]; ok {
			return fault(field, errors.New("the name is taken"))
		}
		if isNil(d) {
			return fault(field, errRequired)
		}
		if v, ok := d.(interface{ Valid() error }); ok {
			if err := v.Valid(); err != nil {
				return fault(field, err)
			}
		}
		if w, ok := d.(interface{ Waits() bool }); ok && w.Waits() && c.Store == nil {
			return fault(field, ErrNeedsStore)
		}
		p.dispatchers[name] = d
	}
	return nil
}

func (n *Notifier) checkRedirect(c Config) error {
	for _, key := range namesOf(c.Redirect) {
		if c.Redirect[key] == "" {
			return fault("redirect."+key, errRequired)
		}
		if !slices.ContainsFunc(slices.Collect(maps.Values(n.media)), func(m *medium) bool { return m.takes(key) }) {
			return fault("redirect."+key, errors.New("must be the name of a channel, or a kind of address that a channel takes"))
		}
	}
	return nil
}

// Send delivers m and reports the result of each delivery. Send returns when all are settled, or soon after ctx has ended: deliveries that
// were not called are then canceled, and those in flight are unknown.
//
// With a store, Send returns as soon as m is durable, and [Notifier.Run] delivers it. An error then means that nothing was accepted, or, if
// ctx ended or the store failed, that this is not known: sending the same message with the same Key again settles that. The fault of a single
// delivery is found in the Report alone.
//
// A fault of the message refuses the whole message: the Report is zero and the error a [*FieldError]. The fault of a single delivery, such as a
// malformed address, fails that delivery, and the others go out. All checks and all rendering precede the first attempt. Without a store, the
// error is then [Report.Err].
func (n *Notifier) Send(ctx context.Context, m Message) (Report, error) {
	if !n.engine.Enter() {
		return Report{}, ErrClosed
	}
	defer n.engine.Leave()
	if n.store != nil {
		r, due, err := n.accept(ctx, m, nil)
		if len(due) > 0 {
			n.engine.Wake(due...)
		}
		return r, err
	}
	p, err := n.planner.plan(ctx, m)
	if err != nil {
		return Report{}, err
	}
	n.engine.Deliver(ctx, p.groups)
	r := p.report()
	return r, r.Err()
}

// Close refuses further messages, ends Run, waits for Run, for messages in flight and for calls whose driver ignored the deadline, and then
// closes each channel once. If ctx ends first, Close closes the channels all the same, and the error names the busy ones and wraps ctx's
// error. Close may be called again, and waits again. The database behind a store is the host's to close, after this.
func (n *Notifier) Close(ctx context.Context) error {
	n.unclaimed.stop()
	return n.engine.Close(ctx)
}

// namesOf returns the keys of m in order.
func namesOf[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

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
