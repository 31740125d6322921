package engine

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// patience is the time that a dispatcher has to answer, and directPatience the same for deliveries that are sent at once, which cannot be
// tried again later.
const patience, directPatience = 5 * time.Second, time.Minute

// A Dispatcher is the strategy of a group: which of a recipient's deliveries go out, and when. Both functions are pure.
type Dispatcher struct {
	Next    func(now time.Time, ds []store.Progress) []Step // a step for each of ds, in the same order
	Reached func(ds []store.Progress) bool                  // was the recipient reached?
	Instant bool                                            // always answers at once, so no goroutine guards the call
}

// A Step is the decision of a [Dispatcher] about one delivery. The zero Step waits until a peer changes.
type Step struct {
	Start bool      // send now
	Drop  bool      // not needed
	Until time.Time // wait until then, or until a peer changes
}

// moves reports whether s changes something, now or later.
func (s Step) moves(now time.Time) bool { return s.Start || s.Drop || s.Until.After(now) }

// A consultant asks dispatchers.
type consultant struct {
	guard       Guard
	dispatchers map[string]*strategy
	running     *tracker
}

// A strategy is a [Dispatcher] with the numbers of its calls that were given up and still run, and of those that exceed patience.
type strategy struct {
	Dispatcher
	givenUp, hanging atomic.Int32
}

// hangs reports whether a call of the dispatcher takes longer than patience.
func (s *strategy) hangs() bool { return s != nil && s.hanging.Load() > 0 }

// next asks a dispatcher for the steps of a group, and reports whether it answered within patience. Settled deliveries have the zero Step.
func (c *consultant) next(ctx context.Context, name string, patience time.Duration, now time.Time, ds []store.Progress) ([]Step, bool) {
	s := c.dispatchers[name]
	var steps []Step
	own := slices.Clone(ds) // the dispatcher may change the slice, or read it after it was given up
	if s == nil || !c.ask(ctx, name, patience, func() { steps = s.Next(now, own) }) || len(steps) != len(ds) {
		return nil, false
	}
	for i := range steps {
		if ds[i].Status.Settled() {
			steps[i] = Step{}
		}
	}
	return steps, true
}

// Reached asks a dispatcher whether the recipient of a group counts as told. The answer is no if the dispatcher is unknown or does not answer.
func (c *consultant) Reached(ctx context.Context, name string, ds []store.Progress) bool {
	return c.reaches(ctx, name, patience, ds)
}

func (c *consultant) reaches(ctx context.Context, name string, patience time.Duration, ds []store.Progress) bool {
	s := c.dispatchers[name]
	if s != nil && s.Instant { // apart from the other case, whose result must be on the heap
		reached := false
		return c.guard.Do("dispatcher", func() { reached = s.Reached(ds) }) == nil && reached
	}
	return s != nil && c.hostReaches(ctx, name, patience, s, slices.Clone(ds))
}

func (c *consultant) hostReaches(ctx context.Context, name string, patience time.Duration, s *strategy, ds []store.Progress) bool {
	var reached bool // not a result: a call that was given up may set it later
	return c.ask(ctx, name, patience, func() { reached = s.Reached(ds) }) && reached
}

// ask calls f, which asks a dispatcher, and reports whether f returned within patience, and soon after ctx ended. A dispatcher that hangs
// is not asked again before f returns; until then f may read its arguments, and Close waits for it.
func (c *consultant) ask(ctx context.Context, name string, patience time.Duration, f func()) bool {
	s := c.dispatchers[name]
	switch {
	case s.Instant:
		return c.guard.Do("dispatcher", f) == nil
	case s.hangs(), s.givenUp.Load() > 0 && ctx.Err() != nil: // one last moment is enough
		return false
	}
	done := make(chan bool, 1)
	go func() {
		answered := false
		defer func() { done <- answered }() // after runtime.Goexit, too
		answered = c.guard.Do("dispatcher", f) == nil
	}()
	late, limit := time.Now().Add(patience), time.After(patience)
	for over := ctx.Done(); ; {
		select {
		case answered := <-done:
			return answered
		case <-over:
			over, limit = nil, time.After(min(grace, time.Until(late)))
		case <-limit:
			c.giveUp(s, name, done, time.Until(late))
			return false
		}
	}
}

// giveUp owns a call whose caller waits no longer. When its patience has passed too, the dispatcher hangs until done.
func (c *consultant) giveUp(s *strategy, name string, done <-chan bool, left time.Duration) {
	hang := func() {
		c.guard.Log.Error("dispatcher hangs", "dispatcher", name)
		s.hanging.Add(1)
	}
	if left <= 0 {
		hang()
	}
	s.givenUp.Add(1)
	c.running.adopt()
	go func() {
		defer c.running.leave()
		defer s.givenUp.Add(-1)
		if left > 0 { // only the caller's context has ended
			select {
			case <-done:
				return
			case <-time.After(left):
				hang()
			}
		}
		<-done
		s.hanging.Add(-1)
	}()
}
