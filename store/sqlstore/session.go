package sqlstore

import (
	"context"
	"database/sql"
	"sync"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// A session runs statements on the host's database or within one transaction.
type session struct {
	*Store
	q  Querier
	tx *sql.Tx // the Store's own transaction; nil if q is the database, or belongs to the host

	stmts      map[*statement]*sql.Stmt // prepared statements, bound to tx
	unprepared []*statement             // used in tx; prepared after the commit

	inserted []*store.Message // stored by this session, for the cache; nil if the database does not return acceptance times
}

// A statement is SQL in the form that the database receives.
type statement struct {
	sql   string
	times []int // positions of the parameters that take the current time

	mu   sync.Mutex
	stmt *sql.Stmt
}

// statements caches the statements used so far.
type statements struct{ known sync.Map } // of *statement, by their SQL before the rewrite

func (s *Store) statement(code string) *statement {
	if known, ok := s.statements.known.Load(code); ok {
		return known.(*statement)
	}
	t := &statement{}
	t.sql, t.times = s.dialect.traits().rewrite(code)
	t.sql = s.tables(t.sql)
	known, _ := s.statements.known.LoadOrStore(code, t)
	return known.(*statement)
}

// exec runs a statement and returns the number of affected rows.
func (x *session) exec(ctx context.Context, code string, args ...any) (int, error) {
	t := x.statement(code)
	args = t.fill(args)
	var r sql.Result
	var err error
	if stmt := x.prepared(ctx, t); stmt != nil {
		r, err = stmt.ExecContext(ctx, args...)
	} else {
		r, err = x.q.ExecContext(ctx, t.sql, args...)
	}
	if err != nil {
		return 0, err
	}
	n, err := r.RowsAffected()
	return int(n), err
}

// query runs a query and calls scan for each row.
func (x *session) query(ctx context.Context, scan func(*sql.Rows) error, code string, args ...any) error {
	t := x.statement(code)
	args = t.fill(args)
	var rows *sql.Rows
	var err error
	if stmt := x.prepared(ctx, t); stmt != nil {
		rows, err = stmt.QueryContext(ctx, args...)
	} else {
		rows, err = x.q.QueryContext(ctx, t.sql, args...)
	}
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// one runs a query and scans the first row, if there is one.
func (x *session) one(ctx context.Context, into []any, code string, args ...any) (found bool, err error) {
	err = x.query(ctx, func(rows *sql.Rows) error {
		if found {
			return nil
		}
		found = true
		return rows.Scan(into...)
	}, code, args...)
	return found, err
}

// fill inserts the current time into args, at the positions in t.times.
func (t *statement) fill(args []any) []any {
	if len(t.times) == 0 {
		return args
	}
	var now any = time.Now().UnixMicro()
	all := make([]any, 0, len(t.times)+len(args))
	for _, at := range t.times {
		given := at - len(all)
		all = append(append(all, args[:given]...), now)
		args = args[given:]
	}
	return append(all, args...)
}

// prepared returns t as a prepared statement, or nil to run it unprepared. Within a transaction, it prepares nothing new: that may take
// a second connection, and the pool may have only one.
func (x *session) prepared(ctx context.Context, t *statement) *sql.Stmt {
	switch {
	case !x.dialect.traits().prepare:
		return nil
	case x.tx == nil:
		if x.q == Querier(x.db) {
			return t.prepare(ctx, x.db)
		}
		return nil
	}
	if mine := x.stmts[t]; mine != nil {
		return mine
	}
	t.mu.Lock()
	stmt := t.stmt
	t.mu.Unlock()
	if stmt == nil {
		x.unprepared = append(x.unprepared, t)
		return nil
	}
	if x.stmts == nil {
		x.stmts = make(map[*statement]*sql.Stmt)
	}
	x.stmts[t] = x.tx.StmtContext(ctx, stmt)
	return x.stmts[t]
}

// prepare returns t prepared on db, or nil if that fails: the statement then runs unprepared, and reports its own error.
func (t *statement) prepare(ctx context.Context, db *sql.DB) *sql.Stmt {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stmt == nil {
		if stmt, err := db.PrepareContext(ctx, t.sql); err == nil {
			t.stmt = stmt
		}
	}
	return t.stmt
}

// run checks the database, until a check has passed, and calls do. It retries after transient errors, within the Store's timeout.
func (s *Store) run(ctx context.Context, do func(context.Context, *session) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	return s.retry(ctx, func() error {
		x := &session{Store: s, q: s.db}
		if err := s.fit.check(ctx, x); err != nil {
			return err
		}
		return do(ctx, x)
	})
}

// inTx runs do in a transaction for writing.
func (s *Store) inTx(ctx context.Context, do func(context.Context, *session) error) error {
	return s.run(ctx, func(ctx context.Context, _ *session) error { return s.transact(ctx, s.isolation(), do) })
}

// inSnapshot runs do in a transaction for reading. All its queries see the same state of the database.
func (s *Store) inSnapshot(ctx context.Context, do func(context.Context, *session) error) error {
	return s.run(ctx, func(ctx context.Context, _ *session) error {
		var options *sql.TxOptions
		if s.dialect.traits().committed {
			options = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
		}
		tx, err := s.db.BeginTx(ctx, options)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		return do(ctx, &session{Store: s, q: tx, tx: tx})
	})
}

// isolation returns the options of a transaction that reads before it writes. READ COMMITTED lets it see the commits of others and lock
// no more rows than it found.
func (s *Store) isolation() *sql.TxOptions {
	if !s.dialect.traits().committed {
		return nil
	}
	return &sql.TxOptions{Isolation: sql.LevelReadCommitted}
}

// transact runs do in a transaction, with the writer lock held, and prepares the statements that were new to it.
func (s *Store) transact(ctx context.Context, options *sql.TxOptions, do func(context.Context, *session) error) error {
	done, err := s.lockWriter(ctx)
	if err != nil {
		return err
	}
	defer done()
	tx, err := s.db.BeginTx(ctx, options)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	x := &session{Store: s, q: tx, tx: tx}
	if begin := s.dialect.traits().begin; begin != "" {
		if _, err := x.exec(ctx, begin); err != nil {
			return err
		}
	}
	inside := ctx
	if s.writer != nil { // nothing blocks from here on, and a cancelable context costs the driver a goroutine for each statement
		inside = context.WithoutCancel(ctx)
	}
	if err := do(inside, x); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	for _, t := range x.unprepared {
		t.prepare(ctx, s.db)
	}
	return nil
}

// lockWriter acquires the writer lock of this process, and returns the function that releases it. It is a no-op if the database allows
// concurrent writers.
func (s *Store) lockWriter(ctx context.Context) (done func(), err error) {
	if s.writer == nil {
		return func() {}, nil
	}
	select {
	case s.writer <- struct{}{}:
		return func() { <-s.writer }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
