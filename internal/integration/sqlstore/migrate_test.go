package sqlstore_test

import (
	"database/sql"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/sqlstore"
)

// each runs a test on every kind of database.
func each(t *testing.T, test func(*testing.T, database)) {
	for name, d := range databases {
		t.Run(name, func(t *testing.T) { test(t, d) })
	}
}

// eachServer runs a test on every kind of database with concurrent writers.
func eachServer(t *testing.T, test func(*testing.T, database)) {
	each(t, func(t *testing.T, d database) {
		if !d.serial {
			test(t, d)
		}
	})
}

func TestManyMigrateAtOnce(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db := d.open(t)
		errs := make([]error, 8)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() { errs[i] = d.store(db, nil).Migrate(t.Context()) })
		}
		wg.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
		works(t, d.store(db, nil))
	})
}

func TestMigrateAgainLeavesWhatIsThere(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db := d.open(t)
		s := d.store(db, nil)
		require.NoError(t, s.Migrate(t.Context()))
		fill(t, s, 3)
		require.NoError(t, d.store(db, nil).Migrate(t.Context()))
		require.Len(t, claim(t, s, 10).Deliveries, 3)
	})
}

func TestStoresWithOtherPrefixesAreApart(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db := d.open(t)
		a, b := d.store(db, nil), d.store(db, &sqlstore.Options{Prefix: "other_"})
		require.NoError(t, a.Migrate(t.Context()))
		require.NoError(t, b.Migrate(t.Context()))
		fill(t, a, 1)
		page, err := b.ListMessages(t.Context(), store.MessageQuery{})
		require.NoError(t, err)
		require.Empty(t, page.Messages)
	})
}

func TestTablesOfAnotherVersion(t *testing.T) {
	tests := map[string]struct {
		change    string // a statement that changes the tables
		want      string // in the error; "" if the tables are accepted
		onMigrate bool   // Migrate returns the error
	}{
		"newer ones that say they still serve it are fine": {
			change: "insert into notify_schema (version, oldest, applied_at, checksum) values (99, 1, 0, '')",
		},
		"newer ones that do not are refused": {
			change: "insert into notify_schema (version, oldest, applied_at, checksum) values (99, 99, 0, '')",
			want:   "upgrade the program",
		},
		"older ones are refused until they are migrated": {
			change: "delete from notify_schema",
			want:   "call Migrate",
		},
		"ones from another file are not built upon": {
			change:    "update notify_schema set checksum = 'other'",
			want:      "a file that differs",
			onMigrate: true,
		},
	}
	each(t, func(t *testing.T, d database) {
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				db := d.open(t)
				require.NoError(t, d.store(db, nil).Migrate(t.Context()))
				run(t, db, test.change)
				s := d.store(db, nil)
				_, err := s.ListMessages(t.Context(), store.MessageQuery{})
				if test.onMigrate {
					err = s.Migrate(t.Context())
				}
				if test.want == "" {
					require.NoError(t, err)
					require.NoError(t, s.Migrate(t.Context()))
					works(t, s)
					return
				}
				require.ErrorIs(t, err, store.ErrUnfit)
				require.ErrorContains(t, err, test.want)
			})
		}
	})
}

func TestTablesOfAnUnreleasedVersionAreRefused(t *testing.T) {
	tests := map[string][]string{
		"whole": {
			"alter table notify_deliveries rename column lapsed to expired",
			"alter table notify_deliveries rename column spent to tries",
			"alter table notify_deliveries rename column wakes to poke",
			"alter table notify_deliveries rename column marked to called",
		},
		"in part":            {"alter table notify_deliveries rename column marked to called"},
		"not made to an end": {"alter table notify_deliveries rename column spent to tries", "delete from notify_schema"},
		"without a version":  {"alter table notify_deliveries rename column spent to tries", "drop table notify_schema"},
	}
	each(t, func(t *testing.T, d database) {
		for name, changes := range tests {
			t.Run(name, func(t *testing.T) {
				db := d.open(t)
				require.NoError(t, d.store(db, nil).Migrate(t.Context()))
				for _, change := range changes {
					run(t, db, change)
				}
				s := d.store(db, nil)
				_, used := s.ListMessages(t.Context(), store.MessageQuery{})
				_, bound := s.Tx(db).AcceptMessages(t.Context(), []store.NewMessage{message(1)})
				for _, err := range []error{s.Migrate(t.Context()), used, bound} {
					require.ErrorIs(t, err, store.ErrUnfit)
					require.ErrorContains(t, err, "tables notify_… were made by an unreleased version: drop them")
				}
				for _, table := range []string{"schema", "messages", "deliveries", "attempts", "schedules", "pauses", "suppressions"} {
					run(t, db, "drop table if exists notify_"+table)
				}
				require.NoError(t, s.Migrate(t.Context()))
				works(t, s)
			})
		}
	})
}

func TestAStoreWithoutTablesWorksOnceTheyAreThere(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		s := d.store(d.open(t), nil)
		_, err := s.ListMessages(t.Context(), store.MessageQuery{})
		require.ErrorIs(t, err, store.ErrUnfit)
		require.ErrorContains(t, err, "call Migrate")
		require.NoError(t, s.Migrate(t.Context()))
		works(t, s)
	})
}

// works checks that s accepts, leases and settles a message.
func works(t testing.TB, s *sqlstore.Store) {
	t.Helper()
	fill(t, s, 1)
	settle(t, s, claim(t, s, 1))
}

func run(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), statement)
	require.NoError(t, err)
}
