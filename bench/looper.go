package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// A looper claims and settles with SQL written for one case only: ungrouped deliveries that all succeed. It uses the store's
// tables, with the store's locks, fences and log.
type looper struct {
	*sql.DB
	lane     string
	prepared sync.Map // *sql.Stmt by SQL
}

// loopSQL fills the store and times loops of SQL.
func (h *house) loopSQL(ctx context.Context, messages int) (time.Duration, error) {
	l := &looper{DB: h.DB, lane: "email/transactional"}
	return h.loops(ctx, messages, func() (int, error) { return h.step(ctx, l) })
}

// A claimed identifies a claimed delivery. The other columns are read as well, but not used.
type claimed struct {
	message                 any
	recipient, place, claim int64
}

// scanClaimed scans a row that begins with the columns of a claimed.
func scanClaimed(rows *sql.Rows) (c claimed, err error) {
	return c, scanAll(rows, &c.message, &c.recipient, &c.place, &c.claim)
}

// scanAll scans the first columns of a row into first, and the others as raw bytes.
func scanAll(rows *sql.Rows, first ...any) error {
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	others := make([]sql.RawBytes, len(columns)-len(first))
	for i := range others {
		first = append(first, &others[i])
	}
	return rows.Scan(first...)
}

// stmt returns a statement, prepared once, for tx, which may be nil.
func (l *looper) stmt(ctx context.Context, tx *sql.Tx, code string) (*sql.Stmt, error) {
	found, ok := l.prepared.Load(code)
	if !ok {
		s, err := l.PrepareContext(ctx, code)
		if err != nil {
			return nil, fmt.Errorf("%w in %s", err, code)
		}
		found, _ = l.prepared.LoadOrStore(code, s)
	}
	if tx == nil {
		return found.(*sql.Stmt), nil
	}
	return tx.StmtContext(ctx, found.(*sql.Stmt)), nil
}

func (l *looper) exec(ctx context.Context, tx *sql.Tx, code string, args ...any) error {
	s, err := l.stmt(ctx, tx, code)
	if err != nil {
		return err
	}
	_, err = s.ExecContext(ctx, args...)
	return err
}

