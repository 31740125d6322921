package sqlstore_test

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/e7ddda3c/notify/internal/env"
	"github.com/e7ddda3c/notify/store/sqlstore"
)

// A database is a kind of database.
type database struct {
	// open creates an empty database for the test.
	open  func(testing.TB) *sql.DB
	store func(*sql.DB, *sqlstore.Options) *sqlstore.Store

	serial  bool               // one writer at a time
	refuses sql.IsolationLevel // the level that fails with 40001 on a key that the transaction's snapshot lacks
	waiting string             // the query for the number of lock waits
}

// databases are the kinds that the store supports.
var databases = map[string]database{
	"sqlite": {open: openSQLite, store: sqlstore.SQLite, serial: true},
	"postgres": {open: openPostgres, store: sqlstore.Postgres, refuses: sql.LevelRepeatableRead,
		waiting: "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"},
	"mariadb": {open: openMariaDB, store: sqlstore.MySQL,
		waiting: "select count(*) from information_schema.innodb_trx where trx_state = 'LOCK WAIT'"},
}

// migrated opens a new database and migrates it.
func (d database) migrated(t testing.TB) *sqlstore.Store {
	t.Helper()
	s := d.store(d.open(t), nil)
	require.NoError(t, s.Migrate(t.Context()))
	return s
}

// many returns a function that empties one database and returns a store in it, for tests that need many empty stores in sequence.
func (d database) many(t testing.TB) func(testing.TB) *sqlstore.Store {
	t.Helper()
	db := d.open(t)
	require.NoError(t, d.store(db, nil).Migrate(t.Context()))
	return func(t testing.TB) *sqlstore.Store {
		t.Helper()
		for _, table := range []string{"messages", "deliveries", "attempts", "schedules", "pauses", "suppressions"} {
			_, err := db.ExecContext(t.Context(), "delete from notify_"+table)
			require.NoError(t, err)
		}
		return d.store(db, nil)
	}
}

const fullSync = "_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"

// sources create a database for the test and return its data source name.
var sources = map[string]func(testing.TB) string{"sqlite": newSQLite, "postgres": newPostgres, "mariadb": newMariaDB}

func openSQLite(t testing.TB) *sql.DB { return open(t, "sqlite", newSQLite(t)) }

func openPostgres(t testing.TB) *sql.DB { return open(t, "pgx", newPostgres(t)) }

func openMariaDB(t testing.TB) *sql.DB { return open(t, "mysql", newMariaDB(t)) }

func newSQLite(t testing.TB) string {
	return "file:" + filepath.Join(t.TempDir(), "notify.db") + "?" + fullSync
}

// newPostgres creates a database that is dropped after the test, and returns its URL.
func newPostgres(t testing.TB) string {
	t.Helper()
	at, err := url.Parse(env.Need(t, "NOTIFY_POSTGRES"))
	require.NoError(t, err)
	server, name := open(t, "pgx", at.String()), newName()
	_, err = server.ExecContext(t.Context(), "create database "+name)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := server.Exec("drop database " + name + " with (force)")
		require.NoError(t, err)
	})
	at.Path = "/" + name
	return at.String()
}

// newMariaDB creates a database that is dropped after the test, and returns its data source name.
func newMariaDB(t testing.TB) string {
	t.Helper()
	at, err := mysql.ParseDSN(env.Need(t, "NOTIFY_MARIADB"))
	require.NoError(t, err)
	server, name := open(t, "mysql", at.FormatDSN()), newName()
	_, err = server.ExecContext(t.Context(), "create database "+name)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := server.Exec("drop database " + name)
		require.NoError(t, err)
	})
	at.DBName = name
	return at.FormatDSN()
}

var names atomic.Int64

// newName returns a unique name for a database.
func newName() string { return fmt.Sprintf("notify_sqlstore_%d_%d", os.Getpid(), names.Add(1)) }

func open(t testing.TB, driver, source string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, source)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}
