package sqlstore_test

import (
	"bytes"
	"context"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/internal/faulttest"
	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/sqlstore"
)

// proxied opens a new database behind a proxy.
var proxied = map[string]func(*testing.T) (*sql.DB, *faulttest.Proxy){
	"postgres": func(t *testing.T) (*sql.DB, *faulttest.Proxy) {
		at, err := url.Parse(newPostgres(t))
		require.NoError(t, err)
		p := faulttest.NewProxy(t, at.Host)
		at.Host = p.Addr()
		return open(t, "pgx", at.String()), p
	},
	"mariadb": func(t *testing.T) (*sql.DB, *faulttest.Proxy) {
		at, err := mysql.ParseDSN(newMariaDB(t))
		require.NoError(t, err)
		p := faulttest.NewProxy(t, at.Addr)
		at.Addr, at.Logger = p.Addr(), &mysql.NopLogger{}
		c, err := mysql.NewConnector(at)
		require.NoError(t, err)
		db := sql.OpenDB(c)
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		return db, p
	},
}

func eachProxied(t *testing.T, test func(*testing.T, *sqlstore.Store, *faulttest.Proxy)) {
	for name, open := range proxied {
		t.Run(name, func(t *testing.T) {
			db, p := open(t)
			test(t, databases[name].store(db, &sqlstore.Options{Timeout: 2 * time.Second}), p)
		})
	}
}

// calls returns functions that call the methods of a store, by name.
func calls(s *sqlstore.Store) map[string]func(context.Context) error {
	ref := store.DeliveryRef{MessageID: message(0).ID, Claim: 1}
	return map[string]func(context.Context) error{
		"AcceptMessages": func(ctx context.Context) error {
			_, err := s.AcceptMessages(ctx, []store.NewMessage{message(1), message(2)})
			return err
		},
		"LeaseDeliveries": func(ctx context.Context) error {
			_, err := s.LeaseDeliveries(ctx, store.LeaseRequest{Lanes: []store.LaneRoom{{Lane: lane, Room: 1}}, Lease: time.Minute})
			return err
		},
		"SettleDeliveries": func(ctx context.Context) error {
			_, err := s.SettleDeliveries(ctx, []store.Settlement{{DeliveryRef: ref, Status: store.Sent}})
			return err
		},
		"ExtendLeases": func(ctx context.Context) error {
			_, err := s.ExtendLeases(ctx, []store.Extension{{DeliveryRef: ref}}, time.Minute)
			return err
		},
		"RecordReceipts": func(ctx context.Context) error {
			_, err := s.RecordReceipts(ctx, []store.Receipt{{DeliveryRef: ref, Status: store.Read}})
			return err
		},
		"ChangeDeliveries": func(ctx context.Context) error {
			_, err := s.ChangeDeliveries(ctx, store.Change{Action: store.Cancel, Filter: store.Filter{User: "nobody"}})
			return err
		},
		"ListMessages": func(ctx context.Context) error {
			_, err := s.ListMessages(ctx, store.MessageQuery{})
			return err
		},
		"CountDeliveries": func(ctx context.Context) error {
			_, err := s.CountDeliveries(ctx, store.CountQuery{})
			return err
		},
		"PruneMessages": func(ctx context.Context) error {
			_, err := s.PruneMessages(ctx, time.Unix(0, 0), 1)
			return err
		},
		"ListPauses": func(ctx context.Context) error {
			_, _, err := s.ListPauses(ctx)
			return err
		},
		"DueSchedules": func(ctx context.Context) error {
			_, _, _, err := s.DueSchedules(ctx, 1)
			return err
		},
	}
}

// fails checks that every call fails in time, without store.ErrUnfit, and that all succeed after repair.
func fails(t *testing.T, s *sqlstore.Store, repair func()) {
	t.Helper()
	for name, call := range calls(s) {
		before := time.Now()
		err := call(t.Context())
		require.Error(t, err, name)
		require.NotErrorIs(t, err, store.ErrUnfit, name)
		require.Regexp(t, "^sqlstore: ", err.Error(), name)
		require.Less(t, time.Since(before), 10*time.Second, name)
	}
	repair()
	for name, call := range calls(s) {
		require.NoError(t, call(t.Context()), name)
	}
}

