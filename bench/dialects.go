package main

import (
	"strconv"

	"github.com/e7ddda3c/notify/store/sqlstore"
)

// The dialects.
var (
	postgres = dialect{
		name: "pg", title: "PostgreSQL", open: newPostgres, store: sqlstore.Postgres, loops: 2,
		place: func(i int) string { return "$" + strconv.Itoa(i) }, step: loopPostgres,
		analyze: []string{`vacuum analyze`},
	}
	sqlite = dialect{
		name: "sqlite", title: "SQLite", open: newSQLite, store: sqlstore.SQLite, loops: 1,
		place: question, step: loopSQLite,
		analyze: []string{`analyze`},
	}
	mariadb = dialect{
		name: "mariadb", title: "MariaDB", open: newMariaDB, store: sqlstore.MySQL, loops: 2,
		place: question, step: loopMariaDB,
		analyze: []string{`analyze table notify_messages, notify_deliveries, notify_attempts`},
	}
)

func question(int) string { return "?" }
