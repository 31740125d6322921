package notify

import (
	"fmt"
	"slices"
	"time"

	"github.com/e7ddda3c/notify/internal/engine"
	"github.com/e7ddda3c/notify/store"
)

// A Dispatcher decides, from the progress of one recipient's deliveries, which are sent now, which wait until when, and which are dropped. Its
// methods are pure functions: they are called again whenever the progress changes, and by any process after a crash. They may be called by
// many goroutines at once, and must not block: a Dispatcher that has not answered within 5 s is not asked again before it does, and its
// deliveries wait meanwhile. Without a store, they end with Send's context.
//
// A Dispatcher that waits for time to pass has a method Waits() bool, and needs a store. [New] calls a method Valid() error, if there is one,
// to check the Dispatcher's parameters.
type Dispatcher interface {
	// Next returns a step for each of ds, in the same order. To start a delivery that is in flight, and any step of a settled delivery,
	// changes nothing. Each delivery asks before each of its attempts. If Next starts, drops or delays none that is not settled, the group is
	// stuck and ends as suppressed.
	Next(now time.Time, ds []Progress) []Step
	// Reached reports whether the recipient counts as told.
	Reached(ds []Progress) bool
}

// Progress is a [Dispatcher]'s view of a delivery: the Channel and the address (To), the Place among the recipient's deliveries, from 0, the
// number of Attempts that have ended, the Status with the Reason, and the time of the change to that status (At).
type Progress = store.Progress

// A Step is the decision of a [Dispatcher] about a delivery.
type Step struct {
	Action Action
	Until  time.Time // of Wait: the latest time of the next question
}

// An Action is the verb of a [Step].
type Action int

// The actions.
const (
	Leave Action = iota // wait until another delivery changes
	Start               // send now
	Wait                // wait until Step.Until, or until another delivery changes
	Drop                // do not send
)

// All returns the dispatcher "all": every channel at once. A recipient is reached when no delivery is failed, unknown, canceled
// or expired.
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
// starts after a failure, and when a delivery was sent but has not reached level after so long. The dispatcher "first" is First(Sent, 0). A
// level above Sent needs a positive after, and a store.
func First(level Status, after time.Duration) Dispatcher { return first{level, after} }

type first struct {
	level Status
	after time.Duration
}

// Waits reports whether f waits for time to pass.
func (f first) Waits() bool { return f.level != Sent }

// Valid refuses a level that cannot be reached, and a wait for a level without an end.
func (f first) Valid() error {
	switch {
	case !f.level.Reaches(Sent):
		return fmt.Errorf("first: the level must be sent, delivered or read, not %q", f.level)
	case f.after < 0, f.level != Sent && f.after == 0:
		return fmt.Errorf("first: level %s needs a positive time after which the next delivery starts", f.level)
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

// Escalate returns a dispatcher like [First] at level [Read]: the next delivery starts when the previous one was not read for so long. A
// recipient counts as told as soon as anything was sent. Escalate needs a store.
func Escalate(after time.Duration) Dispatcher { return escalate{first{Read, after}} }

type escalate struct{ first }

func (e escalate) Reached(ds []Progress) bool {
	return slices.ContainsFunc(ds, func(d Progress) bool { return d.Status.Reaches(Sent) })
}

// over reports whether a delivery ended without having been sent for certain.
func over(s Status) bool { return s == Failed || s == Unknown || s == Canceled || s == Expired }

// consulted returns d in the form in which the engine asks dispatchers.
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

// builtIn reports whether d is one of this package's.
func builtIn(d Dispatcher) bool {
	switch d.(type) {
	case all, first, escalate:
		return true
	}
	return false
}

// decidesTogether reports whether d must be asked about a recipient's deliveries, because the state of one may decide about another. All
// starts each at once; First and Escalate start a single delivery at once.
func decidesTogether(d Dispatcher, deliveries int) bool {
	_, isAll := d.(all)
	return !isAll && (deliveries > 1 || !builtIn(d))
}
