package notify

import (
	"context"
	"errors"
	"time"

	"github.com/e7ddda3c/notify/channel"
)

// ask lets the dispatcher decide about what is not under way.
func (g *group) ask(ctx context.Context, now time.Time) {
	for g.undecided() {
		steps := g.steps(now)
		moved := false
		for i := range g.ds {
			d := &g.ds[i]
			switch {
			case steps[i].Action == Start && d.phase == idle:
				d.due = now
				g.admit(ctx, d, now)
				moved = true
			case steps[i].Action == Drop && (d.phase == idle || d.phase == waiting || d.phase == queued):
				g.leaveQueue(d)
				g.settle(d, now, Suppressed, ReasonNotNeeded, nil)
				moved = true
			}
		}
		if _, busy := g.next(); !moved && !busy {
			g.stuck(now)
		}
		if !moved {
			return
		}
	}
}

// undecided reports whether there is a delivery that a step could change.
func (g *group) undecided() bool {
	for i := range g.ds {
		if p := g.ds[i].phase; p == idle || len(g.ds) > 1 && (p == waiting || p == queued) {
			return true
		}
	}
	return false
}

// steps asks the dispatcher. One that fails to answer leaves everything as it is.
func (g *group) steps(now time.Time) []Step {
	var steps []Step
	crash := g.guard("dispatcher", func() { steps = g.dispatcher.Next(now, g.look()) })
	if crash != nil || len(steps) != len(g.ds) {
		return make([]Step, len(g.ds))
	}
	return steps
}

// reached asks the dispatcher whether the recipient counts as told.
func (g *group) reached() bool {
	var reached bool
	crash := g.guard("dispatcher", func() { reached = g.dispatcher.Reached(g.look()) })
	return crash == nil && reached
}

// look gathers what the dispatcher may know.
func (g *group) look() []Progress {
	for i := range g.ds {
		o := g.ds[i].out
		g.progress[i] = Progress{
			Channel: o.Channel, To: o.To, Place: i, Attempts: o.Attempts, Status: o.Status, Reason: o.Reason, At: o.At,
		}
	}
	return g.progress
}

// stuck settles what the dispatcher left without a next step.
func (g *group) stuck(now time.Time) {
	for i := range g.ds {
		if d := &g.ds[i]; d.phase == idle {
			g.log.Error("dispatcher left a delivery without a next step", "delivery", d.ID, "channel", d.Channel)
			g.settle(d, now, Suppressed, ReasonStuck, &channel.Error{
				Kind: channel.Misconfigured, Err: errors.New("the dispatcher left it without a next step"),
			})
		}
	}
}
