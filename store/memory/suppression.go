package memory

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"

	"github.com/e7ddda3c/notify/store"
)

// A deadKey names an address without telling it.
type deadKey struct {
	tenant, kind string
	hash         [sha256.Size]byte
}

// hashed returns the zero key for that of no address.
func hashed(k store.SuppressionKey) deadKey {
	if k.Address == "" {
		return deadKey{}
	}
	return deadKey{k.Tenant, k.Kind, sha256.Sum256([]byte(k.Address))}
}

// SaveSuppressions implements [store.Suppressions].
func (s *Store) SaveSuppressions(ctx context.Context, ss []store.Suppression) error {
	if slices.ContainsFunc(ss, func(n store.Suppression) bool { return n.Address == "" }) {
		return errors.New("memory: a suppression has no address")
	}
	if _, err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	for _, n := range ss {
		k := hashed(n.SuppressionKey)
		if _, ok := s.suppressions[k]; !ok {
			s.suppressions[k] = n.Reason
		}
	}
	return nil
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
