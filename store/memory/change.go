package memory

import (
	"context"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// ChangeDeliveries implements [store.Deliveries].
func (s *Store) ChangeDeliveries(ctx context.Context, c store.Change) (store.Changed, error) {
	now, err := s.lock(ctx)
	if err != nil {
		return store.Changed{}, err
	}
	defer s.mu.Unlock()
	var answer store.Changed
	var changed []*delivery
	for _, d := range s.changeable(c) {
		if d.leased {
			answer.Leased++
			d.Canceled = d.Canceled || c.Action == store.Cancel
			continue
		}
		s.change(d, c.Action, now)
		changed = append(changed, d)
		ref := d.DeliveryRef
		ref.Claim = 0
		answer.Deliveries = append(answer.Deliveries, ref)
	}
	for _, d := range changed {
		s.wake(d, now)
	}
	return answer, nil
}

// changeable returns the deliveries to which c applies, leased ones included, the oldest messages first.
func (s *Store) changeable(c store.Change) []*delivery {
	var ds []*delivery
	for _, m := range s.candidates(c.Filter) {
		for _, d := range m.deliveries {
			if !allows(d.Status, c.Action) || !selects(&c.Filter, d) {
				continue
			}
			ds = append(ds, d)
			if len(ds) == c.Limit {
				return ds
			}
		}
	}
	return ds
}

// allows reports whether a delivery with Status s can be changed by a.
func allows(s store.Status, a store.Action) bool {
	switch a {
	case store.Cancel:
		return !s.Settled()
	case store.Release:
		return s == store.Held
	case store.Replay:
		return s == store.Failed || s == store.Unknown
	}
	return false
}

func (s *Store) change(d *delivery, a store.Action, now time.Time) {
	if a == store.Cancel {
		d.setStatus(store.Canceled, "", now)
		d.Claim++
		s.dequeue(d)
		return
	}
	if a == store.Replay {
		d.Doubt = d.Doubt || d.Status == store.Unknown
		d.Spent, d.Failure, d.Canceled = 0, nil, false
	}
	d.NotBefore = time.Time{}
	d.setStatus(store.Accepted, "", now)
	s.setDue(d, now)
}
