package storetest

import (
	"bytes"
	"slices"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// accepted stores n, unless its id or key is taken.
func (m *model) accepted(n store.NewMessage) (first *modelMessage) {
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
		f := &fate{Delivery: planned(n, d), came: true}
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

// leasedNow takes over a lease that the store gave.
func (m *model) leasedNow(l store.Leased, due time.Time) {
	m.Helper()
	f := m.find(l.DeliveryRef)
	if f == nil {
		m.stop("%s: %v is leased, which is not there", m.step, l.DeliveryRef)
	}
	if l.Claim <= f.Claim {
		m.stop("%s: the claim is %d, and was %d before", m.step, l.Claim, f.Claim)
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

func (m *model) progress(f *fate) []store.Progress {
	var ps []store.Progress
	for _, p := range m.all() {
		if f.Grouped && p.MessageID == f.MessageID && p.Recipient == f.Recipient {
			ps = append(ps, store.Progress{Place: p.Place, Channel: p.Lane.Channel(), To: p.To, Attempts: p.Attempts, Status: p.Status, Reason: p.Reason, At: p.At})
		}
	}
	return ps
}

// settledAs ends a lease, and reports whether it is lost.
func (m *model) settledAs(s store.Settlement) (lost bool) {
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

func (f *fate) settle(s store.Settlement, stops bool) {
	f.NotBefore, f.Failure, f.Due = s.NotBefore, s.Failure, s.Due
	f.dueNow = f.woken || f.Wakes != s.Wakes
	if stops {
		f.stand(store.Canceled, "")
	} else {
		f.stand(s.Status, s.Reason)
	}
}

// extended lets a lease run on, and reports whether it is lost.
func (m *model) extended(e store.Extension, now time.Time, lease time.Duration) (lost bool) {
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

// receivedAs raises a delivery, and reports whether there is one.
func (m *model) receivedAs(r store.Receipt) (matches bool) {
	f := m.find(r.DeliveryRef)
	if r.MessageID == "" {
		at := slices.IndexFunc(m.all(), func(f *fate) bool {
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
		f.ended = f.ended || !f.Status.Settled() && !f.leased
		f.stand(r.Status, r.Reason)
		f.Failure, f.At, f.came = r.Failure, r.At, r.At.IsZero()
		m.wake(f)
	}
	return true
}

// changed makes a change, and returns what it did.
func (m *model) changed(c store.Change) (done store.Changed) {
	var all []*fate
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

func (f *fate) change(a store.Action) {
	if a == store.Cancel {
		f.stand(store.Canceled, "")
		f.ended = true
		return
	}
	if a == store.Replay {
		f.Doubt = f.Doubt || f.Status == store.Unknown
		f.Spent, f.Failure, f.Canceled = 0, nil, false
	}
	f.stand(store.Accepted, "")
	f.NotBefore, f.dueNow = time.Time{}, true
}

// selected returns what a filter selects.
func (m *model) selected(q store.Filter) []*fate {
	var all []*fate
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

// pruned deletes messages, and returns how many.
func (m *model) pruned(before time.Time, limit int) (n int) {
	m.messages = slices.DeleteFunc(m.messages, func(x *modelMessage) bool {
		live := slices.ContainsFunc(x.deliveries, func(f *fate) bool { return !f.Status.Settled() })
		if live || n == limit || !x.AcceptedAt.Before(before) {
			return false
		}
		n++
		return true
	})
	return n
}

// differs reports whether a message that has a key has another Request than n.
func (x *modelMessage) differs(n store.NewMessage) bool {
	return x != nil && !bytes.Equal(x.Request, n.Request)
}