func TestADatabaseThatIsDownAtFirst(t *testing.T) {
	eachProxied(t, func(t *testing.T, s *sqlstore.Store, p *faulttest.Proxy) {
		p.Refuse(true)
		require.Error(t, s.Migrate(t.Context()))
		fails(t, s, func() {
			p.Refuse(false)
			require.NoError(t, s.Migrate(t.Context()))
		})
	})
}

func TestADatabaseThatDiesMeanwhile(t *testing.T) {
	eachProxied(t, func(t *testing.T, s *sqlstore.Store, p *faulttest.Proxy) {
		require.NoError(t, s.Migrate(t.Context()))
		works(t, s)
		p.Refuse(true)
		p.Cut()
		fails(t, s, func() { p.Refuse(false) })
		works(t, s)
	})
}

func TestADatabaseThatNeverAnswers(t *testing.T) {
	eachProxied(t, func(t *testing.T, s *sqlstore.Store, p *faulttest.Proxy) {
		require.NoError(t, s.Migrate(t.Context()))
		works(t, s)
		p.Break(func([]byte) faulttest.Fault { return faulttest.Stall })
		before := time.Now()
		_, err := s.ListMessages(t.Context(), store.MessageQuery{})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Less(t, time.Since(before), 5*time.Second)
		p.Break(nil)
		p.Resume()
		p.Cut()
		require.Eventually(t, func() bool {
			_, err := s.ListMessages(t.Context(), store.MessageQuery{})
			return err == nil
		}, 10*time.Second, 10*time.Millisecond)
	})
}

// If the reply to a commit is lost, the caller repeats the call, and nothing is done twice.
func TestAnAnswerThatIsLost(t *testing.T) {
	eachProxied(t, func(t *testing.T, s *sqlstore.Store, p *faulttest.Proxy) {
		require.NoError(t, s.Migrate(t.Context()))
		works(t, s)
		again := func(part string, call func() error) {
			var lost atomic.Bool
			p.Break(func(request []byte) faulttest.Fault {
				if bytes.Contains(bytes.ToLower(request), []byte(part)) && !lost.Swap(true) {
					return faulttest.CutAfter
				}
				return faulttest.Pass
			})
			defer p.Break(nil)
			err := call()
			require.True(t, lost.Load(), part)
			for range 5 {
				if err == nil {
					return
				}
				err = call()
			}
			require.NoError(t, err)
		}
		ms := []store.NewMessage{keyed("a"), keyed("b")}
		committing := "commit"
		if strings.HasSuffix(t.Name(), "postgres") { // a single statement, without a commit
			committing = ms[0].Deliveries[1].To
		}
		again(committing, func() error {
			as, err := s.AcceptMessages(t.Context(), ms)
			if err == nil {
				require.Equal(t, make([]store.Acceptance, 2), as)
			}
			return err
		})
		ls := claim(t, s, 10)
		require.Len(t, ls.Deliveries, 4)
		ss := make([]store.Settlement, 4)
		for i, d := range ls.Deliveries {
			ss[i] = store.Settlement{DeliveryRef: d.DeliveryRef, Status: store.Held, Due: ls.Now.Add(time.Hour), Attempts: 1, Wake: true,
				Attempt: &store.Attempt{At: ls.Now, Status: store.Held}}
		}
		again("commit", func() error {
			lost, err := s.SettleDeliveries(t.Context(), ss)
			require.Empty(t, lost)
			return err
		})
		page, err := s.ListMessages(t.Context(), store.MessageQuery{Attempts: true, Filter: store.Filter{Statuses: []store.Status{store.Held}}})
		require.NoError(t, err)
		require.Len(t, page.Messages, 2)
		for _, d := range append(page.Messages[0].Deliveries, page.Messages[1].Deliveries...) {
			require.Len(t, d.Attempted, 1)
			require.Equal(t, ls.Now.Add(time.Hour), d.Due)
		}
	})
}

