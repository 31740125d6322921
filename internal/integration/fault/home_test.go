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
	server func(testing.TB) *faulttest.Server // nil: it is a file
	needs  string                             // the variable without which its tests are skipped
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

// start starts a server of the test's own, if k has one.
func (k kind) start(t *testing.T) *faulttest.Server {
	t.Helper()
	if k.server == nil {
		return nil
	}
	env.Need(t, k.needs) // a server may be installed where make test says so
	return k.server(t)
}

// A home is where the messages of one test are kept: a database of its own.
type home struct {
	kind
	server   *faulttest.Server
	proxy    *faulttest.Proxy // between the server and whom is broken
	database string
}

// newHome makes a database with the tables of the store in it.
func newHome(t *testing.T, k kind, server *faulttest.Server) *home {
	t.Helper()
	h := &home{kind: k, server: server}
	if server == nil {
		h.database = filepath.Join(t.TempDir(), "notify.db")
	} else {
		h.database = fmt.Sprintf("fault_%d", time.Now().UnixNano())
		h.proxy = faulttest.NewProxy(t, server.Addr())
		admin := open(t, k, k.source(server.Addr(), map[string]string{"postgres": "postgres"}[k.name]))
		_, err := admin.ExecContext(t.Context(), "create database "+h.database)
		require.NoError(t, err)
	}
	require.NoError(t, k.store(open(t, k, h.source()), nil).Migrate(t.Context()))
	return h
}

// source names the database, for those whom nobody disturbs.
func (h *home) source() string {
	if h.server == nil {
		return h.kind.source("", h.database)
	}
	return h.kind.source(h.server.Addr(), h.database)
}

// shaky names it by way of the proxy.
func (h *home) shaky() string {
	if h.proxy == nil {
		return h.source()
	}
	return h.kind.source(h.proxy.Addr(), h.database)
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
