package main

import (
	"context"
	"database/sql"
)

// byHand is the baseline for Send, plainly the one for Send in a host's transaction, where statements are not prepared.
const (
	byHand  = "BEGIN, 2 INSERTs, COMMIT"
	plainly = "the same, not prepared"
)

// acceptAlone measures one caller, with and without a host's transaction.
func (g *storage) acceptAlone(ctx context.Context, s *session) error {
	n, err := g.house.newSender(0)
	if err != nil {
		return err
	}
	defer n.end()
	m := letter("email")
	r, err := s.raceIn(perSecond, s.brief, "accept, one caller",
		contender{name: "Send", do: func() error {
			_, err := n.Send(ctx, m)
			return err
		}},
		contender{name: "Send in a host's transaction", do: func() error {
			return inTx(ctx, g.house.DB, func(tx *sql.Tx) error {
				_, err := n.In(g.house.store.Tx(tx)).Send(ctx, m)
				return err
			})
		}},
		contender{name: byHand, do: func() error { return g.raw.accept(ctx) }},
		contender{name: plainly, do: func() error { return g.raw.acceptPlainly(ctx) }},
	)
	if err != nil {
		return err
	}
	s.least(s.name+"-accept", r.ratio(byHand, "Send"), g.bars.accept)
	s.least(s.name+"-accept-tx", r.ratio(plainly, "Send in a host's transaction"), 0.9)
	return nil
}

const (
	// callers is the number of goroutines that send at once, turns the number of messages from each in one burst.
	callers = 16
	turns   = 10
)

// acceptTogether measures many concurrent callers.
func (g *storage) acceptTogether(ctx context.Context, s *session) error {
	n, err := g.house.newSender(0)
	if err != nil {
		return err
	}
	defer n.end()
	m := letter("email")
	burst := func(name string, one func() error) contender {
		return contender{name: name, count: callers * turns, do: func() error {
			return each(callers, callers*turns, func(int) error { return one() })
		}}
	}
	contenders := []contender{
		burst("Send", func() error {
			_, err := n.Send(ctx, m)
			return err
		}),
		burst(byHand, func() error { return g.raw.accept(ctx) }),
	}
	if g.river != nil {
		contenders = append(contenders, burst("River Insert", func() error { return g.river.insert(ctx) }))
	}
	r, err := s.raceIn(perSecond, s.brief, "accept, 16 callers", contenders...)
	if err != nil || g.river == nil {
		return err
	}
	s.least(s.name+"-callers-river", r.ratio("River Insert", "Send"), 3)
	s.least(s.name+"-callers-raw", r.ratio(byHand, "Send"), 2)
	return nil
}
