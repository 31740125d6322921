// Package sqlstore keeps deliveries in the database that a host has already: SQLite, PostgreSQL, MySQL or MariaDB, over its own
// [*sql.DB] and whatever driver that uses.
//
// Tables are made by [Store.Migrate], or from [Store.Migrations] by the tool that makes the host's other tables. A message can be
// accepted in a transaction of the host's, with [Store.Tx].
//
// PostgreSQL 12, MySQL 8.0.11, MariaDB 10.6 and SQLite 3.38 are the oldest servers that will do. SQLite needs journal_mode WAL and a
// busy_timeout; with modernc.org/sqlite these are "_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)" in the data source's name.
// Commits survive a crash of the machine with synchronous FULL, and a crash of the process with NORMAL.
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
	// Prefix begins the name of every table and index. It has small letters, digits and underscores, and at most 41 of them. Defaults
	// to "notify_".
	Prefix string
	// Timeout ends each call, with its repetitions. Defaults to 10 seconds.
	Timeout time.Duration
}

// A Store implements all ports of package store in a SQL database. Its methods may be called by many goroutines at once.
type Store struct {
	db      *sql.DB
	dialect dialect
	prefix  string
	timeout time.Duration
	invalid error

	statements statements
	cache      messageCache
	fit        fitness
	writer     chan struct{} // has one while somebody writes, where only one may
}

// SQLite returns a Store in a SQLite database. All processes that use it must be on one machine.
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

// Valid reports what is wrong with the options, without looking at the database. Every other method reports it too.
func (s *Store) Valid() error { return s.invalid }

// tables fills the names of tables into SQL.
func (s *Store) tables(text string) string {
	for _, name := range []string{"schema", "messages", "deliveries", "attempts", "schedules", "pauses", "suppressions"} {
		text = strings.ReplaceAll(text, "{"+name+"}", s.prefix+name)
	}
	return text
}

// A Querier is a transaction or connection of the host's: *sql.Tx, *sql.Conn, and what wraps them.
type Querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}
