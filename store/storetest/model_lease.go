package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/e7ddda3c/notify/store"
)

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
			m.applyLease(l, ls.Now.Add(duration))
		}
		rest = rest[n:]
		m.nextDue(ls, want, n)
	}
	m.agree("number of deliveries in excess of the due ones", len(rest), 0)
}

// due returns the due deliveries of a lane, the longest due first.
func (m *model) due(lane store.Lane, now time.Time) []*modelDelivery {
	all := slices.DeleteFunc(m.all(), func(f *modelDelivery) bool { return f.Lane != lane || f.Due.IsZero() || f.Due.After(now) })
	slices.SortStableFunc(all, func(a, b *modelDelivery) int { return a.Due.Compare(b.Due) })
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
	overtaken := make([]*store.Standing, len(ss))
	for i, s := range ss {
		if m.applySettlement(s) {
			lost = append(lost, s.DeliveryRef)
			continue
		}
		if f := m.find(s.DeliveryRef); f.Status.Settled() && (f.Status != s.Status || f.Reason != s.Reason || f.Canceled) {
			overtaken[i] = &store.Standing{Status: f.Status, Reason: f.Reason, Failure: f.Failure, Canceled: f.Canceled}
		}
	}
	m.agree("lost settlements", set(m.settle(ss...)), set(lost))
	for i, s := range ss {
		m.agree("Overtaken of a settlement", s.Overtaken, overtaken[i])
	}
}

// someLeases returns up to six leases of different deliveries, outdated ones included.
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
			return o.MessageID == l.MessageID && o.Recipient == l.Recipient && o.Place == l.Place
		}) {
			some = append(some, l)
		}
	}
	return some
}

// held returns the current leases, which can be settled.
func (m *model) held() []store.Leased {
	return slices.DeleteFunc(slices.Clone(m.leases), func(l store.Leased) bool {
		f := m.find(l.DeliveryRef)
		return f == nil || !f.leased || f.Claim != l.Claim
	})
}

// settlement returns a random settlement of l.
func (m *model) settlement(l store.Leased) store.Settlement {
	s := ends(l, pick(m, store.Held, store.Held, store.Accepted, store.Sent, store.Failed, store.Unknown, store.Suppressed), pick[store.Reason](m, "", "retry"))
	s.Wake = m.chance(2)
	if !s.Status.Settled() {
		s.Due = pick(m, m.clock, m.later())
		s.NotBefore = pick(m, time.Time{}, s.Due)
	}
	if m.chance(3) {
		s.Failure = fault()
	}
	if m.chance(2) {
		m.providerIDs++
		s.Attempts, s.Spent, s.Doubt = s.Attempts+1, s.Spent+1, m.chance(2)
		s.Attempt = &store.Attempt{At: m.clock, Took: time.Second, Status: s.Status, Reason: s.Reason, Provider: "postman", Failure: s.Failure}
		if m.chance(2) {
			s.Attempt.ProviderID = fmt.Sprintf("id-%d", m.providerIDs)
		}
	}
	return s
}

func (m *model) tryExtend() {
	var es []store.Extension
	var lost []store.DeliveryRef
	for _, l := range m.someLeases() {
		es = append(es, store.Extension{DeliveryRef: l.DeliveryRef, Marked: m.chance(2)})
	}
	lease := pick(m, 0, long)
	got := m.extend(lease, es...)
	for _, e := range es {
		if m.applyExtension(e, m.clock, lease) {
			lost = append(lost, e.DeliveryRef)
		}
	}
	m.agree("lost extensions", set(got), set(lost))
	for _, e := range es { // the exact ends of the leases depend on the store's clock
		if f := m.find(e.DeliveryRef); f != nil && !f.Due.IsZero() {
			m.near(f, m.stored(e.DeliveryRef).Due)
		}
	}
}

// near sets the end of a lease to the store's value, if that is plausible.
func (m *model) near(f *modelDelivery, got time.Time) {
	if f.Due.Sub(got).Abs() < time.Minute {
		f.Due = got
	}
}
