package sqlstore_test

import (
	"database/sql"
	"testing"

	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/storetest"
)

func TestContract(t *testing.T) {
	for name, d := range databases {
		t.Run(name, func(t *testing.T) {
			open := d.many(t)
			storetest.Run(t, func(t *testing.T) store.Deliveries { return open(t) })
		})
	}
}

// The contract must hold for every driver setting that a host may choose.
func TestContractHoweverItIsOpened(t *testing.T) {
	tests := map[string]struct{ driver, kind, more string }{
		"PostgreSQL behind a pooler":                     {"pgx", "postgres", "&default_query_exec_mode=simple_protocol"},
		"PostgreSQL without prepared statements":         {"pgx", "postgres", "&default_query_exec_mode=exec"},
		"PostgreSQL in another time zone":                {"pgx", "postgres", "&timezone=Asia/Kathmandu&default_transaction_isolation=serializable"},
		"MariaDB that counts what it found":              {"mysql", "mariadb", "?clientFoundRows=true&interpolateParams=true"},
		"MariaDB in another time zone and character set": {"mysql", "mariadb", "?time_zone=%27%2B05%3A45%27&charset=latin1&sql_mode=%27%27&parseTime=true"},
		"SQLite that begins by writing":                  {"sqlite", "sqlite", "&_txlock=immediate"},
		"SQLite on one connection":                       {"sqlite", "sqlite", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := databases[test.kind]
			db := open(t, test.driver, sources[test.kind](t)+test.more)
			if test.more == "" {
				db.SetMaxOpenConns(1)
			}
			d.open = func(testing.TB) *sql.DB { return db }
			open := d.many(t)
			storetest.Run(t, func(t *testing.T) store.Deliveries { return open(t) })
		})
	}
}

func TestModel(t *testing.T) {
	for name, d := range databases {
		t.Run(name, func(t *testing.T) {
			open := d.many(t)
			for seed := range uint64(3) {
				storetest.Model(t, func(t *testing.T) store.Deliveries { return open(t) }, seed, 200)
			}
		})
	}
}
