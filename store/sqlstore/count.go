package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// now reads the store's clock.
func (x *session) now(ctx context.Context) (time.Time, error) {
	var now int64
	_, err := x.one(ctx, []any{&now}, "select {now}")
	return instant(now), err
}

// CountDeliveries implements [store.Deliveries].
func (s *Store) CountDeliveries(ctx context.Context, q store.CountQuery) ([]store.LaneCount, error) {
	limit := q.Limit
	if limit <= 0 {
		limit = 10_000
	}
	var counts []store.LaneCount
	err := s.run(ctx, func(ctx context.Context, x *session) error {
		counts = nil
		now, err := x.now(ctx)
		if err != nil {
			return err
		}
		for lane, more, err := x.nextLane(ctx, ""); more || err != nil; lane, more, err = x.nextLane(ctx, lane) {
			if err != nil {
				return err
			}
			c, err := x.count(ctx, lane, now, limit)
			if err != nil {
				return err
			}
			if c.Due > 0 || c.Later > 0 {
				counts = append(counts, c)
			}
		}
		return nil
	})
	return counts, err
}

// nextLane returns the first lane after another, in one step along the index, however many deliveries the lanes have.
func (x *session) nextLane(ctx context.Context, after string) (lane string, found bool, err error) {
	var next sql.NullString
	_, err = x.one(ctx, []any{&next}, "select min(lane) from {deliveries} where "+x.dialect.traits().nextLane+" and lane > ?", after)
	return next.String, next.Valid, err
}

func (x *session) count(ctx context.Context, lane string, now time.Time, limit int) (store.LaneCount, error) {
	c := store.LaneCount{Lane: store.Lane(lane)}
	var oldest sql.NullInt64
	_, err := x.one(ctx, []any{&c.Due, &c.Later, &oldest}, `select
		(select count(*) from (select 1 from {deliveries} {claims} where {live} and lane = ? and due <= ? limit ?) a),
		(select count(*) from (select 1 from {deliveries} {claims} where {live} and lane = ? and due > ? limit ?) b),
		(select min(due) from {deliveries} {claims} where {live} and lane = ? and due <= ?)`,
		lane, micros(now), limit, lane, micros(now), limit, lane, micros(now))
	c.Oldest = instant(oldest.Int64)
	return c, err
}
