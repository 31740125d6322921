package memory

import (
	"context"
	"crypto/sha256"

	"github.com/e7ddda3c/notify/store"
)

// A deadKey names an address without telling it.
type deadKey struct {
	tenant, kind string
	hash         [sha256.Size]byte
}

func hashed(k store.SuppressionKey) deadKey {
	return deadKey{k.Tenant, k.Kind, sha256.Sum256([]byte(k.Address))}
}

// SaveSuppressions implements [store.Suppressions].
func (s *Store) SaveSuppressions(ctx context.Context, ss []store.Suppression) error {
	now, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	for _, n := range ss {
		k := hashed(n.SuppressionKey)
		if _, ok := s.suppressions[k]; !ok {
			n.At, n.Address = now, ""
			s.suppressions[k] = n
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
		if x, ok := s.suppressions[hashed(k)]; ok && !asked[k] {
			x.Address = k.Address
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
	h := hashed(k)
	_, ok := s.suppressions[h]
	delete(s.suppressions, h)
	return ok, nil
}
