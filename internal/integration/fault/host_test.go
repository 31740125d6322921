package fault_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/faulttest"
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

func testHost(t *testing.T, k kind, server *faulttest.Server) {
	h := newHome(t, k, server)
	c := newCrew(t, h, sizeOf())
	db := open(t, k, h.source())
	_, err := db.ExecContext(t.Context(), "create table orders (name varchar(80) primary key)")
	require.NoError(t, err)
	st := k.store(db, nil)
	var wantRows, wantAddresses []string
	expect := func(order string, upTo int) {
		rows, addresses := bought(order, upTo)
		wantRows, wantAddresses = append(wantRows, rows...), append(wantAddresses, addresses...)
	}
	try := func(order string, upTo int, point *counter) error {
		s, err := newShop(db, st, st, &provider{&bench{ledger: c.ledger, bomb: faulttest.NewBomb()}}, point.at)
		require.NoError(t, err)
		return s.buy(t.Context(), order, upTo)
	}

	// Committed after every stage.
	for upTo := range stages + 1 {
		order := fmt.Sprintf("upto-%d", upTo)
		require.NoError(t, try(order, upTo, &counter{}))
		expect(order, upTo)
	}
	whole := &counter{point: "statement before"}
	require.NoError(t, try("whole", stages, whole))
	expect("whole", stages)
	t.Logf("a transaction of %d statements", whole.seen)
	require.Greater(t, whole.seen, stages)

	// Rolled back, and killed, before and after every statement.
	for _, point := range []string{"statement before", "statement after", "commit before"} {
		times := whole.seen
		if point == "commit before" {
			times = 1
		}
		for i := range times {
			order := fmt.Sprintf("back-%s-%d", point[len(point)-5:], i)
			require.ErrorIs(t, try(order, stages, &counter{point: point, left: i + 1}), errHost, "%s %d", point, i+1)
			p := c.start("host", setup{Order: "killed-" + order}, faulttest.BombAt(point, i+1))
			<-p.Ended()
		}
	}
	p := c.start("host", setup{Order: "killed-late"}, faulttest.BombAt("commit after", 1))
	<-p.Ended()
	expect("killed-late", stages)

	w := c.start("worker", setup{})
	c.drain(c.size.lease + 30*time.Second)
	c.stop(w)
	var rows, logged, called []string
	for _, m := range everything(t, c.store) {
		for _, d := range m.Deliveries {
			logged = append(logged, d.To)
		}
	}
	es, _, err := c.ledger.Read(0)
	require.NoError(t, err)
	for _, e := range es {
		if e.Kind == "called" {
			called = append(called, e.Text)
		}
	}
	found, err := db.QueryContext(t.Context(), "select name from orders")
	require.NoError(t, err)
	defer found.Close()
	for found.Next() {
		var name string
		require.NoError(t, found.Scan(&name))
		rows = append(rows, name)
	}
	require.NoError(t, found.Err())
	slices.Sort(rows)
	slices.Sort(wantRows)
	require.Equal(t, wantRows, rows)
	require.ElementsMatch(t, wantAddresses, logged, "what is in the log")
	require.ElementsMatch(t, wantAddresses, called, "what went out")
}
