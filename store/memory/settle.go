package memory

import (
	"context"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// SettleDeliveries implements [store.Deliveries].
func (s *Store) SettleDeliveries(ctx context.Context, ss []store.Settlement) ([]store.DeliveryRef, error) {
	now, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var lost []store.DeliveryRef
	for i := range ss {
		n := &ss[i]
		d := s.leasedAs(n.DeliveryRef)
		n.Overtaken = nil
		if d == nil {
			lost = append(lost, n.DeliveryRef)
			continue
		}
		if d.leased { // otherwise n is a repetition
			s.settle(d, n, now)
		}
		n.Overtaken = d.overtaken(n)
	}
	return lost, nil
}

// settle ends the lease of d. Peers in the same call wake each other in either order: one that is settled later sees its own Wakes
// increased, and one that was settled before is made due.
func (s *Store) settle(d *delivery, n *store.Settlement, now time.Time) {
	d.leased, d.Lapsed, d.Marked = false, 0, false
	d.Attempts, d.Spent, d.Doubt, d.Duplicate = n.Attempts, n.Spent, n.Doubt, n.Duplicate
	s.logAttempt(d, n.Attempt)
	canceled := d.Canceled && !n.Status.Settled()
	if !d.Status.Settled() { // otherwise a receipt has overtaken n
		d.NotBefore, d.Failure = instant(n.NotBefore), copied(n.Failure)
		if canceled {
			d.setStatus(store.Canceled, "", now)
		} else {
			d.setStatus(n.Status, n.Reason, now)
		}
		s.reschedule(d, n, now)
	}
	if n.Wake || canceled {
		s.wake(d, now)
	}
}

// overtaken returns the state of d if n was overtaken, or nil.
func (d *delivery) overtaken(n *store.Settlement) *store.Standing {
	if !d.Status.Settled() || d.Status == n.Status && d.Reason == n.Reason && !d.Canceled {
		return nil
	}
	return &store.Standing{Status: d.Status, Reason: d.Reason, Failure: copied(d.Failure), Canceled: d.Canceled}
}

// reschedule sets the next due time of d, or removes d from the queue.
func (s *Store) reschedule(d *delivery, n *store.Settlement, now time.Time) {
	switch {
	case d.Status.Settled():
		s.dequeue(d)
	case d.Wakes != n.Wakes || n.Due.IsZero():
		s.setDue(d, now)
	default:
		s.setDue(d, instant(n.Due))
	}
}

func (s *Store) logAttempt(d *delivery, a *store.Attempt) {
	if a == nil {
		return
	}
	kept := *a
	kept.At, kept.Took = instant(a.At), a.Took.Truncate(time.Microsecond)
	kept.Failure = copied(a.Failure)
	d.log = append(d.log, kept)
	if a.ProviderID != "" {
		d.ProviderID = a.ProviderID
		s.providers[providerID{a.Provider, a.ProviderID}] = d
	}
}
