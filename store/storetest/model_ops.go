package storetest

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// The operations, the more likely ones more often.
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

// chance is true once in n times.
func (m *model) chance(n int) bool { return m.rand.IntN(n) == 0 }

// pick returns one of xs.
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
		first := m.accepted(n)
		if (first == nil) != (as[i].First == nil) || first != nil && as[i].First.Message.ID != first.ID {
			m.stop("%s: the answer for key %q of tenant %q is %+v, want %+v", m.step, n.Key, n.Tenant, as[i].First, first)
		}
		m.agree("Differs", as[i].Differs, first.differs(n))
	}
}

// clear ends all that is live, and deletes most of it.
func (m *model) clear() {
	all := store.Change{Action: store.Cancel, Filter: store.Filter{AnyTenant: true}}
	m.changeBoth(all)
	var ss []store.Settlement
	for _, l := range m.held() {
		ss = append(ss, m.settlement(l))
	}
	m.settleBoth(ss)
	m.look()
	m.changeBoth(all)
	m.look()
	m.pruneBoth(m.clock.Add(time.Hour), 25)
}

// letter makes a message, or one that was accepted before.
func (m *model) letter() store.NewMessage {
	if m.chance(8) && len(m.messages) > 0 {
		return pick(m, m.messages...).NewMessage
	}
	n := message()
	n.Tenant, n.Hash = pick(m, "shop", "other", ""), []byte{byte(m.rand.IntN(2))}
	if m.chance(3) {
		n.Key = fmt.Sprintf("key-%d", m.rand.IntN(6))
	}
	for recipient := range 1 + m.rand.IntN(2) {
		grouped := m.chance(2)
		for rank := range 1 + m.rand.IntN(3) {
			d := to(recipient, rank, pick(m, lanes...))
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

// later is some hours from now.
func (m *model) later() time.Time {
	return m.clock.Truncate(time.Second).Add(time.Duration(1+m.rand.IntN(5)) * 2 * time.Hour)
}

func (m *model) tryLease() {
	var rooms []store.LaneRoom
	for _, i := range m.rand.Perm(len(lanes))[:1+m.rand.IntN(3)] {
		rooms = append(rooms, store.LaneRoom{Lane: lanes[i], Room: 1 + m.rand.IntN(4)})
	}
	duration := pick(m, time.Microsecond, long)
	ls := m.lease(duration, rooms...)
	rest := ls.Deliveries
	for _, want := range rooms {
		due := m.due(want.Lane, ls.Now)
		n := min(want.Room, len(due))
		if n > len(rest) {
			m.stop("%s: lane %s gives %d deliveries, want %d", m.step, want.Lane, len(rest), n)
		}
		for i, l := range rest[:n] {
			f := m.find(l.DeliveryRef)
			if f == nil || f.Lane != want.Lane || !f.Due.Equal(due[i].Due) {
				m.stop("%s: delivery %d of lane %s is %v, want one that is due at %v", m.step, i, want.Lane, l.DeliveryRef, due[i].Due)
			}
		}
		for _, l := range rest[:n] {
			m.leasedNow(l, ls.Now.Add(duration))
		}
		rest = rest[n:]
		m.nextDue(ls, want, n)
	}
	m.agree("number of deliveries beyond what is due", len(rest), 0)
}

// due returns what is due in a lane, the longest due first.
func (m *model) due(lane store.Lane, now time.Time) []*fate {
	all := slices.DeleteFunc(m.all(), func(f *fate) bool { return f.Lane != lane || f.Due.IsZero() || f.Due.After(now) })
	slices.SortStableFunc(all, func(a, b *fate) int { return a.Due.Compare(b.Due) })
	return all
}

func (m *model) nextDue(ls store.Leases, want store.LaneRoom, given int) {
	m.Helper()
	var next time.Time
	for _, f := range m.all() {
		if f.Lane == want.Lane && !f.Due.IsZero() && (next.IsZero() || f.Due.Before(next)) && given < want.Room {
			next = f.Due
		}
	}
	m.agree("NextDue of "+string(want.Lane), ls.NextDue[want.Lane], next)
}

func (m *model) trySettle() {
	var ss []store.Settlement
	for _, l := range m.someLeases() {
		ss = append(ss, m.settlement(l))
	}
	m.calls = append(m.calls, ss)
	m.settleBoth(ss)
}

func (m *model) trySettleAgain() {
	if len(m.calls) > 0 {
		m.settleBoth(pick(m, m.calls[max(0, len(m.calls)-5):]...))
	}
}

func (m *model) settleBoth(ss []store.Settlement) {
	m.Helper()
	var lost []store.DeliveryRef
	for _, s := range ss {
		if m.settledAs(s) {
			lost = append(lost, s.DeliveryRef)
		}
	}
	m.agree("what is lost", set(m.settle(ss...)), set(lost))
}

// someLeases returns up to six leases of different deliveries, among them old ones.
func (m *model) someLeases() []store.Leased {
	var some []store.Leased
	m.leases = m.leases[max(0, len(m.leases)-100):]
	held := m.held()
	for range 1 + m.rand.IntN(6) {
		from := held
		if m.chance(4) || len(held) == 0 {
			from = m.leases
		}
		if len(from) == 0 {
			break
		}
		l := pick(m, from...)
		if !slices.ContainsFunc(some, func(o store.Leased) bool {
			return o.MessageID == l.MessageID && o.Recipient == l.Recipient && o.Rank == l.Rank
		}) {
			some = append(some, l)
		}
	}
	return some
}

// held returns the leases that were not settled.
func (m *model) held() []store.Leased {
	return slices.DeleteFunc(slices.Clone(m.leases), func(l store.Leased) bool {
		f := m.find(l.DeliveryRef)
		return f == nil || !f.leased || f.Claim != l.Claim
	})
}

func (m *model) settlement(l store.Leased) store.Settlement {
	s := ends(l, pick(m, store.Held, store.Held, store.Accepted, store.Sent, store.Failed, store.Unknown, store.Suppressed), pick(m, "", "retry"))
	s.Wake = m.chance(2)
	if !s.Status.Settled() {
		s.Due = pick(m, m.clock, m.later())
		s.NotBefore = pick(m, time.Time{}, s.Due)
	}
	if m.chance(3) {
		s.Failure = fault()
	}
	if m.chance(2) {
		m.drawn++
		s.Attempts, s.Tries, s.Doubt = s.Attempts+1, s.Tries+1, m.chance(2)
		s.Attempt = &store.Attempt{At: m.clock, Took: time.Second, Status: s.Status, Reason: s.Reason, Provider: "postman", Failure: s.Failure}
		if m.chance(2) {
			s.Attempt.ProviderID = fmt.Sprintf("id-%d", m.drawn)
		}
	}
	return s
}

func (m *model) tryExtend() {
	var es []store.Extension
	var lost []store.DeliveryRef
	for _, l := range m.someLeases() {
		es = append(es, store.Extension{DeliveryRef: l.DeliveryRef, Called: m.chance(2)})
	}
	lease := pick(m, 0, long)
	got := m.extend(lease, es...)
	for _, e := range es {
		if m.extended(e, m.now(), lease) {
			lost = append(lost, e.DeliveryRef)
		}
	}
	m.agree("what is lost", set(got), set(lost))
	for _, e := range es { // when a lease runs out now, only the store knows
		if f := m.find(e.DeliveryRef); f != nil && !f.Due.IsZero() {
			m.near(f, m.stored(e.DeliveryRef).Due)
		}
	}
}

// near takes over when a lease runs out, if that can be right.
func (m *model) near(f *fate, got time.Time) {
	if f.Due.Sub(got).Abs() < time.Minute {
		f.Due = got
	}
}

func (m *model) tryReceipts() {
	var rs, unmatched []store.Receipt
	for range 1 + m.rand.IntN(4) {
		r := store.Receipt{Status: pick(m, store.Sent, store.Delivered, store.Read, store.Failed), Reason: pick(m, "", store.ReasonBounced),
			At: pick(m, time.Time{}, instant(2026, 1+m.rand.IntN(12)))}
		if all := m.all(); m.chance(2) && len(all) > 0 {
			r.DeliveryRef = pick(m, all...).DeliveryRef
		} else {
			r.Provider, r.ProviderID = "postman", fmt.Sprintf("id-%d", m.rand.IntN(m.drawn+2))
		}
		if m.chance(3) {
			r.Failure = fault()
		}
		rs = append(rs, r)
	}
	for _, r := range rs {
		if !m.receivedAs(r) {
			unmatched = append(unmatched, r)
		}
	}
	m.agree("what matches nothing", m.receive(slices.Clone(rs)...), unmatched)
}

func (m *model) tryChange() {
	m.changeBoth(store.Change{Action: pick(m, store.Cancel, store.Release, store.Replay), Filter: m.filter()})
}

func (m *model) changeBoth(c store.Change) {
	m.Helper()
	want, got := m.changed(c), m.change(c)
	m.agree("what is changed", set(got.Deliveries), set(want.Deliveries))
	m.agree("what is leased", got.Leased, want.Leased)
}

func (m *model) filter() store.Filter {
	f := store.Filter{Tenant: pick(m, "shop", "other", ""), AnyTenant: m.chance(2)}
	if m.chance(3) && len(m.messages) > 0 {
		f.MessageID = pick(m, m.messages...).ID
	}
	if m.chance(3) {
		f.Channel = pick(m, lanes...).Channel()
	}
	if m.chance(4) {
		f.Key = fmt.Sprintf("key-%d", m.rand.IntN(6))
	}
	if m.chance(4) {
		f.User = fmt.Sprintf("user-%d", m.rand.IntN(2))
	}
	if m.chance(3) {
		f.Statuses = []store.Status{pick(m, store.Accepted, store.Sent, store.Failed), pick(m, store.Held, store.Canceled)}
	}
	if m.chance(5) {
		f.Reasons = []string{pick(m, "retry", "", "invalid")}
	}
	return f
}

func (m *model) tryList() {
	q := store.MessageQuery{Filter: m.filter(), Limit: 1 + m.rand.IntN(5)}
	var got, want []string
	for {
		page := m.list(q)
		for _, x := range page.Messages {
			got = append(got, x.Message.ID)
		}
		if q.Cursor = page.Cursor; q.Cursor == "" || len(got) > len(m.messages) {
			break
		}
	}
	for _, f := range m.selected(q.Filter) {
		want = append(want, f.MessageID)
	}
	want = slices.Compact(want)
	slices.Reverse(want)
	m.agree("list", got, want)
}

func (m *model) tryCount() {
	counts := map[store.Lane]*store.LaneCount{}
	now := m.clock
	for _, f := range m.all() {
		if f.Due.IsZero() {
			continue
		}
		c := counts[f.Lane]
		if c == nil {
			c = &store.LaneCount{Lane: f.Lane}
			counts[f.Lane] = c
		}
		if f.Due.After(now) {
			c.Later++
			continue
		}
		c.Due++
		if c.Oldest.IsZero() || f.Due.Before(c.Oldest) {
			c.Oldest = f.Due
		}
	}
	var want []store.LaneCount
	for _, c := range counts {
		want = append(want, *c)
	}
	slices.SortFunc(want, func(a, b store.LaneCount) int { return cmp.Compare(a.Lane, b.Lane) })
	m.agree("counts", m.count(0), want)
}

func (m *model) tryPrune() {
	before := m.clock.Add(time.Hour)
	if len(m.messages) > 0 && m.chance(2) {
		before = pick(m, m.messages...).AcceptedAt
	}
	m.pruneBoth(before, 1+m.rand.IntN(len(m.messages)/4+5))
}

func (m *model) pruneBoth(before time.Time, limit int) {
	m.Helper()
	m.agree("number of messages that are deleted", m.prune(before, limit), m.pruned(before, limit))
}
