package memory

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"

	"github.com/e7ddda3c/notify/store"
)

// A suppressionKey is a [store.SuppressionKey] with a hash of the address.
type suppressionKey struct {
	tenant, kind string
	hash         [sha256.Size]byte
}

// suppressionKeyOf returns the key for k, or the zero key if k has no Address.
func suppressionKeyOf(k store.SuppressionKey) suppressionKey {
	if k.Address == "" {
		return suppressionKey{}
	}
	return suppressionKey{k.Tenant, k.Kind, sha256.Sum256([]byte(k.Address))}
}

// SaveSuppressions implements [store.Suppressions].
func (s *Store) SaveSuppressions(ctx context.Context, ss []store.Suppression) error {
	if slices.ContainsFunc(ss, func(n store.Suppression) bool { return n.Address == "" }) {
		return errors.New("memory: a suppression's address is required")
	}
	if _, err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	for _, n := range ss {
		k := suppressionKeyOf(n.SuppressionKey)
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
	h := suppressionKeyOf(k)
	_, ok := s.suppressions[h]
	delete(s.suppressions, h)
	return ok, nil
}
