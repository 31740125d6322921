package sqlstore_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/sqlstore"
)

func TestOptionsThatCannotBe(t *testing.T) {
	tests := map[string]struct {
		options sqlstore.Options
		want    string
	}{
		"a prefix that is no name":    {sqlstore.Options{Prefix: "notify; drop table users"}, "Prefix"},
		"a prefix with great letters": {sqlstore.Options{Prefix: "Notify_"}, "Prefix"},
		"a prefix that is too long":   {sqlstore.Options{Prefix: "a23456789_123456789_123456789_123456789_12"}, "Prefix"},
		"a timeout below zero":        {sqlstore.Options{Timeout: -time.Second}, "Timeout"},
	}
	each(t, func(t *testing.T, d database) {
		db := d.open(t)
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				s := d.store(db, &test.options)
				_, used := s.ListMessages(t.Context(), store.MessageQuery{})
				_, bound := s.Tx(db).AcceptMessages(t.Context(), []store.NewMessage{message(1)})
				for _, err := range []error{s.Valid(), s.Migrate(t.Context()), used, bound} {
					require.ErrorIs(t, err, store.ErrUnfit)
					require.ErrorContains(t, err, test.want)
				}
			})
		}
		require.ErrorIs(t, d.store(nil, nil).Valid(), store.ErrUnfit)
		require.NoError(t, d.store(db, nil).Valid())
	})
}

func TestSettingsOfSQLiteThatWillNotDo(t *testing.T) {
	tests := map[string]struct{ pragmas, want string }{
		"no write-ahead log":          {"_pragma=busy_timeout(5000)", "WAL"},
		"nobody waits for the writer": {"_pragma=busy_timeout(0)&_pragma=journal_mode(WAL)", "busy_timeout"},
		"commits are not written":     {"_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)", "synchronous"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := "file:" + filepath.Join(t.TempDir(), "notify.db")
			s := sqlstore.SQLite(open(t, "sqlite", path+"?"+test.pragmas), nil)
			_, err := s.AcceptMessages(t.Context(), []store.NewMessage{message(1)})
			for _, err := range []error{err, s.Migrate(t.Context())} {
				require.ErrorIs(t, err, store.ErrUnfit)
				require.ErrorContains(t, err, test.want)
			}
		})
	}
}

func TestSettingsOfPostgresThatWillNotDo(t *testing.T) {
	db := open(t, "pgx", newPostgres(t)+"&synchronous_commit=off")
	err := sqlstore.Postgres(db, nil).Migrate(t.Context())
	require.ErrorIs(t, err, store.ErrUnfit)
	require.ErrorContains(t, err, "synchronous_commit")
}
