package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
)

// The addresses of the services, unless their variables are set.
const (
	postgresDefault = "postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable"
	mariadbDefault  = "root@tcp(127.0.0.1:3306)/"
)

// connections is the size of each pool, of ours and of the peers'. All connections are kept open.
const connections = 20

// A database is created for one group and dropped afterwards.
type database struct {
	*sql.DB
	url  string // for libraries that open the database themselves
	drop func() error
}

// Close closes the pool and drops the database.
func (d *database) Close() error { return errors.Join(d.DB.Close(), d.drop()) }

// ownName returns a name that no other run uses.
func ownName() string { return "notify_bench_" + strings.ToLower(rand.Text()[:12]) }

func pool(db *sql.DB) *sql.DB {
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db
}

// newPostgres creates a database in the server named by NOTIFY_POSTGRES.
func newPostgres(ctx context.Context) (*database, error) {
	at := cmp.Or(os.Getenv("NOTIFY_POSTGRES"), postgresDefault)
	admin, err := sql.Open("pgx", at)
	if err != nil {
		return nil, err
	}
	name := ownName()
	if err := create(ctx, admin, "NOTIFY_POSTGRES", `create database `+name); err != nil {
		return nil, err
	}
	own, err := url.Parse(at)
	if err != nil {
		return nil, errors.New("NOTIFY_POSTGRES must be a URL")
	}
	own.Path = "/" + name
	config, err := pgx.ParseConfig(own.String())
	if err != nil {
		return nil, err
	}
	return &database{DB: pool(stdlib.OpenDB(*config)), url: own.String(), drop: dropping(admin, `drop database `+name+` with (force)`)}, nil
}

// newMariaDB creates a database in the server named by NOTIFY_MARIADB.
func newMariaDB(ctx context.Context) (*database, error) {
	config, err := mysql.ParseDSN(cmp.Or(os.Getenv("NOTIFY_MARIADB"), mariadbDefault))
	if err != nil {
		return nil, err
	}
	admin, err := sql.Open("mysql", config.FormatDSN())
	if err != nil {
		return nil, err
	}
	name := ownName()
	if err := create(ctx, admin, "NOTIFY_MARIADB", `create database `+name+` character set utf8mb4`); err != nil {
		return nil, err
	}
	config.DBName = name
	db, err := sql.Open("mysql", config.FormatDSN())
	if err != nil {
		return nil, err
	}
	return &database{DB: pool(db), url: config.FormatDSN(), drop: dropping(admin, `drop database `+name)}, nil
}

// newSQLite creates a database in a folder of its own, with synchronous FULL, so that no committed transaction is ever lost.
func newSQLite(context.Context) (*database, error) {
	folder, err := os.MkdirTemp("", "notify-bench-")
	if err != nil {
		return nil, err
	}
	at := "file:" + filepath.Join(folder, "bench.db") +
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)&_txlock=immediate"
	db, err := sql.Open("sqlite", at)
	if err != nil {
		return nil, err
	}
	return &database{DB: pool(db), url: at, drop: func() error { return os.RemoveAll(folder) }}, nil
}

func create(ctx context.Context, admin *sql.DB, variable, statement string) error {
	if _, err := admin.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("%w (`make services` starts the databases; set %s to use another)", errors.Join(err, admin.Close()), variable)
	}
	return nil
}

// dropping returns a function that drops the database, even after an interrupt.
func dropping(admin *sql.DB, statement string) func() error {
	return func() error {
		_, err := admin.ExecContext(context.Background(), statement)
		return errors.Join(err, admin.Close())
	}
}
