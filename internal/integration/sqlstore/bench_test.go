package sqlstore_test

import (
	"database/sql"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/store"
)

// BenchmarkDrain claims and settles batches of a hundred deliveries, with attempts.
func BenchmarkDrain(b *testing.B) {
	for name, d := range databases {
		b.Run(name, func(b *testing.B) {
			s := d.migrated(b)
			fill(b, s, b.N)
			b.ResetTimer()
			for left := b.N; left > 0; {
				ls := claim(b, s, 100)
				settle(b, s, ls)
				left -= len(ls.Deliveries)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
		})
	}
}

func fill(b testing.TB, s store.Deliveries, n int) {
	for n > 0 {
		ms := make([]store.NewMessage, min(n, 500))
		for i := range ms {
			ms[i] = message(1)
		}
		_, err := s.AcceptMessages(b.Context(), ms)
		require.NoError(b, err)
		n -= len(ms)
	}
}

func settle(b testing.TB, s store.Deliveries, ls store.Leases) {
	ss := make([]store.Settlement, len(ls.Deliveries))
	for i, d := range ls.Deliveries {
		ss[i] = store.Settlement{DeliveryRef: d.DeliveryRef, Status: store.Sent, Attempts: 1, Spent: 1,
			Attempt: &store.Attempt{At: ls.Now, Took: time.Millisecond, Status: store.Sent, Provider: "smtp", ProviderID: d.MessageID}}
	}
	lost, err := s.SettleDeliveries(b.Context(), ss)
	require.NoError(b, err)
	require.Empty(b, lost)
}

// BenchmarkAccept accepts a message and inserts the same rows by hand, alternately. It reports how many times as fast AcceptMessages is, in
// its own transaction (alone/hand) and in one of the host (within/hand).
func BenchmarkAccept(b *testing.B) {
	for name, d := range databases {
		b.Run(name, func(b *testing.B) {
			db := d.open(b)
			s := d.store(db, nil)
			require.NoError(b, s.Migrate(b.Context()))
			hand := byHand{db: db, message: bind(name, handMessage), delivery: bind(name, handDelivery), id: idOf(name)}
			works(b, s)
			var alone, bare, within, beside []time.Duration
			for b.Loop() {
				m := message(1)
				alone = append(alone, took(func() {
					_, err := s.AcceptMessages(b.Context(), []store.NewMessage{m})
					require.NoError(b, err)
				}))
				bare = append(bare, took(func() { hand.commit(b, hand.insert) }))
				within = append(within, took(func() {
					hand.commit(b, func(b *testing.B, tx *sql.Tx) {
						_, err := s.Tx(tx).AcceptMessages(b.Context(), []store.NewMessage{message(1)})
						require.NoError(b, err)
					})
				}))
				beside = append(beside, took(func() { hand.commit(b, hand.insert) }))
			}
			b.ReportMetric(median(bare)/median(alone), "alone/hand")
			b.ReportMetric(median(beside)/median(within), "within/hand")
			b.ReportMetric(median(alone), "µs/accept")
		})
	}
}

func took(do func()) time.Duration {
	before := time.Now()
	do()
	return time.Since(before)
}

func median(ds []time.Duration) float64 {
	slices.Sort(ds)
	return float64(ds[len(ds)/2].Nanoseconds()) / 1000
}

const (
	handMessage = `insert into notify_messages (id, tenant, idem, dispatcher, category, class, template, at_most_once, expire_at, accepted_at, body, hash)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	handDelivery = `insert into notify_deliveries (message, recipient, place, lane, live, due, status, reason, at, not_before, user_id, address, locale,
		grouped, failure, body) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
)

// byHand inserts the rows of a message directly, as a host could that knows the tables.
type byHand struct {
	db                *sql.DB
	message, delivery string
	id                func(string) any
}

func (h byHand) commit(b *testing.B, do func(*testing.B, *sql.Tx)) {
	tx, err := h.db.BeginTx(b.Context(), nil)
	require.NoError(b, err)
	do(b, tx)
	require.NoError(b, tx.Commit())
}

func (h byHand) insert(b *testing.B, tx *sql.Tx) {
	m := message(1)
	d, now := m.Deliveries[0], time.Now().UnixMicro()
	_, err := tx.ExecContext(b.Context(), h.message, h.id(m.ID), "", nil, m.Dispatcher, "", m.Class, "", false, 0, now, m.Body, m.Request)
	require.NoError(b, err)
	_, err = tx.ExecContext(b.Context(), h.delivery, h.id(m.ID), 0, 0, string(d.Lane), true, now, string(d.Status), "", now, 0, d.User, d.To, "",
		false, "", nil)
	require.NoError(b, err)
}

func idOf(kind string) func(string) any {
	if kind != "mariadb" {
		return func(id string) any { return id }
	}
	return func(id string) any {
		u := uuid.MustParse(id)
		return u[:]
	}
}

// bind numbers the parameters for PostgreSQL.
func bind(kind, code string) string {
	if kind != "postgres" {
		return code
	}
	for n := 1; strings.Contains(code, "?"); n++ {
		code = strings.Replace(code, "?", "$"+strconv.Itoa(n), 1)
	}
	return code
}
