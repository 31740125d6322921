package sqlstore

import (
	"context"
	"database/sql"
	"strings"
)

func (mysql) columns() string {
	return "select column_name from information_schema.columns where table_schema = database() and table_name = ?"
}

// unfit refuses servers that are too old for SKIP LOCKED, that lose commits in a crash, or whose binary log cannot record READ COMMITTED
// transactions.
func (mysql) unfit(ctx context.Context, x *session) error {
	variables := make(map[string]string)
	err := x.query(ctx, func(rows *sql.Rows) error {
		var name, value string
		err := rows.Scan(&name, &value)
		variables[name] = value
		return err
	}, "show variables where variable_name in ('version', 'innodb_flush_log_at_trx_commit', 'log_bin', 'binlog_format')")
	version := variables["version"]
	maria := strings.Contains(strings.ToLower(version), "mariadb")
	switch {
	case err != nil:
		return err
	case maria && older(version, 10, 6):
		return unfit("MariaDB must be 10.6 or later, not %s: upgrade the server", version)
	case !maria && older(version, 8, 0):
		return unfit("MySQL must be 8.0 or later, not %s: upgrade the server", version)
	case variables["innodb_flush_log_at_trx_commit"] == "0":
		return unfit("innodb_flush_log_at_trx_commit must not be 0, which loses committed data: set it to 1")
	case variables["log_bin"] == "ON" && variables["binlog_format"] == "STATEMENT":
		return unfit("binlog_format must be ROW or MIXED, not STATEMENT, which cannot log READ COMMITTED transactions: set it to ROW")
	}
	return nil
}

// migrate holds a named lock of the server, because a CREATE TABLE commits by itself and ends any transaction.
func (mysql) migrate(ctx context.Context, s *Store, do func(*session) error) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	x := &session{Store: s, q: conn}
	const name = "concat('notify ', sha1(concat(database(), ' ', ?)))"
	var got sql.NullInt64
	if _, err := x.one(ctx, []any{&got}, "select get_lock("+name+", 60)", s.prefix); err != nil {
		return err
	}
	if got.Int64 != 1 {
		return errConflict
	}
	err = do(x)
	if _, failed := x.one(context.WithoutCancel(ctx), []any{&got}, "select release_lock("+name+")", s.prefix); err == nil {
		err = failed
	}
	return err
}

// transient errors are deadlock, lock wait timeout, and record changed since last read.
func (mysql) transient(err error) bool {
	return numbered(err, "1213") || numbered(err, "1205") || numbered(err, "1020")
}

func (mysql) duplicate(err error) bool { return numbered(err, "1062") }

// numbered reports whether err is a server error with a number. The driver's text starts with it.
func numbered(err error, number string) bool {
	return startsAny(err, "Error "+number+" ", "Error "+number+":")
}
