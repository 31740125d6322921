package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// CountDeliveries implements [store.Deliveries].
func (s *Store) CountDeliveries(ctx context.Context, q store.CountQuery) ([]store.LaneCount, error) {
	now, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	limit := q.Limit
	if limit <= 0 {
		limit = 10_000
	}
	var counts []store.LaneCount
	for name, l := range s.lanes {
		counts = append(counts, l.count(name, now, limit))
	}
	slices.SortFunc(counts, func(a, b store.LaneCount) int { return cmp.Compare(a.Lane, b.Lane) })
	return counts, nil
}

func (l lane) count(name store.Lane, now time.Time, limit int) store.LaneCount {
	c := store.LaneCount{Lane: name}
	for _, d := range l {
		if d.Due.After(now) {
			c.Later = min(c.Later+1, limit)
		} else {
			c.Due = min(c.Due+1, limit)
		}
		if c.Due == limit && c.Later == limit {
			break
		}
	}
	if c.Due > 0 {
		c.Oldest = l[0].Due
	}
	return c
}

// PruneMessages implements [store.Deliveries].
func (s *Store) PruneMessages(ctx context.Context, before time.Time, limit int) (int, error) {
	if _, err := s.lock(ctx); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	var kept []*message
	pruned, seen := 0, 0
	for ; seen < len(s.order) && pruned < limit; seen++ {
		m := s.order[seen]
		if !m.head.AcceptedAt.Before(before) || slices.ContainsFunc(m.deliveries, func(d *delivery) bool { return !d.Status.Settled() }) {
			kept = append(kept, m)
			continue
		}
		s.forget(m)
		pruned++
	}
	s.order = slices.Replace(s.order, 0, seen, kept...)
	return pruned, nil
}

func (s *Store) forget(m *message) {
	delete(s.messages, m.head.ID)
	if k := (key{m.head.Tenant, m.head.Key}); s.keys[k] == m {
		delete(s.keys, k)
	}
	for _, d := range m.deliveries {
		for _, a := range d.log {
			if p := (providerID{a.Provider, a.ProviderID}); s.providers[p] == d {
				delete(s.providers, p)
			}
		}
	}
}
