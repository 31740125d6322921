package notify_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/memory"
	"github.com/e7ddda3c/notify/template"
)

// A driver is a channel that records its calls. The zero driver delivers everything at once.
type driver struct {
	// answers holds the errors of the calls, in turn. The last one repeats. send, if not nil, answers instead.
	answers []error
	send    func(context.Context, channel.Delivery) (channel.Receipt, error)
	takes   time.Duration // of a call; the end of its ctx cuts it short
	hold    chan struct{} // not nil: calls return when hold is closed, whatever their ctx

	kind    string
	limits  channel.Limits
	refuse  func(channel.Delivery) error // of Validate; nil: refuses nothing
	invalid error                        // of Valid

	mu  sync.Mutex
	got []channel.Delivery
	at  []time.Time // of the calls
}

func (d *driver) Send(ctx context.Context, dl channel.Delivery) (channel.Receipt, error) {
	d.mu.Lock()
	d.got = append(d.got, dl)
	d.at = append(d.at, time.Now())
	var err error
	if len(d.answers) > 0 {
		err = d.answers[min(len(d.got), len(d.answers))-1]
	}
	d.mu.Unlock()
	if d.hold != nil {
		<-d.hold
	}
	if d.takes > 0 {
		select {
		case <-time.After(d.takes):
		case <-ctx.Done():
			return channel.Receipt{}, ctx.Err()
		}
	}
	if d.send != nil {
		return d.send(ctx, dl)
	}
	return channel.Receipt{ID: fmt.Sprintf("id-%d", dl.Attempt)}, err
}

func (d *driver) AddressKind() string    { return d.kind }
func (d *driver) Limits() channel.Limits { return d.limits }
func (d *driver) Valid() error           { return d.invalid }

func (d *driver) Validate(dl channel.Delivery) error {
	if d.refuse == nil {
		return nil
	}
	return d.refuse(dl)
}

// calls returns the number of calls of Send, including those in flight.
func (d *driver) calls() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.got)
}

// texting returns a driver for phone numbers. Its receipts name the provider "vendor" and the ids v-1, v-2 and so on.
func texting() *driver {
	d := &driver{kind: channel.Phone}
	d.send = func(context.Context, channel.Delivery) (channel.Receipt, error) {
		return channel.Receipt{Provider: "vendor", ID: fmt.Sprintf("v-%d", d.calls())}, nil
	}
	return d
}

// A closer is a driver with a Close.
type closer struct {
	driver
	close func() error
}

func (c *closer) Close() error { return c.close() }

// A fakeDispatcher decides by its functions.
type fakeDispatcher struct {
	next    func(now time.Time, ds []notify.Progress) []notify.Step
	reached func([]notify.Progress) bool // nil: never
	waits   bool
}

func (d fakeDispatcher) Next(now time.Time, ds []notify.Progress) []notify.Step {
	return d.next(now, ds)
}

func (d fakeDispatcher) Reached(ds []notify.Progress) bool { return d.reached != nil && d.reached(ds) }

func (d fakeDispatcher) Waits() bool { return d.waits }

// A directoryFunc is a directory.
type directoryFunc func(ids []string) ([]notify.Recipient, error)

func (f directoryFunc) Recipients(_ context.Context, _ string, ids []string) ([]notify.Recipient, error) {
	return f(ids)
}

var errDown = errors.New("the directory is down")

// downDirectory always fails.
func downDirectory([]string) ([]notify.Recipient, error) { return nil, errDown }

// A rendererFunc renders templates.
type rendererFunc func(context.Context, template.Request) (template.Rendered, error)

func (f rendererFunc) Render(ctx context.Context, q template.Request) (template.Rendered, error) {
	return f(ctx, q)
}

// renderKnown knows the template "known", which needs the datum "name" and has no variant for the channel "fax". The template "panics"
// panics.
func renderKnown(_ context.Context, q template.Request) (template.Rendered, error) {
	data, _ := q.Data.(map[string]any)
	name, ok := data["name"].(string)
	switch {
	case q.Key == "panics":
		panic("renderer")
	case q.Key != "known":
		return template.Rendered{}, template.ErrNoTemplate
	case q.Channel == "fax":
		return template.Rendered{}, template.ErrNoVariant
	case !ok:
		return template.Rendered{}, &channel.Error{Kind: channel.Rejected, Field: "data.name", Err: errors.New("is missing")}
	}
	return template.Rendered{Content: channel.Content{Text: "Hi " + name}, Extra: []byte(`{"from":"template"}`)}, nil
}

// A transitionLog records the calls of OnTransition, without the ids of deliveries.
type transitionLog struct {
	mu  sync.Mutex
	all []notify.Transition
}

func (l *transitionLog) add(tr notify.Transition) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if tr.Delivery != "" {
		tr.Delivery = "a delivery"
	}
	l.all = append(l.all, tr)
}