// query runs a query and calls scan for each row.
func (l *looper) query(ctx context.Context, tx *sql.Tx, scan func(*sql.Rows) error, code string, args ...any) error {
	s, err := l.stmt(ctx, tx, code)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

// times returns a list of n equal parts.
func times(n int, part string) string { return strings.TrimSuffix(strings.Repeat(part+", ", n), ", ") }

// keys returns the arguments that identify deliveries, with their claims if fenced.
func keys(cs []claimed, fenced bool) []any {
	args := make([]any, 0, 4*len(cs))
	for _, c := range cs {
		args = append(args, c.message, c.recipient, c.place)
		if fenced {
			args = append(args, c.claim)
		}
	}
	return args
}

// loopPostgres claims and settles one batch, with three statements, each in a transaction of its own.
func loopPostgres(ctx context.Context, l *looper) (int, error) {
	var cs []claimed
	now, lease := time.Now().UnixMicro(), leaseFor.Microseconds()
	err := l.query(ctx, nil, func(rows *sql.Rows) error {
		c, err := scanClaimed(rows)
		cs = append(cs, c)
		return err
	}, `with due as (select message, recipient, place from notify_deliveries where live and lane = $1 and due <= $2
			order by due limit 100 for update skip locked)
		update notify_deliveries d set claim = claim + 1, due = $2 + $3, leased = true from due
		where d.message = due.message and d.recipient = due.recipient and d.place = due.place
		returning d.message, d.recipient, d.place, d.claim, d.*`, l.lane, now, lease)
	if err != nil || len(cs) == 0 {
		return 0, err
	}
	messages, recipients, places, claims := make([]string, len(cs)), make([]int64, len(cs)), make([]int64, len(cs)), make([]int64, len(cs))
	for i, c := range cs {
		messages[i], recipients[i], places[i], claims[i] = fmt.Sprint(c.message), c.recipient, c.place, c.claim
	}
	err = l.query(ctx, nil, func(rows *sql.Rows) error { return scanAll(rows) },
		`select * from notify_messages where id = any($1::text[]::uuid[])`, messages)
	if err != nil {
		return 0, err
	}
	return len(cs), l.exec(ctx, nil, `with settled as (
			update notify_deliveries d set live = false, due = 0, status = 'sent', at = $5, attempts = 1, spent = 1, leased = false
			from unnest($1::text[]::uuid[], $2::bigint[], $3::bigint[], $4::bigint[]) as s (message, recipient, place, claim)
			where d.message = s.message and d.recipient = s.recipient and d.place = s.place and d.claim = s.claim and d.leased
			returning d.message, d.recipient, d.place, d.claim)
		insert into notify_attempts (message, recipient, place, claim, at, took, status, reason, provider, provider_id, code, duplicate, failure)
		select message, recipient, place, claim, $5, 0, 'sent', '', '', '', '', false, '' from settled`,
		messages, recipients, places, claims, now)
}

// loopSQLite claims and settles one batch, with two transactions whose statements handle all rows at once.
func loopSQLite(ctx context.Context, l *looper) (int, error) {
	var cs []claimed
	now, lease := time.Now().UnixMicro(), leaseFor.Microseconds()
	err := inTx(ctx, l.DB, func(tx *sql.Tx) error {
		err := l.query(ctx, tx, func(rows *sql.Rows) error {
			c, err := scanClaimed(rows)
			cs = append(cs, c)
			return err
		}, `update notify_deliveries set claim = claim + 1, due = ?, leased = 1 where (message, recipient, place) in
				(select message, recipient, place from notify_deliveries where live = 1 and lane = ? and due <= ? order by due limit 100)
			returning message, recipient, place, claim, *`, now+lease, l.lane, now)
		if err != nil || len(cs) == 0 {
			return err
		}
		return l.heads(ctx, tx, cs)
	})
	if err != nil || len(cs) == 0 {
		return 0, err
	}
	return len(cs), inTx(ctx, l.DB, func(tx *sql.Tx) error {
		err := l.exec(ctx, tx, `with s (message, recipient, place, claim) as (values `+times(len(cs), "(?, ?, ?, ?)")+`)
			update notify_deliveries as d set live = 0, due = 0, status = 'sent', at = ?, attempts = 1, spent = 1, leased = 0 from s
			where d.message = s.message and d.recipient = s.recipient and d.place = s.place and d.claim = s.claim and d.leased`,
			append(keys(cs, true), now)...)
		if err != nil {
			return err
		}
		return l.log(ctx, tx, cs)
	})
}

// heads reads the rows of the deliveries' messages.
func (l *looper) heads(ctx context.Context, tx *sql.Tx, cs []claimed) error {
	ids := make([]any, len(cs))
	for i, c := range cs {
		ids[i] = c.message
	}
	return l.query(ctx, tx, func(rows *sql.Rows) error { return scanAll(rows) },
		`select * from notify_messages where id in (`+times(len(cs), "?")+`)`, ids...)
}

// log writes the attempts.
func (l *looper) log(ctx context.Context, tx *sql.Tx, cs []claimed) error {
	now := time.Now().UnixMicro()
	args := make([]any, 0, 5*len(cs))
	for _, c := range cs {
		args = append(args, c.message, c.recipient, c.place, c.claim, now)
	}
	return l.exec(ctx, tx, `insert into notify_attempts (message, recipient, place, claim, at, took, status, reason, provider, provider_id, code,
		duplicate, failure) values `+times(len(cs), "(?, ?, ?, ?, ?, 0, 'sent', '', '', '', '', 0, '')"), args...)
}

// loopMariaDB claims and settles one batch, with a transaction that locks and marks the rows and one that settles them.
func loopMariaDB(ctx context.Context, l *looper) (int, error) {
	var cs []claimed
	now, lease := time.Now().UnixMicro(), leaseFor.Microseconds()
	err := l.committed(ctx, func(tx *sql.Tx) error {
		err := l.query(ctx, tx, func(rows *sql.Rows) error {
			c, err := scanClaimed(rows)
			c.claim++
			cs = append(cs, c)
			return err
		}, `select message, recipient, place, claim, d.* from notify_deliveries d where lane = ? and live = 1 and due <= ?
			order by due limit 100 for update skip locked`, l.lane, now)
		if err != nil || len(cs) == 0 {
			return err
		}
		err = l.exec(ctx, tx, `update notify_deliveries set claim = claim + 1, due = ?, leased = 1 where (message, recipient, place) in (`+
			times(len(cs), "(?, ?, ?)")+`)`, append([]any{now + lease}, keys(cs, false)...)...)
		if err != nil {
			return err
		}
		return l.heads(ctx, tx, cs)
	})
	if err != nil || len(cs) == 0 {
		return 0, err
	}
	return len(cs), l.committed(ctx, func(tx *sql.Tx) error {
		err := l.exec(ctx, tx, `update notify_deliveries set live = 0, due = 0, status = 'sent', at = ?, attempts = 1, spent = 1, leased = 0
			where (message, recipient, place, claim) in (`+times(len(cs), "(?, ?, ?, ?)")+`) and leased`, append([]any{now}, keys(cs, true)...)...)
		if err != nil {
			return err
		}
		return l.log(ctx, tx, cs)
	})
}

// committed is inTx at READ COMMITTED, at which claims do not lock the gaps between rows.
func (l *looper) committed(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := l.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}
