package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/e7ddda3c/notify"
)

// storeBacklog measures each kind of database with a million deliveries in it, first queued, then finished.
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

// takeStatistics takes the statistics that a database otherwise takes by itself when idle.
func (h *house) takeStatistics(ctx context.Context) error {
	for _, statement := range h.analyze {
		if _, err := h.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// codesBesideMarketing measures the latency of one-time codes while a million marketing mails are queued, and before and after,
// while the store is idle. All mails are finished when it returns.
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

// codeEvery is the pause between two codes.
const codeEvery = 10 * time.Millisecond

// codes sends one-time codes, one at a time, and returns the seconds from each Send until the driver was called. It sends count
// codes. If count is 0, it sends codes until nothing else is live.
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

// progressing prints the name of a step, and a dot per second while do runs.
func (s *session) progressing(step string, do func() error) error {
	fmt.Fprintf(s.progress, "%s: %s ", s.name, step)
	stop := dots(s.progress)
	err := do()
	stop()
	fmt.Fprintln(s.progress)
	return err
}
