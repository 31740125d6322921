package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/e7ddda3c/notify/store"
)

const scheduleColumns = "tenant, name, spec, zone, next_at, body"

// SaveSchedule implements [store.Schedules].
func (s *Store) SaveSchedule(ctx context.Context, n store.Schedule) error {
	if err := checkLengths(fields{{"tenant", n.Tenant}, {"name", n.Name}, {"zone", n.Zone}}); err != nil {
		return fault(err)
	}
	return s.inTx(ctx, func(ctx context.Context, x *session) error {
		var spec, zone string
		var next int64
		found, err := x.one(ctx, []any{&spec, &zone, &next},
			"select spec, zone, next_at from {schedules} where tenant = ? and name = ?"+x.dialect.traits().lockRows, n.Tenant, n.Name)
		switch {
		case err != nil:
			return err
		case !found:
			_, err = x.exec(ctx, "insert into {schedules} ("+scheduleColumns+") values (?, ?, ?, ?, ?, ?)",
				n.Tenant, n.Name, n.Spec, n.Zone, micros(n.NextAt), n.Body)
			if x.dialect.duplicate(err) {
				return errConflict
			}
			return err
		case spec != n.Spec || zone != n.Zone:
			next = micros(n.NextAt)
		}
		_, err = x.exec(ctx, "update {schedules} set spec = ?, zone = ?, next_at = ?, body = ? where tenant = ? and name = ?",
			n.Spec, n.Zone, next, n.Body, n.Tenant, n.Name)
		return err
	})
}

// DueSchedules implements [store.Schedules].
func (s *Store) DueSchedules(ctx context.Context, limit int) (due []store.Schedule, now, next time.Time, err error) {
	err = s.run(ctx, func(ctx context.Context, x *session) error {
		due, next = nil, time.Time{}
		if now, err = x.now(ctx); err != nil {
			return err
		}
		due, err = x.schedules(ctx, "where next_at <= ? order by next_at, tenant, name limit ?", micros(now), limit)
		if err != nil || len(due) > 0 {
			return err
		}
		var at sql.NullInt64
		_, err := x.one(ctx, []any{&at}, "select min(next_at) from {schedules} where next_at > ?", micros(now))
		next = instant(at.Int64)
		return err
	})
	return due, now, next, err
}

// AdvanceSchedule implements [store.Schedules].
func (s *Store) AdvanceSchedule(ctx context.Context, tenant, name string, from, to time.Time) (bool, error) {
	n := 0
	err := s.inTx(ctx, func(ctx context.Context, x *session) (err error) {
		n, err = x.exec(ctx, "update {schedules} set next_at = ? where tenant = ? and name = ? and next_at = ?", micros(to), tenant, name, micros(from))
		return err
	})
	return n > 0, err
}

// DeleteSchedule implements [store.Schedules].
func (s *Store) DeleteSchedule(ctx context.Context, tenant, name string) (bool, error) {
	n := 0
	err := s.inTx(ctx, func(ctx context.Context, x *session) (err error) {
		n, err = x.exec(ctx, "delete from {schedules} where tenant = ? and name = ?", tenant, name)
		return err
	})
	return n > 0, err
}

// ListSchedules implements [store.Schedules].
func (s *Store) ListSchedules(ctx context.Context, tenant string) (all []store.Schedule, err error) {
	err = s.run(ctx, func(ctx context.Context, x *session) (err error) {
		all, err = x.schedules(ctx, "where tenant = ? order by name", tenant)
		return err
	})
	return all, err
}

func (x *session) schedules(ctx context.Context, which string, args ...any) (all []store.Schedule, err error) {
	err = x.query(ctx, func(rows *sql.Rows) error {
		var n store.Schedule
		var next int64
		err := rows.Scan(&n.Tenant, &n.Name, &n.Spec, &n.Zone, &next, &n.Body)
		n.NextAt = instant(next)
		all = append(all, n)
		return err
	}, "select "+scheduleColumns+" from {schedules} "+which, args...)
	return all, err
}
