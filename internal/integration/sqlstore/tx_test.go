package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/sqlstore"
)

// host opens a database with the tables of the store and a table of the host.
func (d database) host(t *testing.T) (*sql.DB, *sqlstore.Store) {
	t.Helper()
	db := d.open(t)
	s := d.store(db, nil)
	require.NoError(t, s.Migrate(t.Context()))
	run(t, db, "create table orders (id int not null)")
	return db, s
}

// keyed returns a message with a key and two deliveries.
func keyed(key string) store.NewMessage {
	m := message(2)
	m.Key = key
	return m
}

func count(t *testing.T, db *sql.DB, table string) int {
	t.Helper()
	return number(t, db, "select count(*) from "+table)
}

func TestAMessageGoesWithTheHostsTransaction(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db, s := d.host(t)
		db.SetMaxOpenConns(1) // nothing may need a second connection
		for _, commit := range []bool{false, true} {
			tx, err := db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			_, err = tx.ExecContext(t.Context(), "insert into orders (id) values (1)")
			require.NoError(t, err)
			as, err := s.Tx(tx).AcceptMessages(t.Context(), []store.NewMessage{keyed("a"), keyed("b")})
			require.NoError(t, err)
			require.Equal(t, make([]store.Acceptance, 2), as)
			end := tx.Rollback
			if commit {
				end = tx.Commit
			}
			require.NoError(t, end())
			want := 0
			if commit {
				want = 1
			}
			require.Equal(t, want, count(t, db, "orders"))
			require.Equal(t, 2*want, count(t, db, "notify_messages"))
			require.Equal(t, 4*want, count(t, db, "notify_deliveries"))
		}
		require.Len(t, claim(t, s, 10).Deliveries, 4)
	})
}

func TestAMessageGoesWithAConnectionOfTheHosts(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db, s := d.host(t)
		conn, err := db.Conn(t.Context())
		require.NoError(t, err)
		defer conn.Close()
		for _, end := range []string{"rollback", "commit"} {
			_, err = conn.ExecContext(t.Context(), "begin")
			require.NoError(t, err)
			_, err = s.Tx(conn).AcceptMessages(t.Context(), []store.NewMessage{keyed("a")})
			require.NoError(t, err)
			_, err = conn.ExecContext(t.Context(), end)
			require.NoError(t, err)
		}
		require.Len(t, claim(t, s, 10).Deliveries, 2)
	})
}

func TestAKeyThatIsTakenWithinATransaction(t *testing.T) {
	for _, level := range []sql.IsolationLevel{sql.LevelDefault, sql.LevelReadCommitted, sql.LevelRepeatableRead} {
		t.Run(level.String(), func(t *testing.T) {
			each(t, func(t *testing.T, d database) {
				if d.serial && level != sql.LevelDefault {
					return // SQLite has one level only
				}
				db, s := d.host(t)
				tx, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: level})
				require.NoError(t, err)
				defer tx.Rollback()
				var orders int
				if !d.serial { // the snapshot is taken before another transaction takes the key
					require.NoError(t, tx.QueryRowContext(t.Context(), "select count(*) from orders").Scan(&orders))
				}
				first := keyed("k")
				if d.serial {
					_, err = s.Tx(tx).AcceptMessages(t.Context(), []store.NewMessage{first})
				} else {
					_, err = s.AcceptMessages(t.Context(), []store.NewMessage{first})
				}
				require.NoError(t, err)

				as, err := s.Tx(tx).AcceptMessages(t.Context(), []store.NewMessage{keyed("k"), keyed("l")})
				if d.refuses == level && level != sql.LevelDefault {
					require.ErrorContains(t, err, "40001") // the host must repeat its transaction
					return
				}
				require.NoError(t, err)
				require.NotNil(t, as[0].First)
				require.Equal(t, first.ID, as[0].First.Message.ID)
				require.Nil(t, as[1].First)
				require.NoError(t, tx.Commit())
				require.Equal(t, 2, count(t, db, "notify_messages"))
				require.Equal(t, 4, count(t, db, "notify_deliveries"))
			})
		})
	}
}

var errInjected = errors.New("injected")

// A failing Querier runs left statements, and then fails.
type failing struct {
	sqlstore.Querier
	left int
}

func (p *failing) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if p.left--; p.left < 0 {
		return nil, errInjected
	}
	return p.Querier.ExecContext(ctx, query, args...)
}

func (p *failing) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if p.left--; p.left < 0 {
		return nil, errInjected
	}
	return p.Querier.QueryContext(ctx, query, args...)
}

func TestAFaultAtAnyStatementLeavesNothing(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db, s := d.host(t)
		_, err := s.AcceptMessages(t.Context(), []store.NewMessage{keyed("taken")})
		require.NoError(t, err)
		for statements := 0; ; statements++ {
			tx, err := db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			p := &failing{tx, statements}
			fresh := d.store(db, nil) // a new store checks the database first
			_, err = fresh.Tx(p).AcceptMessages(t.Context(), []store.NewMessage{keyed("a"), keyed("taken")})
			if err == nil {
				require.Greater(t, statements, 3)
				require.NoError(t, tx.Commit())
				break
			}
			require.ErrorIs(t, err, errInjected)
			require.NoError(t, tx.Rollback())
			require.Equal(t, 1, count(t, db, "notify_messages"))
			require.Equal(t, 2, count(t, db, "notify_deliveries"))
		}
		require.Equal(t, 2, count(t, db, "notify_messages"))
	})
}

func TestAnEndedContextLeavesTheHostsTransactionAlone(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db, s := d.host(t)
		works(t, s)
		tx, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		_, err = tx.ExecContext(t.Context(), "insert into orders (id) values (1)")
		require.NoError(t, err)
		ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
		defer cancel()
		_, err = s.Tx(tx).AcceptMessages(ctx, []store.NewMessage{keyed("a")})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, tx.Commit())
		require.Equal(t, 1, count(t, db, "orders"))
	})
}
