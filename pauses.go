package notify

import (
	"context"
	"fmt"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
)

// pauseChannel holds a channel for every process, as e asks for, and returns for how long.
func (r *runner) pauseChannel(g *gate, e *channel.Error) (wait time.Duration) {
	err := g.save(func() error {
		before, _ := g.paused(time.Now())
		first := r.pause(g, time.Now(), e)
		wait, _ = g.paused(time.Now())
		if first {
			g.strikes.Add(1)
		}
		if r.pauses == nil || !first && wait < before+time.Second { // many calls may bring the same news
			return nil
		}
		ctx, cancel := context.WithTimeout(r.base, storeTimeout)
		defer cancel()
		return r.useStore(func() error {
			return r.pauses.SavePause(ctx, store.Pause{Channel: g.name, Failure: *store.FailureOf(e).Clean()}, wait)
		})
	})
	if err != nil {
		r.log.Error("cannot store the pause of a channel", "channel", g.name, "error", err)
	}
	return wait
}

// watchPauses keeps the pauses of other processes, until ctx ends.
func (r *runner) watchPauses(ctx context.Context) {
	if r.pauses == nil {
		return
	}
	for {
		if err := r.loadPauses(ctx); err != nil && ctx.Err() == nil {
			r.log.Error("cannot read the pauses of channels", "error", err)
		}
		if !sleep(ctx, r.options.Poll) {
			return
		}
	}
}

func (r *runner) loadPauses(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	began := time.Now()
	var pauses []store.Pause
	var now time.Time
	var err error
	if crash := r.guard("store", func() { pauses, now, err = r.pauses.ListPauses(ctx) }); crash != nil {
		err = crash
	}
	if err != nil {
		return err
	}
	until := map[string]store.Pause{}
	for _, p := range pauses {
		until[p.Channel] = p
	}
	for _, g := range r.gates {
		p, ok := until[g.name]
		switch {
		case ok:
			by, _ := p.Failure.Err()
			g.strikes.CompareAndSwap(0, 1)
			g.adopt(began, began.Add(p.Until.Sub(now)), by)
		case g.adopt(began, time.Time{}, nil): // somebody resumed it
			r.wake()
		}
	}
	return nil
}

// Resume ends the pause of a channel for every process: an operator has cured what was misconfigured. It reports whether the channel
// was held. Without a store that keeps pauses, it is this process alone that goes on.
//
// Deliveries that were tried and held for the pause keep the end that it was to have; [Notifier.Release] of those with [ReasonPaused]
// lets them go, too.
func (n *Notifier) Resume(ctx context.Context, channel string) (bool, error) {
	g := n.gates[channel]
	if g == nil {
		return false, fault("channel", fmt.Errorf("no channel %q", channel))
	}
	held := g.resume(time.Now())
	if n.pauses != nil {
		stored := false
		err := n.useStore(func() (err error) {
			stored, err = n.pauses.DeletePause(ctx, channel)
			return err
		})
		if err != nil {
			return false, err
		}
		held = held || stored
	}
	n.wake()
	return held, nil
}
