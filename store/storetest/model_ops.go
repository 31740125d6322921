package storetest

import (
	"fmt"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// The operations. Those that should be more frequent are listed more often.
var operations = []struct {
	name string
	do   func(*model)
}{
	{"accept", (*model).tryAccept}, {"accept", (*model).tryAccept},
	{"lease", (*model).tryLease}, {"lease", (*model).tryLease}, {"lease", (*model).tryLease},
	{"settle", (*model).trySettle}, {"settle", (*model).trySettle}, {"settle", (*model).trySettle},
	{"settle again", (*model).trySettleAgain},
	{"extend", (*model).tryExtend},
	{"receipts", (*model).tryReceipts}, {"receipts", (*model).tryReceipts},
	{"change", (*model).tryChange},
	{"list", (*model).tryList},
	{"count", (*model).tryCount},
	{"prune", (*model).tryPrune},
}

var lanes = []store.Lane{mail, text, chat}

// chance reports true with a probability of 1/n.
func (m *model) chance(n int) bool { return m.rand.IntN(n) == 0 }

// pick returns a random element of xs.
func pick[T any](m *model, xs ...T) T { return xs[m.rand.IntN(len(xs))] }

func (m *model) tryAccept() {
	if len(m.messages) > 30 {
		m.clear()
	}
	var ns []store.NewMessage
	for range 1 + m.rand.IntN(4) {
		ns = append(ns, m.letter())
	}
	as := m.answers(ns...)
	for i, n := range ns {
		first := m.applyAccept(n)
		if (first == nil) != (as[i].First == nil) || first != nil && as[i].First.Message.ID != first.ID {
			m.stop("%s: the answer for the key %q of tenant %q is %+v, want %+v", m.step, n.Key, n.Tenant, as[i].First, first)
		}
		m.agree("Differs", as[i].Differs, first.differs(n))
	}
}

// clear settles all live deliveries, and deletes most messages.
func (m *model) clear() {
	all := store.Change{Action: store.Cancel, Filter: store.Filter{AnyTenant: true}}
	m.changeBoth(all)
	var ss []store.Settlement
	for _, l := range m.held() {
		ss = append(ss, m.settlement(l))
	}
	m.settleBoth(ss)
	m.compare()
	m.changeBoth(all)
	m.compare()
	m.pruneBoth(m.clock.Add(time.Hour), 25)
}

// letter returns a new message, or one that was accepted before.
func (m *model) letter() store.NewMessage {
	if m.chance(8) && len(m.messages) > 0 {
		return pick(m, m.messages...).NewMessage
	}
	n := message()
	n.Tenant, n.Request = pick(m, "shop", "other", ""), []byte{byte(m.rand.IntN(2))}
	if m.chance(3) {
		n.Key = fmt.Sprintf("key-%d", m.rand.IntN(6))
	}
	for recipient := range 1 + m.rand.IntN(2) {
		grouped := m.chance(2)
		for place := range 1 + m.rand.IntN(3) {
			d := to(recipient, place, pick(m, lanes...))
			d.Grouped = grouped
			switch m.rand.IntN(8) {
			case 0:
				d.Status, d.Reason, d.NotBefore = store.Held, "scheduled", m.later()
			case 1:
				d.Status, d.Reason, d.Failure = pick(m, store.Failed, store.Suppressed), "invalid", fault()
			}
			n.Deliveries = append(n.Deliveries, d)
		}
	}
	return n
}

// later returns a time some hours after m.clock.
func (m *model) later() time.Time {
	return m.clock.Truncate(time.Second).Add(time.Duration(1+m.rand.IntN(5)) * 2 * time.Hour)
}
