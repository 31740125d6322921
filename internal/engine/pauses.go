package engine

import (
	"context"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
)

// pauseForAll holds a channel for every process, as e asks for, and returns the pause as of the answer.
func (r *runner) pauseForAll(c *Channel, e *channel.Error) (wait time.Duration) {
	err := c.save(func() error {
		before, _ := c.paused(time.Now())
		var first bool
		wait, first = r.pause(c, e, true)
		rest, _ := c.paused(time.Now()) // a hook may have been slow

		// Many calls may bring the same news.
		if !r.store.HasPauses() || rest == 0 || !first && wait < before+time.Second {
			return nil
		}
		return r.store.SavePause(r.base, store.Pause{Channel: c.Name, Failure: *store.FailureOf(e).Clean()}, rest)
	})
	if err != nil {
		r.log.Error("cannot store the pause of a channel", "channel", c.Name, "error", err)
	}
	return wait
}

// watchPauses adopts the pauses that other processes stored, until ctx ends.
func (r *runner) watchPauses(ctx context.Context) {
	for r.store.HasPauses() {
		if err := r.loadPauses(ctx); err != nil && ctx.Err() == nil {
			r.log.Error("cannot read the pauses of channels", "error", err)
		}
		if !Sleep(ctx, r.config.Poll, nil) {
			return
		}
	}
}

func (r *runner) loadPauses(ctx context.Context) error {
	began := time.Now()
	pauses, now, err := r.store.ListPauses(ctx)
	if err != nil {
		return err
	}
	stored := map[string]store.Pause{}
	for _, p := range pauses {
		stored[p.Channel] = p
	}
	for _, c := range r.channels {
		p, ok := stored[c.Name]
		switch {
		case ok:
			by, _ := p.Failure.Err()
			c.strikes.CompareAndSwap(0, 1)
			c.adopt(began, began.Add(p.Until.Sub(now)), by)
		case c.adopt(began, time.Time{}, nil): // somebody resumed it
			r.wake()
		}
	}
	return nil
}

// Resume ends the pause of a channel, in the store too if that keeps pauses, and reports whether the channel was paused.
func (e *Engine) Resume(ctx context.Context, c *Channel) (bool, error) {
	held := c.resume(time.Now())
	if e.store != nil && e.store.HasPauses() {
		stored, err := e.store.within(0).DeletePause(ctx, c.Name)
		if err != nil {
			return false, err
		}
		held = held || stored
	}
	e.Wake()
	return held, nil
}
