package storetest

import (
	"bytes"
	"slices"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// applyAccept stores n, unless its id or its key is taken. If the key is taken, it returns the message that has the key.
func (m *model) applyAccept(n store.NewMessage) (first *modelMessage) {
	for _, x := range m.messages {
		if x.ID == n.ID {
			return nil
		}
	}
	for _, x := range m.messages {
		if n.Key != "" && x.Key == n.Key && x.Tenant == n.Tenant {
			return x
		}
	}
	x := &modelMessage{NewMessage: n}
	for _, d := range n.Deliveries {
		f := &modelDelivery{Delivery: planned(n, d), atNow: true}
		switch {
		case f.Status.Settled():
		case f.NotBefore.After(m.clock):
			f.Due = f.NotBefore
		default:
			f.dueNow = true
		}
		x.deliveries = append(x.deliveries, f)
	}
	m.messages = append(m.messages, x)
	return nil
}

// applyLease checks a lease from the store, and applies it.
func (m *model) applyLease(l store.Leased, due time.Time) {
	m.Helper()
	f := m.find(l.DeliveryRef)
	if f == nil {
		m.stop("%s: %v is leased, but does not exist", m.step, l.DeliveryRef)
	}
	if l.Claim <= f.Claim {
		m.stop("%s: the claim is %d after a lease and %d before, want an increase", m.step, l.Claim, f.Claim)
	}
	if f.leased {
		f.Lapsed++
	}
	f.Claim, f.Due, f.leased, f.Marked = l.Claim, due, true, f.marked
	want := f.Delivery
	want.Attempted, want.Message = nil, l.Message
	m.agree("lease", l.Delivery, want)
	m.agree("group", l.Group, m.progress(f))
	m.leases = append(m.leases, l)
}

// progress returns the expected Group of a lease of f.
func (m *model) progress(f *modelDelivery) []store.Progress {
	var ps []store.Progress
	for _, p := range m.all() {
		if f.Grouped && p.MessageID == f.MessageID && p.Recipient == f.Recipient {
			ps = append(ps, store.Progress{Place: p.Place, Channel: p.Lane.Channel(), To: p.To, Attempts: p.Attempts, Status: p.Status, Reason: p.Reason, At: p.At})
		}
	}
	return ps
}

// applySettlement ends a lease, and reports whether the settlement is lost.
func (m *model) applySettlement(s store.Settlement) (lost bool) {
	f := m.find(s.DeliveryRef)
	if f == nil || f.Claim != s.Claim {
		return true
	}
	if !f.leased {
		return false
	}
	f.leased, f.marked, f.Marked, f.Lapsed = false, false, false, 0
	f.Attempts, f.Spent, f.Doubt, f.Duplicate = s.Attempts, s.Spent, s.Doubt, s.Duplicate
	if a := s.Attempt; a != nil {
		f.Attempted = append(f.Attempted, *a)
		if a.ProviderID != "" {
			f.ProviderID = a.ProviderID
		}
	}
	stops := f.Canceled && !s.Status.Settled()
	if !f.Status.Settled() {
		f.settle(s, stops)
	}
	if s.Wake || stops {
		m.wake(f)
	}
	return false
}

func (f *modelDelivery) settle(s store.Settlement, stops bool) {
	f.NotBefore, f.Failure, f.Due = s.NotBefore, s.Failure, s.Due
	f.dueNow = f.woken || f.Wakes != s.Wakes
	if stops {
		f.setStatus(store.Canceled, "")
	} else {
		f.setStatus(s.Status, s.Reason)
	}
}

// applyExtension extends a lease, and reports whether the extension is lost.
func (m *model) applyExtension(e store.Extension, now time.Time, lease time.Duration) (lost bool) {
	f := m.find(e.DeliveryRef)
	if f == nil || f.Claim != e.Claim {
		return true
	}
	if f.leased && !f.Status.Settled() {
		f.marked = f.marked || e.Marked
		f.Due, f.dueNow = now.Add(lease), false
	}
	return false
}

// applyReceipt raises a delivery, and reports whether one matches.
func (m *model) applyReceipt(r store.Receipt) (matches bool) {
	f := m.find(r.DeliveryRef)
	if r.MessageID == "" {
		at := slices.IndexFunc(m.all(), func(f *modelDelivery) bool {
			return slices.ContainsFunc(f.Attempted, func(a store.Attempt) bool { return a.Provider == r.Provider && a.ProviderID == r.ProviderID })
		})
		if at < 0 {
			return false
		}
		f = m.all()[at]
	}
	if f == nil {
		return false
	}
	if r.Status.Raises(r.Reason, f.Status, f.Reason) {
		f.claimed = f.claimed || !f.Status.Settled() && !f.leased
		f.setStatus(r.Status, r.Reason)
		f.Failure, f.At, f.atNow = r.Failure, r.At, r.At.IsZero()
		m.wake(f)
	}
	return true
}

// applyChange makes a change, and returns its result.
func (m *model) applyChange(c store.Change) (done store.Changed) {
	var all []*modelDelivery
	for _, f := range m.selected(c.Filter) {
		live := !f.Status.Settled()
		failed := f.Status == store.Failed || f.Status == store.Unknown
		switch {
		case c.Action == store.Cancel && !live, c.Action == store.Release && f.Status != store.Held, c.Action == store.Replay && !failed:
		case f.leased:
			done.Leased++
			f.Canceled = f.Canceled || c.Action == store.Cancel
		default:
			f.change(c.Action)
			all = append(all, f)
			done.Deliveries = append(done.Deliveries, store.DeliveryRef{MessageID: f.MessageID, Recipient: f.Recipient, Place: f.Place})
		}
	}
	for _, f := range all {
		m.wake(f)
	}
	return done
}

func (f *modelDelivery) change(a store.Action) {
	if a == store.Cancel {
		f.setStatus(store.Canceled, "")
		f.claimed = true
		return
	}
	if a == store.Replay {
		f.Doubt = f.Doubt || f.Status == store.Unknown
		f.Spent, f.Failure, f.Canceled = 0, nil, false
	}
	f.setStatus(store.Accepted, "")
	f.NotBefore, f.dueNow = time.Time{}, true
}

// selected returns the deliveries that a filter selects.
func (m *model) selected(q store.Filter) []*modelDelivery {
	var all []*modelDelivery
	for _, x := range m.messages {
		if !q.AnyTenant && q.Tenant != x.Tenant || q.MessageID != "" && q.MessageID != x.ID || q.Key != "" && q.Key != x.Key {
			continue
		}
		for _, f := range x.deliveries {
			if (q.Channel == "" || q.Channel == f.Lane.Channel()) && (q.User == "" || q.User == f.User) &&
				(len(q.Statuses) == 0 || slices.Contains(q.Statuses, f.Status)) && (len(q.Reasons) == 0 || slices.Contains(q.Reasons, f.Reason)) {
				all = append(all, f)
			}
		}
	}
	return all
}

// applyPrune deletes messages, and returns their number.
func (m *model) applyPrune(before time.Time, limit int) (n int) {
	m.messages = slices.DeleteFunc(m.messages, func(x *modelMessage) bool {
		live := slices.ContainsFunc(x.deliveries, func(f *modelDelivery) bool { return !f.Status.Settled() })
		if live || n == limit || !x.AcceptedAt.Before(before) {
			return false
		}
		n++
		return true
	})
	return n
}

// differs reports whether x, if not nil, has another Request than n.
func (x *modelMessage) differs(n store.NewMessage) bool {
	return x != nil && !bytes.Equal(x.Request, n.Request)
}
