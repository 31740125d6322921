package fault_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/internal/faulttest"
	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/sqlstore"
)

// A shop is a host that writes its own rows and sends in the same transactions.
type shop struct {
	db *sql.DB
	st *sqlstore.Store
	n  *notify.Notifier
	at func(point string) error // called before and after each statement and commit
}

func newShop(db *sql.DB, st *sqlstore.Store, d store.Deliveries, provider *provider, at func(point string) error) (*shop, error) {
	n, err := notify.New(notify.Config{Store: d, Channels: notify.Channels{"line": provider}, Logger: provider.log})
	return &shop{db, st, n, at}, err
}

// stages is the number of steps in a transaction: a row, a message, a row, a message to three recipients, a row.
const stages = 5

// buy commits a transaction of the first upTo stages. Rows and addresses begin with the name of the order.
func (s *shop) buy(ctx context.Context, order string, upTo int) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	q := &statements{tx, s.at}
	sender := s.n.In(s.st.Tx(q))
	for stage := range upTo {
		switch stage {
		case 1:
			_, err = sender.Send(ctx, notify.Message{To: notify.To("line", order+"/1"), Content: notify.Content{Text: "thanks"}})
		case 3:
			_, err = sender.Send(ctx, notify.Message{
				Key: order, To: notify.To("line", order+"/3a", order+"/3b", order+"/3c"), Content: notify.Content{Text: "pack this"},
			})
		default:
			_, err = q.ExecContext(ctx, fmt.Sprintf("insert into orders (name) values ('%s/%d')", order, stage))
		}
		if err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	if err := s.at("commit before"); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	return s.at("commit after")
}

// bought returns the rows and addresses that exist after the first upTo stages.
func bought(order string, upTo int) (rows, addresses []string) {
	for stage := range upTo {
		switch stage {
		case 1:
			addresses = append(addresses, order+"/1")
		case 3:
			addresses = append(addresses, order+"/3a", order+"/3b", order+"/3c")
		default:
			rows = append(rows, fmt.Sprintf("%s/%d", order, stage))
		}
	}
	return rows, addresses
}

// statements is a transaction that calls at before and after each statement.
type statements struct {
	tx *sql.Tx
	at func(point string) error
}

func (s *statements) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := s.at("statement before"); err != nil {
		return nil, err
	}
	result, err := s.tx.ExecContext(ctx, query, args...)
	if err == nil {
		err = s.at("statement after")
	}
	return result, err
}

func (s *statements) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := s.at("statement before"); err != nil {
		return nil, err
	}
	rows, err := s.tx.QueryContext(ctx, query, args...)
	if err == nil {
		if err = s.at("statement after"); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
	}
	return rows, err
}

// host makes one purchase, and is killed at the point of its bomb.
func host(ctx context.Context) error {
	b, err := newChild("host")
	if err != nil {
		return err
	}
	db, err := kindOf(b.Kind).open(b.Source)
	if err != nil {
		return err
	}
	s, err := newShop(db, b.store, b.with(b.store), &provider{b}, func(point string) error {
		b.bomb.At(point)
		return nil
	})
	if err != nil {
		return err
	}
	return s.buy(ctx, b.Order, stages)
}

// A counter fails at the nth pass of a point.
type counter struct {
	point string
	left  int
	seen  int
}

var errHost = errors.New("rolled back by the host")

func (c *counter) at(point string) error {
	if point != c.point {
		return nil
	}
	c.seen++
	if c.left--; c.left == 0 {
		return errHost
	}
	return nil
}

// A hostAudit interrupts transactions, and keeps the rows and addresses that must exist afterwards.
type hostAudit struct {
	*crew
	db        *sql.DB
	rows      []string
	addresses []string
}

func testHost(t *testing.T, k kind, server *faulttest.Server) {
	d := newTestDB(t, k, server)
	a := &hostAudit{crew: newCrew(t, d, sizeOf()), db: open(t, k, d.source())}
	_, err := a.db.ExecContext(t.Context(), "create table orders (name varchar(80) primary key)")
	require.NoError(t, err)

	for upTo := range stages + 1 {
		a.buy(fmt.Sprintf("up-to-%d", upTo), upTo, &counter{})
	}
	whole := &counter{point: "statement before"}
	a.buy("whole", stages, whole)
	t.Logf("a transaction of %d statements", whole.seen)
	require.Greater(t, whole.seen, stages)
	for i := range whole.seen {
		a.breakOff("statement before", i+1)
		a.breakOff("statement after", i+1)
	}
	a.breakOff("commit before", 1)
	a.killed("commit after", 1)
	a.expect("commit after 1 killed", stages)

	w := a.start("worker", setup{})
	a.drain(a.size.lease+30*time.Second, w)
	a.stop(w)
	a.check()
}

// buy makes a purchase, and expects all of its rows and addresses.
func (a *hostAudit) buy(order string, upTo int, c *counter) {
	a.t.Helper()
	require.NoError(a.t, a.try(order, upTo, c))
	a.expect(order, upTo)
}

func (a *hostAudit) try(order string, upTo int, c *counter) error {
	a.t.Helper()
	st := a.database.store(a.db, nil)
	s, err := newShop(a.db, st, st, &provider{&child{ledger: a.ledger, bomb: faulttest.NewBomb()}}, c.at)
	require.NoError(a.t, err)
	return s.buy(a.t.Context(), order, upTo)
}

// breakOff makes one host roll back and another one die at the nth pass of a point, and expects no row and no address of either.
func (a *hostAudit) breakOff(point string, nth int) {
	a.t.Helper()
	err := a.try(fmt.Sprintf("%s %d", point, nth), stages, &counter{point: point, left: nth})
	require.ErrorIs(a.t, err, errHost, "%s %d", point, nth)
	a.killed(point, nth)
}

// killed makes a host die at the nth pass of a point. The order has the name of the point.
func (a *hostAudit) killed(point string, nth int) {
	a.t.Helper()
	p := a.start("host", setup{Order: fmt.Sprintf("%s %d killed", point, nth)}, faulttest.BombAt(point, nth))
	<-p.Ended()
}

func (a *hostAudit) expect(order string, upTo int) {
	rows, addresses := bought(order, upTo)
	a.rows, a.addresses = append(a.rows, rows...), append(a.addresses, addresses...)
}

// check compares the rows, the message log and the calls with the expected ones.
func (a *hostAudit) check() {
	a.t.Helper()
	var logged, gone []string
	for _, m := range everything(a.t, a.store) {
		for _, d := range m.Deliveries {
			logged = append(logged, d.To)
		}
	}
	es, _, err := a.ledger.Read(0)
	require.NoError(a.t, err)
	for _, e := range es {
		if e.Kind == called {
			gone = append(gone, e.Text)
		}
	}
	require.ElementsMatch(a.t, a.rows, a.orders(), "the rows of the host")
	require.ElementsMatch(a.t, a.addresses, logged, "the addresses in the log")
	require.ElementsMatch(a.t, a.addresses, gone, "the addresses that were sent to")
}

func (a *hostAudit) orders() (names []string) {
	a.t.Helper()
	rows, err := a.db.QueryContext(a.t.Context(), "select name from orders")
	require.NoError(a.t, err)
	defer rows.Close()
	for rows.Next() {
		var name string
		require.NoError(a.t, rows.Scan(&name))
		names = append(names, name)
	}
	require.NoError(a.t, rows.Err())
	return names
}
