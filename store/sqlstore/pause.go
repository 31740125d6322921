package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// SavePause implements [store.Pauses].
func (s *Store) SavePause(ctx context.Context, p store.Pause, length time.Duration) error {
	if err := checkLengths(fields{{"channel", p.Channel}}); err != nil {
		return fault(err)
	}
	return s.inTx(ctx, func(ctx context.Context, x *session) error {
		var until, now int64
		found, err := x.one(ctx, []any{&until}, "select ends_at from {pauses} where channel = ?"+x.dialect.traits().lockRows, p.Channel)
		if err == nil {
			_, err = x.one(ctx, []any{&now}, "select {now}")
		}
		end := now + length.Microseconds()
		switch {
		case err != nil:
			return err
		case !found:
			_, err = x.exec(ctx, "insert into {pauses} (channel, ends_at, failure) values (?, ?, ?)", p.Channel, end, failureText(&p.Failure))
			if x.dialect.duplicate(err) {
				return errConflict
			}
		case end > until:
			_, err = x.exec(ctx, "update {pauses} set ends_at = ?, failure = ? where channel = ?", end, failureText(&p.Failure), p.Channel)
		}
		return err
	})
}

// ListPauses implements [store.Pauses].
func (s *Store) ListPauses(ctx context.Context) (ps []store.Pause, now time.Time, err error) {
	err = s.run(ctx, func(ctx context.Context, x *session) (err error) {
		ps = nil
		if now, err = x.now(ctx); err != nil {
			return err
		}
		return x.query(ctx, func(rows *sql.Rows) error {
			var p store.Pause
			var until int64
			var failure string
			if err := rows.Scan(&p.Channel, &until, &failure); err != nil {
				return err
			}
			p.Until = instant(until)
			f, err := failureOf(failure)
			if f != nil {
				p.Failure = *f
			}
			ps = append(ps, p)
			return err
		}, "select channel, ends_at, failure from {pauses} where ends_at > ? order by channel", micros(now))
	})
	return ps, now, err
}

// DeletePause implements [store.Pauses].
func (s *Store) DeletePause(ctx context.Context, channel string) (bool, error) {
	held := false
	err := s.inTx(ctx, func(ctx context.Context, x *session) error {
		now, err := x.now(ctx)
		if err != nil {
			return err
		}
		n, err := x.exec(ctx, "delete from {pauses} where channel = ? and ends_at > ?", channel, micros(now))
		if err == nil && n == 0 {
			_, err = x.exec(ctx, "delete from {pauses} where channel = ?", channel)
		}
		held = n > 0
		return err
	})
	return held, err
}
