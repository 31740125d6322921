package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/e7ddda3c/notify"
)

// storeBacklog measures each kind of database with a million of deliveries in it: queued at first, then finished.
func storeBacklog(ctx context.Context, s *session) error {
	for _, d := range []dialect{postgres, sqlite, mariadb} {
		if err := besideMillion(ctx, s, d); err != nil {
			return fmt.Errorf("%s: %w", d.title, err)
		}
	}
	return nil
}

func besideMillion(ctx context.Context, s *session, d dialect) (err error) {
	large, err := newHouse(ctx, d)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, large.Close()) }()
	small, err := newHouse(ctx, d)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, small.Close()) }()
	if err := codesBesideMarketing(ctx, s, large); err != nil {
		return err
	}
	for _, h := range []*house{large, small} {
		if err := h.takeStatistics(ctx); err != nil {
			return err
		}
	}
	drain := func(h *house) func() (time.Duration, error) {
		return func() (time.Duration, error) { return h.drain(ctx, s.backlog, s.backlog, letter("email")) }
	}
	const beside, alone = "beside a million finished", "in small tables"
	r, err := s.raceIn(perSecond, 5*s.brief, d.title+", backlog",
		contender{name: beside, count: s.backlog, once: drain(large)},
		contender{name: alone, count: s.backlog, once: drain(small)},
	)
	if err != nil {
		return err
	}
	s.least(s.name+"-finished-"+d.name, r.ratio(alone, beside), 0.85)
	return nil
}

// takeStatistics is what databases do by themselves when they have time.
func (h *house) takeStatistics(ctx context.Context) error {
	for _, statement := range h.analyze {
		if _, err := h.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// codesBesideMarketing measures how soon one-time codes go out while a million of marketing mails are queued, and while nothing is,
// before and after. It leaves the million finished.
func codesBesideMarketing(ctx context.Context, s *session, h *house) error {
	idle, err := s.codes(ctx, h, "idle", s.codesIdle)
	if err != nil {
		return err
	}
	marketing := letter("email")
	marketing.Class = notify.Marketing
	if err := s.progressing(h.title+": a million queued", func() error { return h.fill(ctx, s.million, marketing) }); err != nil {
		return err
	}
	busy, err := s.codes(ctx, h, "beside a million queued", 0)
	if err != nil {
		return err
	}
	after, err := s.codes(ctx, h, "idle again", s.codesIdle)
	if err != nil {
		return err
	}
	idle = append(idle, after...)
	in, task := timesIn(time.Millisecond), h.title+", code"
	for _, found := range []struct {
		who     string
		seconds []float64
	}{{"idle", idle}, {"beside a million queued", busy}} {
		slices.Sort(found.seconds)
		s.note(in, task+", p50", found.who, exactly(quantile(found.seconds, 0.5)))
		s.note(in, task+", p99", found.who, exactly(quantile(found.seconds, 0.99)))
	}
	s.most(s.name+"-otp-"+h.name, exactly(quantile(busy, 0.99)/quantile(idle, 0.99)), 5, "×")
	return nil
}

// codeEvery is how long nothing happens between two codes.
const codeEvery = 10 * time.Millisecond

// codes sends one-time codes, one at a time, and returns how many seconds each took until its driver was called: so many, or for 0 until
// nothing else is live.
func (s *session) codes(ctx context.Context, h *house, doing string, count int) (seconds []float64, err error) {
	n, err := h.newSender(0)
	if err != nil {
		return nil, err
	}
	defer n.end()
	code := letter("watched")
	code.Class = notify.OTP
	stop := n.running(ctx)
	err = s.progressing(h.title+": codes, "+doing, func() error {
		for i := 1; ; i++ {
			took, err := n.sendAndWatch(ctx, code)
			if err != nil {
				return err
			}
			seconds = append(seconds, took.Seconds())
			time.Sleep(codeEvery)
			if count > 0 && i >= count {
				return nil
			}
			if count > 0 || i%50 > 0 {
				continue
			}
			if live, err := h.live(ctx); err != nil || !live {
				return err
			}
		}
	})
	return seconds, errors.Join(err, stop())
}

// progressing says what is being done, with a dot for each second.
func (s *session) progressing(what string, do func() error) error {
	fmt.Fprintf(s.progress, "%s: %s ", s.name, what)
	stop := dots(s.progress)
	err := do()
	stop()
	fmt.Fprintln(s.progress)
	return err
}
