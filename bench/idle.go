package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/e7ddda3c/notify"
)

// rest is the pause before each measured message.
const rest = 5 * time.Millisecond

// idle measures the latency from Send to the driver's call while nothing else is live.
func (g *storage) idle(ctx context.Context, s *session) error {
	n, err := g.house.newSender(0)
	if err != nil {
		return err
	}
	defer n.end()
	stop := n.running(ctx)
	r, err := s.raceIn(timesIn(time.Millisecond), s.brief, "idle",
		contender{name: "Send → call", once: func() (time.Duration, error) {
			time.Sleep(rest)
			return n.sendAndWatch(ctx, letter("watched"))
		}},
		contender{name: "1 INSERT", once: func() (time.Duration, error) {
			time.Sleep(rest)
			begin := time.Now()
			err := g.raw.insert(ctx)
			return time.Since(begin), err
		}},
	)
	if err := errors.Join(err, stop()); err != nil {
		return err
	}
	s.most(s.name+"-idle", r.quantiles(0.5, "Send → call", "1 INSERT"), 3.5, "×")
	return nil
}

// sendAndWatch sends m over the channel "watched" and returns the time until the driver was called.
func (s *sender) sendAndWatch(ctx context.Context, m notify.Message) (time.Duration, error) {
	begin := time.Now()
	if _, err := s.Send(ctx, m); err != nil {
		return 0, err
	}
	select {
	case at := <-s.called:
		return at.Sub(begin), nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// parts is the number of parts that quantiles divides a race into, to show how the quantiles vary.
const parts = 10

// quantiles returns the ratio of a's quantile to b's, computed within each part of the race.
func (r race) quantiles(q float64, a, b string) spread {
	x, y := r.seconds[a], r.seconds[b]
	var ratios []float64
	for i := range parts {
		from, end := i*len(x)/parts, (i+1)*len(x)/parts
		if from < end {
			ratios = append(ratios, quantile(slices.Sorted(slices.Values(x[from:end])), q)/quantile(slices.Sorted(slices.Values(y[from:end])), q))
		}
	}
	return spreadOf(ratios)
}
