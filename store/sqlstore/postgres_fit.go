package sqlstore

import (
	"context"
	"hash/fnv"
)

func (postgres) columns() string {
	return "select attname::text from pg_attribute where attrelid = to_regclass(?::text) and attnum > 0 and not attisdropped"
}

// unfit refuses servers that are too old, and connections whose commits would not survive a crash of the server.
func (postgres) unfit(ctx context.Context, x *session) error {
	var version, synchronous string
	if _, err := x.one(ctx, []any{&version, &synchronous},
		"select current_setting('server_version'), current_setting('synchronous_commit')"); err != nil {
		return err
	}
	switch {
	case older(version, 12, 0):
		return unfit("PostgreSQL must be 12 or later, not %s: upgrade the server", version)
	case synchronous == "off":
		return unfit("synchronous_commit must not be off, which loses committed data: set it to on for these connections")
	}
	return nil
}

func (postgres) migrate(ctx context.Context, s *Store, do func(*session) error) error {
	return s.transact(ctx, s.isolation(), func(ctx context.Context, x *session) error {
		h := fnv.New64a()
		h.Write([]byte("notify sqlstore " + s.prefix))
		if _, err := x.exec(ctx, "select pg_advisory_xact_lock(?::bigint)", int64(h.Sum64())); err != nil {
			return err
		}
		return do(x)
	})
}

// transient errors are serialization failures, deadlocks and unavailable locks.
func (postgres) transient(err error) bool {
	switch sqlState(err) {
	case "40001", "40P01", "55P03":
		return true
	}
	return false
}

func (postgres) duplicate(err error) bool { return sqlState(err) == "23505" }
