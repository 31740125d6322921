package fault_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/internal/env"
	"github.com/e7ddda3c/notify/internal/faulttest"
	"github.com/e7ddda3c/notify/store/sqlstore"
)

// A kind is a kind of database.
type kind struct {
	name   string
	driver string
	server func(testing.TB) *faulttest.Server // nil if the database is a file
	needs  string                             // the environment variable without which the tests are skipped
	source func(addr, database string) string
	store  func(*sql.DB, *sqlstore.Options) *sqlstore.Store
}

var (
	sqlite = kind{name: "sqlite", driver: "sqlite", store: sqlstore.SQLite,
		source: func(_, path string) string {
			return "file:" + path + "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate"
		}}
	postgres = kind{name: "postgres", driver: "pgx", store: sqlstore.Postgres, server: faulttest.Postgres, needs: "NOTIFY_POSTGRES",
		source: func(addr, database string) string {
			return fmt.Sprintf("postgres://postgres@%s/%s?sslmode=disable&connect_timeout=5", addr, database)
		}}
	mariadb = kind{name: "mariadb", driver: "mysql", store: sqlstore.MySQL, server: faulttest.MariaDB, needs: "NOTIFY_MARIADB",
		source: func(addr, database string) string {
			return fmt.Sprintf("root@tcp(%s)/%s?timeout=5s&interpolateParams=true", addr, database)
		}}
)

func kindOf(name string) kind {
	return map[string]kind{"sqlite": sqlite, "postgres": postgres, "mariadb": mariadb}[name]
}

// start starts a separate server for the test, if k has servers.
func (k kind) start(t *testing.T) *faulttest.Server {
	t.Helper()
	if k.server == nil {
		return nil
	}
	env.Need(t, k.needs) // set by make test, which installs a server if there is none
	return k.server(t)
}

// A testDB is the database of one test.
type testDB struct {
	kind
	server   *faulttest.Server
	proxy    *faulttest.Proxy // in front of the server, to break connections; nil without a server
	database string           // the name, or the path of the file
}

// newTestDB creates a database and migrates it.
func newTestDB(t *testing.T, k kind, server *faulttest.Server) *testDB {
	t.Helper()
	d := &testDB{kind: k, server: server}
	if server == nil {
		d.database = filepath.Join(t.TempDir(), "notify.db")
	} else {
		d.database = fmt.Sprintf("fault_%d", time.Now().UnixNano())
		d.proxy = faulttest.NewProxy(t, server.Addr())
		admin := open(t, k, k.source(server.Addr(), map[string]string{"postgres": "postgres"}[k.name]))
		_, err := admin.ExecContext(t.Context(), "create database "+d.database)
		require.NoError(t, err)
	}
	require.NoError(t, k.store(open(t, k, d.source()), nil).Migrate(t.Context()))
	return d
}

// source returns the data source name for connections that do not fail.
func (d *testDB) source() string {
	if d.server == nil {
		return d.kind.source("", d.database)
	}
	return d.kind.source(d.server.Addr(), d.database)
}

// proxied returns the data source name for connections through the proxy, if there is one.
func (d *testDB) proxied() string {
	if d.proxy == nil {
		return d.source()
	}
	return d.kind.source(d.proxy.Addr(), d.database)
}

func open(t *testing.T, k kind, source string) *sql.DB {
	t.Helper()
	db, err := k.open(source)
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}

func (k kind) open(source string) (*sql.DB, error) {
	db, err := sql.Open(k.driver, source)
	if err != nil {
		return nil, err
	}
	if k.server != nil {
		db.SetMaxOpenConns(20)
		db.SetMaxIdleConns(20)
	}
	return db, nil
}

// pause reports whether d passed before ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
