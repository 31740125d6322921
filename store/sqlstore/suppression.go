package sqlstore

import (
	"context"
	"database/sql"

	"github.com/e7ddda3c/notify/store"
)

// SaveSuppressions implements [store.Suppressions].
func (s *Store) SaveSuppressions(ctx context.Context, ss []store.Suppression) error {
	if len(ss) == 0 {
		return nil
	}
	return s.write(ctx, func(ctx context.Context, x *session) error {
		for _, n := range ss {
			if _, err := x.exec(ctx, "insert into {suppressions} (tenant, kind, hash, reason, at) values (?, ?, ?, ?, {now}) "+x.dialect.traits().ignore,
				n.Tenant, n.Kind, n.Hash[:], n.Reason); err != nil {
				return err
			}
		}
		return nil
	})
}

// FindSuppressions implements [store.Suppressions].
func (s *Store) FindSuppressions(ctx context.Context, keys []store.SuppressionKey) (found []store.Suppression, err error) {
	if len(keys) == 0 {
		return nil, nil
	}
	err = s.on(ctx, func(ctx context.Context, x *session) error {
		found = nil
		asked := make(map[store.SuppressionKey]bool, len(keys))
		for _, k := range keys {
			if asked[k] {
				continue
			}
			asked[k] = true
			if err := x.query(ctx, func(rows *sql.Rows) error {
				n := store.Suppression{SuppressionKey: k}
				var at int64
				err := rows.Scan(&n.Reason, &at)
				n.At = instant(at)
				found = append(found, n)
				return err
			}, "select reason, at from {suppressions} where tenant = ? and kind = ? and hash = ?", k.Tenant, k.Kind, k.Hash[:]); err != nil {
				return err
			}
		}
		return nil
	})
	return found, err
}

// DeleteSuppression implements [store.Suppressions].
func (s *Store) DeleteSuppression(ctx context.Context, k store.SuppressionKey) (bool, error) {
	n := 0
	err := s.write(ctx, func(ctx context.Context, x *session) (err error) {
		n, err = x.exec(ctx, "delete from {suppressions} where tenant = ? and kind = ? and hash = ?", k.Tenant, k.Kind, k.Hash[:])
		return err
	})
	return n > 0, err
}
