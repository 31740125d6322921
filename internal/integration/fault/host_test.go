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

// A shop is a host with rows of its own, which sends in its own transactions.
type shop struct {
	db *sql.DB
	st *sqlstore.Store
	n  *notify.Notifier
	at func(point string) error // between statements
}

func newShop(db *sql.DB, st *sqlstore.Store, d store.Deliveries, provider *provider, at func(point string) error) (*shop, error) {
	n, err := notify.New(notify.Config{Store: d, Channels: notify.Channels{"line": provider}, Logger: provider.log})
	return &shop{db, st, n, at}, err
}

// stages is how much a transaction does: a row, a message, a row, a message to three, a row.
const stages = 5

// buy makes a transaction of the first so many stages. What it sends is named for the order.
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

// bought is what there is after the first so many stages.
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

// statements is a transaction that tells when a statement begins and ends.
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

// host buys once, and dies where its bomb says.
func host(ctx context.Context) error {
	b, err := newBench("host")
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

// A counter fails at the nth time that it comes to a point.
type counter struct {
	point string
	left  int
	seen  int
}

var errHost = errors.New("the host changed its mind")

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

// A ruin is where transactions are broken off, and what should be left of them.
type ruin struct {
	*crew
	db        *sql.DB
	rows      []string
	addresses []string
}

func testHost(t *testing.T, k kind, server *faulttest.Server) {
	h := newHome(t, k, server)
	r := &ruin{crew: newCrew(t, h, sizeOf()), db: open(t, k, h.source())}
	_, err := r.db.ExecContext(t.Context(), "create table orders (name varchar(80) primary key)")
	require.NoError(t, err)

	for upTo := range stages + 1 {
		r.buy(fmt.Sprintf("up-to-%d", upTo), upTo, &counter{})
	}
	whole := &counter{point: "statement before"}
	r.buy("whole", stages, whole)
	t.Logf("a transaction of %d statements", whole.seen)
	require.Greater(t, whole.seen, stages)
	for i := range whole.seen {
		r.breakOff("statement before", i+1)
		r.breakOff("statement after", i+1)
	}
	r.breakOff("commit before", 1)
	r.killed("commit after", 1)
	r.expect("commit after 1 killed", stages)

	w := r.start("worker", setup{})
	r.drain(r.size.lease+30*time.Second, w)
	r.stop(w)
	r.check()
}

// buy buys, and expects all of it to be left.
func (r *ruin) buy(order string, upTo int, c *counter) {
	r.t.Helper()
	require.NoError(r.t, r.try(order, upTo, c))
	r.expect(order, upTo)
}

func (r *ruin) try(order string, upTo int, c *counter) error {
	r.t.Helper()
	st := r.home.store(r.db, nil)
	s, err := newShop(r.db, st, st, &provider{&bench{ledger: r.ledger, bomb: faulttest.NewBomb()}}, c.at)
	require.NoError(r.t, err)
	return s.buy(r.t.Context(), order, upTo)
}

// breakOff has one host roll back, and another die, the nth time that they come to a point, and expects nothing of it to be left.
func (r *ruin) breakOff(point string, nth int) {
	r.t.Helper()
	err := r.try(fmt.Sprintf("%s %d", point, nth), stages, &counter{point: point, left: nth})
	require.ErrorIs(r.t, err, errHost, "%s %d", point, nth)
	r.killed(point, nth)
}

// killed has a host die at a point. Its order is named for it.
func (r *ruin) killed(point string, nth int) {
	r.t.Helper()
	p := r.start("host", setup{Order: fmt.Sprintf("%s %d killed", point, nth)}, faulttest.BombAt(point, nth))
	<-p.Ended()
}

func (r *ruin) expect(order string, upTo int) {
	rows, addresses := bought(order, upTo)
	r.rows, r.addresses = append(r.rows, rows...), append(r.addresses, addresses...)
}

// check compares what is left, and what went out, with what was expected.
func (r *ruin) check() {
	r.t.Helper()
	var logged, gone []string
	for _, m := range everything(r.t, r.store) {
		for _, d := range m.Deliveries {
			logged = append(logged, d.To)
		}
	}
	es, _, err := r.ledger.Read(0)
	require.NoError(r.t, err)
	for _, e := range es {
		if e.Kind == called {
			gone = append(gone, e.Text)
		}
	}
	require.ElementsMatch(r.t, r.rows, r.orders(), "the host's rows")
	require.ElementsMatch(r.t, r.addresses, logged, "what is in the log")
	require.ElementsMatch(r.t, r.addresses, gone, "what went out")
}

func (r *ruin) orders() (names []string) {
	r.t.Helper()
	rows, err := r.db.QueryContext(r.t.Context(), "select name from orders")
	require.NoError(r.t, err)
	defer rows.Close()
	for rows.Next() {
		var name string
		require.NoError(r.t, rows.Scan(&name))
		names = append(names, name)
	}
	require.NoError(r.t, rows.Err())
	return names
}
