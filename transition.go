package notify

import (
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/internal/engine"
)

// A Transition is one step of a delivery, or of a channel. A Transition holds ids and words, never addresses or content.
type Transition struct {
	Event     TransitionEvent
	Delivery  string // the delivery's id; "" for a step of a channel
	Tenant    string
	Channel   string
	Class     Class
	Status    Status // after the step; [Accepted] while the driver is called, whatever came before
	Reason    Reason
	Kind      channel.Kind  // of the failure, or ""; an unclassified failure is Uncertain
	Attempts  int           // calls of the driver, the current one included
	Duplicate bool          // the recipient may have got the message more than once
	Took      time.Duration // see the Event
}

// A TransitionEvent names a step.
type TransitionEvent string

// The events, with the meaning of Took.
const (
	TransitionAccepted  TransitionEvent = "accepted"  // the store has the delivery
	TransitionStarted   TransitionEvent = "started"   // the driver is about to be called; Took: the delay since the delivery was due
	TransitionAttempted TransitionEvent = "attempted" // the driver answered; Took: the call. The next event tells the consequence
	TransitionHeld      TransitionEvent = "held"      // the delivery waits; Took: the wait
	TransitionSettled   TransitionEvent = "settled"   // nothing more will be tried; Took: the time since the delivery was accepted
	TransitionReceived  TransitionEvent = "received"  // a receipt raised the delivery, after settled if the receipt settled the delivery
	TransitionLost      TransitionEvent = "lost"      // another process has the lease
	TransitionPaused    TransitionEvent = "paused"    // the channel is held; Took: the pause
)

// tell passes an event of the engine's on to the host and to those who wait for the message.
func (n *Notifier) tell(e engine.Event) {
	event := TransitionEvent(e.Name)
	if event == TransitionSettled {
		n.waiters.tell(e.Message)
	}
	if n.onTransition != nil || n.onOutcome != nil && event == TransitionSettled {
		n.announce(event, e.Tenant, Class(e.Class), outcomeOf(e.Delivery, e.User, e.Channel, e.To, e.Fate), e.Took)
	}
}

// announce tells the host of a step that brought a delivery to o.
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

// outcomeOf returns the outcome of a delivery with a fate.
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
