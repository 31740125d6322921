package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/e7ddda3c/notify/store"
)

// fitness remembers that the check of the database has passed.
type fitness struct{ found atomic.Bool }

// check verifies the options, the database and the schema. After a success, it does not query the database again.
func (f *fitness) check(ctx context.Context, x *session) error {
	if x.invalid != nil {
		return x.invalid
	}
	if f.found.Load() {
		return nil
	}
	if err := x.dialect.unfit(ctx, x); err != nil {
		return err
	}
	if err := x.checkSchema(ctx); err != nil {
		return err
	}
	f.found.Store(true)
	return nil
}

// checkSchema refuses tables that are missing, outdated, or too new for this program. A newer schema records the oldest version of the
// program that it supports.
func (x *session) checkSchema(ctx context.Context) error {
	there, err := x.hasSchema(ctx)
	if err != nil {
		return err
	}
	if !there {
		return unfit("table %s does not exist: call Migrate, or apply the files of Migrations", x.tables("{schema}"))
	}
	var version, oldest int
	if _, err := x.one(ctx, []any{&version, &oldest},
		"select version, oldest from {schema} where version = (select max(version) from {schema})"); err != nil {
		return err
	}
	switch newest := x.newest(); {
	case version < newest:
		return unfit("the tables %s… have version %d, and this program requires version %d: call Migrate, or apply the files of Migrations",
			x.prefix, version, newest)
	case oldest > newest:
		return unfit("the tables %s… have version %d, and this program supports version %d: upgrade the program", x.prefix, version, newest)
	}
	return nil
}

// hasSchema reports whether the table of versions exists. It refuses the tables of a development version, which have the version number
// of the first release but other columns.
func (x *session) hasSchema(ctx context.Context) (bool, error) {
	there, err := x.columns(ctx, "{deliveries}")
	if err != nil {
		return false, err
	}
	for _, name := range []string{"lapsed", "marked", "spent", "wakes"} {
		if len(there) > 0 && !slices.Contains(there, name) {
			return false, unfit("the tables %s… were made by an unreleased version: drop them, and call Migrate (%s has no column %s)",
				x.prefix, x.tables("{deliveries}"), name)
		}
	}
	there, err = x.columns(ctx, "{schema}")
	return len(there) > 0, err
}

// columns returns the column names of a table, or none if the table does not exist.
func (x *session) columns(ctx context.Context, table string) (names []string, err error) {
	err = x.query(ctx, func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		names = append(names, name)
		return err
	}, x.dialect.columns(), x.tables(table))
	return names, err
}

// unfit returns an error that wraps [store.ErrUnfit]. The text must say what to do.
func unfit(format string, args ...any) error {
	return fmt.Errorf("sqlstore: %s: %w", fmt.Sprintf(format, args...), store.ErrUnfit)
}

// older reports whether a version such as "3.45.1" is below major.minor. It is false for a version that has another form.
func older(version string, major, minor int) bool {
	parts := regexp.MustCompile(`^(\d+)\.(\d+)`).FindStringSubmatch(version)
	if parts == nil {
		return false
	}
	a, _ := strconv.Atoi(parts[1])
	b, _ := strconv.Atoi(parts[2])
	return a < major || a == major && b < minor
}
