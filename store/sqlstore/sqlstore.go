// Package sqlstore keeps deliveries in the host's own database (SQLite, PostgreSQL, MySQL or MariaDB), through the host's [*sql.DB] and
// any driver.
//
// [Store.Migrate] creates the tables; a host that has a migration tool gives it the files of [Store.Migrations] instead. [Store.Tx]
// accepts messages within a transaction of the host.
//
// The oldest supported versions are PostgreSQL 12, MySQL 8.0.11, MariaDB 10.6 and SQLite 3.38. SQLite requires journal_mode WAL and a
// busy_timeout; with modernc.org/sqlite, these are "_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)" in the data source name.
// Commits survive a crash of the machine with synchronous FULL, but only a crash of the process with NORMAL.
package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/e7ddda3c/notify/store"
)

var (
	_ store.Deliveries   = (*Store)(nil)
	_ store.Schedules    = (*Store)(nil)
	_ store.Pauses       = (*Store)(nil)
	_ store.Suppressions = (*Store)(nil)
)

// Options configures a [Store]. A nil *Options means all defaults.
type Options struct {
	// Prefix starts the name of every table and index. It has at most 41 lowercase letters, digits and underscores, and does not start
	// with a digit. Defaults to "notify_".
	Prefix string
	// Timeout limits each call, retries included, except [Store.Migrate]. Defaults to 10 seconds.
	Timeout time.Duration
}

// A Store implements all ports of package store in a SQL database. Its methods are safe for concurrent use.
type Store struct {
	db      *sql.DB
	dialect dialect
	prefix  string
	timeout time.Duration
	invalid error

	statements statements
	cache      messageCache
	fit        fitness
	writer     chan struct{} // the writer lock: full while it is held; nil if the database allows concurrent writers
}

// SQLite returns a Store in a SQLite database. All processes that use the database must run on one machine.
func SQLite(db *sql.DB, o *Options) *Store { return open(db, sqlite{}, o) }

func open(db *sql.DB, d dialect, o *Options) *Store {
	if o == nil {
		o = &Options{}
	}
	s := &Store{db: db, dialect: d, prefix: o.Prefix, timeout: o.Timeout}
	if s.prefix == "" {
		s.prefix = "notify_"
	}
	if s.timeout == 0 {
		s.timeout = 10 * time.Second
	}
	s.invalid = s.check()
	if d.traits().oneWriter {
		s.writer = make(chan struct{}, 1)
	}
	return s
}

func (s *Store) check() error {
	switch {
	case s.db == nil:
		return fmt.Errorf("sqlstore: db must not be nil: %w", store.ErrUnfit)
	case !regexp.MustCompile(`^[a-z_][a-z0-9_]{0,40}$`).MatchString(s.prefix):
		return fmt.Errorf("sqlstore: option Prefix must start with a lowercase letter or an underscore and have at most 41 lowercase letters, digits and underscores, not %q: %w",
			s.prefix, store.ErrUnfit)
	case s.timeout < 0:
		return fmt.Errorf("sqlstore: option Timeout must be positive, or 0 for the default, not %v: %w", s.timeout, store.ErrUnfit)
	}
	return nil
}

// Valid checks db and the options, without a call to the database. Every method that uses the database returns the same error.
func (s *Store) Valid() error { return s.invalid }

// tables replaces each {table} in SQL by the prefixed name.
func (s *Store) tables(text string) string {
	for _, name := range []string{"schema", "messages", "deliveries", "attempts", "schedules", "pauses", "suppressions"} {
		text = strings.ReplaceAll(text, "{"+name+"}", s.prefix+name)
	}
	return text
}

// A Querier is a transaction or connection of the host: *sql.Tx, *sql.Conn, or a wrapper of one.
type Querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}
