package memory

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// SaveSchedule implements [store.Schedules].
func (s *Store) SaveSchedule(ctx context.Context, n store.Schedule) error {
	if _, err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	k := key{n.Tenant, n.Name}
	n.NextAt, n.Body = instant(n.NextAt), bytes.Clone(n.Body)
	if old, ok := s.schedules[k]; ok && old.Spec == n.Spec && old.Zone == n.Zone {
		n.NextAt = old.NextAt
	}
	s.schedules[k] = n
	return nil
}

// DueSchedules implements [store.Schedules].
func (s *Store) DueSchedules(ctx context.Context, limit int) (due []store.Schedule, now, next time.Time, err error) {
	now, err = s.lock(ctx)
	if err != nil {
		return nil, now, next, err
	}
	defer s.mu.Unlock()
	for _, x := range s.schedules {
		if !x.NextAt.After(now) {
			due = append(due, x)
		} else if next.IsZero() || x.NextAt.Before(next) {
			next = x.NextAt
		}
	}
	if len(due) == 0 {
		return nil, now, next, nil
	}
	slices.SortFunc(due, func(a, b store.Schedule) int {
		return cmp.Or(a.NextAt.Compare(b.NextAt), cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Name, b.Name))
	})
	return cloned(due[:min(limit, len(due))]), now, time.Time{}, nil
}

// AdvanceSchedule implements [store.Schedules].
func (s *Store) AdvanceSchedule(ctx context.Context, tenant, name string, from, to time.Time) (bool, error) {
	if _, err := s.lock(ctx); err != nil {
		return false, err
	}
	defer s.mu.Unlock()
	k := key{tenant, name}
	x, ok := s.schedules[k]
	if !ok || !x.NextAt.Equal(instant(from)) {
		return false, nil
	}
	x.NextAt = instant(to)
	s.schedules[k] = x
	return true, nil
}

// DeleteSchedule implements [store.Schedules].
func (s *Store) DeleteSchedule(ctx context.Context, tenant, name string) (bool, error) {
	if _, err := s.lock(ctx); err != nil {
		return false, err
	}
	defer s.mu.Unlock()
	k := key{tenant, name}
	_, ok := s.schedules[k]
	delete(s.schedules, k)
	return ok, nil
}

// ListSchedules implements [store.Schedules].
func (s *Store) ListSchedules(ctx context.Context, tenant string) ([]store.Schedule, error) {
	if _, err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var all []store.Schedule
	for k, x := range s.schedules {
		if k.tenant == tenant {
			all = append(all, x)
		}
	}
	slices.SortFunc(all, func(a, b store.Schedule) int { return cmp.Compare(a.Name, b.Name) })
	return cloned(all), nil
}

// cloned clones the bodies of xs, in place.
func cloned(xs []store.Schedule) []store.Schedule {
	for i := range xs {
		xs[i].Body = bytes.Clone(xs[i].Body)
	}
	return xs
}
