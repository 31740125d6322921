package notify

import (
	"fmt"
	"slices"
	"time"

	"github.com/e7ddda3c/notify/internal/engine"
	"github.com/e7ddda3c/notify/store"
)

// A Dispatcher decides which deliveries to one recipient are sent now, which wait, and which are dropped. It decides from their progress. Its
// methods are pure functions: they are called again whenever the progress changes, and by any process after a crash. They may be called by
// many goroutines at once, and must not block. If a call takes longer than 5 s, the deliveries wait, and the Dispatcher is not called again
// until that call returns. Without a store, such deliveries end with Send's context.
//
// A Dispatcher that returns [Wait] steps has a method Waits() bool that returns true, and requires a store. A Dispatcher with parameters can
// have a method Valid() error, which [New] calls to check them.
type Dispatcher interface {
	// Next returns a step for each of ds, in the same order. Next is called before each attempt of each delivery. The step of a settled
	// delivery has no effect, nor has the Start of a delivery in flight. If Next neither starts, drops nor delays any unsettled delivery,
	// these deliveries end as suppressed, with [ReasonStuck].
	Next(now time.Time, ds []Progress) []Step
	// Reached reports whether the recipient has been reached.
	Reached(ds []Progress) bool
}

// Progress is a [Dispatcher]'s view of a delivery: the Channel and the address (To), the Place among the recipient's deliveries, from 0, the
// number of Attempts that have ended, the Status with the Reason, and the time of the change to that status (At).
type Progress = store.Progress

// A Step is the decision of a [Dispatcher] about a delivery.
type Step struct {
	Action Action
	Until  time.Time // for Wait: Next is called again at this time at the latest
}

// An Action is the kind of a [Step].
type Action int

// The actions.
const (
	Leave Action = iota // wait until another delivery changes
	Start               // send now
	Wait                // wait until Step.Until, or until another delivery changes
	Drop                // do not send
)

// All returns the dispatcher "all", which uses every channel at once. A recipient is reached if no delivery is failed, unknown, canceled or
// expired.
func All() Dispatcher { return all{} }

type all struct{}

func (all) Next(_ time.Time, ds []Progress) []Step {
	steps := make([]Step, len(ds))
	for i := range steps {
		steps[i].Action = Start
	}
	return steps
}

func (all) Reached(ds []Progress) bool {
	for _, d := range ds {
		if over(d.Status) {
			return false
		}
	}
	return true
}

// First returns a dispatcher that tries one delivery after another until one reaches level: [Sent], [Delivered] or [Read]. The next delivery
// starts when the previous one fails, or when it was sent but does not reach level within the given time. The dispatcher "first" is
// First(Sent, 0). A level above Sent requires a positive time, and a store.
func First(level Status, after time.Duration) Dispatcher { return first{level, after} }

type first struct {
	level Status
	after time.Duration
}

// Waits reports whether f waits for time to pass.
func (f first) Waits() bool { return f.level != Sent }

// Valid refuses a level that cannot be reached, and a level above Sent without a time limit.
func (f first) Valid() error {
	switch {
	case !f.level.Reaches(Sent):
		return fmt.Errorf("first: the level must be sent, delivered or read, not %q", f.level)
	case f.after < 0, f.level != Sent && f.after == 0:
		return fmt.Errorf("first: level %s requires a positive time after which the next delivery starts", f.level)
	}
	return nil
}

func (f first) Next(now time.Time, ds []Progress) []Step {
	steps := make([]Step, len(ds))
	if f.Reached(ds) {
		for i := range steps {
			steps[i].Action = Drop
		}
		return steps
	}
	for i, d := range ds {
		if over(d.Status) || d.Status == Suppressed {
			continue
		}
		if !d.Status.Settled() {
			steps[i].Action = Start
			return steps
		}
		// d is sent, and has not reached the level yet.
		if until := d.At.Add(f.after); now.Before(until) {
			for j := i + 1; j < len(ds); j++ {
				steps[j] = Step{Action: Wait, Until: until}
			}
			return steps
		}
	}
	return steps
}

func (f first) Reached(ds []Progress) bool {
	for _, d := range ds {
		if d.Status.Reaches(f.level) {
			return true
		}
	}
	return false
}

// Escalate returns a dispatcher like First([Read], after): the next delivery starts if the previous one was not read within that time. Unlike
// with First, a recipient is reached as soon as one delivery was sent. Escalate requires a store.
func Escalate(after time.Duration) Dispatcher { return escalate{first{Read, after}} }

type escalate struct{ first }

func (e escalate) Reached(ds []Progress) bool {
	return slices.ContainsFunc(ds, func(d Progress) bool { return d.Status.Reaches(Sent) })
}

// over reports whether a delivery has ended and may not have been sent.
func over(s Status) bool { return s == Failed || s == Unknown || s == Canceled || s == Expired }

// consulted converts d to a dispatcher of the engine.
func consulted(d Dispatcher) engine.Dispatcher {
	return engine.Dispatcher{
		Reached: d.Reached, Instant: builtIn(d),
		Next: func(now time.Time, ds []Progress) []engine.Step {
			steps := d.Next(now, ds)
			out := make([]engine.Step, len(steps))
			for i, s := range steps {
				out[i] = engine.Step{Start: s.Action == Start, Drop: s.Action == Drop}
				if s.Action == Wait {
					out[i].Until = s.Until
				}
			}
			return out
		},
	}
}

func builtIn(d Dispatcher) bool {
	switch d.(type) {
	case all, first, escalate:
		return true
	}
	return false
}

// decidesTogether reports whether d must be asked, because the state of one delivery may decide about another. All starts every delivery at
// once; First and Escalate start a single delivery at once.
func decidesTogether(d Dispatcher, deliveries int) bool {
	_, isAll := d.(all)
	return !isAll && (deliveries > 1 || !builtIn(d))
}