// events returns the events so far, in their order.
func (l *transitionLog) events() []notify.TransitionEvent {
	l.mu.Lock()
	defer l.mu.Unlock()
	var es []notify.TransitionEvent
	for _, tr := range l.all {
		es = append(es, tr.Event)
	}
	return es
}

// count returns the number of events of one kind.
func (l *transitionLog) count(e notify.TransitionEvent) (n int) {
	for _, event := range l.events() {
		if event == e {
			n++
		}
	}
	return n
}

// A random is a seeded source of numbers for several goroutines.
type random struct {
	mu     sync.Mutex
	source *rand.Rand
}

func newRandom(seed uint64) *random { return &random{source: rand.New(rand.NewPCG(seed, 0))} }

func (r *random) intn(n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.source.IntN(n)
}

// failOneIn fails at random, one time in n.
func (r *random) failOneIn(n int) func(context.Context) error {
	return func(context.Context) error {
		if r.intn(n) == 0 {
			return errStore
		}
		return nil
	}
}

// deliveriesOnly is a store without the optional ports.
type deliveriesOnly struct{ store.Deliveries }

var (
	errCrashed = errors.New("the process has crashed")
	errStore   = errors.New("the store failed")
)

// A fakeStore is a memory.Store with methods that a test replaces, breaks or delays.
type fakeStore struct {
	*memory.Store

	// Methods to replace, before they are called.
	accept func(context.Context, []store.NewMessage) ([]store.Acceptance, error)
	lease  func(context.Context, store.LeaseRequest) (store.Leases, error)
	extend func(context.Context, []store.Extension, time.Duration) ([]store.DeliveryRef, error)
	settle func(context.Context, []store.Settlement) ([]store.DeliveryRef, error)
	list   func(context.Context, store.MessageQuery) (store.MessagePage, error)
	due    func(ctx context.Context, limit int) (due []store.Schedule, now, next time.Time, err error)

	mu        sync.Mutex
	pre, post map[method]func(context.Context) error // see before and after
	counts    map[method]int
	batches   []int // the number of messages in each call of AcceptMessages
	accepted  []acceptedMessage
}

// An acceptedMessage is no repetition.
type acceptedMessage struct {
	store.NewMessage
	at time.Time
}

// A method of fakeStore that a test breaks, delays or counts.
type method int

const (
	acceptMessages method = iota
	leaseDeliveries
	extendLeases
	settleDeliveries
	recordReceipts
	changeDeliveries
	listMessages
	pruneMessages
	dueSchedules
	advanceSchedule
	deleteSchedule
	listSchedules
	savePause
	deletePause
	saveSuppressions
)

// leasing are the methods that Run keeps calling.
var leasing = []method{leaseDeliveries, extendLeases, settleDeliveries}

// newFakeStore returns a fakeStore over m. Several may share one m, as processes share a database.
func newFakeStore(m *memory.Store) *fakeStore {
	return &fakeStore{
		Store: m, counts: map[method]int{}, accept: m.AcceptMessages, lease: m.LeaseDeliveries, extend: m.ExtendLeases,
		settle: m.SettleDeliveries, list: m.ListMessages, due: m.DueSchedules,
	}
}

// before runs f before each call of the methods, and of no other. If f fails, the call fails and changes nothing.
func (s *fakeStore) before(f func(context.Context) error, methods ...method) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pre = hooks(f, methods)
}

// after runs f after each successful call of the methods, and of no other. If f fails, the call has changed the store, but its answer is lost.
func (s *fakeStore) after(f func(context.Context) error, methods ...method) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.post = hooks(f, methods)
}

// onLease calls f with each answer of LeaseDeliveries. f may change the deliveries.
func (s *fakeStore) onLease(f func([]store.Leased)) {
	s.lease = func(ctx context.Context, r store.LeaseRequest) (store.Leases, error) {
		leases, err := s.Store.LeaseDeliveries(ctx, r)
		f(leases.Deliveries)
		return leases, err
	}
}

func hooks(f func(context.Context) error, methods []method) map[method]func(context.Context) error {
	m := map[method]func(context.Context) error{}
	for _, name := range methods {
		m[name] = f
	}
	return m
}

// fail makes the methods, and no other, fail with err.
func (s *fakeStore) fail(err error, methods ...method) {
	s.before(func(context.Context) error { return err }, methods...)
}

// recover undoes before, after and fail.
func (s *fakeStore) recover() {
	s.before(nil)
	s.after(nil)
}

// call counts a call of m, and makes it between its hooks.
func (s *fakeStore) call(ctx context.Context, m method, do func() error) error {
	s.mu.Lock()
	s.counts[m]++
	pre, post := s.pre[m], s.post[m]
	s.mu.Unlock()
	if pre != nil {
		if err := pre(ctx); err != nil {
			return err
		}
	}
	if err := do(); err != nil || post == nil {
		return err
	}
	return post(ctx)
}

