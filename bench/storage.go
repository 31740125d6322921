package main

import (
	"context"
	"errors"
	"time"

	"github.com/e7ddda3c/notify"
)

// A storage holds the sides of a comparison on one kind of database: notify, the same by hand, and the peers.
type storage struct {
	house  *house
	raw    *raw
	river  *riverQueue  // on PostgreSQL
	goqite *goqiteQueue // on SQLite
	bars   storageBars
}

// storageBars holds the limits that differ between databases.
type storageBars struct {
	accept float64
}

func storePostgres(ctx context.Context, s *session) error {
	return withStorage(ctx, s, postgres, storageBars{accept: 1.3}, func(g *storage) (err error) {
		g.river, err = newRiver(ctx)
		return err
	})
}

func storeSQLite(ctx context.Context, s *session) error {
	return withStorage(ctx, s, sqlite, storageBars{accept: 0.85}, func(g *storage) (err error) {
		g.goqite, err = newGoqite(ctx)
		return err
	})
}

func storeMariaDB(ctx context.Context, s *session) error {
	return withStorage(ctx, s, mariadb, storageBars{accept: 0.85}, func(*storage) error { return nil })
}

// withStorage sets up the peers, measures, and removes the databases.
func withStorage(ctx context.Context, s *session, d dialect, bars storageBars, peers func(*storage) error) (err error) {
	g := &storage{bars: bars}
	defer func() { err = errors.Join(err, g.close()) }()
	if err := peers(g); err != nil {
		return err
	}
	if err := g.inHouse(ctx, s, d, g.acceptAlone, g.acceptTogether); err != nil {
		return err
	}
	return g.inHouse(ctx, s, d, g.backlog, g.firstOrAll, g.idle)
}

// inHouse runs measurements on a new database.
func (g *storage) inHouse(ctx context.Context, s *session, d dialect, measure ...func(context.Context, *session) error) (err error) {
	if g.house, err = newHouse(ctx, d); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.house.Close()) }()
	if g.raw, err = g.house.newRaw(ctx); err != nil {
		return err
	}
	for _, m := range measure {
		if err := m(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// close removes the databases of the peers.
func (g *storage) close() error {
	var err error
	if g.river != nil {
		err = errors.Join(err, g.river.Close())
	}
	if g.goqite != nil {
		err = errors.Join(err, g.goqite.Close())
	}
	return err
}

// backlog measures the throughput of accepted messages over a channel that does nothing.
func (g *storage) backlog(ctx context.Context, s *session) error {
	const engine, port, statements = "notify", "claim and settle in a loop", "the same in SQL"
	contenders := []contender{
		{name: engine, count: s.backlog, once: func() (time.Duration, error) {
			return g.house.drain(ctx, s.backlog, s.backlog, letter("email"))
		}},
		{name: port, count: s.backlog, once: func() (time.Duration, error) { return g.house.loop(ctx, s.backlog) }},
		{name: statements, count: s.backlog, once: func() (time.Duration, error) { return g.house.loopSQL(ctx, s.backlog) }},
	}
	r, err := s.raceIn(perSecond, s.brief, "backlog", append(contenders, g.peers(ctx, s)...)...)
	if err != nil {
		return err
	}
	s.least(s.name+"-drain-loop", r.ratio(port, engine), 0.5)
	s.least(s.name+"-drain-sql", r.ratio(statements, engine), 0.5)
	if g.river != nil {
		s.least(s.name+"-drain-river", r.ratio(tunedRiver, engine), 1.5)
		s.least(s.name+"-drain-river-default", r.ratio(defaultRiver, engine), 20)
	}
	if g.goqite != nil {
		s.least(s.name+"-drain-goqite", r.ratio(goqiteRunner, engine), 5)
	}
	return nil
}

const (
	tunedRiver   = "River, tuned"
	defaultRiver = "River"
	goqiteRunner = "goqite"
)

// peers returns the peers of the backlog. Slow ones get fewer messages, which does not change the result: times are per message.
func (g *storage) peers(ctx context.Context, s *session) (peers []contender) {
	if g.river != nil {
		peers = append(peers,
			contender{name: tunedRiver, count: s.backlog, once: func() (time.Duration, error) {
				return g.river.drain(ctx, s.backlog, riverTuned)
			}},
			contender{name: defaultRiver, count: s.slow, rounds: 1, once: func() (time.Duration, error) {
				return g.river.drain(ctx, s.slow, riverDefault)
			}})
	}
	if g.goqite != nil {
		peers = append(peers, contender{name: goqiteRunner, count: s.slow, rounds: 2, once: func() (time.Duration, error) {
			return g.goqite.drain(ctx, s.slow)
		}})
	}
	return peers
}

// firstOrAll measures the cost of First, with which the deliveries of a recipient depend on each other.
func (g *storage) firstOrAll(ctx context.Context, s *session) error {
	all := letter("email", "sms")
	first := all
	first.Dispatcher = "first"
	messages := max(s.backlog/4, 1)
	of := func(name string, m notify.Message, calls int) contender {
		return contender{name: name, count: 2 * messages, once: func() (time.Duration, error) {
			return g.house.drain(ctx, messages, calls, m)
		}}
	}
	r, err := s.raceIn(perSecond, s.brief, "2 deliveries each", of("First", first, messages), of("All", all, 2*messages))
	if err != nil {
		return err
	}
	s.least(s.name+"-first", r.ratio("All", "First"), 0.5)
	return nil
}
