package storetest

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// Model applies ops random operations to a store and to a simple model of a store. After each operation, the two must have
// the same content. A seed produces the same operations on every store. Leases last an hour or a microsecond, so Model never waits for
// time to pass.
func Model(t *testing.T, open func(t *testing.T) store.Deliveries, seed uint64, ops int) {
	t.Helper()
	rule := &rule{name: "model", says: "after any operations, a store has the same content as a simple model of a store"}
	m := &model{run: &run{T: t, rule: rule, store: open(t), patience: minute}, rand: rand.New(rand.NewPCG(seed, 0))}
	m.clock = m.now()
	for step := range ops {
		op := operations[m.rand.IntN(len(operations))]
		m.step = fmt.Sprintf("seed %d, step %d, %s", seed, step, op.name)
		op.do(m)
		m.compare()
		if t.Failed() {
			return
		}
	}
}

// A model has the expected content of the store.
type model struct {
	*run
	rand        *rand.Rand
	step        string
	clock       time.Time // the store's clock at the last comparison
	messages    []*modelMessage
	leases      []store.Leased       // in the order of their claims
	calls       [][]store.Settlement // the calls of SettleDeliveries, some of which are repeated
	providerIDs int                  // the number of provider ids in use
}

// A modelMessage is an expected message.
type modelMessage struct {
	store.NewMessage
	deliveries []*modelDelivery // sorted by recipient, then by place
}

// A modelDelivery is an expected delivery.
type modelDelivery struct {
	store.Delivery
	leased bool
	marked bool // a lease since the last settlement was marked
	// The fields below relax the expectation for values that the store chooses.
	dueNow  bool // Due is any time that is not in the future
	atNow   bool // At is a time during the last operation
	woken   bool // Wakes has increased
	claimed bool // Claim has increased without a lease
}

// compare compares the content of the store with the model.
func (m *model) compare() {
	m.Helper()
	q := store.MessageQuery{Filter: store.Filter{AnyTenant: true}, Limit: 500, Attempts: true}
	page := m.list(q)
	if len(page.Messages) != len(m.messages) {
		m.stop("%s: the store has %d messages, want %d", m.step, len(page.Messages), len(m.messages))
	}
	slices.Reverse(page.Messages)
	for i, want := range m.messages {
		got := page.Messages[i]
		if want.AcceptedAt.IsZero() && !got.Message.AcceptedAt.Before(m.clock) && !got.Message.AcceptedAt.After(page.Now) {
			want.AcceptedAt = got.Message.AcceptedAt
		}
		m.agree("message", got.Message, want.Message)
		if len(got.Deliveries) != len(want.deliveries) {
			m.stop("%s: message %s has %d deliveries, want %d", m.step, want.ID, len(got.Deliveries), len(want.deliveries))
		}
		for k, d := range want.deliveries {
			d.adopt(got.Deliveries[k], m.clock, page.Now)
			m.agree("delivery", bare(got.Deliveries[k], d.leased), bare(d.Delivery, d.leased))
		}
	}
	m.clock = page.Now
}

// agree ends the test if got differs from want.
func (m *model) agree(subject string, got, want any) {
	m.Helper()
	if d := diff("", reflect.ValueOf(got), reflect.ValueOf(want)); d != "" {
		m.stop("%s: %s%s\n\tgot  %+v\n\twant %+v", m.step, subject, d, got, want)
	}
}

// adopt sets the fields that the store chooses to the values of got, if these are plausible. Otherwise it sets values that the comparison
// reports as differences.
func (f *modelDelivery) adopt(got store.Delivery, before, now time.Time) {
	if f.dueNow {
		f.Due = now
		if !got.Due.IsZero() && !got.Due.After(now) {
			f.Due = got.Due
		}
	}
	if f.atNow {
		f.At = now
		if !got.At.Before(before) && !got.At.After(now) {
			f.At = got.At
		}
	}
	switch {
	case f.woken && got.Wakes > f.Wakes:
		f.Wakes = got.Wakes
	case f.woken && !f.Status.Settled(): // a delivery that was woken and settled in one call need not show the wake
		f.Wakes++ // a difference for the comparison
	}
	switch {
	case f.claimed && got.Claim > f.Claim:
		f.Claim = got.Claim
	case f.claimed:
		f.Claim++ // a difference for the comparison
	}
	f.dueNow, f.atNow, f.woken, f.claimed = false, false, false, false
}

// bare returns d without the fields that are undefined in its state.
func bare(d store.Delivery, leased bool) store.Delivery {
	d.Message = nil
	if d.Status.Settled() {
		d.NotBefore = time.Time{}
	}
	if leased {
		d.Marked = false // defined for the next lease only
	}
	return d
}

// find returns the delivery that ref identifies, or nil.
func (m *model) find(ref store.DeliveryRef) *modelDelivery {
	for _, d := range m.all() {
		if d.MessageID == ref.MessageID && d.Recipient == ref.Recipient && d.Place == ref.Place {
			return d
		}
	}
	return nil
}

// all returns all deliveries, the oldest messages first.
func (m *model) all() []*modelDelivery {
	var all []*modelDelivery
	for _, x := range m.messages {
		all = append(all, x.deliveries...)
	}
	return all
}

// wake wakes the live peers of f, if f is Grouped.
func (m *model) wake(f *modelDelivery) {
	if !f.Grouped {
		return
	}
	for _, p := range m.all() {
		if p != f && p.MessageID == f.MessageID && p.Recipient == f.Recipient && !p.Status.Settled() {
			p.woken = true
			if !p.leased {
				p.dueNow = true
			}
		}
	}
}

// setStatus sets the Status and the Reason of f.
func (f *modelDelivery) setStatus(status store.Status, reason store.Reason) {
	f.atNow = f.atNow || f.Status != status
	f.Status, f.Reason = status, reason
	if status.Settled() {
		f.Due, f.dueNow = time.Time{}, false
	}
}
