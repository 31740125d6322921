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

// Model makes so many random operations on a store that open returns, and the same on a simple model of one. After each, the two must
// hold the same. The same seed makes the same operations on every store. Leases are an hour or a microsecond long, so that nothing
// waits for time to pass.
func Model(t *testing.T, open func(t *testing.T) store.Deliveries, seed uint64, ops int) {
	t.Helper()
	rule := &rule{name: "model", says: "after any operations a store holds what a simple model of one holds"}
	m := &model{run: &run{T: t, rule: rule, store: open(t), patience: minute}, rand: rand.New(rand.NewPCG(seed, 0))}
	m.clock = m.now()
	for step := range ops {
		op := operations[m.rand.IntN(len(operations))]
		m.step = fmt.Sprintf("seed %d, step %d, %s", seed, step, op.name)
		op.do(m)
		m.look()
		if t.Failed() {
			return
		}
	}
}

// A model is what a store should hold.
type model struct {
	*run
	rand     *rand.Rand
	step     string
	clock    time.Time // the store's, when it was last looked at
	messages []*modelMessage
	leases   []store.Leased       // that were given, the newest last
	calls    [][]store.Settlement // of SettleDeliveries, to repeat some
	drawn    int                  // provider ids
}

// A modelMessage is one of a model.
type modelMessage struct {
	store.NewMessage
	deliveries []*fate // by recipient, then by place
}

// A fate is a delivery as it should be.
type fate struct {
	store.Delivery
	leased bool
	marked bool // its lease, or one that ran out before, was marked
	// What only the store can know is taken over from it, if it is as it should be.
	dueNow bool // Due is not in the future
	came   bool // At is when the last operation was made
	woken  bool // Wakes has risen
	ended  bool // Claim has risen, though nobody leased it
}

// look compares all that the store holds with the model.
func (m *model) look() {
	m.Helper()
	q := store.MessageQuery{Filter: store.Filter{AnyTenant: true}, Limit: 500, Attempts: true}
	page := m.list(q)
	if len(page.Messages) != len(m.messages) {
		m.stop("%s: there are %d messages, want %d", m.step, len(page.Messages), len(m.messages))
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
			d.learn(got.Deliveries[k], m.clock, page.Now)
			m.agree("delivery", bare(got.Deliveries[k], d.leased), bare(d.Delivery, d.leased))
		}
	}
	m.clock = page.Now
}

// agree ends the test if got is not what the model holds.
func (m *model) agree(what string, got, want any) {
	m.Helper()
	if d := diff("", reflect.ValueOf(got), reflect.ValueOf(want)); d != "" {
		m.stop("%s: %s%s\n\tgot  %+v\n\twant %+v", m.step, what, d, got, want)
	}
}

// learn takes over what only the store can know, where it can be right. Where it cannot, f holds what is then found to differ.
func (f *fate) learn(got store.Delivery, before, now time.Time) {
	if f.dueNow {
		f.Due = now
		if !got.Due.IsZero() && !got.Due.After(now) {
			f.Due = got.Due
		}
	}
	if f.came {
		f.At = now
		if !got.At.Before(before) && !got.At.After(now) {
			f.At = got.At
		}
	}
	switch {
	case f.woken && got.Wakes > f.Wakes:
		f.Wakes = got.Wakes
	case f.woken && !f.Status.Settled(): // what was woken and settled in one call need not tell
		f.Wakes++ // to be found missing
	}
	switch {
	case f.ended && got.Claim > f.Claim:
		f.Claim = got.Claim
	case f.ended:
		f.Claim++ // to be found missing
	}
	f.dueNow, f.came, f.woken, f.ended = false, false, false, false
}

// bare is d without what means nothing where it stands.
func bare(d store.Delivery, leased bool) store.Delivery {
	d.Message = nil
	if d.Status.Settled() {
		d.NotBefore = time.Time{}
	}
	if leased {
		d.Marked = false // it tells whoever leases it next
	}
	return d
}

// find returns the delivery that ref names, or nil.
func (m *model) find(ref store.DeliveryRef) *fate {
	for _, d := range m.all() {
		if d.MessageID == ref.MessageID && d.Recipient == ref.Recipient && d.Place == ref.Place {
			return d
		}
	}
	return nil
}

// all returns all deliveries, the oldest messages first.
func (m *model) all() []*fate {
	var all []*fate
	for _, x := range m.messages {
		all = append(all, x.deliveries...)
	}
	return all
}

// wake wakes the peers of f.
func (m *model) wake(f *fate) {
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

// stand brings f to a status.
func (f *fate) stand(status store.Status, reason store.Reason) {
	f.came = f.came || f.Status != status
	f.Status, f.Reason = status, reason
	if status.Settled() {
		f.Due, f.dueNow = time.Time{}, false
	}
}
