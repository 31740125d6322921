package sqlstore_test

import (
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/sqlstore"
)

// readRows return the number of rows read so far, from the server's own counters. SQLite has no counters, but its claims name their index.
var readRows = map[string]func(*testing.T, *sql.DB) int{
	"postgres": func(t *testing.T, db *sql.DB) int {
		_, err := db.ExecContext(t.Context(), "select pg_stat_force_next_flush()")
		require.NoError(t, err)
		return number(t, db, "select sum(seq_tup_read) + (select sum(idx_tup_read) from pg_stat_user_indexes) from pg_stat_user_tables")
	},
	"mariadb": func(t *testing.T, db *sql.DB) int {
		return number(t, db, `select sum(variable_value) from information_schema.session_status
			where variable_name in ('handler_read_next', 'handler_read_rnd_next', 'handler_read_prev')`)
	},
}

func number(t *testing.T, db *sql.DB, query string) int {
	t.Helper()
	var n int
	require.NoError(t, db.QueryRowContext(t.Context(), query).Scan(&n))
	return n
}

func TestClaimsGoByIndexWhateverTheStatisticsSay(t *testing.T) {
	const many, rounds = 100_000, 20
	for name, read := range readRows {
		t.Run(name, func(t *testing.T) {
			d := databases[name]
			db := d.open(t)
			db.SetMaxOpenConns(1) // counters and plans belong to a session
			s := d.store(db, nil)
			require.NoError(t, s.Migrate(t.Context()))
			drain := func(n int) {
				for range n {
					ls := claim(t, s, 100)
					settle(t, s, ls)
				}
			}
			fill(t, s, 1000)
			drain(10)
			analyze := map[string]string{"postgres": "analyze", "mariadb": "analyze table notify_deliveries, notify_messages"}[name]
			_, err := db.ExecContext(t.Context(), analyze) // the statistics describe small tables without live deliveries
			require.NoError(t, err)
			fill(t, s, many)

			before := read(t, db)
			drain(rounds)
			require.Less(t, read(t, db)-before, 20*100*rounds)

			before = read(t, db)
			byKey(t, s)
			require.Less(t, read(t, db)-before, 20*500)
		})
	}
}

func claim(t testing.TB, s store.Deliveries, room int) store.Leases {
	t.Helper()
	ls, err := s.LeaseDeliveries(t.Context(), store.LeaseRequest{Lanes: []store.LaneRoom{{Lane: lane, Room: room}}, Lease: time.Minute})
	require.NoError(t, err)
	require.NotEmpty(t, ls.Deliveries)
	return ls
}

// byKey makes all calls that look deliveries up by key, with fifty deliveries.
func byKey(t *testing.T, s *sqlstore.Store) {
	ls := claim(t, s, 50)
	es := make([]store.Extension, len(ls.Deliveries))
	rs := make([]store.Receipt, len(es), 2*len(es))
	for i, d := range ls.Deliveries {
		es[i].DeliveryRef, rs[i].DeliveryRef, rs[i].Status = d.DeliveryRef, d.DeliveryRef, store.Sent
	}
	lost, err := s.ExtendLeases(t.Context(), es, time.Hour)
	require.NoError(t, err)
	require.Empty(t, lost)
	unmatched, err := s.RecordReceipts(t.Context(), rs)
	require.NoError(t, err)
	require.Empty(t, unmatched)
	settle(t, s, ls) // after the receipts have settled them
	for i := range rs {
		rs[i] = store.Receipt{Provider: "smtp", ProviderID: rs[i].MessageID, Status: store.Read}
	}
	unmatched, err = s.RecordReceipts(t.Context(), rs)
	require.NoError(t, err)
	require.Empty(t, unmatched)
	settle(t, s, ls) // a repetition
}