func TestADatabaseThatMayOnlyBeRead(t *testing.T) {
	path := "file:" + filepath.Join(t.TempDir(), "notify.db")
	writable := sqlstore.SQLite(open(t, "sqlite", path+"?"+fullSync), nil)
	require.NoError(t, writable.Migrate(t.Context()))
	fill(t, writable, 1)
	s := sqlstore.SQLite(open(t, "sqlite", path+"?"+fullSync+"&_pragma=query_only(1)"), &sqlstore.Options{Timeout: 2 * time.Second})
	readOnly(t, s)

	postgres := newPostgres(t)
	require.NoError(t, sqlstore.Postgres(open(t, "pgx", postgres), nil).Migrate(t.Context()))
	readOnly(t, sqlstore.Postgres(open(t, "pgx", postgres+"&default_transaction_read_only=on"), nil))
}

// readOnly checks that s can read, and that a write fails with an error that names the reason.
func readOnly(t *testing.T, s *sqlstore.Store) {
	t.Helper()
	_, err := s.ListMessages(t.Context(), store.MessageQuery{})
	require.NoError(t, err)
	_, err = s.AcceptMessages(t.Context(), []store.NewMessage{message(1)})
	require.ErrorContains(t, err, "read")
	require.NotErrorIs(t, err, store.ErrUnfit)
}

func TestADiskThatIsFull(t *testing.T) {
	db := open(t, "sqlite", "file:"+filepath.Join(t.TempDir(), "notify.db")+"?"+fullSync)
	db.SetMaxOpenConns(1)
	s := sqlstore.SQLite(db, nil)
	require.NoError(t, s.Migrate(t.Context()))
	fill(t, s, 10)
	run(t, db, "pragma max_page_count = 60")
	stored := 10
	var err error
	for err == nil {
		m := message(1)
		m.Body = make([]byte, 10_000)
		if _, err = s.AcceptMessages(t.Context(), []store.NewMessage{m, message(1)}); err == nil {
			stored += 2
		}
	}
	require.ErrorContains(t, err, "full")
	require.NotErrorIs(t, err, store.ErrUnfit)
	require.Equal(t, stored, count(t, db, "notify_messages"))
	require.Equal(t, stored, count(t, db, "notify_deliveries"))
	run(t, db, "pragma max_page_count = 100000")
	works(t, s)
}

func TestAClaimWaitsForNobody(t *testing.T) {
	eachServer(t, func(t *testing.T, d database) {
		db, s := d.host(t)
		fill(t, s, 2)
		tx, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		_, err = tx.ExecContext(t.Context(), "update notify_deliveries set locale = 'de'")
		require.NoError(t, err)
		ls, err := s.LeaseDeliveries(t.Context(), store.LeaseRequest{Lanes: []store.LaneRoom{{Lane: lane, Room: 1}}, Lease: time.Minute})
		require.NoError(t, err)
		require.Empty(t, ls.Deliveries)
		require.NoError(t, tx.Rollback())
		require.Len(t, claim(t, s, 10).Deliveries, 2)
	})
}

// A host that locks the rows in the opposite order causes a deadlock. The store's call must succeed, whichever transaction the database
// aborts.
func TestADeadlockIsDoneAgain(t *testing.T) {
	eachServer(t, func(t *testing.T, d database) {
		db, s := d.host(t)
		m := message(2)
		_, err := s.AcceptMessages(t.Context(), []store.NewMessage{m})
		require.NoError(t, err)
		tx, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		defer tx.Rollback()
		lock := func(d store.NewDelivery) error {
			_, err := tx.ExecContext(t.Context(), "update notify_deliveries set locale = 'de' where recipient = "+strconv.Itoa(d.Recipient))
			return err
		}
		require.NoError(t, lock(m.Deliveries[1]))
		var changed store.Changed
		done := make(chan error, 1)
		go func() {
			var err error
			changed, err = s.ChangeDeliveries(t.Context(), store.Change{Action: store.Cancel})
			done <- err
		}()
		require.Eventually(t, func() bool { return number(t, db, d.waiting) > 0 }, 10*time.Second, 200*time.Millisecond)
		if lock(m.Deliveries[0]) == nil {
			require.NoError(t, tx.Commit())
		} else {
			require.NoError(t, tx.Rollback())
		}
		require.NoError(t, <-done)
		require.Len(t, changed.Deliveries, 2)
	})
}

func TestMain(m *testing.M) {
	faulttest.Play(roles)
	os.Exit(m.Run())
}
