// Package notify is an embeddable notification system: it sends messages over email, SMS, chat and web pages, and reports the result of each
// delivery.
//
// An application creates one [Notifier] from a [Config]. [Notifier.Send] splits a [Message] into deliveries, one for each recipient, channel and
// address, sends them, and returns a [Report]. The [Dispatcher] decides the order; the [Policy] of each channel sets the limits. With a store,
// Send returns as soon as the message is stored, and [Notifier.Run], in any process, sends the deliveries.
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
	"strings"
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
	// Policies holds the limits of the channels by channel name. The Policy under "" applies to all channels.
	Policies map[string]Policy
	// Dispatchers holds the host's own strategies by name. "all" and "first" are always registered.
	Dispatchers map[string]Dispatcher
	// Templates renders the messages that have a Template.
	Templates template.Renderer
	// Directory looks up the addresses of recipients by their user ids.
	Directory Directory
	// Store makes messages durable: Send returns when a message is stored, and [Notifier.Run], in any process on the store, sends it.
	// Recurring messages, pauses that all processes share, and suppressed addresses require a store that also implements
	// [store.Schedules], [store.Pauses] and [store.Suppressions]. The stores of sqlstore and memory implement all three.
	Store store.Deliveries
	// Engine holds the settings of [Notifier.Run].
	Engine Engine
	// Redirect maps an address kind or a channel name to the one address that replaces all others. Use it in staging. Group channels have
	// no address and are not redirected.
	Redirect map[string]string
	// OnOutcome is called with each settled delivery, by many goroutines at once. The Reached of the Outcome is provisional: other
	// deliveries to the recipient may not be settled. Send and Run wait for OnOutcome. It should return soon, and must neither call Close
	// nor end its goroutine, as runtime.Goexit does.
	OnOutcome func(Outcome)
	// OnTransition is called with every step of a delivery and every pause of a channel, by many goroutines at once. It should return
	// at once, and has the same restrictions as OnOutcome.
	OnTransition func(Transition)
	// Logger receives ids and channel names, never addresses or content. The default is slog.Default().
	Logger *slog.Logger
}

// A Directory looks up the host's users.
type Directory interface {
	// Recipients returns the recipients with these ids, in any order, and omits unknown ids. Send calls Recipients once per message, for the
	// recipients that have an ID and no Addresses. Recipients must return soon after ctx is done. If it fails, Send refuses the message.
	Recipients(ctx context.Context, tenant string, ids []string) ([]Recipient, error)
}

// A Notifier sends messages. Its methods may be called by many goroutines at once.
type Notifier struct {
	planner planner
	media   map[string]*medium
	engine  *engine.Engine
	store   engine.Store // nil: messages are not stored
	log     *slog.Logger
	guard   engine.Guard

	onOutcome    func(Outcome)
	onTransition func(Transition)

	scheduled chan struct{} // holds an element if a schedule was stored since runSchedules last read them
	unclaimed unclaimed
	waiters   waiters // of Wait
}

// New returns a Notifier, which owns the channels of c: [Notifier.Close] closes them. New does no I/O. Its error names the invalid field.
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
		TellReached: n.onOutcome != nil, Settled: n.waiters.tell, Log: n.log,
		Lease: o.Lease, Poll: o.Poll, Retention: o.Retention,
	}
	if n.onOutcome != nil || n.onTransition != nil {
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

// nameCharacters are the characters of a channel's name.
const nameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

func (n *Notifier) addChannels(c Config) error {
	if len(c.Channels) == 0 {
		return fault("channels", errRequired)
	}
	for _, name := range namesOf(c.Channels) {
		field, ch := "channels."+name, c.Channels[name]
		if name == "" || name == "default" || strings.Trim(name, nameCharacters) != "" {
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
			return fault(field, errors.New(`the name must not be empty, "all" or "first"`))
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

// Send delivers m and reports the result of each delivery. Without a store, Send returns when all deliveries are settled, or soon after ctx has
// ended. A delivery whose driver was not called is then canceled, and one whose call is in flight is unknown. The error is [Report.Err].
//
// With a store, Send returns as soon as m is stored, and [Notifier.Run] delivers it. An error means that m was not accepted. Only if ctx ended or
// the store failed, m may have been accepted: send it again with the same Key, and it is accepted once. Failures of single deliveries are
// reported in the Report only.
//
// If m is invalid, Send returns a zero Report and a [*FieldError]. If a single delivery is invalid, for example because its address is malformed,
// that delivery fails, and the others are sent. All checks and all rendering precede the first attempt.
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

// Close refuses further messages and ends Run. It waits for Run, for messages in flight, and for calls whose driver ignored the deadline, and
// then closes each channel once. If ctx ends first, Close closes the channels anyway, and returns an error that names the busy channels and
// wraps ctx's error. A further call of Close waits again. Close does not close the host's database; close it after Close has returned.
func (n *Notifier) Close(ctx context.Context) error {
	return n.engine.Close(ctx)
}

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
