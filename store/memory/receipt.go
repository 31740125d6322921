package memory

import (
	"context"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// RecordReceipts implements [store.Deliveries].
func (s *Store) RecordReceipts(ctx context.Context, rs []store.Receipt) ([]store.Receipt, error) {
	now, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var unmatched []store.Receipt
	for i := range rs {
		r := &rs[i]
		d := s.match(r)
		r.Found, r.Raised, r.Ended = nil, false, false
		if d == nil {
			unmatched = append(unmatched, *r)
			continue
		}
		if r.Status.Raises(r.Reason, d.Status, d.Reason) {
			r.Raised, r.Ended = true, !d.Status.Settled() && !d.leased
			if r.Ended {
				d.Claim++
			}
			s.raise(d, r, now)
		}
		found := d.copy()
		r.Found = &found
	}
	return unmatched, nil
}

// match returns the delivery that r matches, or nil.
func (s *Store) match(r *store.Receipt) *delivery {
	switch {
	case r.MessageID != "":
		return s.find(r.DeliveryRef)
	case r.ProviderID != "":
		return s.providers[providerID{r.Provider, r.ProviderID}]
	}
	return nil
}

// raise settles d by r. A lease of d stays, since the attempt is still to be logged.
func (s *Store) raise(d *delivery, r *store.Receipt, now time.Time) {
	d.Status, d.Reason, d.Failure = r.Status, r.Reason, copied(r.Failure)
	d.At = now
	if !r.At.IsZero() {
		d.At = instant(r.At)
	}
	s.dequeue(d)
	s.wake(d, now)
}
