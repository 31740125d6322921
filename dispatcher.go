package notify

import (
	"fmt"
	"slices"
	"time"

	"github.com/e7ddda3c/notify/internal/engine"
	"github.com/e7ddda3c/notify/store"
)

// A Dispatcher decides, from what has become of one recipient's deliveries so far, which go out now, which wait until when, and
// which are dropped. It is a pure function of its arguments: it is asked again whenever something changes, and any process can ask
// after a crash. Its methods may be called by many goroutines at once. They must wait for nothing: one that has not answered [Notifier.Run]
// within 5 s is not asked again before it does, and all deliveries that it decides about wait meanwhile.
//
// A Dispatcher that waits for time to pass says so by a method Waits() bool; it needs a store. One with a method Valid() error is
// asked for the faults of its own parameters by [New].
type Dispatcher interface {
	// Next returns a step for each of ds, in the same order. Starting a delivery that is under way already, or a step for a
	// settled one, changes nothing.
	Next(now time.Time, ds []Progress) []Step
	// Reached reports whether the recipient counts as told.
	Reached(ds []Progress) bool
}

// Progress is what a [Dispatcher] knows of a delivery: its Channel and address (To), its Place among the recipient's deliveries, from
// 0, its Attempts so far, its Status with the Reason, and when it came to that status (At).
type Progress = store.Progress

// A Step is what a [Dispatcher] wants of a delivery.
type Step struct {
	Action Action
	Until  time.Time // of Wait: when to ask again at the latest
}

// An Action is the verb of a [Step].
type Action int

// The actions.
const (
	Leave Action = iota // as it is
	Start               // it goes out now
	Wait                // ask again at Step.Until
	Drop                // it is not needed any more
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

// First returns a dispatcher that tries one delivery after another until one stands at level: [Sent], [Delivered] or [Read]. It
// moves on after a failure, and when after has passed since a delivery was sent that has not come to level. The dispatcher "first"
// is First(Sent, 0). A level above Sent needs a time after which to move on, and a store.
func First(level Status, after time.Duration) Dispatcher { return first{level, after} }

type first struct {
	level Status
	after time.Duration
}

// Waits reports whether f looks at the clock.
func (f first) Waits() bool { return f.level != Sent }

// Valid refuses a level that cannot be reached, and one that might be waited for in vain.
func (f first) Valid() error {
	switch {
	case !f.level.Reaches(Sent):
		return fmt.Errorf("first: level %q is not sent, delivered or read", f.level)
	case f.after < 0, f.level != Sent && f.after == 0:
		return fmt.Errorf("first: level %s needs a time after which to move on", f.level)
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
		// It is sent, and has not come to the level yet.
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

// Escalate returns a dispatcher that begins as [First] at level [Read], and tries the next delivery when the one before was not read
// for so long. Whoever was sent anything counts as told. It needs a store.
func Escalate(after time.Duration) Dispatcher { return escalate{first{Read, after}} }

type escalate struct{ first }

func (e escalate) Reached(ds []Progress) bool {
	return slices.ContainsFunc(ds, func(d Progress) bool { return d.Status.Reaches(Sent) })
}

// over reports whether a delivery came to an end without going out for certain.
func over(s Status) bool { return s == Failed || s == Unknown || s == Canceled || s == Expired }

// consulted returns d as the engine asks it.
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

// decidesTogether reports whether d must be asked about a recipient's deliveries, because the fate of one may decide another's. All starts
// each at once; a single delivery is what First and Escalate start with.
func decidesTogether(d Dispatcher, deliveries int) bool {
	_, isAll := d.(all)
	return !isAll && (deliveries > 1 || !builtIn(d))
}
