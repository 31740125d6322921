package notify

import (
	"time"

	"github.com/e7ddda3c/notify/channel"
)

// A Transition is one step of a delivery, or of a channel. It holds ids and words, never addresses or content.
type Transition struct {
	Event    TransitionEvent
	Delivery string // "" for a channel's
	Tenant   string
	Channel  string
	Class    Class
	Status   Status // where the delivery stands; what an attempt makes of it is sure with the event that follows
	Reason   Reason
	Kind     channel.Kind // of the failure, if there is one; one that nobody classified is Uncertain
	Attempts int          // calls of its driver, with this one
	// Duplicate says that the recipient may have got it more than once.
	Duplicate bool
	// Took is a time that belongs to the Event.
	Took time.Duration
}

// A TransitionEvent says what happened.
type TransitionEvent string

// The events, with what Took means.
const (
	TransitionAccepted  TransitionEvent = "accepted"  // the store has it
	TransitionStarted   TransitionEvent = "started"   // its driver is about to be called; Took: how late, since it was due
	TransitionAttempted TransitionEvent = "attempted" // its driver answered; Took: the call
	TransitionHeld      TransitionEvent = "held"      // it waits; Took: how long
	TransitionSettled   TransitionEvent = "settled"   // nothing more will be tried; Took: since it was accepted
	TransitionReceived  TransitionEvent = "received"  // a receipt raised it; if it settled it too, that is told first
	TransitionLost      TransitionEvent = "lost"      // its lease was lost to another process
	TransitionPaused    TransitionEvent = "paused"    // its channel is held; Took: for how long
)

// tell tells the host of t, if it wants to know.
func (n *Notifier) tell(t Transition) {
	if n.onTransition != nil {
		_ = n.guard("OnTransition", func() { n.onTransition(t) })
	}
}

// kindOf is e's Kind as a [Transition] has it: empty if nothing failed, and one of the list, whatever a driver made up.
func kindOf(e *channel.Error) channel.Kind {
	if e == nil {
		return ""
	}
	switch e.Kind {
	case channel.Temporary, channel.RateLimited, channel.Unreachable, channel.InvalidRecipient, channel.Rejected, channel.Misconfigured:
		return e.Kind
	}
	return channel.Uncertain
}

// trace tells the host what has just become of d.
func (g *group) trace(d *delivery, event TransitionEvent, e *channel.Error, took time.Duration) {
	if g.onTransition == nil {
		return
	}
	g.tell(Transition{
		Event: event, Delivery: d.ID, Tenant: d.Tenant, Channel: d.Channel, Class: Class(d.Class),
		Status: d.out.Status, Reason: d.out.Reason, Kind: kindOf(e), Attempts: d.out.Attempts, Duplicate: d.out.Duplicate, Took: took,
	})
}
