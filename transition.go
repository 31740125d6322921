package notify

import (
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/internal/engine"
)

// A Transition is one step of a delivery, or of a channel. It holds ids and names, never addresses or content.
type Transition struct {
	Event     TransitionEvent
	Delivery  string // the delivery's id; "" for a step of a channel
	Tenant    string
	Channel   string
	Class     Class
	Status    Status // after the step; always [Accepted] if the Event is started or attempted
	Reason    Reason
	Kind      channel.Kind  // of the failure, or ""; an unclassified failure is Uncertain
	Attempts  int           // calls of the driver, the current one included
	Duplicate bool          // the recipient may have received the message more than once
	Took      time.Duration // its meaning depends on the Event
}

// A TransitionEvent names a step.
type TransitionEvent string

// The events, with the meaning of Took.
const (
	TransitionAccepted  TransitionEvent = "accepted"  // the delivery was accepted
	TransitionStarted   TransitionEvent = "started"   // the driver is about to be called; Took: the delay since the delivery was due
	TransitionAttempted TransitionEvent = "attempted" // the driver returned; Took: the call. The next event reports the consequence
	TransitionHeld      TransitionEvent = "held"      // the delivery waits; Took: the wait
	TransitionSettled   TransitionEvent = "settled"   // nothing more will be tried; Took: the time since the delivery was accepted
	TransitionReceived  TransitionEvent = "received"  // a receipt changed the status; if the receipt settled the delivery, this event follows settled
	TransitionLost      TransitionEvent = "lost"      // another process took over the lease
	TransitionPaused    TransitionEvent = "paused"    // the channel pauses; Took: the pause
)

// tell passes an event of the engine to the host.
func (n *Notifier) tell(e engine.Event) {
	event := TransitionEvent(e.Name)
	if n.onTransition != nil || n.onOutcome != nil && event == TransitionSettled {
		n.announce(event, e.Tenant, Class(e.Class), outcomeOf(e.Delivery, e.User, e.Channel, e.To, e.Fate), e.Took)
	}
}

// announce reports to the host a step after which the outcome of a delivery is o.
func (n *Notifier) announce(event TransitionEvent, tenant string, class Class, o Outcome, took time.Duration) {
	if n.onTransition != nil {
		_ = n.guard.Do("OnTransition", func() {
			n.onTransition(Transition{
				Event: event, Delivery: o.ID, Tenant: tenant, Channel: o.Channel, Class: class, Status: o.Status, Reason: o.Reason,
				Kind: kindOf(o.Err), Attempts: o.Attempts, Duplicate: o.Duplicate, Took: took,
			})
		})
	}
	if n.onOutcome != nil && event == TransitionSettled {
		_ = n.guard.Do("OnOutcome", func() { n.onOutcome(o) })
	}
}

func outcomeOf(id, recipient, channel, to string, f engine.Fate) Outcome {
	o := Outcome{
		ID: id, Recipient: recipient, Channel: channel, To: to, ProviderID: f.ProviderID, Status: f.Status, Reason: f.Reason,
		Attempts: f.Attempts, Reached: f.Reached, Duplicate: f.Duplicate, At: f.At, Until: f.Until,
	}
	if f.Failure != nil {
		o.Err = f.Failure
	}
	return o
}

// kindOf returns the kind of a failure for a [Transition]: a documented kind, or "" without a failure.
func kindOf(err error) channel.Kind {
	k := channel.KindOf(err)
	if err != nil && !k.Certain() {
		k = channel.Uncertain
	}
	return k
}
