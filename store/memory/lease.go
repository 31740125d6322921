package memory

import (
	"container/heap"
	"context"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// LeaseDeliveries implements [store.Deliveries].
func (s *Store) LeaseDeliveries(ctx context.Context, r store.LeaseRequest) (store.Leases, error) {
	now, err := s.lock(ctx)
	if err != nil {
		return store.Leases{}, err
	}
	defer s.mu.Unlock()
	answer := store.Leases{Now: now, NextDue: map[store.Lane]time.Time{}}
	for _, want := range r.Lanes {
		claimed := s.claim(want, now, r.Lease)
		for _, d := range claimed {
			l := d.lease()
			l.Suppressed = s.suppressions[d.suppression]
			answer.Deliveries = append(answer.Deliveries, l)
		}
		if next, ok := s.lanes[want.Lane].top(); ok && len(claimed) < want.Room {
			answer.NextDue[want.Lane] = next
		}
	}
	return answer, nil
}

// claim leases the due deliveries of a lane, up to its room.
func (s *Store) claim(want store.LaneRoom, now time.Time, lease time.Duration) []*delivery {
	l := s.lanes[want.Lane]
	var claimed []*delivery
	for len(claimed) < want.Room {
		if due, ok := l.top(); !ok || due.After(now) {
			break
		}
		claimed = append(claimed, heap.Pop(l).(*delivery))
	}
	for _, d := range claimed {
		d.claim()
		s.setDue(d, instant(now.Add(lease)))
	}
	return claimed
}

func (d *delivery) claim() {
	if d.leased { // the lease ran out
		d.Lapsed++
	}
	d.leased = true
	d.Claim++
}

// lease returns a copy of d, with the progress of its group.
func (d *delivery) lease() store.Leased {
	l := store.Leased{Delivery: d.copy()}
	if !d.Grouped {
		return l
	}
	for _, peer := range d.group() {
		l.Group = append(l.Group, store.Progress{Place: peer.Place, Channel: peer.Lane.Channel(), To: peer.To, Attempts: peer.Attempts,
			Status: peer.Status, Reason: peer.Reason, At: peer.At})
	}
	return l
}

// ExtendLeases implements [store.Deliveries].
func (s *Store) ExtendLeases(ctx context.Context, es []store.Extension, lease time.Duration) ([]store.DeliveryRef, error) {
	now, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var lost []store.DeliveryRef
	for _, e := range es {
		d := s.leasedAs(e.DeliveryRef)
		switch {
		case d == nil:
			lost = append(lost, e.DeliveryRef)
		case d.leased && !d.Status.Settled():
			d.Marked = d.Marked || e.Marked
			s.setDue(d, instant(now.Add(lease)))
		}
	}
	return lost, nil
}
