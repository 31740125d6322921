package memory

import (
	"context"

	"github.com/e7ddda3c/notify/store"
)

// SaveSuppressions implements [store.Suppressions].
func (s *Store) SaveSuppressions(ctx context.Context, ss []store.Suppression) error {
	now, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	for _, n := range ss {
		if _, ok := s.suppressions[n.SuppressionKey]; !ok {
			n.At = now
			s.suppressions[n.SuppressionKey] = n
		}
	}
	return nil
}

// FindSuppressions implements [store.Suppressions].
func (s *Store) FindSuppressions(ctx context.Context, keys []store.SuppressionKey) ([]store.Suppression, error) {
	if _, err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var found []store.Suppression
	asked := make(map[store.SuppressionKey]bool, len(keys))
	for _, k := range keys {
		if x, ok := s.suppressions[k]; ok && !asked[k] {
			found = append(found, x)
		}
		asked[k] = true
	}
	return found, nil
}

// DeleteSuppression implements [store.Suppressions].
func (s *Store) DeleteSuppression(ctx context.Context, k store.SuppressionKey) (bool, error) {
	if _, err := s.lock(ctx); err != nil {
		return false, err
	}
	defer s.mu.Unlock()
	_, ok := s.suppressions[k]
	delete(s.suppressions, k)
	return ok, nil
}
