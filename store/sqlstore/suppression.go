package sqlstore

import (
	"context"
	"errors"

	"github.com/e7ddda3c/notify/store"
)

// SaveSuppressions implements [store.Suppressions].
func (s *Store) SaveSuppressions(ctx context.Context, ss []store.Suppression) error {
	if len(ss) == 0 {
		return nil
	}
	for _, n := range ss {
		if n.Address == "" {
			return errors.New("sqlstore: the address of a suppression is required")
		}
		if err := checkLengths(fields{{"tenant", n.Tenant}, {"kind", n.Kind}, {"reason", string(n.Reason)}}); err != nil {
			return fault(err)
		}
	}
	return s.inTx(ctx, func(ctx context.Context, x *session) error {
		for _, n := range ss {
			if _, err := x.exec(ctx, "insert into {suppressions} (tenant, kind, hash, reason, at) values (?, ?, ?, ?, {now}) "+x.dialect.traits().ignore,
				n.Tenant, n.Kind, suppressionHash(n.SuppressionKey), string(n.Reason)); err != nil {
				return err
			}
		}
		return nil
	})
}

// DeleteSuppression implements [store.Suppressions].
func (s *Store) DeleteSuppression(ctx context.Context, k store.SuppressionKey) (bool, error) {
	n := 0
	err := s.inTx(ctx, func(ctx context.Context, x *session) (err error) {
		n, err = x.exec(ctx, "delete from {suppressions} where hash = ?", suppressionHash(k))
		return err
	})
	return n > 0, err
}

// suppressionHash returns the stored form of a key, or nil if the key has no address.
func suppressionHash(k store.SuppressionKey) []byte {
	if k.Address == "" {
		return nil
	}
	return digest(k.Tenant + "\x00" + k.Kind + "\x00" + k.Address)
}
