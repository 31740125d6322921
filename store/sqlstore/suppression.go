package sqlstore

import (
	"context"
	"database/sql"
	"slices"

	"github.com/e7ddda3c/notify/store"
)

// SaveSuppressions implements [store.Suppressions].
func (s *Store) SaveSuppressions(ctx context.Context, ss []store.Suppression) error {
	if len(ss) == 0 {
		return nil
	}
	for _, n := range ss {
		if err := short(names{{"tenant", n.Tenant}, {"kind", n.Kind}, {"reason", n.Reason}}); err != nil {
			return fault(err)
		}
	}
	return s.write(ctx, func(ctx context.Context, x *session) error {
		for _, n := range ss {
			if _, err := x.exec(ctx, "insert into {suppressions} (tenant, kind, hash, reason, at) values (?, ?, ?, ?, {now}) "+x.dialect.traits().ignore,
				n.Tenant, n.Kind, digest(n.Address), n.Reason); err != nil {
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
	err = s.on(ctx, func(ctx context.Context, x *session) (err error) {
		found, err = x.suppressions(ctx, keys)
		return err
	})
	return found, err
}

// suppressions finds those of keys that there are, each once.
func (x *session) suppressions(ctx context.Context, keys []store.SuppressionKey) (found []store.Suppression, err error) {
	type part struct{ tenant, kind string }
	parts := make(map[part][][]byte)
	addresses := make(map[part]map[string]string, len(keys)) // by digest
	for _, k := range keys {
		p, hash := part{k.Tenant, k.Kind}, digest(k.Address)
		if addresses[p] == nil {
			addresses[p] = make(map[string]string)
		}
		if _, asked := addresses[p][string(hash)]; !asked {
			addresses[p][string(hash)] = k.Address
			parts[p] = append(parts[p], hash)
		}
	}
	for p, hashes := range parts {
		err := inLists(len(hashes), func(at int) any { return hashes[at] }, func(in string, args []any) error {
			return x.query(ctx, func(rows *sql.Rows) error {
				n := store.Suppression{SuppressionKey: store.SuppressionKey{Tenant: p.tenant, Kind: p.kind}}
				var hash []byte
				var at int64
				err := rows.Scan(&hash, &n.Reason, &at)
				n.Address = addresses[p][string(hash)]
				n.At = instant(at)
				found = append(found, n)
				return err
			}, "select hash, reason, at from {suppressions} where tenant = ? and kind = ? and hash in ("+in+")",
				slices.Concat([]any{p.tenant, p.kind}, args)...)
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// DeleteSuppression implements [store.Suppressions].
func (s *Store) DeleteSuppression(ctx context.Context, k store.SuppressionKey) (bool, error) {
	n := 0
	err := s.write(ctx, func(ctx context.Context, x *session) (err error) {
		n, err = x.exec(ctx, "delete from {suppressions} where tenant = ? and kind = ? and hash = ?", k.Tenant, k.Kind, digest(k.Address))
		return err
	})
	return n > 0, err
}
