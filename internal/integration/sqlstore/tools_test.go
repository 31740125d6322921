package sqlstore_test

import (
	"database/sql"
	"io/fs"
	"os"
	"testing"

	"ariga.io/atlas/sql/sqltool"
	"github.com/golang-migrate/migrate/v4"
	migratedb "github.com/golang-migrate/migrate/v4/database"
	migratemysql "github.com/golang-migrate/migrate/v4/database/mysql"
	migratepgx "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	migratesqlite "github.com/golang-migrate/migrate/v4/database/sqlite"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/store/sqlstore"
)

// tools apply the migrations to a kind of database, each with one migration tool.
var tools = map[string]func(t *testing.T, kind string, db *sql.DB, files fs.FS){
	"goose": func(t *testing.T, kind string, db *sql.DB, files fs.FS) {
		dialect := map[string]goose.Dialect{"sqlite": goose.DialectSQLite3, "postgres": goose.DialectPostgres, "mariadb": goose.DialectMySQL}
		p, err := goose.NewProvider(dialect[kind], db, files)
		require.NoError(t, err)
		done, err := p.Up(t.Context())
		require.NoError(t, err)
		require.NotEmpty(t, done)
	},
	"golang-migrate": func(t *testing.T, kind string, db *sql.DB, files fs.FS) {
		source, err := iofs.New(files, ".")
		require.NoError(t, err)
		var driver migratedb.Driver
		switch kind {
		case "sqlite":
			driver, err = migratesqlite.WithInstance(db, &migratesqlite.Config{})
		case "postgres":
			driver, err = migratepgx.WithInstance(db, &migratepgx.Config{})
		case "mariadb":
			driver, err = migratemysql.WithInstance(db, &migratemysql.Config{})
		}
		require.NoError(t, err)
		m, err := migrate.NewWithInstance("iofs", source, kind, driver)
		require.NoError(t, err)
		require.NoError(t, m.Up())
	},
	"atlas": func(t *testing.T, _ string, db *sql.DB, files fs.FS) { // in the format of golang-migrate
		folder := t.TempDir()
		require.NoError(t, os.CopyFS(folder, files))
		from, err := sqltool.NewGolangMigrateDir(folder)
		require.NoError(t, err)
		found, err := from.Files()
		require.NoError(t, err)
		require.NotEmpty(t, found)
		for _, f := range found {
			statements, err := f.Stmts()
			require.NoError(t, err)
			for _, s := range statements {
				run(t, db, s)
			}
		}
	},
}

func TestOtherToolsMigrate(t *testing.T) {
	drivers := map[string]string{"sqlite": "sqlite", "postgres": "pgx", "mariadb": "mysql"}
	parameters := map[string]string{"mariadb": "?multiStatements=true"} // golang-migrate sends a file as one query
	for name, apply := range tools {
		for kind, source := range sources {
			t.Run(name+"/"+kind, func(t *testing.T) {
				db := open(t, drivers[kind], source(t)+parameters[kind])
				s := databases[kind].store(db, &sqlstore.Options{Prefix: "shop_"})
				apply(t, kind, db, s.Migrations())
				works(t, s)
				require.NoError(t, s.Migrate(t.Context()), "they agree on the version")
			})
		}
	}
}