// calls returns the number of calls of m, including those that failed.
func (s *fakeStore) calls(m method) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[m]
}

// kept returns the number of messages in the store.
func (s *fakeStore) kept(t *testing.T) int {
	t.Helper()
	page, err := s.Store.ListMessages(t.Context(), store.MessageQuery{Filter: store.Filter{AnyTenant: true}, Limit: 500})
	require.NoError(t, err)
	return len(page.Messages)
}

func (s *fakeStore) AcceptMessages(ctx context.Context, ms []store.NewMessage) (as []store.Acceptance, err error) {
	s.mu.Lock()
	s.batches = append(s.batches, len(ms))
	s.mu.Unlock()
	err = s.call(ctx, acceptMessages, func() (err error) { as, err = s.accept(ctx, ms); return err })
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, a := range as {
		if a.First == nil {
			s.accepted = append(s.accepted, acceptedMessage{ms[i], time.Now()})
		}
	}
	return as, err
}

func (s *fakeStore) LeaseDeliveries(ctx context.Context, r store.LeaseRequest) (leases store.Leases, err error) {
	err = s.call(ctx, leaseDeliveries, func() (err error) { leases, err = s.lease(ctx, r); return err })
	return leases, err
}

func (s *fakeStore) ExtendLeases(ctx context.Context, es []store.Extension, lease time.Duration) (lost []store.DeliveryRef, err error) {
	err = s.call(ctx, extendLeases, func() (err error) { lost, err = s.extend(ctx, es, lease); return err })
	return lost, err
}

func (s *fakeStore) SettleDeliveries(ctx context.Context, ss []store.Settlement) (lost []store.DeliveryRef, err error) {
	err = s.call(ctx, settleDeliveries, func() (err error) { lost, err = s.settle(ctx, ss); return err })
	return lost, err
}

func (s *fakeStore) RecordReceipts(ctx context.Context, rs []store.Receipt) (unmatched []store.Receipt, err error) {
	err = s.call(ctx, recordReceipts, func() (err error) { unmatched, err = s.Store.RecordReceipts(ctx, rs); return err })
	return unmatched, err
}

func (s *fakeStore) ChangeDeliveries(ctx context.Context, c store.Change) (changed store.Changed, err error) {
	err = s.call(ctx, changeDeliveries, func() (err error) { changed, err = s.Store.ChangeDeliveries(ctx, c); return err })
	return changed, err
}

func (s *fakeStore) ListMessages(ctx context.Context, q store.MessageQuery) (page store.MessagePage, err error) {
	err = s.call(ctx, listMessages, func() (err error) { page, err = s.list(ctx, q); return err })
	return page, err
}

func (s *fakeStore) PruneMessages(ctx context.Context, before time.Time, limit int) (count int, err error) {
	err = s.call(ctx, pruneMessages, func() (err error) { count, err = s.Store.PruneMessages(ctx, before, limit); return err })
	return count, err
}

func (s *fakeStore) DueSchedules(ctx context.Context, limit int) (due []store.Schedule, now, next time.Time, err error) {
	err = s.call(ctx, dueSchedules, func() (err error) { due, now, next, err = s.due(ctx, limit); return err })
	return due, now, next, err
}

func (s *fakeStore) AdvanceSchedule(ctx context.Context, tenant, name string, from, to time.Time) (moved bool, err error) {
	err = s.call(ctx, advanceSchedule, func() (err error) { moved, err = s.Store.AdvanceSchedule(ctx, tenant, name, from, to); return err })
	return moved, err
}

func (s *fakeStore) DeleteSchedule(ctx context.Context, tenant, name string) (found bool, err error) {
	err = s.call(ctx, deleteSchedule, func() (err error) { found, err = s.Store.DeleteSchedule(ctx, tenant, name); return err })
	return found, err
}

func (s *fakeStore) ListSchedules(ctx context.Context, tenant string) (all []store.Schedule, err error) {
	err = s.call(ctx, listSchedules, func() (err error) { all, err = s.Store.ListSchedules(ctx, tenant); return err })
	return all, err
}

func (s *fakeStore) SavePause(ctx context.Context, p store.Pause, length time.Duration) error {
	return s.call(ctx, savePause, func() error { return s.Store.SavePause(ctx, p, length) })
}

func (s *fakeStore) DeletePause(ctx context.Context, channel string) (found bool, err error) {
	err = s.call(ctx, deletePause, func() (err error) { found, err = s.Store.DeletePause(ctx, channel); return err })
	return found, err
}

func (s *fakeStore) SaveSuppressions(ctx context.Context, ss []store.Suppression) error {
	return s.call(ctx, saveSuppressions, func() error { return s.Store.SaveSuppressions(ctx, ss) })
}

// hang returns when ctx ends.
func hang(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// delay sleeps, whatever the ctx.
func delay(d time.Duration) func(context.Context) error {
	return func(context.Context) error { time.Sleep(d); return nil }
}
